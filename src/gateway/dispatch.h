/* dispatch.h - a request arrives: find its operation, hold it against its row, run it. */
#pragma once
#include "net/http.h"

/* For http_server_start(); `arg` is the gateway. */
void dispatch_request(void *arg, struct http_exchange *exchange);
void dispatch_refused(void *arg, struct http_exchange *exchange, unsigned status,
                      const char *detail);
