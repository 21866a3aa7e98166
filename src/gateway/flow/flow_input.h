/* flow_input.h - has anything in the log ever matched what a flow reads? A misspelt stream is no
 * error, since it may come; but it must be seen. */
#pragma once
#include "base/json.h"
#include "domain/flow/flows.h"

struct flow_shown { /* a flow, and what must be asked about it; all borrowed */
    struct flow *flow;
    struct flows *flows;
    struct ever *store;
};

enum flow_input_match {
    FLOW_INPUT_UNKNOWN, /* the node is no input, or a bounded look did not tell */
    FLOW_INPUT_NEVER,
    FLOW_INPUT_SEEN,
};

/* `node` is the JSON of node `index`. May read a little from disk. */
enum flow_input_match flow_input_match(const struct flow_shown *shown, size_t index,
                                       struct json_value node);
