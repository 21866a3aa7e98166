/* store.c - a state store: several streams of actions, one state.
 *
 *     added    --4-----6-------
 *     removed  -----1----------
 *     cleared  ----------x-----
 *     items    0-4--3--9-0-----     update: one function for each stream
 *     label    "0 items" ...        a property made of another
 *
 * Properties tell a new observer their value at once, and change once for each action, whatever the
 * number of ways by which it reaches them. */
#include <stdio.h>

#include "flow.h"

static flow_val add(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                    size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    (void)count;
    return flow_int(state.i + v[0].i);
}

static flow_val take_away(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                          size_t count)
{
    (void)count; /* one */
    (void)ud;
    if (v[0].i > state.i) {
        return flow_fail(loop, FLOW_ERROR_USER, "there are only %d", (int)state.i);
    }
    return flow_int(state.i - v[0].i);
}

static flow_val clear(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                      size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    (void)state;
    (void)v;
    (void)count;
    return flow_int(0);
}

static flow_val label(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    char *text = flow_alloc(loop, 64);
    (void)ud; /* none */
    (void)count;
    snprintf(text, 64, "%d items%s", (int)v[0].i, v[1].i != 0 ? " (that is a lot)" : "");
    return flow_ptr(text);
}

static flow_val is_a_lot(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(v.i > 5);
}

static void show(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to ask it */
    printf("%s: %s\n", (const char *)ud, (const char *)v.p);
}

int main(void)
{
    struct flow_loop *loop = flow_loop_new();
    struct flow_region *region = flow_region_new(loop);
    struct flow_subject *added = flow_subject_new(region, &flow_i64, NULL);
    struct flow_subject *removed = flow_subject_new(region, &flow_i64, NULL);
    struct flow_subject *cleared = flow_subject_new(region, &flow_i64, NULL);
    struct flow_stream *inputs[3] = {
        flow_subject_stream(added),
        flow_subject_stream(removed),
        flow_subject_stream(cleared),
    };
    struct flow_pattern actions[3] = {
        {.in = &inputs[0], .count = 1, .update = add},
        {.in = &inputs[1], .count = 1, .update = take_away},
        {.in = &inputs[2], .count = 1, .update = clear},
    };
    struct flow_stream *items = flow_update(region, &flow_i64, flow_int(0), actions, 3);
    struct flow_stream *parts[2] = {items, flow_map(items, &flow_i64, is_a_lot, NULL)};
    struct flow_stream *text = flow_combine(region, parts, 2, &flow_text, label, NULL);

    flow_subscribe(text, &(struct flow_observer){.next = show, .ud = "first"});
    flow_next(added, flow_int(4));
    flow_next(removed, flow_int(1));
    flow_subscribe(text, &(struct flow_observer){.next = show, .ud = "late"});
    flow_next(added, flow_int(6));
    flow_next(cleared, flow_int(0));
    int failed = flow_region_error(region);
    flow_loop_free(loop);
    return failed;
}
