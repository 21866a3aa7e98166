/* flow_functions.c - the user's functions of the bench. */
#include "flow_functions.h"

flow_val triple_plus_one(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(v.i * 3 + 1);
}

bool is_even(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return (v.i & 1) == 0;
}

flow_val sum(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(state.i + v.i);
}

size_t triple_plus_one_block(struct flow_loop *loop, void *ud, flow_val *v, size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    for (size_t i = 0; i < count; i++) {
        v[i].i = v[i].i * 3 + 1;
    }
    return count;
}

size_t keep_even_block(struct flow_loop *loop, void *ud, flow_val *v, size_t count)
{
    size_t kept = 0;
    (void)loop; /* nothing to make */
    (void)ud;
    for (size_t i = 0; i < count; i++) {
        flow_val value = v[i];
        v[kept] = value;
        kept += (value.i & 1) == 0;
    }
    return kept;
}

void sum_block(struct flow_loop *loop, void *ud, flow_val *state, flow_val *v, size_t count)
{
    int64_t total = state->i;
    (void)loop; /* nothing to make */
    (void)ud;
    for (size_t i = 0; i < count; i++) {
        v[i].i = total += v[i].i;
    }
    state->i = total;
}

flow_val add_both(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    (void)count;
    return flow_int(v[0].i + v[1].i);
}
