/* Catches: data that writes on the terminal what it should not, columns that do not line up,
 * server-sent events that are joined, dropped or given twice. */
#include "unit/unit.h"

#include "cli/client/lines.h"
#include "cli/client/sse.h"
#include "cli/output/event_text.h"
#include "cli/output/table.h"

static void shows_an_event_in_columns(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    event_text_add(
        &out,
        SLICE_LITERAL("{\"position\":12,\"stream\":\"a-1\",\"revision\":3,\"type\":\"T\","
                      "\"time\":\"2026-11-23T23:31:00.123456Z\",\"data\":{\"x\":1}}"),
        true);
    assert_slice(text_slice(&out), "      12  2026-11-23 23:31:00.123  a-1@3                     T"
                                   "                 {\"x\":1}\n");
    text_deinit(&out);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    event_text_add(&out,
                   SLICE_LITERAL("{\"position\":1,\"stream\":\"\\u001b[2J\",\"revision\":0,"
                                 "\"type\":\"\xc2\x9b\x7f\",\"data\":\"\xc2\x9b\"}"),
                   true);
    for (size_t i = 0; i + 1 < out.size; i++) {
        unsigned char byte = (unsigned char)out.data[i];
        assert_true(byte >= 0x20 && byte < 0x7f);
    }
    text_deinit(&out);
}

static void for_programs_it_is_the_json_as_it_is(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    event_text_add(&out, SLICE_LITERAL("{\"position\":1, \"data\":\"\\u001b\"}"), false);
    assert_slice(text_slice(&out), "{\"position\":1, \"data\":\"\\u001b\"}\n");
    text_deinit(&out);
}

static void indents_json(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    json_text_add(&out, SLICE_LITERAL("{\"a\":[1,{}],\"b\":{\"c\":\"d\"},\"e\":[]}"));
    assert_slice(text_slice(&out), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": "
                                   "\"d\"\n  },\n  \"e\": []\n}");
    text_deinit(&out);
}

static void table_of(const char *json, const char *const *columns, const char *want)
{
    struct text out = {0};
    table_add(&out, json_value_of(slice_of_text(json)), columns);
    assert_slice(text_slice(&out), want);
    text_deinit(&out);
}

static void aligns_columns(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const columns[] = {"name", "lag", "failure", NULL};
    table_of("[{\"name\":\"a\",\"lag\":5},{\"lag\":1234,\"name\":\"b\xc3\xa9"
             "c\",\"x\":1}]",
             columns,
             "name   lag\n"
             "a        5\n"
             "b\xc3\xa9"
             "c   1234\n");
    table_of("[{\"id\":\"x\",\"n\":10,\"m\":null},{\"id\":\"long name\",\"n\":9,\"m\":true}]", NULL,
             "id          n  m\n"
             "x          10\n"
             "long name   9  true\n");
    table_of("[]", NULL, "none\n");
}

struct messages {
    struct sse sse;
    struct text got;
};

static bool take_line(void *arg, struct ever_slice line)
{
    struct messages *messages = arg;
    struct sse_message message;
    if (sse_line(&messages->sse, line, &message)) {
        text_printf(&messages->got, "%.*s %.*s=%.*s\n", SLICE_PRINT(text_slice(&messages->sse.id)),
                    SLICE_PRINT(message.event), SLICE_PRINT(message.data));
    }
    return true;
}

static void reads_server_sent_events_in_any_pieces(void **state)
{
    (void)state; /* cmocka's signature */
    static const char input[] = ": hello\n\nretry: 5\nid: 1\nevent: Opened\ndata: {\"a\":1}\n\n"
                                "id: 2\r\ndata:x\r\ndata: y\r\n\r\n\nid: 7\nevent: checkpoint\n\n"
                                "event: caught-up\ndata\n\ndata: half";
    for (size_t piece = 1; piece < sizeof input; piece++) {
        struct messages messages = {0};
        struct lines lines = {0};
        for (size_t at = 0; at < sizeof input - 1; at += piece) {
            size_t size = sizeof input - 1 - at < piece ? sizeof input - 1 - at : piece;
            assert_true(lines_add(&lines, slice_of(input + at, size), take_line, &messages));
        }
        assert_slice(text_slice(&messages.got),
                     "1 Opened={\"a\":1}\n2 message=x\ny\n7 caught-up=\n");
        sse_deinit(&messages.sse);
        lines_deinit(&lines);
        text_deinit(&messages.got);
    }
}

static bool enough(void *arg, struct ever_slice line)
{
    text_add(arg, line);
    return false;
}

static void lines_stop_when_the_reader_has_enough(void **state)
{
    (void)state; /* cmocka's signature */
    struct lines lines = {0};
    struct text got = {0};
    assert_true(lines_add(&lines, SLICE_LITERAL("o"), enough, &got));
    assert_false(lines_add(&lines, SLICE_LITERAL("ne\r\ntwo\n"), enough, &got));
    assert_slice(text_slice(&got), "one");
    lines_deinit(&lines);
    text_deinit(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_an_event_in_columns),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(for_programs_it_is_the_json_as_it_is),
        cmocka_unit_test(indents_json),
        cmocka_unit_test(aligns_columns),
        cmocka_unit_test(reads_server_sent_events_in_any_pieces),
        cmocka_unit_test(lines_stop_when_the_reader_has_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
