/* op_inner.c - streams made for events: flattening, windows and buffers that functions open and
 * close. */
#include "base/mem.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <stdlib.h>

#define T (&live_type)
#define PROJECT live_call_project, a->fn[0]
#define STEP live_call_fold_project, a->fn[0]
#define OP LIVE_OPERATOR

OP(merge_map, flow_merge_map(a->in, T, a->number[0], PROJECT))
OP(concat_map, flow_concat_map(a->in, T, PROJECT))
OP(switch_map, flow_switch_map(a->in, T, PROJECT))
OP(exhaust_map, flow_exhaust_map(a->in, T, PROJECT))
OP(expand, flow_expand(a->in, a->number[0], PROJECT))
OP(merge_scan, flow_merge_scan(a->in, T, a->number[0], a->value, STEP))
OP(switch_scan, flow_switch_scan(a->in, T, a->value, STEP))
OP(buffer_when, live_from_list(flow_buffer_when(a->in, live_call_make, a->fn[0])))
OP(buffer_toggle, live_from_list(flow_buffer_toggle(a->in, a->other, PROJECT)))
OP(window_when, live_from_window(flow_window_when(a->in, live_call_make, a->fn[0])))
OP(window_toggle, live_from_window(flow_window_toggle(a->in, a->other, PROJECT)))
OP(window_count, live_from_window(flow_window_count(a->in, a->number[0], a->number[1])))
OP(delay_when, flow_delay_when(a->in, PROJECT, a->other))
OP(debounce, flow_debounce(a->in, PROJECT))
OP(audit, flow_audit(a->in, PROJECT))
OP(throttle, flow_throttle(a->in, (enum flow_edges)a->number[0], PROJECT))

/* --- groupBy: up to three functions ------------------------------------------------------------
 */

struct group {
    void *key, *element, *duration;
};

static flow_val group_key(struct flow_loop *loop, void *ud, flow_val v)
{
    return live_call_map(loop, ((const struct group *)ud)->key, v);
}

static flow_val group_element(struct flow_loop *loop, void *ud, flow_val v)
{
    return live_call_map(loop, ((const struct group *)ud)->element, v);
}

static struct flow_stream *group_duration(struct flow_loop *loop, void *ud, struct flow_stream *in)
{
    return live_call_with(loop, ((const struct group *)ud)->duration, in);
}

static struct flow_stream *group_by(const struct live_args *a)
{
    struct group *group = mem_alloc(sizeof *group);
    *group = (struct group){.key = a->fn[0], .element = a->fn[1], .duration = a->fn[2]};
    flow_own(a->region, group, free);
    struct flow_group_opts opts = {
        .key_type = T,
        .key = group_key,
        .element_type = T,
        .element = group->element == NULL ? NULL : group_element,
        .duration = group->duration == NULL ? NULL : group_duration,
        .connector = a->subject,
        .ud = group,
    };
    return live_from_group(flow_group_by(a->in, &opts));
}

const struct live_operator live_operators_inner[] = {
    {"mergeMap", "sfn", merge_map},
    {"concatMap", "sf", concat_map},
    {"switchMap", "sf", switch_map},
    {"exhaustMap", "sf", exhaust_map},
    {"expand", "sfn", expand},
    {"mergeScan", "sfvn", merge_scan},
    {"switchScan", "sfv", switch_scan},
    {"bufferWhen", "sf", buffer_when},
    {"bufferToggle", "ssf", buffer_toggle},
    {"windowWhen", "sf", window_when},
    {"windowToggle", "ssf", window_toggle},
    {"windowCount", "snn", window_count},
    {"delayWhen", "sfs", delay_when},
    {"debounce", "sf", debounce},
    {"audit", "sf", audit},
    {"throttle", "sfn", throttle},
    {"groupBy", "sfffo", group_by},
    {0},
};
