/* Catches: appends that get lost, mixed up or stuck between threads; an answer before the event can
 * be read; a reader that sees a gap; callbacks that come twice, late or after closing. Run under
 * TSan, it catches every unguarded access on the way. */
#include "store_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define THREADS 16
#define APPENDS 60 /* by each thread */

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_init(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_deinit(&fixture);
    return 0;
}

static void run_threads(void *(*run)(void *), int count)
{
    pthread_t threads[THREADS];
    assert_true(count <= THREADS);
    for (int i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

static struct ever_result append_expecting(const char *stream, int64_t revision, const char *data)
{
    struct ever_new_event events[2] = {event_of("T", data), event_of("U", data)};
    struct ever_write write = write_of(stream, events, 2);
    write.expect = revision < 0 ? EVER_NO_STREAM : EVER_EXACT;
    write.revision = (uint64_t)revision;
    return append_write(&fixture, write);
}

/* --- Each its own stream, with readers ------------------------------------------------------- */

static _Atomic bool writing_is_over;

static void *append_to_own_stream(void *arg)
{
    char stream[32];
    (void)snprintf(stream, sizeof stream, "own-%d", (int)(intptr_t)arg); /* it fits */
    for (int64_t i = 0; i < APPENDS; i++) {
        struct ever_result result = append_expecting(stream, i * 2 - 1, stream);
        assert_int_equal(result.outcome, EVER_APPENDED);
        assert_int_equal(result.revision, i * 2 + 1);
        /* What was acknowledged can be read at once. */
        assert_true(ever_last_position(fixture.store) >= result.last_position);
        int64_t revision;
        assert_ok(ever_last_revision(fixture.store, slice_of_text(stream), &revision));
        assert_int_equal(revision, result.revision);
    }
    return NULL;
}

static void *follow_everything(void *arg)
{
    struct ever_cursor *cursor;
    struct ever_slice type = SLICE_LITERAL("U");
    struct ever_read read = {0};
    bool is_filtered = (intptr_t)arg % 2 == 1;
    if (is_filtered) {
        read = (struct ever_read){.types = &type, .type_count = 1};
    }
    assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
    uint64_t want = 0;
    while (want < (uint64_t)THREADS * APPENDS * 2) {
        const struct ever_event *event;
        struct ever_err err = ever_next(cursor, &event);
        if (err.code == EVER_END) {
            assert_ok(ever_wait(cursor, 60000));
            continue;
        }
        assert_ok(err);
        want += is_filtered ? 2 : 1;
        assert_int_equal(event->position, want);
        assert_int_equal(event->continues, event->position % 2 == 0);
        assert_true(slice_equal(event->stream, event->data));
    }
    ever_cursor_close(cursor);
    return NULL;
}

static void *read_streams_at_random(void *arg)
{
    unsigned seed = (unsigned)(intptr_t)arg;
    while (!atomic_load(&writing_is_over)) {
        seed = seed * 1103515245 + 12345;
        char stream[32];
        (void)snprintf(stream, sizeof stream, "own-%u", seed / 65536 % THREADS); /* it fits */
        struct ever_read read = {
            .stream = slice_of_text(stream), .backward = true, .from = UINT64_MAX};
        struct ever_cursor *cursor;
        const struct ever_event *event;
        assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
        uint64_t want = UINT64_MAX;
        while (ever_next(cursor, &event).code == EVER_OK) {
            want = want == UINT64_MAX ? event->revision : want;
            assert_int_equal(event->revision, want--);
        }
        assert_int_equal(want, UINT64_MAX); /* down to 0, or none */
        ever_cursor_close(cursor);
    }
    return NULL;
}

static void writers_and_readers_do_not_disturb_each_other(void **state)
{
    (void)state; /* cmocka's, unused */
    pthread_t readers[4];
    atomic_store(&writing_is_over, false);
    for (intptr_t i = 0; i < 4; i++) {
        void *(*run)(void *) = i < 2 ? follow_everything : read_streams_at_random;
        assert_int_equal(pthread_create(&readers[i], NULL, run, (void *)i), 0);
    }
    run_threads(append_to_own_stream, THREADS);
    atomic_store(&writing_is_over, true);
    for (int i = 0; i < 4; i++) {
        pthread_join(readers[i], NULL);
    }
    struct ever_stats stats;
    ever_stats(fixture.store, &stats);
    assert_int_equal(stats.appends, THREADS * APPENDS);
    assert_true(stats.blocks <= stats.appends);
    assert_true(stats.segments > 1);
    fixture_reopen(&fixture);
    assert_int_equal(ever_last_position(fixture.store), THREADS * APPENDS * 2);
}

/* --- All the same stream --------------------------------------------------------------------- */

static void *compete(void *arg)
{
    (void)arg; /* all do the same */
    int64_t revision = EVER_NO_REVISION;
    for (int won = 0; won < 10;) {
        struct ever_result result = append_expecting("one", revision, "x");
        if (result.outcome == EVER_APPENDED) {
            won++;
        } else {
            assert_int_equal(result.outcome, EVER_CONFLICT);
            assert_true(result.revision > revision);
        }
        revision = result.revision;
    }
    return NULL;
}

static void one_of_the_competing_wins_each_revision(void **state)
{
    (void)state; /* cmocka's, unused */
    run_threads(compete, 8);
    int64_t revision;
    assert_ok(ever_last_revision(fixture.store, SLICE_LITERAL("one"), &revision));
    assert_int_equal(revision, 8 * 10 * 2 - 1);
}

static void *append_same_ids(void *arg)
{
    (void)arg; /* all do the same */
    for (uint32_t i = 0; i < 40; i++) {
        struct ever_new_event event = event_of("T", "x");
        event.id = id_of(i);
        struct ever_result result = append_write(&fixture, write_of("a-1", &event, 1));
        assert_true(result.outcome == EVER_APPENDED || result.outcome == EVER_REPEATED);
        assert_int_equal(result.first_position, i + 1);
    }
    return NULL;
}

static void the_same_event_from_all_threads_is_one_event(void **state)
{
    (void)state; /* cmocka's, unused */
    run_threads(append_same_ids, THREADS);
    assert_int_equal(ever_last_position(fixture.store), 40);
}

/* --- More than one group can hold ------------------------------------------------------------ */

#define LARGE_BYTES (2u << 20) /* four of them fill a group */

static char large[LARGE_BYTES + 1];

static void *append_large(void *arg)
{
    char stream[32];
    (void)snprintf(stream, sizeof stream, "large-%d", (int)(intptr_t)arg); /* it fits */
    struct ever_new_event event = event_of("T", large);
    struct ever_result result = append_write(&fixture, write_of(stream, &event, 1));
    assert_int_equal(result.outcome, EVER_APPENDED);
    return NULL;
}

/* Some are left in the queue when a group is taken, and the one called to lead next may be answered
 * by then: nobody may be forgotten. */
static void what_does_not_fit_into_a_group_is_in_the_next(void **state)
{
    (void)state; /* cmocka's, unused */
    memset(large, 'x', LARGE_BYTES);
    for (uint64_t round = 1; round <= 3; round++) {
        run_threads(append_large, 12); /* once: nobody comes back who would see to the rest */
        assert_int_equal(ever_last_position(fixture.store), 12 * round);
    }
}

/* --- Without blocking ------------------------------------------------------------------------ */

#define ASYNC_COUNT 300

struct async {
    struct ever_new_event event;
    struct ever_write write;
    char stream[32];
    uint64_t position;
    _Atomic int calls;
    sem_t *done;
};

static void note_answer(void *arg, struct ever_err err, const struct ever_result *result,
                        const int64_t *revisions)
{
    struct async *async = arg;
    assert_ok(err);
    assert_int_equal(result->outcome, EVER_APPENDED);
    assert_int_equal(result->revision, revisions[0]);
    async->position = result->first_position;
    atomic_fetch_add(&async->calls, 1);
    sem_post(async->done);
}

static struct async asyncs[4][ASYNC_COUNT];

static void submit_all(struct async *row, const char *stream, sem_t *done)
{
    for (int i = 0; i < ASYNC_COUNT; i++) {
        struct async *async = &row[i];
        *async = (struct async){.event = event_of("T", "x"), .done = done};
        (void)snprintf(async->stream, sizeof async->stream, "%s", stream); /* it fits */
        async->write = write_of(async->stream, &async->event, 1);
        async->write.expect = i == 0 ? EVER_NO_STREAM : EVER_EXACT;
        async->write.revision = (uint64_t)i - 1; /* holds only in the order submitted */
        assert_ok(ever_append_async(fixture.store, &async->write, 1, note_answer, async));
    }
}

static void *submit_from_thread(void *arg)
{
    int number = (int)(intptr_t)arg;
    char stream[32];
    (void)snprintf(stream, sizeof stream, "async-%d", number); /* it fits */
    sem_t done;
    sem_init(&done, 0, 0);
    submit_all(asyncs[number], stream, &done);
    for (int i = 0; i < ASYNC_COUNT; i++) {
        append_one(&fixture, "blocking", "T", "between"); /* callers and committer take turns */
        sem_wait(&done);
    }
    sem_destroy(&done);
    for (int i = 0; i < ASYNC_COUNT; i++) {
        assert_int_equal(atomic_load(&asyncs[number][i].calls), 1);
        assert_true(i == 0 || asyncs[number][i].position > asyncs[number][i - 1].position);
    }
    return NULL;
}

static void appends_of_one_thread_commit_in_order(void **state)
{
    (void)state; /* cmocka's, unused */
    run_threads(submit_from_thread, 4);
    assert_int_equal(ever_last_position(fixture.store), 4 * ASYNC_COUNT * 2);
}

static void closing_answers_all_that_was_taken(void **state)
{
    (void)state; /* cmocka's, unused */
    sem_t done;
    sem_init(&done, 0, 0);
    submit_all(asyncs[0], "async-0", &done);
    fixture_close(&fixture);
    for (int i = 0; i < ASYNC_COUNT; i++) {
        assert_int_equal(atomic_load(&asyncs[0][i].calls), 1);
    }
    sem_destroy(&done);
    fixture_open(&fixture);
    assert_int_equal(ever_last_position(fixture.store), ASYNC_COUNT);
}

/* --- A full queue ---------------------------------------------------------------------------- */

struct gate { /* holds the committing thread in a watcher until it is opened */
    sem_t entered;
    sem_t open;
};

static void hold(void *arg, uint64_t last_position)
{
    struct gate *gate = arg;
    if (last_position == 1) {
        sem_post(&gate->entered);
        sem_wait(&gate->open);
    }
}

static void count_answer(void *arg, struct ever_err err, const struct ever_result *result,
                         const int64_t *revisions)
{
    (void)result; /* only that it came matters */
    (void)revisions;
    assert_ok(err);
    atomic_fetch_add((_Atomic int *)arg, 1);
}

static void *append_first(void *arg)
{
    (void)arg; /* the store is global */
    append_one(&fixture, "a-1", "T", "x");
    return NULL;
}

static void a_full_queue_pushes_back(void **state)
{
    (void)state; /* cmocka's, unused */
    struct gate gate;
    struct ever_watch *watch;
    pthread_t thread;
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.open, 0, 0);
    assert_ok(ever_watch(fixture.store, hold, &gate, &watch));
    assert_int_equal(pthread_create(&thread, NULL, append_first, NULL), 0);
    sem_wait(&gate.entered);

    _Atomic int answers = 0;
    int taken = 0;
    struct ever_new_event event = event_of("T", "x");
    struct ever_write write = write_of("a-1", &event, 1);
    struct ever_err err;
    while ((err = ever_append_async(fixture.store, &write, 1, count_answer, &answers)).code ==
           EVER_OK) {
        taken++;
        assert_true(taken < 100000);
    }
    assert_err(err, EVER_BUSY);
    assert_int_equal(atomic_load(&answers), 0);
    sem_post(&gate.open);
    pthread_join(thread, NULL);
    ever_unwatch(watch);
    fixture_close(&fixture);
    assert_int_equal(atomic_load(&answers), taken);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.open);
    fixture_open(&fixture);
    assert_int_equal(ever_last_position(fixture.store), (uint64_t)taken + 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writers_and_readers_do_not_disturb_each_other),
        TEST(one_of_the_competing_wins_each_revision),
        TEST(the_same_event_from_all_threads_is_one_event),
        TEST(what_does_not_fit_into_a_group_is_in_the_next),
        TEST(appends_of_one_thread_commit_in_order),
        TEST(closing_answers_all_that_was_taken),
        TEST(a_full_queue_pushes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
