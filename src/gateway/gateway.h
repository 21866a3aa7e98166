/* gateway.h - the API: HTTP requests become appends, commands, queries; answers become HTTP.
 *
 * A table of operations (operation.h), one file for each group. Everything runs on the loop's
 * thread; what blocks (queries, long reads) goes to libuv's thread pool and comes back. */
#pragma once
#include "domain/decider/decider.h"
#include "domain/flow/flows.h"
#include "domain/view/view.h"
#include "everfold.h"
#include "net/http.h"

struct gateway;

struct gateway_parts { /* all borrowed until stopped */
    uv_loop_t *loop;
    struct ever *store;
    struct deciders *deciders; /* NULL: no deciders, no routes */
    struct views *views;       /* NULL: no views */
    struct flows *flows;       /* NULL: no flows */
    struct http_options http;
};

/* Listens. EVER_INVALID: routes.js is wrong (`report` says where); EVER_BUSY: the port is taken. */
struct ever_err gateway_start(const struct gateway_parts *parts, struct text *report,
                              struct gateway **out_gateway);
uint16_t gateway_port(const struct gateway *gateway);
/* Stops listening, finishes what runs (up to 5 s), calls `stopped`; the gateway is gone then. */
void gateway_stop(struct gateway *gateway, void (*stopped)(void *arg), void *arg);
