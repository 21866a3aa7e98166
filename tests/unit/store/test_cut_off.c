/* Catches: files that somebody cut off under a running store and that end the process; a reader
 * that is not told what is missing; writing that stops although it need not.
 *
 * One test in a program of its own: cmocka takes SIGBUS for itself before each further one. */
#include "store_fixture.h"

#include "base/fault.h"

#include <sys/stat.h>

#define STREAMS 7u

static struct fixture fixture;

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", fixture.dir, name); /* it fits */
    return path;
}

static void cut_off(const char *name, off_t size)
{
    assert_int_equal(chmod(path_of(name), 0644), 0);
    assert_int_equal(truncate(path_of(name), size), 0);
}

/* Event number N has the data "N". */
static void append_segments(uint32_t count)
{
    struct ever_stats stats;
    uint32_t number = 0;
    do {
        struct ever_new_event events[20];
        char data[20][16];
        for (int i = 0; i < 20; i++) {
            (void)snprintf(data[i], sizeof data[i], "%u", ++number); /* it fits */
            events[i] = event_of("T", data[i]);
        }
        char stream[32];
        (void)snprintf(stream, sizeof stream, "a-%u", number % STREAMS); /* it fits */
        append_write(&fixture, write_of(stream, events, 20));
        ever_stats(fixture.store, &stats);
    } while (stats.segments < count);
}

struct finding {
    uint64_t given;
    uint64_t lost;
};

static void check_event(const struct ever_event *event)
{
    char want[24];
    (void)snprintf(want, sizeof want, "%llu", (unsigned long long)event->position); /* it fits */
    assert_slice(event->data, want);
}

static struct finding read_and_count(struct ever_read read)
{
    struct finding finding = {0};
    struct ever_cursor *cursor;
    const struct ever_event *event;
    struct ever_err err;
    assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
    while ((err = ever_next(cursor, &event)).code != EVER_END) {
        uint64_t from;
        uint64_t to;
        if (err.code == EVER_CORRUPT) {
            assert_true(ever_cursor_damage(cursor, &from, &to));
            finding.lost += to - from + 1;
        } else {
            assert_ok(err);
            check_event(event);
            finding.given++;
        }
    }
    ever_cursor_close(cursor);
    return finding;
}

static struct finding read_all_streams(void)
{
    struct finding all = {0};
    for (unsigned i = 0; i < STREAMS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "a-%u", i); /* it fits */
        struct finding one = read_and_count((struct ever_read){.stream = slice_of_text(name)});
        all.given += one.given;
        all.lost += one.lost;
    }
    return all;
}

static const struct ever_read backward = {.backward = true, .from = UINT64_MAX};

static void the_index_is_made_again(uint64_t last)
{
    cut_off("index/0000000001.idx", 0);
    assert_int_equal(read_all_streams().given, last);
    cut_off("index/0000000002.idx", 4096);
    assert_int_equal(read_all_streams().given, last);
}

static void files_cut_off_under_a_running_store_are_damage(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_init(&fixture);
    append_segments(4);
    fixture_reopen(&fixture); /* the index of the first three segments is files now */
    uint64_t last = ever_last_position(fixture.store);
    assert_int_equal(read_all_streams().given, last);
    assert_true(fault_catch()); /* so all of them are mapped */
    the_index_is_made_again(last);

    cut_off("log/0000000001.seg", 32 << 10);
    struct finding found = read_and_count(backward);
    assert_in_range(found.lost, 1, last / 3);
    assert_int_equal(found.given + found.lost, last);
    assert_int_equal(read_all_streams().given, found.given);
    assert_int_equal(read_and_count((struct ever_read){0}).given, found.given);

    char data[24];
    (void)snprintf(data, sizeof data, "%llu", (unsigned long long)last + 1); /* it fits */
    assert_int_equal(append_one(&fixture, "brand-new", "T", data), last + 1);
    assert_int_equal(append_one(&fixture, "a-1", "T", "more"), last + 2);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_cut_off_under_a_running_store_are_damage),
    };
    return cmocka_run_group_tests_name("cut off", tests, NULL, NULL);
}
