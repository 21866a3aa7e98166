/* op_many.c - several streams in. */
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#define T (&live_type)
#define IN a->streams, a->stream_count
#define LIST (a->fn[0] == NULL ? live_list : live_call_list), a->fn[0]
#define OP LIVE_OPERATOR

OP(merge, flow_merge(a->region, a->number[0], IN))
OP(concat, flow_concat(a->region, IN))
OP(race, flow_race(a->region, IN))
OP(on_error_resume_next, flow_on_error_resume_next(a->region, IN))
OP(combine_latest, flow_combine_latest(a->region, IN, T, LIST))
OP(zip, flow_zip(a->region, IN, T, LIST))
OP(fork_join, flow_fork_join(a->region, IN, T, LIST))
OP(with_latest_from, flow_with_latest_from(a->in, IN, T, LIST))
OP(sequence_equal,
   live_from_bool(flow_sequence_equal(a->in, a->other, a->fn[0] == NULL ? NULL : live_call_equal,
                                      a->fn[0])))
OP(combine, flow_combine(a->region, IN, T, LIST))
OP(sampled_by,
   flow_sampled_by(a->in, a->other, T, a->fn[0] == NULL ? NULL : live_call_list, a->fn[0]))
OP(sample, flow_sample(a->in, a->other))
OP(buffer, live_from_list(flow_buffer(a->in, a->other)))
OP(window, live_from_window(flow_window(a->in, a->other)))
OP(hold_when, flow_hold_when(a->in, a->other))
OP(awaiting, live_from_bool(flow_awaiting(a->in, a->other)))

const struct live_operator live_operators_many[] = {
    {"merge", "nS", merge},
    {"concat", "S", concat},
    {"race", "S", race},
    {"onErrorResumeNext", "S", on_error_resume_next},
    {"combineLatest", "Sf", combine_latest},
    {"zip", "Sf", zip},
    {"forkJoin", "Sf", fork_join},
    {"withLatestFrom", "sSf", with_latest_from},
    {"sequenceEqual", "ssf", sequence_equal},
    {"combineWith", "Sf", combine},
    {"sampledBy", "ssf", sampled_by},
    {"sample", "ss", sample},
    {"buffer", "ss", buffer},
    {"window", "ss", window},
    {"holdWhen", "ss", hold_when},
    {"awaiting", "ss", awaiting},
    {0},
};
