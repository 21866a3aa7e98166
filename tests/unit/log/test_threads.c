/* Catches: a reader that sees a record too early, torn, twice or not at all while the log grows and
 * rolls over segments; a reader that finds files or memory taken away under it. */
#include "log_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define RECORDS 6000u
#define READERS 4u

struct race {
    struct fixture fixture;
    _Atomic(struct log_address) *addresses; /* by position; segment 0: not yet known */
};

/* Follows the log from the beginning to the last record. */
static void *follow(void *arg)
{
    struct race *race = arg;
    struct log *log = race->fixture.log;
    struct log_cursor *cursor;
    struct log_record record;
    assert_ok(log_cursor_open(log, 1, &cursor));
    for (uint64_t next = 1; next <= RECORDS;) {
        struct ever_err err = log_cursor_next(cursor, &record);
        if (err.code == EVER_END) {
            sched_yield();
            continue;
        }
        assert_ok(err);
        check_record(&record, next);
        atomic_store(&race->addresses[next], record.address);
        next++;
    }
    log_cursor_close(cursor);
    return NULL;
}

/* Reads here and there, by address and by cursors that begin anywhere. */
static void *jump(void *arg)
{
    struct race *race = arg;
    struct log *log = race->fixture.log;
    struct log_buffer buffer = {0};
    unsigned seed = 7;
    while (log_committed(log) < RECORDS) {
        uint64_t committed = log_committed(log);
        uint64_t position = committed == 0 ? 1 : 1 + (uint64_t)rand_r(&seed) % committed;
        struct log_address address = atomic_load(&race->addresses[position]);
        struct log_record record;
        if (address.segment != 0) {
            assert_ok(log_read(log, address, position, &buffer, &record));
            check_record(&record, position);
        }
        struct log_cursor *cursor;
        assert_ok(log_cursor_open(log, position, &cursor));
        for (uint64_t i = 0; i < 5 && position + i <= committed; i++) {
            assert_ok(log_cursor_next(cursor, &record));
            check_record(&record, position + i);
        }
        log_cursor_close(cursor);
        sched_yield();
    }
    log_buffer_deinit(&buffer);
    return NULL;
}

static void readers_see_the_log_grow(void **state)
{
    (void)state; /* cmocka's signature */
    struct race race;
    fixture_init(&race.fixture);
    race.addresses = calloc(RECORDS + 1, sizeof *race.addresses);
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, i % 2 == 0 ? follow : jump, &race), 0);
    }
    while (log_committed(race.fixture.log) < RECORDS) {
        uint64_t left = RECORDS - log_committed(race.fixture.log);
        uint32_t wish = 1 + (uint32_t)(left * 7 % 40);
        fixture_append(&race.fixture, wish < left ? wish : (uint32_t)left);
    }
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    }
    assert_true(log_segment_count(race.fixture.log) > 10);
    free(race.addresses);
    fixture_deinit(&race.fixture);
}

/* More sealed segments than files may be open at once. */
static void old_files_are_closed_for_new_ones(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    static char bytes[60000];
    struct ever_slice record = slice_of(bytes, sizeof bytes);
    static struct log_address addresses[200];
    for (uint32_t i = 0; i < 200; i++) {
        assert_ok(log_append(fixture.log, &record, 1, 1, &addresses[i]));
    }
    assert_int_equal(log_segment_count(fixture.log), 200);
    struct log_buffer buffer = {0};
    struct log_record got;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t at = i * 37 % 200;
        assert_ok(log_read(fixture.log, addresses[at], at + 1, &buffer, &got));
    }
    log_buffer_deinit(&buffer);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_the_log_grow),
        cmocka_unit_test(old_files_are_closed_for_new_ones),
    };
    return cmocka_run_group_tests_name("log and threads", tests, NULL, NULL);
}
