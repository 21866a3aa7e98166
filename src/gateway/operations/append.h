/* append.h - appends that the store has finished. */
#pragma once
#include "gateway/gateway_priv.h"

/* Answers every append whose completion has arrived. */
void append_finish_all(struct gateway *gateway);
