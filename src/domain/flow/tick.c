/* tick.c - events that only say that time has passed, for windows that wait for a later event.
 *
 * A flow's clock is the log. When no event comes, a window stays open; a flow that cannot wait asks
 * for ticks, and the server appends them to the stream $tick while something is pending: events
 * like others, so that a rebuild sees the same ones. */
#include "base/env.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "domain/flow/flows_priv.h"

#include <stdio.h>

#define NS_PER_MS INT64_C(1000000)
#define TICK_STREAM "$tick"
#define TICK_TYPE "$Tick"

/* The shortest wish among live flows that wait for something; 0: none. */
static int64_t wanted_ms(const struct flows *flows)
{
    int64_t shortest = 0;
    for (size_t i = 0; flows->live != NULL && i < flows->live->count; i++) {
        const struct flow *flow = flows->live->flows[i];
        if (flow->tick_ms == 0 || flows->live->parts[i].stop.is_set) {
            continue;
        }
        struct derive_flow_status status;
        derive_flow_status(flows->live->program, i, &status);
        if (status.pending && (shortest == 0 || flow->tick_ms < shortest)) {
            shortest = flow->tick_ms;
        }
    }
    return shortest;
}

static struct ever_err append_tick(struct flows *flows)
{
    struct env *env = env_real();
    char time[TIMESTAMP_TEXT_BYTES];
    char data[TIMESTAMP_TEXT_BYTES + 16];
    timestamp_format(env->wall_ns(env), time);
    int size = snprintf(data, sizeof data, "{\"time\":\"%.*s\"}", TIMESTAMP_TEXT_BYTES, time);
    struct ever_new_event event = {.type = SLICE_LITERAL(TICK_TYPE),
                                   .data = slice_of(data, (size_t)size)};
    struct ever_write write = {
        .stream = SLICE_LITERAL(TICK_STREAM), .events = &event, .event_count = 1};
    struct ever_result result;
    return ever_append(flows->store, &write, 1, &result, NULL);
}

struct ever_err flow_tick(struct flows *flows, uint64_t *out_wait_ms)
{
    struct env *env = env_real();
    int64_t now_ns = env->monotonic_ns(env);
    int64_t every_ns = wanted_ms(flows) * NS_PER_MS;
    *out_wait_ms = 0;
    if (every_ns == 0) {
        flows->tick_due_ns = 0;
        return ERR_OK;
    }
    if (flows->tick_due_ns == 0 || flows->tick_due_ns > now_ns + every_ns) {
        flows->tick_due_ns = now_ns + every_ns;
    }
    if (flows->tick_due_ns <= now_ns) {
        TRY(append_tick(flows));
        flows->tick_due_ns = now_ns + every_ns;
    }
    *out_wait_ms = (uint64_t)((flows->tick_due_ns - now_ns) / NS_PER_MS) + 1;
    return ERR_OK;
}
