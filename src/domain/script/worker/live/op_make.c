/* op_make.c - streams out of nothing. */
#include "base/mem.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <stdlib.h>

#define T (&live_type)
#define OP LIVE_OPERATOR

OP(of, flow_from(a->region, T, a->values, a->value_count))
OP(empty, flow_empty(a->region, T))
OP(never, flow_never(a->region, T))
OP(defer, flow_defer(a->region, T, live_call_make, a->fn[0]))
OP(interval, live_from_number(flow_interval(a->region, a->time[0])))
OP(timer, live_from_number(flow_timer(a->region, a->time[0], a->time[1])))
OP(timer_at, live_from_number(flow_timer_at(a->region, a->time[0], a->time[1])))
OP(range, live_from_number(flow_range(a->region, (int64_t)a->raw[0], a->number[1])))
OP(sequentially, flow_sequentially(a->region, T, a->time[0], a->values, a->value_count))
OP(repeatedly, flow_repeatedly(a->region, T, a->time[0], a->values, a->value_count))
OP(from_poll, flow_from_poll(a->region, T, a->time[0], live_call_poll, a->fn[0]))
OP(constant, flow_constant(a->region, T, a->value))
OP(group_simultaneous,
   live_from_lists(flow_group_simultaneous(a->region, a->streams, a->stream_count)))

static struct flow_stream *throw_error(const struct live_args *a)
{
    struct flow_error error = live_error(live_js(a->value));
    return flow_throw(a->region, T, error.code, "%s", error.text);
}

struct generate {
    void *goes_on, *step;
};

static bool goes_on(struct flow_loop *loop, void *ud, flow_val v)
{
    return live_call_pred(loop, ((const struct generate *)ud)->goes_on, v);
}

static flow_val step(struct flow_loop *loop, void *ud, flow_val v)
{
    return live_call_map(loop, ((const struct generate *)ud)->step, v);
}

static struct flow_stream *generate(const struct live_args *a)
{
    struct generate *functions = mem_alloc(sizeof *functions);
    *functions = (struct generate){.goes_on = a->fn[0], .step = a->fn[1]};
    flow_own(a->region, functions, free);
    return flow_generate(a->region, T, a->value, functions->goes_on == NULL ? NULL : goes_on, step,
                         functions);
}

const struct live_operator live_operators_make[] = {
    {"of", "V", of},
    {"empty", "", empty},
    {"never", "", never},
    {"throwError", "v", throw_error},
    {"defer", "f", defer},
    {"generate", "vff", generate},
    {"interval", "t", interval},
    {"timer", "tt", timer},
    {"timerAt", "tt", timer_at},
    {"range", "nn", range},
    {"sequentially", "tV", sequentially},
    {"repeatedly", "tV", repeatedly},
    {"fromPoll", "tf", from_poll},
    {"constant", "v", constant},
    {"groupSimultaneous", "S", group_simultaneous},
    {0},
};
