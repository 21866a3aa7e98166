/* Catches: events that change on their way through JSON; bodies that are accepted though a member
 * is wrong, or refused without naming the place. */
#include "unit/unit.h"

#include "base/json.h"
#include "base/uuid.h"
#include "gateway/wire/append_body.h"
#include "gateway/wire/event_json.h"

#include <stdlib.h>

static struct arena arena;
static struct body_faults faults;

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    arena_init(&arena);
    faults = (struct body_faults){0};
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    arena_deinit(&arena);
    body_faults_deinit(&faults);
    return 0;
}

/* --- Events out ------------------------------------------------------------------------------ */

static struct ever_event an_event(void)
{
    static struct ever_slice tags[] = {SLICE_LITERAL("a:1"), SLICE_LITERAL("\"")};
    return (struct ever_event){
        .position = 12,
        .revision = 3,
        .time_ns = INT64_C(1795563060123456789),
        .id = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        .stream = SLICE_LITERAL("account-al\"ice"),
        .type = SLICE_LITERAL("Opened"),
        .data = SLICE_LITERAL("{\n \"a\" : 1.0}"),
        .metadata = SLICE_LITERAL("{\"who\":\"me\"}"),
        .tags = tags,
        .tag_count = 2,
    };
}

static void an_event_shows_all_it_has(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_event event = an_event();
    struct text out = {0};
    event_write(&out, &event, EVENT_AS_STORED);
    assert_slice(text_slice(&out),
                 "{\"position\":12,\"stream\":\"account-al\\\"ice\",\"revision\":3,"
                 "\"type\":\"Opened\",\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\","
                 "\"time\":\"2026-11-24T23:31:00.123456Z\",\"data\":{\n \"a\" : 1.0},"
                 "\"metadata\":{\"who\":\"me\"},\"tags\":[\"a:1\",\"\\\"\"]}");
    assert_true(json_check(text_slice(&out), NULL));
    text_deinit(&out);
}

static void an_event_on_a_line_has_no_line_ends(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_event event = an_event();
    event.data = SLICE_LITERAL("{\r\n\"a\":\n[\"x\\ny\"]}");
    struct text out = {0};
    event_write(&out, &event, EVENT_ON_A_LINE);
    assert_null(strpbrk(out.data, "\r\n"));
    assert_non_null(strstr(out.data, "{  \"a\": [\"x\\ny\"]}"));
    text_deinit(&out);
}

static void bytes_and_foreign_metadata_show_as_base64(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_event event = an_event();
    event.content = EVER_BYTES;
    event.data = SLICE_LITERAL("\x00\xff");
    event.metadata = SLICE_LITERAL("not json");
    event.tag_count = 0;
    struct text out = {0};
    event_write(&out, &event, EVENT_AS_STORED);
    assert_non_null(
        strstr(out.data, ",\"dataBase64\":\"AP8=\",\"metadataBase64\":\"bm90IGpzb24=\"}"));
    assert_true(json_check(text_slice(&out), NULL));
    text_deinit(&out);
}

/* --- Events in ------------------------------------------------------------------------------- */

static bool read_events(const char *body, enum media media, struct ever_write *out_write)
{
    body_faults_deinit(&faults);
    *out_write = (struct ever_write){0};
    return append_body_of_events(slice_of_text(body), media, &arena, &faults, out_write);
}

static void an_event_is_read_as_it_was_sent(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_write write;
    assert_true(read_events("{\"type\":\"Op\\u0065ned\",\"data\":{\"a\": 1.50 },"
                            "\"id\":\"01020304-0506-0708-090A-0b0c0d0e0f10\","
                            "\"metadata\":{\"x\":1},\"tags\":[\"t1\",\"t2\"]}",
                            MEDIA_JSON, &write));
    assert_int_equal(write.event_count, 1);
    const struct ever_new_event *event = write.events;
    assert_slice(event->type, "Opened");
    assert_slice(event->data, "{\"a\": 1.50 }");
    assert_slice(event->metadata, "{\"x\":1}");
    assert_int_equal(event->tag_count, 2);
    assert_slice(event->tags[1], "t2");
    assert_int_equal(event->id.bytes[9], 10);
    assert_int_equal(event->content, EVER_JSON);
}

static void data_may_be_any_json_or_bytes(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_write write;
    assert_true(read_events("[{\"type\":\"A\",\"data\":null},{\"type\":\"B\",\"data\":\"x\"},"
                            "{\"type\":\"C\",\"dataBase64\":\"AP8=\"}]",
                            MEDIA_JSON, &write));
    assert_int_equal(write.event_count, 3);
    assert_slice(write.events[0].data, "null");
    assert_slice(write.events[1].data, "\"x\"");
    assert_int_equal(write.events[2].content, EVER_BYTES);
    assert_int_equal(write.events[2].data.size, 2);
}

static void lines_are_events_and_blank_ones_are_passed_over(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_write write;
    assert_true(read_events("{\"type\":\"A\",\"data\":1}\r\n\n  \n{\"type\":\"B\",\"data\":2}",
                            MEDIA_NDJSON, &write));
    assert_int_equal(write.event_count, 2);
    assert_slice(write.events[1].type, "B");
    assert_false(
        read_events("{\"type\":\"A\",\"data\":1}\n\n{\"type\":\"B\"}\n", MEDIA_NDJSON, &write));
    assert_non_null(strstr(faults.json.data, "\"line\":3"));
    assert_false(read_events("{\"type\":\"A\",\"data\":1}\n{\"type\":", MEDIA_NDJSON, &write));
    assert_int_equal(faults.not_json_line, 2);
    assert_int_equal(faults.not_json_column, 9);
}

static void each_fault_names_its_place(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *body;
        const char *pointer;
        const char *word;
    } cases[] = {
        {"5", "\"\"", "object"},
        {"[]", "\"\"", "at least one"},
        {"[{\"type\":\"A\",\"data\":1},7]", "\"/1\"", "a number"},
        {"{\"type\":5,\"data\":1}", "\"/type\"", "Text"},
        {"{\"type\":\"\",\"data\":1}", "\"/type\"", "empty"},
        {"{\"type\":\"a\\u0001\",\"data\":1}", "\"/type\"", "control"},
        {"{\"data\":1}", "\"\"", "type"},
        {"{\"type\":\"A\"}", "\"\"", "data"},
        {"{\"type\":\"A\",\"data\":1,\"colour\":2}", "\"/colour\"", "no such member"},
        {"{\"type\":\"A\",\"data\":1,\"a/b~c\":2}", "\"/a~1b~0c\"", "no such member"},
        {"{\"type\":\"A\",\"data\":1,\"dataBase64\":\"\"}", "\"/dataBase64\"", "not both"},
        {"{\"type\":\"A\",\"dataBase64\":\"?\"}", "\"/dataBase64\"", "base64"},
        {"{\"type\":\"A\",\"data\":1,\"id\":\"x\"}", "\"/id\"", "UUID"},
        {"{\"type\":\"A\",\"data\":1,\"id\":\"00000000-0000-0000-0000-000000000000\"}", "\"/id\"",
         "zero"},
        {"{\"type\":\"A\",\"data\":1,\"metadata\":[]}", "\"/metadata\"", "object"},
        {"{\"type\":\"A\",\"data\":1,\"tags\":\"x\"}", "\"/tags\"", "array"},
        {"{\"type\":\"A\",\"data\":1,\"tags\":[\"x\",3]}", "\"/tags/1\"", "Text"},
        {"{\"type\":\"A\",\"data\":1,\"tags\":[\"x\\n\"]}", "\"/tags/0\"", "control"},
        {"{\"type\":\"A\",\"data\":1,\"stream\":\"x\"}", "\"/stream\"", "no such member"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ever_write write;
        assert_false(read_events(cases[i].body, MEDIA_JSON, &write));
        struct ever_slice pointer = arena_printf(&arena, "{\"pointer\":%s,", cases[i].pointer);
        if (strstr(faults.json.data, pointer.data) == NULL ||
            strstr(faults.json.data, cases[i].word) == NULL) {
            fail_msg("%s: %s", cases[i].body, faults.json.data);
        }
    }
}

static void not_json_is_told_with_its_place(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_write write;
    assert_false(read_events("{\"type\":\"A\",\n \"data\":tru}", MEDIA_JSON, &write));
    assert_int_equal(faults.not_json_line, 2);
    assert_int_equal(faults.not_json_column, 9);
    assert_int_equal(faults.not_json_offset, 21);
    assert_false(read_events("", MEDIA_JSON, &write));
    assert_non_null(faults.not_json);
}

static void only_the_first_faults_are_told(void **state)
{
    (void)state; /* cmocka's signature */
    struct text body = {0};
    for (int i = 0; i < BODY_FAULTS_MAX + 5; i++) {
        text_add_text(&body, i == 0 ? "[1" : ",1");
    }
    text_add_byte(&body, ']');
    struct ever_write write;
    assert_false(read_events(body.data, MEDIA_JSON, &write));
    assert_int_equal(faults.count, BODY_FAULTS_MAX + 5);
    assert_non_null(strstr(faults.json.data, "/19"));
    assert_null(strstr(faults.json.data, "/20"));
    text_deinit(&body);
}

static void appends_have_limits(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_write write;
    struct text body = {0};
    for (int i = 0; i <= EVER_EVENTS_PER_APPEND_MAX; i++) {
        text_add_text(&body, "{\"type\":\"A\",\"data\":1}\n");
    }
    assert_false(read_events(body.data, MEDIA_NDJSON, &write));
    assert_non_null(faults.too_large);
    body.data[body.size - 23] = '\0';
    assert_true(read_events(body.data, MEDIA_NDJSON, &write));
    assert_int_equal(write.event_count, EVER_EVENTS_PER_APPEND_MAX);

    text_clear(&body);
    text_add_text(&body, "{\"type\":\"A\",\"data\":\"");
    memset(text_reserve(&body, EVER_EVENT_BYTES_MAX), 'x', EVER_EVENT_BYTES_MAX);
    body.size += EVER_EVENT_BYTES_MAX;
    text_add_text(&body, "\"}");
    assert_false(read_events(body.data, MEDIA_JSON, &write));
    assert_non_null(faults.too_large);
    text_deinit(&body);
}

/* --- Several streams ------------------------------------------------------------------------- */

static bool read_writes(const char *text, enum media media, struct append_body *out_body)
{
    body_faults_deinit(&faults);
    return append_body_of_writes(slice_of_text(text), media, &arena, &faults, out_body);
}

static void writes_say_what_they_expect(void **state)
{
    (void)state; /* cmocka's signature */
    struct append_body body;
    assert_true(read_writes(
        "{\"writes\":[{\"stream\":\"a-1\",\"expect\":3,\"events\":[{\"type\":\"A\",\"data\":1}]},"
        "{\"events\":{\"type\":\"B\",\"data\":1},\"expect\":\"no-stream\",\"stream\":\"b-1\"},"
        "{\"stream\":\"c-1\",\"expect\":\"exists\",\"events\":[{\"type\":\"C\",\"data\":1}]},"
        "{\"stream\":\"d-1\",\"events\":[{\"type\":\"D\",\"data\":1},{\"type\":\"E\",\"data\":1}]}]"
        "}",
        MEDIA_JSON, &body));
    assert_int_equal(body.write_count, 4);
    assert_int_equal(body.writes[0].expect, EVER_EXACT);
    assert_int_equal(body.writes[0].revision, 3);
    assert_int_equal(body.writes[1].expect, EVER_NO_STREAM);
    assert_slice(body.writes[1].stream, "b-1");
    assert_int_equal(body.writes[2].expect, EVER_EXISTS);
    assert_int_equal(body.writes[3].expect, EVER_ANY);
    assert_int_equal(body.writes[3].event_count, 2);
}

static void wrong_writes_name_their_place(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const cases[][2] = {
        {"[]", "\"pointer\":\"\""},
        {"{}", "\"pointer\":\"\""},
        {"{\"writes\":[]}", "\"/writes\""},
        {"{\"writes\":[3]}", "\"/writes/0\""},
        {"{\"writes\":[{\"stream\":\"a\"}]}", "\"/writes/0\""},
        {"{\"writes\":[{\"events\":[]}]}", "\"/writes/0/events\""},
        {"{\"writes\":[{\"stream\":\"$a\",\"events\":{\"type\":\"A\",\"data\":1}}]}",
         "\"/writes/0/stream\""},
        {"{\"writes\":[{\"stream\":\"a/b\",\"events\":{\"type\":\"A\",\"data\":1}}]}",
         "\"/writes/0/stream\""},
        {"{\"writes\":[{\"stream\":\"a\",\"expect\":-1,\"events\":{\"type\":\"A\",\"data\":1}}]}",
         "\"/writes/0/expect\""},
        {"{\"writes\":[{\"stream\":\"a\",\"expect\":\"some\",\"events\":{\"type\":\"A\","
         "\"data\":1}}]}",
         "\"/writes/0/expect\""},
        {"{\"writes\":[{\"stream\":\"a\",\"events\":[{\"type\":\"A\",\"data\":1,\"x\":1}]}]}",
         "\"/writes/0/events/0/x\""},
        {"{\"more\":1,\"writes\":[{\"stream\":\"a\",\"events\":{\"type\":\"A\",\"data\":1}}]}",
         "\"/more\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct append_body body;
        assert_false(read_writes(cases[i][0], MEDIA_JSON, &body));
        if (strstr(faults.json.data, cases[i][1]) == NULL) {
            fail_msg("%s: %s", cases[i][0], faults.json.data);
        }
    }
}

static void lines_keep_their_order_over_streams(void **state)
{
    (void)state; /* cmocka's signature */
    struct append_body body;
    assert_true(read_writes("{\"stream\":\"a\",\"type\":\"A\",\"data\":1}\n"
                            "{\"stream\":\"a\",\"type\":\"B\",\"data\":1}\n"
                            "{\"stream\":\"b\",\"type\":\"C\",\"data\":1}\n"
                            "{\"stream\":\"a\",\"type\":\"D\",\"data\":1}\n",
                            MEDIA_NDJSON, &body));
    assert_int_equal(body.write_count, 3);
    assert_int_equal(body.writes[0].event_count, 2);
    assert_slice(body.writes[0].events[1].type, "B");
    assert_slice(body.writes[1].stream, "b");
    assert_slice(body.writes[2].events[0].type, "D");
    assert_false(read_writes("{\"type\":\"A\",\"data\":1}\n", MEDIA_NDJSON, &body));
    assert_non_null(strstr(faults.json.data, "stream"));
    assert_false(read_writes("\n", MEDIA_NDJSON, &body));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_shows_all_it_has),
        TEST(an_event_on_a_line_has_no_line_ends),
        TEST(bytes_and_foreign_metadata_show_as_base64),
        TEST(an_event_is_read_as_it_was_sent),
        TEST(data_may_be_any_json_or_bytes),
        TEST(lines_are_events_and_blank_ones_are_passed_over),
        TEST(each_fault_names_its_place),
        TEST(not_json_is_told_with_its_place),
        TEST(only_the_first_faults_are_told),
        TEST(appends_have_limits),
        TEST(writes_say_what_they_expect),
        TEST(wrong_writes_name_their_place),
        TEST(lines_keep_their_order_over_streams),
    };
    return cmocka_run_group_tests_name("gateway bodies", tests, NULL, NULL);
}
