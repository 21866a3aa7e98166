/* targets.h - what a request is about, whether the path names it or a route of routes.js. Each
 * function answers the call itself, and gives false, when there is no such thing. */
#pragma once
#include "gateway/query_target.h"

struct decider_instance {
    const struct decider_info *decider;
    struct ever_slice id;
    struct ever_slice stream; /* decider-id */
};

struct command_target {
    struct decider_instance instance;
    struct ever_slice name;
};

/* /deciders/{decider}/{id} */
bool decider_instance_find(struct call *call, struct decider_instance *out_instance);
/* /deciders/{decider}/{id}/{command}, or a route */
bool command_target_find(struct call *call, struct command_target *out_target);
/* /views/{view} */
bool view_find(struct call *call, struct view **out_view);
/* /flows/{flow} */
bool flow_find(struct call *call, struct flow **out_flow);
/* /views/{view}/{query}?arguments, or a route */
bool query_target_find(struct call *call, struct query_target *out_target);
