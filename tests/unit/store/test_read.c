/* Catches: a reader that misses an event, gives one twice, in the wrong order or against its
 * filter; that does not go on when it had caught up; or that differs after the store was opened
 * again. */
#include "store_fixture.h"

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

static struct ever_read stream_read(const char *stream, uint64_t from, bool backward)
{
    return (struct ever_read){.stream = slice_of_text(stream), .from = from, .backward = backward};
}

static void a_stream_is_read_from_any_revision_in_both_directions(void **state)
{
    (void)state; /* cmocka's, unused */
    for (int i = 0; i < 3; i++) {
        append_one(&fixture, "a-1", "T", i == 0 ? "x" : i == 1 ? "y" : "z");
        append_one(&fixture, "a-2", "T", "other");
    }
    for (int i = 0; i < 2; i++) {
        assert_read(&fixture, stream_read("a-1", 0, false), "a-1/0:x a-1/1:y a-1/2:z");
        assert_read(&fixture, stream_read("a-1", 1, false), "a-1/1:y a-1/2:z");
        assert_read(&fixture, stream_read("a-1", 3, false), "");
        assert_read(&fixture, stream_read("a-1", UINT64_MAX, false), "");
        assert_read(&fixture, stream_read("a-1", UINT64_MAX, true), "a-1/2:z a-1/1:y a-1/0:x");
        assert_read(&fixture, stream_read("a-1", 7, true), "a-1/2:z a-1/1:y a-1/0:x");
        assert_read(&fixture, stream_read("a-1", 1, true), "a-1/1:y a-1/0:x");
        assert_read(&fixture, stream_read("a-1", 0, true), "a-1/0:x");
        assert_read(&fixture, stream_read("a", 0, false), "");
        assert_read(&fixture, stream_read("none", UINT64_MAX, true), "");
        fixture_reopen(&fixture);
    }
}

static void the_log_is_read_from_any_position_in_both_directions(void **state)
{
    (void)state; /* cmocka's, unused */
    assert_read(&fixture, (struct ever_read){0}, "");
    assert_read(&fixture, ((struct ever_read){.from = UINT64_MAX, .backward = true}), "");
    append_one(&fixture, "a-1", "T", "x");
    append_one(&fixture, "b-1", "T", "y");
    append_one(&fixture, "a-1", "T", "z");
    assert_read(&fixture, (struct ever_read){0}, "a-1/0:x b-1/0:y a-1/1:z");
    assert_read(&fixture, (struct ever_read){.from = 1}, "a-1/0:x b-1/0:y a-1/1:z");
    assert_read(&fixture, (struct ever_read){.from = 2}, "b-1/0:y a-1/1:z");
    assert_read(&fixture, (struct ever_read){.from = 4}, "");
    assert_read(&fixture, ((struct ever_read){.from = UINT64_MAX, .backward = true}),
                "a-1/1:z b-1/0:y a-1/0:x");
    assert_read(&fixture, ((struct ever_read){.from = 2, .backward = true}), "b-1/0:y a-1/0:x");
    assert_read(&fixture, ((struct ever_read){.backward = true}), "");
}

static void append_tagged(const char *stream, const char *type, const char *data, const char *tag_a,
                          const char *tag_b)
{
    struct ever_slice tags[2] = {slice_of_text(tag_a), slice_of_text(tag_b)};
    struct ever_new_event event = event_of(type, data);
    event.tags = tags;
    event.tag_count = tag_b == NULL ? 1 : 2;
    assert_int_equal(append_write(&fixture, write_of(stream, &event, 1)).outcome, EVER_APPENDED);
}

/* Fills up with events that no filter below wants, so that its terms are rare. */
static void append_chaff(int count)
{
    struct ever_new_event events[100];
    for (int i = 0; i < 100; i++) {
        events[i] = event_of("Chaff", "chaff");
    }
    for (; count > 0; count -= 100) {
        append_write(&fixture, write_of("chaff", events, 100));
    }
}

static void check_filters(void)
{
    struct ever_slice types[2] = {SLICE_LITERAL("Opened"), SLICE_LITERAL("Closed")};
    struct ever_slice tags[2] = {SLICE_LITERAL("red"), SLICE_LITERAL("blue")};
    assert_read(&fixture, (struct ever_read){.category = SLICE_LITERAL("account")},
                "account-1/0:1 account-2/0:2 account-1/1:4 account-12/0:5");
    assert_read(&fixture, (struct ever_read){.prefix = SLICE_LITERAL("account-1")},
                "account-1/0:1 account-1/1:4 account-12/0:5");
    assert_read(&fixture, (struct ever_read){.prefix = SLICE_LITERAL("acc")},
                "account-1/0:1 account-2/0:2 accounts/0:3 account-1/1:4 account-12/0:5");
    assert_read(&fixture, ((struct ever_read){.types = types, .type_count = 2}),
                "account-1/0:1 accounts/0:3 account-1/1:4");
    assert_read(&fixture, ((struct ever_read){.types = types, .type_count = 1}),
                "account-1/0:1 accounts/0:3");
    assert_read(&fixture, ((struct ever_read){.tags = tags, .tag_count = 1}),
                "account-1/0:1 account-2/0:2 account-12/0:5");
    assert_read(&fixture, ((struct ever_read){.tags = tags, .tag_count = 2}),
                "account-1/0:1 account-12/0:5");
    assert_read(&fixture,
                ((struct ever_read){.tags = tags,
                                    .tag_count = 2,
                                    .types = types,
                                    .type_count = 2,
                                    .category = SLICE_LITERAL("account")}),
                "account-1/0:1");
    assert_read(
        &fixture,
        ((struct ever_read){.types = types, .type_count = 2, .from = UINT64_MAX, .backward = true}),
        "account-1/1:4 accounts/0:3 account-1/0:1");
    assert_read(&fixture,
                ((struct ever_read){
                    .stream = SLICE_LITERAL("account-1"), .types = types + 1, .type_count = 1}),
                "account-1/1:4");
    assert_read(&fixture, ((struct ever_read){.category = SLICE_LITERAL("none")}), "");
}

static void filters_give_the_same_however_they_are_answered(void **state)
{
    (void)state; /* cmocka's, unused */
    append_tagged("account-1", "Opened", "1", "red", "blue");
    append_tagged("account-2", "Other", "2", "red", NULL);
    append_tagged("accounts", "Opened", "3", "green", NULL);
    append_tagged("account-1", "Closed", "4", "re", NULL);
    append_tagged("account-12", "Other", "5", "blue", "red");
    check_filters(); /* by looking at everything */
    append_chaff(400);
    check_filters(); /* by the index in memory */
    append_chaff(2000);
    struct ever_stats stats;
    ever_stats(fixture.store, &stats);
    assert_true(stats.segments >= 3);
    check_filters(); /* by index files, in part */
    fixture_reopen(&fixture);
    check_filters();
}

static void next_is(struct ever_cursor *cursor, const char *data)
{
    const struct ever_event *event;
    assert_ok(ever_next(cursor, &event));
    assert_slice(event->data, data);
}

static void expect_end(struct ever_cursor *cursor, uint64_t position)
{
    const struct ever_event *event;
    assert_err(ever_next(cursor, &event), EVER_END);
    assert_err(ever_next(cursor, &event), EVER_END);
    assert_int_equal(ever_cursor_position(cursor), position);
}

static void a_reader_that_caught_up_goes_on(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_cursor *all;
    struct ever_cursor *stream;
    struct ever_cursor *later;
    append_chaff(100);
    struct ever_read type = {.types = &(struct ever_slice){"T", 1}, .type_count = 1};
    struct ever_cursor *rare;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){.from = 101}, &all));
    struct ever_read read = stream_read("a-1", 0, false);
    assert_ok(ever_cursor_open(fixture.store, &read, &stream));
    read = stream_read("a-1", 1, false);
    assert_ok(ever_cursor_open(fixture.store, &read, &later));
    assert_ok(ever_cursor_open(fixture.store, &type, &rare));
    for (uint64_t last = 100; last < 900; last += 2) {
        expect_end(all, last);
        expect_end(stream, last);
        expect_end(rare, last);
        append_one(&fixture, "a-1", "T", "x");
        append_one(&fixture, "b-1", "U", "y");
        next_is(all, "x");
        assert_int_equal(ever_cursor_position(all), last + 1);
        next_is(all, "y");
        next_is(stream, "x");
        next_is(rare, "x");
        if (last > 100) {
            next_is(later, "x");
        }
        expect_end(later, last + 2);
    }
    ever_cursor_close(all);
    ever_cursor_close(stream);
    ever_cursor_close(later);
    ever_cursor_close(rare);
}

static void a_long_stream_over_many_segments_is_whole(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_new_event events[50];
    for (int i = 0; i < 50; i++) {
        events[i] = event_of("T", "some data that fills the segments");
    }
    for (int i = 0; i < 80; i++) {
        append_write(&fixture, write_of("a-1", events, 50));
        append_write(&fixture, write_of("a-2", events, 1));
    }
    for (uint64_t from = 0; from < 4000; from += 371) {
        struct ever_read read = stream_read("a-1", from, false);
        struct ever_cursor *cursor;
        const struct ever_event *event;
        assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
        for (uint64_t revision = from; revision < 4000; revision++) {
            assert_ok(ever_next(cursor, &event));
            assert_int_equal(event->revision, revision);
            assert_int_equal(event->position, revision + revision / 50 + 1);
        }
        expect_end(cursor, ever_last_position(fixture.store));
        ever_cursor_close(cursor);
        read.backward = true;
        assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
        for (uint64_t revision = from + 1; revision-- > 0;) {
            assert_ok(ever_next(cursor, &event));
            assert_int_equal(event->revision, revision);
        }
        assert_err(ever_next(cursor, &event), EVER_END);
        ever_cursor_close(cursor);
    }
}

/* Reads to the end with a small allowance each time: the same events, in calls that look at few. */
static void check_allowed(struct ever_read read, uint32_t want_events, uint32_t want_stretches)
{
    struct ever_cursor *cursor;
    const struct ever_event *event;
    uint32_t events = 0;
    uint32_t stretches = 0;
    uint64_t seen = 0;
    assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
    ever_cursor_allow(cursor, 100, 1 << 20);
    struct ever_err err = ever_next(cursor, &event);
    for (; err.code != EVER_END; err = ever_next(cursor, &event)) {
        if (err.code == EVER_AGAIN) {
            assert_err(ever_next(cursor, &event), EVER_AGAIN); /* and nothing more */
            ever_cursor_allow(cursor, 100, 1 << 20);
            stretches++;
        } else {
            assert_ok(err);
            events++;
        }
        assert_true(ever_cursor_position(cursor) >= seen);
        seen = ever_cursor_position(cursor);
    }
    assert_int_equal(events, want_events);
    assert_in_range(stretches, want_stretches, want_stretches + 1);
    ever_cursor_close(cursor);
}

static void a_call_looks_no_further_than_it_is_allowed(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_slice chaff[2] = {SLICE_LITERAL("Chaff"), SLICE_LITERAL("Opened")};
    struct ever_slice red = SLICE_LITERAL("red");
    append_tagged("account-1", "Opened", "1", "red", NULL);
    append_chaff(20000);
    append_tagged("account-1", "Opened", "2", "red", NULL);
    struct ever_stats stats;
    ever_stats(fixture.store, &stats);
    assert_true(stats.segments > 16);
    for (int backward = 0; backward < 2; backward++) {
        uint64_t from = backward ? UINT64_MAX : 0;
        struct ever_read read = {.from = from, .backward = backward};
        check_allowed(read, 20002, 200);
        read.prefix = SLICE_LITERAL("acc");
        check_allowed(read, 2, 200);
        read.types = chaff;
        read.type_count = 2;
        check_allowed(read, 2, 200);
        read.tags = &red;
        read.tag_count = 1;
        check_allowed(read, 2, stats.segments / 16); /* by the index, through its parts */
        read = (struct ever_read){.category = SLICE_LITERAL("chaff"), .tags = &red, .tag_count = 1};
        read.from = from;
        read.backward = backward;
        check_allowed(read, 0, stats.segments / 16);
        read = (struct ever_read){.category = SLICE_LITERAL("chaff"), .types = chaff + 1};
        read.type_count = 1;
        read.from = from;
        read.backward = backward;
        check_allowed(read, 0, stats.segments / 16);
        read = (struct ever_read){.stream = SLICE_LITERAL("account-1"), .from = from};
        read.backward = backward;
        check_allowed(read, 2, stats.segments / 16);
    }
}

static void large_events_use_up_what_is_allowed(void **state)
{
    (void)state; /* cmocka's, unused */
    static char large[10001];
    memset(large, 'x', sizeof large - 1);
    for (int i = 0; i < 4; i++) {
        append_one(&fixture, "a-1", "T", large);
    }
    struct ever_cursor *cursor;
    const struct ever_event *event;
    struct ever_read read = {.prefix = SLICE_LITERAL("b")};
    assert_ok(ever_cursor_open(fixture.store, &read, &cursor));
    for (uint64_t seen = 2; seen <= 4; seen += 2) {
        ever_cursor_allow(cursor, 1000, 15000);
        assert_err(ever_next(cursor, &event), EVER_AGAIN);
        assert_int_equal(ever_cursor_position(cursor), seen);
    }
    ever_cursor_allow(cursor, 1000, 15000);
    assert_err(ever_next(cursor, &event), EVER_END);
    ever_cursor_close(cursor);
}

static void ids_and_times_lead_to_positions(void **state)
{
    (void)state; /* cmocka's, unused */
    for (uint32_t i = 0; i < 600; i++) {
        struct ever_new_event event = event_of("T", "data of more than a few bytes, to fill it up");
        event.id = id_of(i);
        append_write(&fixture, write_of("a-1", &event, 1));
    }
    for (int round = 0; round < 2; round++) {
        uint64_t position;
        int64_t earlier_ns = 0;
        for (uint32_t i = 0; i < 600; i += 7) {
            assert_ok(ever_find(fixture.store, id_of(i), &position));
            assert_int_equal(position, i + 1);
        }
        assert_err(ever_find(fixture.store, id_of(600), &position), EVER_NOT_FOUND);
        struct ever_cursor *cursor;
        const struct ever_event *event;
        assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){0}, &cursor));
        while (ever_next(cursor, &event).code == EVER_OK) {
            assert_true(event->time_ns >= earlier_ns);
            if (event->time_ns > earlier_ns) {
                assert_ok(ever_position_at(fixture.store, event->time_ns - 1, &position));
                assert_int_equal(position, event->position - 1);
            }
            earlier_ns = event->time_ns;
            assert_ok(ever_position_at(fixture.store, event->time_ns, &position));
            assert_true(position >= event->position);
        }
        ever_cursor_close(cursor);
        assert_ok(ever_position_at(fixture.store, INT64_MAX, &position));
        assert_int_equal(position, 600);
        assert_ok(ever_position_at(fixture.store, 0, &position));
        assert_int_equal(position, 0);
        fixture_reopen(&fixture);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_is_read_from_any_revision_in_both_directions),
        TEST(the_log_is_read_from_any_position_in_both_directions),
        TEST(filters_give_the_same_however_they_are_answered),
        TEST(a_reader_that_caught_up_goes_on),
        TEST(a_long_stream_over_many_segments_is_whole),
        TEST(a_call_looks_no_further_than_it_is_allowed),
        TEST(large_events_use_up_what_is_allowed),
        TEST(ids_and_times_lead_to_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
