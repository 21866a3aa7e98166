/* views.h - the operation that asks a query; routes ask it too. */
#pragma once
#include "domain/view/view.h"
#include "gateway/operation.h"

extern const struct operation query_operation;

const char *view_state_name(enum view_state state); /* "catching-up", "live", "stopped" */
