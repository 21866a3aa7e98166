/* op_one.c - one stream in, values out: changing, choosing, folding. */
#include "base/mem.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <stdlib.h>

#define T (&live_type)
#define FN(i_, call_) (a->fn[i_] == NULL ? NULL : (call_)), a->fn[i_]
#define SEED (a->has_value ? &a->value : NULL)
#define OP LIVE_OPERATOR

OP(map, flow_map(a->in, T, live_call_map, a->fn[0]))
OP(map_to, flow_map_to(a->in, T, a->value))
OP(filter, flow_filter(a->in, live_call_pred, a->fn[0]))
OP(scan, flow_scan(a->in, T, SEED, live_call_fold, a->fn[0]))
OP(reduce, flow_reduce(a->in, T, SEED, live_call_fold, a->fn[0]))
OP(pairwise, live_from_list(flow_pairwise(a->in)))
OP(distinct, flow_distinct(a->in, T, FN(0, live_call_map), a->other))
OP(ignore_elements, flow_ignore_elements(a->in))
OP(timestamp, live_from_timed(flow_timestamp(a->in)))
OP(time_interval, live_from_timed(flow_time_interval(a->in)))
OP(materialize, live_from_notification(flow_materialize(a->in)))
OP(finalize, flow_finalize(a->in, live_call_action, a->fn[0]))
OP(take, flow_take(a->in, a->number[0]))
OP(take_while, a->flag[0] ? flow_take_while_inclusive(a->in, live_call_pred, a->fn[0])
                          : flow_take_while(a->in, live_call_pred, a->fn[0]))
OP(take_until, flow_take_until(a->in, a->other))
OP(take_last, flow_take_last(a->in, a->number[0]))
OP(skip, flow_skip(a->in, a->number[0]))
OP(skip_while, flow_skip_while(a->in, live_call_pred, a->fn[0]))
OP(skip_until, flow_skip_until(a->in, a->other))
OP(skip_last, flow_skip_last(a->in, a->number[0]))
OP(first, flow_first(a->in, FN(0, live_call_pred), SEED))
OP(last, flow_last(a->in, FN(0, live_call_pred), SEED))
OP(single, flow_single(a->in, FN(0, live_call_pred)))
OP(element_at, flow_element_at(a->in, a->number[0], SEED))
OP(find, flow_find(a->in, live_call_pred, a->fn[0], a->value))
OP(find_index, live_from_number(flow_find_index(a->in, live_call_pred, a->fn[0])))
OP(count, live_from_number(flow_count(a->in, FN(0, live_call_pred))))
OP(min, flow_min(a->in, FN(0, live_call_compare)))
OP(max, flow_max(a->in, FN(0, live_call_compare)))
OP(to_array, live_from_list(flow_to_array(a->in)))
OP(every, live_from_bool(flow_every(a->in, live_call_pred, a->fn[0])))
OP(is_empty, live_from_bool(flow_is_empty(a->in)))
OP(default_if_empty, flow_default_if_empty(a->in, a->value))
OP(throw_if_empty, flow_throw_if_empty(a->in, FN(0, live_call_throw)))
OP(start_with, flow_start_with(a->in, a->values, a->value_count))
OP(end_with, flow_end_with(a->in, a->values, a->value_count))
OP(buffer_count, live_from_list(flow_buffer_count(a->in, a->number[0], a->number[1])))

static flow_val same(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the signature of a map */
    (void)ud;
    return v;
}

/* One `ud` for both functions. */
struct equal_and_key {
    void *equal;
    void *key;
};

static bool call_equal(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    return live_call_equal(loop, ((const struct equal_and_key *)ud)->equal, a, b);
}

static flow_val call_key(struct flow_loop *loop, void *ud, flow_val v)
{
    return live_call_map(loop, ((const struct equal_and_key *)ud)->key, v);
}

static struct flow_stream *distinct_until_changed(const struct live_args *a)
{
    struct equal_and_key *both = mem_alloc(sizeof *both);
    *both = (struct equal_and_key){.equal = a->fn[0], .key = a->fn[1]};
    flow_own(a->region, both, free);
    return flow_distinct_until_key_changed(a->in, T, both->key == NULL ? same : call_key,
                                           both->equal == NULL ? NULL : call_equal, both);
}

/* --- tap: up to three functions ----------------------------------------------------------------
 */

struct tap {
    void *next, *error, *complete;
};

static flow_val tap_next(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct tap *tap = ud;
    return tap->next == NULL ? v : live_call_map(loop, tap->next, v);
}

static void tap_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    const struct tap *tap = ud;
    if (tap->error != NULL) {
        (void)live_call_error(loop, tap->error, error); /* asked for what it does */
    }
}

static void tap_complete(struct flow_loop *loop, void *ud)
{
    const struct tap *tap = ud;
    if (tap->complete != NULL) {
        live_call_action(loop, tap->complete);
    }
}

static struct flow_stream *tap(const struct live_args *a)
{
    struct tap *functions = mem_alloc(sizeof *functions);
    *functions = (struct tap){.next = a->fn[0], .error = a->fn[1], .complete = a->fn[2]};
    flow_own(a->region, functions, free);
    return flow_tap(a->in, &(struct flow_tap){.next = tap_next,
                                              .error = tap_error,
                                              .complete = tap_complete,
                                              .ud = functions});
}

const struct live_operator live_operators_one[] = {
    {"map", "sf", map},
    {"mapTo", "sv", map_to},
    {"filter", "sf", filter},
    {"tap", "sfff", tap},
    {"scan", "sfv", scan},
    {"reduce", "sfv", reduce},
    {"pairwise", "s", pairwise},
    {"distinctUntilChanged", "sff", distinct_until_changed},
    {"distinct", "sfs", distinct},
    {"ignoreElements", "s", ignore_elements},
    {"timestamp", "s", timestamp},
    {"timeInterval", "s", time_interval},
    {"materialize", "s", materialize},
    {"finalize", "sf", finalize},
    {"take", "sn", take},
    {"takeWhile", "sfb", take_while},
    {"takeUntil", "ss", take_until},
    {"takeLast", "sn", take_last},
    {"skip", "sn", skip},
    {"skipWhile", "sf", skip_while},
    {"skipUntil", "ss", skip_until},
    {"skipLast", "sn", skip_last},
    {"first", "sfv", first},
    {"last", "sfv", last},
    {"single", "sf", single},
    {"elementAt", "snv", element_at},
    {"find", "sfv", find},
    {"findIndex", "sf", find_index},
    {"count", "sf", count},
    {"min", "sf", min},
    {"max", "sf", max},
    {"toArray", "s", to_array},
    {"every", "sf", every},
    {"isEmpty", "s", is_empty},
    {"defaultIfEmpty", "sv", default_if_empty},
    {"throwIfEmpty", "sf", throw_if_empty},
    {"startWith", "sV", start_with},
    {"endWith", "sV", end_with},
    {"bufferCount", "snn", buffer_count},
    {0},
};
