/* Catches: an import that sends something else than the row said, or that loses an id and so makes
 * a second event of the first. */
#include "unit/unit.h"

#include "cli/input/event_line.h"

static void check(struct event_shape shape, const char *record, const char *want)
{
    struct text out = {0};
    struct text problem = {0};
    enum event_line_outcome outcome =
        event_line_add(&shape, &(struct record){.json = slice_of_text(record)}, &out, &problem);
    assert_slice(outcome == EVENT_LINE_REFUSED ? text_slice(&problem) : text_slice(&out), want);
    text_deinit(&out);
    text_deinit(&problem);
}

static const struct event_shape events = {0};

static void sends_what_an_event_has_and_drops_what_the_server_gives(void **state)
{
    (void)state; /* cmocka's signature */
    check(events,
          "{\"position\":9,\"stream\":\"a-1\",\"revision\":0,\"type\":\"T\",\"id\":\"i\",\"time\":"
          "\"t\",\"data\":{\"x\": 1},\"metadata\":{},\"tags\":[\"g\"]}",
          "{\"stream\":\"a-1\",\"type\":\"T\",\"data\":{\"x\": "
          "1},\"id\":\"i\",\"metadata\":{},\"tags\":[\"g\"]}\n");
    check(events, "{\"type\":\"T\",\"stream\":\"a-1\",\"dataBase64\":\"AA==\"}",
          "{\"stream\":\"a-1\",\"type\":\"T\",\"dataBase64\":\"AA==\"}\n");
    check(events, "{\"type\":\"T\",\r\n \"stream\":\"a-1\",\n\"data\":[\n1]}",
          "{\"stream\":\"a-1\",\"type\":\"T\",\"data\":[ 1]}\n");
    check(events, "{\"end\":true,\"position\":9}", "");
    check(events, "{\"stream\":\"\\u0024command-1\",\"type\":\"T\",\"data\":1}", "");
}

static void refuses_what_is_no_event(void **state)
{
    (void)state; /* cmocka's signature */
    check(events, "5", "an object was expected");
    check(events, "{\"type\":\"T\"}",
          "an event needs \"stream\" (to import rows as they are, say --stream and --type)");
    check(events, "{\"stream\":\"a\"}",
          "an event needs \"type\" (to import rows as they are, say --stream and --type)");
    check(events, "{\"stream\":\"a\",\"type\":\"T\",\"dat\":1}",
          "an event has no member 'dat' (to import rows as they are, say --stream and --type)");
}

static void makes_the_streams_name_of_fields(void **state)
{
    (void)state; /* cmocka's signature */
    struct event_shape shape = {.stream = "x-{a}-{b c}", .type = "Ty\"pe"};
    check(shape, "{\"a\":\"\\u00e9\",\"b c\":5}",
          "{\"stream\":\"x-\xc3\xa9-5\",\"type\":\"Ty\\\"pe\",\"data\":{\"a\":\"\\u00e9\",\"b "
          "c\":5}}\n");
    check(shape, "{\"a\":1}", "there is no field 'b c' for the stream's name");
    check(shape, "{\"a\":null,\"b c\":1}", "field 'a' is null, which makes no stream's name");
    check(shape, "{\"a\":\"\",\"b c\":1}", "field 'a' is \"\", which makes no stream's name");
    check(shape, "{\"a\":{},\"b c\":1}", "field 'a' is {}, which makes no stream's name");
    check((struct event_shape){.stream = "x-{a", .type = "T"}, "{}",
          "{\"stream\":\"x-{a\",\"type\":\"T\",\"data\":{}}\n");
}

/* The id made for a row, as the text behind "id":. */
static void make_id(struct record_place place, const char *json, char out_id[static 37])
{
    struct record record = {.place = place, .json = slice_of_text(json)};
    struct event_shape shape = {.stream = "s-1", .type = "T", .make_ids = true};
    struct text out = {0};
    struct text problem = {0};
    assert_int_equal(event_line_add(&shape, &record, &out, &problem), EVENT_LINE_ADDED);
    const char *id = strstr(out.data, "\"id\":\"");
    assert_non_null(id);
    memcpy(out_id, id + strlen("\"id\":\""), 36);
    out_id[36] = '\0';
    text_deinit(&out);
}

static void makes_the_same_id_for_the_same_row_only(void **state)
{
    (void)state; /* cmocka's signature */
    char first[37];
    char again[37];
    char other_line[37];
    char other_element[37];
    char other_row[37];
    make_id((struct record_place){1, 1}, "{\"a\":1}", first);
    make_id((struct record_place){1, 1}, "{\"a\":1}", again);
    make_id((struct record_place){2, 1}, "{\"a\":1}", other_line);
    make_id((struct record_place){1, 2}, "{\"a\":1}", other_element);
    make_id((struct record_place){1, 1}, "{\"a\":2}", other_row);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other_line);
    assert_string_not_equal(first, other_element);
    assert_string_not_equal(first, other_row);
    assert_int_equal(first[14], '8'); /* the UUID's version: made by our own rule */
}

static void keeps_an_id_that_is_there(void **state)
{
    (void)state; /* cmocka's signature */
    check((struct event_shape){.make_ids = true},
          "{\"stream\":\"a\",\"type\":\"T\",\"id\":\"mine\",\"data\":1}",
          "{\"stream\":\"a\",\"type\":\"T\",\"data\":1,\"id\":\"mine\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_an_event_has_and_drops_what_the_server_gives),
        cmocka_unit_test(refuses_what_is_no_event),
        cmocka_unit_test(makes_the_streams_name_of_fields),
        cmocka_unit_test(makes_the_same_id_for_the_same_row_only),
        cmocka_unit_test(keeps_an_id_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
