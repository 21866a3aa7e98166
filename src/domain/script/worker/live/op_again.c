/* op_again.c - ends, errors, subscribing again, sharing. */
#include "base/mem.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <math.h>
#include <stdlib.h>

#define T (&live_type)
#define OP LIVE_OPERATOR

OP(catch_error, flow_catch_error(a->in, live_call_catch, a->fn[0]))
OP(retry_when, flow_retry_when(a->in, live_call_with, a->fn[0]))
OP(repeat_when, flow_repeat_when(a->in, live_call_with, a->fn[0]))
OP(from_errors, live_from_error(a->in))
OP(share_replay, flow_share_replay(a->in, a->number[0], a->time[0], a->flag[0]))
OP(connect, flow_connect(a->in, T, &a->subject, live_call_with, a->fn[0]))
OP(map_error, flow_map_error(a->in, live_call_error, a->fn[0]))
OP(flat_map_error, flow_flat_map_error(a->in, live_call_catch, a->fn[0]))
OP(skip_errors, flow_skip_errors(a->in))
OP(errors, flow_errors(a->in))
OP(end_on_error, flow_end_on_error(a->in))
OP(map_end, flow_map_end(a->in, a->value))
OP(to_faults, flow_to_faults(a->in))

static uint64_t times(double count)
{
    return isfinite(count) ? (uint64_t)fmax(count, 0) : UINT64_MAX;
}

static struct flow_stream *retry(const struct live_args *a)
{
    struct flow_retry opts = {
        .count = times(a->raw[0]),
        .has_delay = a->flag[0],
        .delay = a->time[0],
        .delay_by = a->fn[0] == NULL ? NULL : live_call_catch,
        .reset_on_success = a->flag[1],
        .ud = a->fn[0],
    };
    return flow_retry(a->in, &opts);
}

static struct flow_stream *repeat(const struct live_args *a)
{
    struct flow_repeat opts = {
        .count = times(a->raw[0]),
        .has_delay = a->flag[0],
        .delay = a->time[0],
        .delay_by = a->fn[0] == NULL ? NULL : live_call_count,
        .ud = a->fn[0],
    };
    return flow_repeat(a->in, &opts);
}

/* --- share: a function for each reason to reset ------------------------------------------------
 */

struct resets {
    void *error, *complete, *zero;
};

static struct flow_stream *on_error(struct flow_loop *loop, void *ud,
                                    const struct flow_error *error, struct flow_stream *caught)
{
    return live_call_catch(loop, ((const struct resets *)ud)->error, error, caught);
}

static struct flow_stream *on_complete(struct flow_loop *loop, void *ud,
                                       const struct flow_error *error, struct flow_stream *caught)
{
    (void)error; /* there is none */
    (void)caught;
    return live_call_make(loop, ((const struct resets *)ud)->complete);
}

static struct flow_stream *on_zero(struct flow_loop *loop, void *ud, const struct flow_error *error,
                                   struct flow_stream *caught)
{
    (void)error; /* there is none */
    (void)caught;
    return live_call_make(loop, ((const struct resets *)ud)->zero);
}

static struct flow_stream *share(const struct live_args *a)
{
    struct resets *resets = mem_alloc(sizeof *resets);
    *resets = (struct resets){.error = a->fn[0], .complete = a->fn[1], .zero = a->fn[2]};
    flow_own(a->region, resets, free);
    struct flow_share_opts opts = {
        .connector = a->subject,
        .keep_on_error = a->flag[0],
        .keep_on_complete = a->flag[1],
        .keep_on_zero = a->flag[2],
        .reset_on_error = resets->error == NULL ? NULL : on_error,
        .reset_on_complete = resets->complete == NULL ? NULL : on_complete,
        .reset_on_zero = resets->zero == NULL ? NULL : on_zero,
        .ud = resets,
    };
    return flow_share(a->in, &opts);
}

const struct live_operator live_operators_again[] = {
    {"catchError", "sf", catch_error},
    {"retry", "snbtfb", retry},
    {"repeat", "snbtf", repeat},
    {"retryWhen", "sf", retry_when},
    {"repeatWhen", "sf", repeat_when},
    {"fromErrors", "s", from_errors},
    {"share", "sobbbfff", share},
    {"shareReplay", "sntb", share_replay},
    {"connect", "sof", connect},
    {"mapError", "sf", map_error},
    {"flatMapError", "sf", flat_map_error},
    {"skipErrors", "s", skip_errors},
    {"errors", "s", errors},
    {"endOnError", "s", end_on_error},
    {"mapEnd", "sv", map_end},
    {"toFaults", "s", to_faults},
    {0},
};
