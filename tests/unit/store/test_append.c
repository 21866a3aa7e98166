/* Catches: a condition that passes or fails wrongly, a repeat that is written twice or mistaken, a
 * limit that is not one, and an append of which a part is written. */
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

static struct ever_result append_expecting(const char *stream, enum ever_expect expect,
                                           uint64_t revision)
{
    struct ever_new_event event = event_of("T", "1");
    struct ever_write write = write_of(stream, &event, 1);
    write.expect = expect;
    write.revision = revision;
    return append_write(&fixture, write);
}

static void positions_and_revisions_are_dense(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_new_event events[3] = {event_of("T", "1"), event_of("T", "2"), event_of("T", "3")};
    struct ever_result first = append_write(&fixture, write_of("a-1", events, 3));
    assert_int_equal(first.first_position, 1);
    assert_int_equal(first.last_position, 3);
    assert_int_equal(first.revision, 2);
    struct ever_result second = append_write(&fixture, write_of("a-2", events, 2));
    assert_int_equal(second.first_position, 4);
    assert_int_equal(second.revision, 1);
    assert_int_equal(append_one(&fixture, "a-1", "T", "4"), 6);
    assert_int_equal(ever_last_position(fixture.store), 6);
    int64_t revision;
    assert_ok(ever_last_revision(fixture.store, SLICE_LITERAL("a-1"), &revision));
    assert_int_equal(revision, 3);
    assert_ok(ever_last_revision(fixture.store, SLICE_LITERAL("a-3"), &revision));
    assert_int_equal(revision, EVER_NO_REVISION);
}

static void each_condition_holds_when_it_should(void **state)
{
    (void)state; /* cmocka's, unused */
    assert_int_equal(append_expecting("a-1", EVER_EXISTS, 0).outcome, EVER_CONFLICT);
    assert_int_equal(append_expecting("a-1", EVER_EXACT, 0).outcome, EVER_CONFLICT);
    assert_int_equal(append_expecting("a-1", EVER_NO_STREAM, 0).outcome, EVER_APPENDED);
    struct ever_result refused = append_expecting("a-1", EVER_NO_STREAM, 0);
    assert_int_equal(refused.outcome, EVER_CONFLICT);
    assert_int_equal(refused.revision, 0);
    assert_int_equal(append_expecting("a-1", EVER_EXISTS, 0).outcome, EVER_APPENDED);
    assert_int_equal(append_expecting("a-1", EVER_EXACT, 0).revision, 1);
    assert_int_equal(append_expecting("a-1", EVER_EXACT, 2).outcome, EVER_CONFLICT);
    assert_int_equal(append_expecting("a-1", EVER_EXACT, 1).outcome, EVER_APPENDED);
    assert_int_equal(append_expecting("a-1", EVER_EXACT, UINT64_MAX).outcome, EVER_CONFLICT);
    assert_int_equal(ever_last_position(fixture.store), 3); /* a refusal takes no position */
}

static void several_writes_are_one_append(void **state)
{
    (void)state; /* cmocka's, unused */
    append_one(&fixture, "a-1", "T", "0");
    struct ever_new_event event = event_of("T", "x");
    struct ever_write writes[3] = {write_of("a-1", &event, 1), write_of("b-1", &event, 1),
                                   write_of("a-1", &event, 1)};
    /* All conditions are about the log before: the third is not about the first write. */
    writes[0].expect = EVER_EXACT;
    writes[1].expect = EVER_NO_STREAM;
    writes[2].expect = EVER_EXACT;
    struct ever_result result;
    int64_t revisions[3];
    assert_ok(ever_append(fixture.store, writes, 3, &result, revisions));
    assert_int_equal(result.outcome, EVER_APPENDED);
    assert_int_equal(result.first_position, 2);
    assert_int_equal(result.last_position, 4);
    assert_int_equal(result.revision, 2);
    assert_int_equal(revisions[0], 2);
    assert_int_equal(revisions[1], 0);
    assert_int_equal(revisions[2], 2);

    assert_ok(ever_append(fixture.store, writes, 3, &result, revisions));
    assert_int_equal(result.outcome, EVER_CONFLICT);
    assert_int_equal(result.write_index, 0);
    writes[0].expect = EVER_ANY;
    assert_ok(ever_append(fixture.store, writes, 3, &result, revisions));
    assert_int_equal(result.outcome, EVER_CONFLICT);
    assert_int_equal(result.write_index, 1);
    assert_int_equal(result.revision, 0);
    assert_int_equal(ever_last_position(fixture.store), 4);
}

/* --- Repeats --------------------------------------------------------------------------------- */

static struct ever_result append_ids(const char *stream, uint32_t first_id, uint32_t count,
                                     const char *data, enum ever_expect expect)
{
    struct ever_new_event events[8];
    for (uint32_t i = 0; i < count; i++) {
        events[i] = event_of("T", data);
        events[i].id = id_of(first_id + i);
    }
    struct ever_write write = write_of(stream, events, count);
    write.expect = expect;
    return append_write(&fixture, write);
}

static void the_same_append_again_has_the_first_answer(void **state)
{
    (void)state; /* cmocka's, unused */
    append_one(&fixture, "a-1", "T", "0");
    struct ever_result first = append_ids("a-1", 1, 3, "x", EVER_EXACT);
    assert_int_equal(first.outcome, EVER_APPENDED);
    append_one(&fixture, "a-1", "T", "later");
    for (int i = 0; i < 2; i++) {
        struct ever_result again = append_ids("a-1", 1, 3, "x", EVER_EXACT);
        assert_int_equal(again.outcome, EVER_REPEATED);
        assert_int_equal(again.first_position, first.first_position);
        assert_int_equal(again.last_position, first.last_position);
        assert_int_equal(again.revision, 3);
        fixture_reopen(&fixture);
    }
    assert_int_equal(ever_last_position(fixture.store), 5);
}

static void an_id_is_for_one_event_for_ever(void **state)
{
    (void)state; /* cmocka's, unused */
    assert_int_equal(append_ids("a-1", 1, 3, "x", EVER_ANY).outcome, EVER_APPENDED);
    assert_int_equal(append_ids("a-1", 1, 3, "y", EVER_ANY).outcome, EVER_ID_REUSED);
    assert_int_equal(append_ids("a-2", 1, 3, "x", EVER_ANY).outcome, EVER_ID_REUSED);
    assert_int_equal(append_ids("a-2", 1, 3, "x", EVER_NO_STREAM).outcome, EVER_ID_REUSED);
    assert_int_equal(append_ids("a-1", 1, 2, "x", EVER_ANY).outcome, EVER_ID_REUSED); /* fewer */
    assert_int_equal(append_ids("a-1", 1, 4, "x", EVER_ANY).outcome, EVER_ID_REUSED); /* more */
    assert_int_equal(append_ids("a-1", 2, 2, "x", EVER_ANY).outcome, EVER_ID_REUSED);
    assert_int_equal(append_ids("a-1", 3, 3, "x", EVER_ANY).outcome, EVER_ID_REUSED);
    assert_int_equal(ever_last_position(fixture.store), 3);
    /* What was refused has not used its ids. */
    assert_int_equal(append_ids("a-1", 4, 2, "x", EVER_ANY).outcome, EVER_APPENDED);
}

static void an_id_twice_in_one_append_is_refused(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_new_event events[2] = {event_of("T", "1"), event_of("T", "1")};
    events[0].id = events[1].id = id_of(7);
    struct ever_result result = append_write(&fixture, write_of("a-1", events, 2));
    assert_int_equal(result.outcome, EVER_ID_REUSED);
    assert_int_equal(append_ids("a-1", 7, 1, "1", EVER_ANY).outcome, EVER_APPENDED);
}

static void a_repeat_over_several_streams_has_all_revisions(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_new_event events[3] = {event_of("T", "1"), event_of("T", "2"), event_of("T", "3")};
    events[0].id = id_of(1);
    events[2].id = id_of(3); /* the one between has none: the store gives it one */
    struct ever_write writes[3] = {write_of("a-1", &events[0], 1), write_of("b-1", &events[1], 1),
                                   write_of("a-1", &events[2], 1)};
    struct ever_result result;
    int64_t revisions[3];
    assert_ok(ever_append(fixture.store, writes, 3, &result, NULL));
    append_one(&fixture, "a-1", "T", "4");
    assert_ok(ever_append(fixture.store, writes, 3, &result, revisions));
    assert_int_equal(result.outcome, EVER_REPEATED);
    assert_int_equal(result.last_position, 3);
    assert_int_equal(result.revision, 1);
    assert_int_equal(revisions[0], 1);
    assert_int_equal(revisions[1], 0);
    assert_int_equal(revisions[2], 1);
}

static void tags_that_repeat_are_stored_once_and_are_part_of_a_repeat(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_slice tags[4] = {SLICE_LITERAL("b"), SLICE_LITERAL("a"), SLICE_LITERAL("b"),
                                 SLICE_LITERAL("")};
    struct ever_new_event event = event_of("T", "1");
    event.id = id_of(1);
    event.tags = tags;
    event.tag_count = 4;
    struct ever_write write = write_of("a-1", &event, 1);
    assert_int_equal(append_write(&fixture, write).outcome, EVER_APPENDED);
    assert_int_equal(append_write(&fixture, write).outcome, EVER_REPEATED);

    struct ever_cursor *cursor;
    const struct ever_event *stored;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){0}, &cursor));
    assert_ok(ever_next(cursor, &stored));
    assert_int_equal(stored->tag_count, 3);
    assert_slice(stored->tags[0], "b");
    assert_slice(stored->tags[1], "a");
    assert_slice(stored->tags[2], "");
    ever_cursor_close(cursor);

    event.tag_count = 1;
    assert_int_equal(append_write(&fixture, write).outcome, EVER_ID_REUSED);
}

/* --- What is refused ------------------------------------------------------------------------- */

static void expect_refusal(const struct ever_write *write, enum ever_code code)
{
    struct ever_result result;
    assert_err(ever_append(fixture.store, write, 1, &result, NULL), code);
    assert_int_equal(ever_last_position(fixture.store), 0);
}

static char long_text[EVER_EVENT_BYTES_MAX + 1];

static void names_have_rules(void **state)
{
    (void)state; /* cmocka's, unused */
    static const char *const bad[] = {"", "a\nb", "a\x7f", "\xff", "a\xc3"};
    struct ever_new_event event = event_of("T", "1");
    struct ever_new_event bad_event = event;
    struct ever_write write = write_of("a-1", &bad_event, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ever_write bad_stream = write_of(bad[i], &event, 1);
        expect_refusal(&bad_stream, EVER_INVALID);
        bad_event.type = slice_of_text(bad[i]);
        expect_refusal(&write, EVER_INVALID);
    }
    bad_event = event;
    struct ever_slice tag = SLICE_LITERAL("a\tb");
    bad_event.tags = &tag;
    bad_event.tag_count = 1;
    expect_refusal(&write, EVER_INVALID);
    struct ever_write zero_byte = write;
    zero_byte.stream = slice_of("a\0b", 3);
    bad_event = event;
    expect_refusal(&zero_byte, EVER_INVALID);
    struct ever_write none = write_of("a-1", &event, 0);
    expect_refusal(&none, EVER_INVALID);
    assert_err(ever_append(fixture.store, &write, 0, NULL, NULL), EVER_INVALID);
}

static void limits_are_exact(void **state)
{
    (void)state; /* cmocka's, unused */
    memset(long_text, 'x', sizeof long_text);
    struct ever_new_event event = event_of("T", "1");
    struct ever_write write = write_of("a-1", &event, 1);
    write.stream = slice_of(long_text, EVER_STREAM_NAME_BYTES_MAX + 1);
    expect_refusal(&write, EVER_LIMIT);
    write.stream = slice_of(long_text, EVER_STREAM_NAME_BYTES_MAX);
    event.type = slice_of(long_text, EVER_TYPE_NAME_BYTES_MAX + 1);
    expect_refusal(&write, EVER_LIMIT);
    event.type = slice_of(long_text, EVER_TYPE_NAME_BYTES_MAX);
    struct ever_slice tags[EVER_TAGS_PER_EVENT_MAX + 1];
    char names[EVER_TAGS_PER_EVENT_MAX + 1][EVER_TAG_BYTES_MAX + 1];
    for (uint32_t i = 0; i <= EVER_TAGS_PER_EVENT_MAX; i++) {
        memset(names[i], 'a' + (int)i % 26, sizeof names[i]);
        names[i][0] = (char)('0' + i);
        tags[i] = slice_of(names[i], EVER_TAG_BYTES_MAX);
    }
    event.tags = tags;
    event.tag_count = EVER_TAGS_PER_EVENT_MAX + 1;
    expect_refusal(&write, EVER_LIMIT);
    event.tag_count = EVER_TAGS_PER_EVENT_MAX;
    tags[3].size++;
    expect_refusal(&write, EVER_LIMIT);
    tags[3].size--;
    event.metadata = SLICE_LITERAL("m");
    event.data = slice_of(long_text, EVER_EVENT_BYTES_MAX);
    expect_refusal(&write, EVER_LIMIT);
    event.data.size--;
    assert_int_equal(append_write(&fixture, write).outcome, EVER_APPENDED);
    fixture_reopen(&fixture);
    assert_int_equal(ever_last_position(fixture.store), 1);
}

static void an_append_has_a_most_of_everything(void **state)
{
    (void)state; /* cmocka's, unused */
    uint32_t most = EVER_EVENTS_PER_APPEND_MAX;
    struct ever_new_event *events = calloc(most + 1, sizeof *events);
    struct ever_write *writes = calloc(EVER_WRITES_PER_APPEND_MAX + 1, sizeof *writes);
    for (uint32_t i = 0; i <= most; i++) {
        events[i] = event_of("T", "1");
        writes[i] = write_of("a-1", &events[i], 1);
    }
    struct ever_write too_many = write_of("a-1", events, most + 1);
    expect_refusal(&too_many, EVER_LIMIT);
    struct ever_result result;
    assert_err(ever_append(fixture.store, writes, EVER_WRITES_PER_APPEND_MAX + 1, &result, NULL),
               EVER_LIMIT);
    events[0].data = slice_of(long_text, EVER_EVENT_BYTES_MAX);
    for (uint32_t i = 1; i < 4; i++) {
        events[i].data = events[0].data;
    }
    struct ever_write too_large = write_of("a-1", events, 4);
    expect_refusal(&too_large, EVER_LIMIT);
    struct ever_write large = write_of("a-1", events, 3);
    assert_int_equal(append_write(&fixture, large).last_position, 3);
    assert_ok(ever_append(fixture.store, writes + 4, most - 4, &result, NULL));
    assert_int_equal(result.last_position, 3 + most - 4);
    free(events);
    free(writes);
}

static void each_event_of_an_append_but_the_first_continues_it(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_new_event events[2] = {event_of("T", "1"), event_of("T", "2")};
    struct ever_write writes[2] = {write_of("a-1", events, 2), write_of("b-1", events, 2)};
    struct ever_result result;
    assert_ok(ever_append(fixture.store, writes, 2, &result, NULL));
    append_one(&fixture, "a-1", "T", "3");
    struct ever_cursor *cursor;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){0}, &cursor));
    for (uint64_t position = 1; position <= 5; position++) {
        const struct ever_event *event;
        assert_ok(ever_next(cursor, &event));
        assert_int_equal(event->position, position);
        assert_int_equal(event->continues, position > 1 && position < 5);
    }
    ever_cursor_close(cursor);
}

/* Events with the ids `from` and on, data "x"; two streams that take turns, one write for each. */
static struct ever_result append_missing(const uint32_t *ids, uint32_t count,
                                         int64_t out_revisions[static 16])
{
    struct ever_new_event events[16];
    struct ever_write writes[16];
    for (uint32_t i = 0; i < count; i++) {
        events[i] = event_of("T", "x");
        events[i].id = id_of(ids[i]);
        writes[i] = write_of(ids[i] % 2 == 0 ? "even" : "odd", &events[i], 1);
        writes[i].pass_known = true;
    }
    struct ever_result result;
    assert_ok(ever_append(fixture.store, writes, count, &result, out_revisions));
    return result;
}

static void known_events_are_passed_over_one_by_one(void **state)
{
    (void)state; /* cmocka's, unused */
    int64_t revisions[16];
    struct ever_result first = append_missing((uint32_t[]){1, 2, 3}, 3, revisions);
    assert_int_equal(first.outcome, EVER_APPENDED);
    assert_int_equal(first.known_count, 0);
    struct ever_result all = append_missing((uint32_t[]){3, 1}, 2, revisions); /* other company */
    assert_int_equal(all.outcome, EVER_REPEATED);
    assert_int_equal(all.known_count, 2);
    assert_int_equal(all.first_position, 1);
    assert_int_equal(all.last_position, 3);

    struct ever_result some = append_missing((uint32_t[]){1, 4, 2, 5, 4, 6}, 6, revisions);
    assert_int_equal(some.outcome, EVER_APPENDED);
    assert_int_equal(some.known_count, 3); /* 4 comes twice */
    assert_int_equal(some.first_position, 4);
    assert_int_equal(some.last_position, 6);
    assert_int_equal(revisions[1], 2); /* even: 2, 4, 6 */
    assert_int_equal(revisions[3], 2); /* odd: 1, 3, 5 */
    assert_read(&fixture, (struct ever_read){0},
                "odd/0:x even/0:x odd/1:x even/1:x odd/2:x even/2:x");

    struct ever_cursor *cursor;
    const struct ever_event *event;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){.from = 4}, &cursor));
    for (int i = 0; i < 3; i++) {
        assert_ok(ever_next(cursor, &event));
        assert_int_equal(event->continues, i > 0);
    }
    ever_cursor_close(cursor);
    struct ever_stats stats;
    ever_stats(fixture.store, &stats);
    assert_int_equal(stats.appended_events, 6);
}

static void a_known_id_with_other_content_is_named(void **state)
{
    (void)state; /* cmocka's, unused */
    append_ids("a-1", 1, 3, "x", EVER_ANY);
    struct ever_new_event events[3] = {event_of("T", "new"), event_of("T", "x"),
                                       event_of("T", "other")};
    events[1].id = id_of(1);
    events[2].id = id_of(2);
    struct ever_write write = write_of("a-1", events, 3);
    write.pass_known = true;
    struct ever_result result = append_write(&fixture, write);
    assert_int_equal(result.outcome, EVER_ID_REUSED);
    assert_int_equal(result.event_index, 2);
    assert_int_equal(ever_last_position(fixture.store), 3);
    events[2] = events[0]; /* the same new id twice, with other content */
    events[0].id = events[2].id = id_of(9);
    events[2].type = SLICE_LITERAL("U");
    assert_int_equal(append_write(&fixture, write).outcome, EVER_ID_REUSED);

    struct ever_write mixed[2] = {write, write_of("a-2", events, 1)};
    assert_err(ever_append(fixture.store, mixed, 2, &result, NULL), EVER_INVALID);
    assert_int_equal(ever_last_position(fixture.store), 3);
}

static void counts_tell_what_happened(void **state)
{
    (void)state; /* cmocka's, unused */
    append_ids("a-1", 1, 3, "x", EVER_ANY);
    append_ids("a-1", 1, 3, "x", EVER_ANY);
    append_expecting("a-1", EVER_NO_STREAM, 0);
    struct ever_stats stats;
    ever_stats(fixture.store, &stats);
    assert_int_equal(stats.last_position, 3);
    assert_int_equal(stats.appended_events, 3);
    assert_int_equal(stats.appends, 1);
    assert_int_equal(stats.conflicts, 1);
    assert_int_equal(stats.blocks, 1);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.write_error, 0);
    assert_true(stats.log_bytes > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(positions_and_revisions_are_dense),
        TEST(each_condition_holds_when_it_should),
        TEST(several_writes_are_one_append),
        TEST(the_same_append_again_has_the_first_answer),
        TEST(an_id_is_for_one_event_for_ever),
        TEST(an_id_twice_in_one_append_is_refused),
        TEST(a_repeat_over_several_streams_has_all_revisions),
        TEST(tags_that_repeat_are_stored_once_and_are_part_of_a_repeat),
        TEST(names_have_rules),
        TEST(limits_are_exact),
        TEST(an_append_has_a_most_of_everything),
        TEST(each_event_of_an_append_but_the_first_continues_it),
        TEST(known_events_are_passed_over_one_by_one),
        TEST(a_known_id_with_other_content_is_named),
        TEST(counts_tell_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
