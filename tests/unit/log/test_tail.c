/* Catches: a tail that gives bytes it does not have, has overwritten, or is just overwriting. */
#include "unit/unit.h"

#include "log/tail_priv.h"

#include <pthread.h>

#define STEP 512u

/* The byte at each run offset follows from it. */
static char byte_at(uint64_t run_offset)
{
    return (char)(run_offset * 31 + run_offset / 4096);
}

static void add(struct tail *tail, uint64_t run_offset, size_t size)
{
    static char bytes[16384];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = byte_at(run_offset + i);
    }
    tail_add(tail, run_offset, slice_of(bytes, size));
}

static bool has(const struct tail *tail, uint64_t run_offset, size_t size)
{
    char bytes[16384];
    if (!tail_copy(tail, run_offset, size, bytes)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(bytes[i], byte_at(run_offset + i));
    }
    return true;
}

static void keeps_the_newest(void **state)
{
    (void)state; /* cmocka's signature */
    struct tail tail;
    assert_ok(tail_init(&tail, 9000));
    assert_int_equal(tail.size, 8192);
    assert_false(has(&tail, 0, 1));
    for (uint64_t at = 0; at < 40960; at += STEP) {
        add(&tail, at, STEP);
        uint64_t begin = at + STEP < 8192 ? 0 : at + STEP - 8192;
        assert_true(has(&tail, begin, (size_t)(at + STEP - begin)));
        assert_true(has(&tail, begin + 3, 1));
        assert_true(has(&tail, begin + 5, 14));
        assert_false(has(&tail, at + STEP, 1));
        assert_false(has(&tail, at, STEP + 1));
        assert_true(begin == 0 || !has(&tail, begin - 1, 2));
    }
    tail_deinit(&tail);
}

static void begins_anew_behind_a_gap(void **state)
{
    (void)state; /* cmocka's signature */
    struct tail tail;
    assert_ok(tail_init(&tail, 8192));
    add(&tail, 512, 512);
    add(&tail, 2048, 512);
    assert_false(has(&tail, 512, 1));
    assert_true(has(&tail, 2048, 512));
    add(&tail, 2560, 16384); /* more than it can keep */
    assert_false(has(&tail, 2048, 1));
    assert_false(has(&tail, 2560 + 16383, 1));
    add(&tail, 2560 + 16384, 8192);
    assert_true(has(&tail, 2560 + 16384, 8192));
    tail_deinit(&tail);
}

static void keeps_nothing_when_told_so(void **state)
{
    (void)state; /* cmocka's signature */
    struct tail tail;
    assert_ok(tail_init(&tail, 0));
    add(&tail, 0, 512);
    assert_false(has(&tail, 0, 1));
    tail_deinit(&tail);
}

struct race {
    struct tail tail;
    atomic_bool done;
};

static void *read_what_is_there(void *arg)
{
    struct race *race = arg;
    uint64_t hits = 0;
    while (!atomic_load(&race->done)) {
        uint64_t end = atomic_load(&race->tail.end);
        for (uint64_t back = 1; back < 9 && back * 700 <= end; back++) {
            hits += has(&race->tail, end - back * 700, 300);
        }
    }
    return (void *)(uintptr_t)hits;
}

static void readers_and_writer_do_not_disturb_each_other(void **state)
{
    (void)state; /* cmocka's signature */
    static struct race race;
    pthread_t readers[2];
    assert_ok(tail_init(&race.tail, 4096));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_what_is_there, &race), 0);
    }
    for (uint64_t at = 0; at < 2000000; at += STEP) {
        add(&race.tail, at, STEP);
    }
    atomic_store(&race.done, true);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    }
    tail_deinit(&race.tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_newest),
        cmocka_unit_test(begins_anew_behind_a_gap),
        cmocka_unit_test(keeps_nothing_when_told_so),
        cmocka_unit_test(readers_and_writer_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
