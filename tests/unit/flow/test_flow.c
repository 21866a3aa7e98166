/* test_flow.c - would catch: memory used after a callback freed its owner, a bound that does not
 * bind, a value lost or doubled between threads, recursion that grows with the number of events,
 * and an allocation for each event. */
#include "flow.h"

#include "unit/unit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct flow_loop *loop;
    struct flow_region *region;
    struct flow_subject *subject;
    int64_t heard[64];
    size_t count;
    int error;
    bool complete;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = flow_loop_new();
    f->region = flow_region_new(f->loop);
    f->subject = flow_subject_new(f->region, &flow_i64, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    flow_loop_free(f->loop);
    free(f);
    return 0;
}

static void hear(struct flow_loop *loop, void *ud, flow_val v)
{
    struct fixture *f = ud;
    (void)loop; /* nothing to ask it */
    if (f->count < 64) {
        f->heard[f->count] = v.i;
    }
    f->count++;
}

static void hear_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)loop; /* nothing to ask it */
    ((struct fixture *)ud)->error = error->code;
}

static void hear_complete(struct flow_loop *loop, void *ud)
{
    (void)loop; /* nothing to ask it */
    ((struct fixture *)ud)->complete = true;
}

static struct flow_sub listen(struct fixture *f, struct flow_stream *stream)
{
    return flow_subscribe(stream, &(struct flow_observer){
                                      .next = hear,
                                      .error = hear_error,
                                      .complete = hear_complete,
                                      .ud = f,
                                  });
}

static struct flow_stream *source(struct fixture *f)
{
    return flow_subject_stream(f->subject);
}

/* ---- freeing from inside ---- */

static flow_val free_region(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the region knows it */
    flow_region_free(ud);
    return v;
}

static void test_region_freed_by_its_own_callback(void **state)
{
    struct fixture *f = *state;
    struct flow_region *inner = flow_region_new(f->loop);
    struct flow_stream *in = source(f);
    struct flow_stream *s = flow_merge(inner, 0, &in, 1);
    s = flow_map(s, &flow_i64, free_region, inner);
    s = flow_buffer_count(s, 1, 0);
    flow_subscribe_in(inner, s, &(struct flow_observer){.next = NULL});
    assert_int_equal(flow_next(f->subject, flow_int(1)), FLOW_CLOSED);
    assert_int_equal(flow_next(f->subject, flow_int(2)), FLOW_CLOSED);
}

static struct flow_sub sub_of_all;

static void unsubscribe_all(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the subscription knows it */
    flow_unsubscribe(sub_of_all);
    flow_unsubscribe(sub_of_all);
    hear(loop, ud, v);
}

static void test_unsubscribe_from_inside_twice(void **state)
{
    struct fixture *f = *state;
    sub_of_all = flow_subscribe(flow_range(f->region, 0, 10), &(struct flow_observer){0});
    assert_false(flow_subscribed(sub_of_all));
    sub_of_all =
        flow_subscribe(source(f), &(struct flow_observer){.next = unsubscribe_all, .ud = f});
    flow_next(f->subject, flow_int(1));
    flow_next(f->subject, flow_int(2));
    assert_int_equal(f->count, 1);
    flow_unsubscribe(sub_of_all);
}

/* ---- bounds ---- */

static struct flow_stream *never_ending(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    (void)v;
    return flow_never(flow_here(loop), &flow_i64);
}

static void test_bound_ends_with_an_error(void **state)
{
    struct fixture *f = *state;
    listen(f, flow_bound(flow_concat_map(source(f), &flow_i64, never_ending, NULL), 2,
                         FLOW_OVERFLOW_ERROR));
    assert_int_equal(flow_next(f->subject, flow_int(0)), FLOW_OK); /* runs */
    assert_int_equal(flow_next(f->subject, flow_int(1)), FLOW_OK); /* waits */
    assert_int_equal(flow_next(f->subject, flow_int(2)), FLOW_OK);
    assert_int_equal(flow_next(f->subject, flow_int(3)), FLOW_FULL);
    assert_int_equal(f->error, FLOW_ERROR_FULL);
    assert_int_equal(flow_next(f->subject, flow_int(4)), FLOW_CLOSED);
}

static void test_bound_drops(void **state)
{
    struct fixture *f = *state;
    listen(f, flow_bound(flow_delay(source(f), FLOW_MS(1)), 2, FLOW_OVERFLOW_OLDEST));
    listen(f, flow_bound(flow_delay(source(f), FLOW_MS(2)), 2, FLOW_OVERFLOW_NEWEST));
    for (int64_t i = 1; i <= 4; i++) {
        flow_next(f->subject, flow_int(i));
    }
    flow_advance(f->loop, FLOW_MS(10));
    assert_int_equal(f->count, 4);
    assert_int_equal(f->heard[0], 3);
    assert_int_equal(f->heard[1], 4);
    assert_int_equal(f->heard[2], 1);
    assert_int_equal(f->heard[3], 2);
}

static void push_more(struct flow_loop *loop, void *ud, flow_val v)
{
    struct fixture *f = ud;
    (void)v; /* whatever it is */
    f->count += flow_next(f->subject, flow_int(1)) == FLOW_FULL;
    f->count += flow_next(f->subject, flow_int(1)) == FLOW_FULL;
    f->error += flow_now(loop) == 0;
    if (f->error == 8) {
        flow_complete(f->subject);
        flow_region_free(f->region);
    }
}

static void test_queue_of_root_events_is_bounded(void **state)
{
    struct fixture *f = *state;
    flow_loop_bound(f->loop, 4);
    flow_subscribe(source(f), &(struct flow_observer){.next = push_more, .ud = f});
    flow_next(f->subject, flow_int(1));
    assert_true(f->count > 0);
    assert_int_equal(f->error, 8);
}

/* ---- recursion is a loop ---- */

static struct flow_stream *plus_one(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_of(flow_here(loop), &flow_i64, flow_int(v.i + 1));
}

static void test_endless_streams_do_not_use_the_stack(void **state)
{
    struct fixture *f = *state;
    struct flow_stream *one = flow_of(f->region, &flow_i64, flow_int(0));
    listen(f, flow_last(flow_take(flow_expand(one, 0, plus_one, NULL), 100000), NULL, NULL, NULL));
    struct flow_repeat often = {.count = UINT64_MAX};
    listen(f, flow_last(flow_take(flow_repeat(one, &often), 100000), NULL, NULL, NULL));
    struct flow_retry again = {.count = 100000};
    listen(f, flow_retry(flow_throw(f->region, &flow_i64, 1000, "no"), &again));
    assert_int_equal(f->heard[0], 99999);
    assert_int_equal(f->count, 2);
    assert_int_equal(f->error, 1000);
}

/* ---- nothing is allocated for an event ---- */

static flow_val triple(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(v.i * 3);
}

static bool odd(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return v.i % 2 != 0;
}

static flow_val add(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(state.i + v.i);
}

static void test_events_allocate_nothing(void **state)
{
    struct fixture *f = *state;
    struct flow_stream *s = flow_map(source(f), &flow_i64, triple, NULL);
    s = flow_scan(flow_filter(s, odd, NULL), &flow_i64, &(flow_val){.i = 0}, add, NULL);
    struct flow_stream *both[2] = {s, flow_pairwise(source(f))};
    s = flow_combine_latest(f->region, both, 2, NULL, NULL, NULL);
    flow_subscribe(s, &(struct flow_observer){.next = hear, .ud = f});
    flow_next(f->subject, flow_int(1));
    flow_next(f->subject, flow_int(2));
    flow_next(f->subject, flow_int(3));
    f->count = 0;
    size_t before = mallinfo2().uordblks;
    for (int64_t i = 0; i < 1000; i++) {
        flow_next(f->subject, flow_int(i));
    }
    assert_int_equal(f->count, 1000);
    assert_true(mallinfo2().uordblks <= before + 4096);
}

/* ---- construction ---- */

static void test_first_construction_error_stays(void **state)
{
    struct fixture *f = *state;
    struct flow_stream *s = flow_buffer_count(source(f), 0, 0);
    assert_null(s);
    s = flow_take(flow_map(s, &flow_i64, triple, NULL), 3);
    assert_null(s);
    assert_int_equal(flow_region_error(f->region), FLOW_ERROR_INVALID);
    assert_false(flow_subscribed(flow_subscribe(s, &(struct flow_observer){0})));
}

static void test_unhandled_error_is_kept(void **state)
{
    struct fixture *f = *state;
    flow_subscribe(flow_throw(f->region, &flow_i64, 1234, "no"), &(struct flow_observer){0});
    assert_int_equal(flow_region_error(f->region), 1234);
}

/* ---- other threads ---- */

enum { POSTS = 2000 };

static void *poster(void *ud)
{
    struct fixture *f = ud;
    for (int64_t i = 0; i < POSTS; i++) {
        while (flow_post(f->subject, flow_int(i)) == FLOW_FULL) {
        }
    }
    return NULL;
}

static void test_posts_arrive_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[2];
    listen(f,
           flow_reduce(flow_take(source(f), 2 * POSTS), &flow_i64, &(flow_val){.i = 0}, add, NULL));
    flow_loop_bound(f->loop, 16);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, poster, f), 0);
    }
    while (!f->complete) {
        flow_advance(f->loop, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(f->heard[0], (int64_t)POSTS * (POSTS - 1));
}

/* ---- marbles ---- */

static void test_marble_helper(void **state)
{
    struct fixture *f = *state;
    struct flow_marble *m = flow_marble_new(f->region);
    struct flow_stream *hot = flow_hot(m, "-a-b-c|");
    struct flow_stream *cold = flow_cold(m, "--x|");
    flow_expect(m, flow_take(hot, 2), "^------", "-a-(b|)");
    flow_expect(m, flow_concat(f->region, (struct flow_stream *[]){cold, cold}, 2), NULL,
                "--x--x|");
    flow_expect_subs(m, cold, "^--!,---^--!");
    assert_int_equal(flow_marble_run(m, stderr), 0);
}

static void test_marble_helper_sees_differences(void **state)
{
    struct fixture *f = *state;
    struct flow_marble *m = flow_marble_new(f->region);
    FILE *out = tmpfile();
    struct flow_stream *hot = flow_hot(m, "-a-b|");
    flow_expect(m, hot, NULL, "-a-c|");
    flow_expect(m, hot, NULL, "-a--b|");
    flow_expect_subs(m, hot, "^--!,^---!");
    assert_int_equal(flow_marble_run(m, out), 3);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_region_freed_by_its_own_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unsubscribe_from_inside_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bound_ends_with_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bound_drops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_of_root_events_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_streams_do_not_use_the_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_allocate_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_construction_error_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unhandled_error_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_posts_arrive_once_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marble_helper, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marble_helper_sees_differences, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
