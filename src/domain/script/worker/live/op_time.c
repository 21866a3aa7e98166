/* op_time.c - what the clock decides. */
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#define OP LIVE_OPERATOR

OP(delay, flow_delay(a->in, a->time[0]))
OP(delay_until, flow_delay_until(a->in, a->time[0]))
OP(debounce_time, flow_debounce_time(a->in, a->time[0]))
OP(throttle_time, flow_throttle_time(a->in, a->time[0], (enum flow_edges)a->number[0]))
OP(audit_time, flow_audit_time(a->in, a->time[0]))
OP(sample_time, flow_sample_time(a->in, a->time[0]))
OP(buffer_time, live_from_list(flow_buffer_time(a->in, a->time[0], a->time[1], a->number[0])))
OP(window_time, live_from_window(flow_window_time(a->in, a->time[0], a->time[1], a->number[0])))
OP(observe_on, flow_observe_on(a->in, a->time[0]))
OP(subscribe_on, flow_subscribe_on(a->in, a->time[0]))
OP(buffering_throttle, flow_buffering_throttle(a->in, a->time[0]))
OP(buffer_with_time, live_from_list(flow_buffer_with_time(a->in, a->time[0], a->number[0])))

static struct flow_stream *timeout(const struct live_args *a)
{
    struct flow_timeout opts = {
        .each = a->time[0],
        .first = a->time[1],
        .first_at = a->flag[0],
        .with = a->fn[0] == NULL ? NULL : live_call_make,
        .ud = a->fn[0],
    };
    return flow_timeout(a->in, &opts);
}

const struct live_operator live_operators_time[] = {
    {"delay", "st", delay},
    {"delayUntil", "st", delay_until},
    {"debounceTime", "st", debounce_time},
    {"throttleTime", "stn", throttle_time},
    {"auditTime", "st", audit_time},
    {"sampleTime", "st", sample_time},
    {"bufferTime", "sttn", buffer_time},
    {"windowTime", "sttn", window_time},
    {"timeout", "sttbf", timeout},
    {"observeOn", "st", observe_on},
    {"subscribeOn", "st", subscribe_on},
    {"bufferingThrottle", "st", buffering_throttle},
    {"bufferWithTime", "stn", buffer_with_time},
    {0},
};
