/* Catches: conditional headers, preferences, idempotency keys, media types and query strings that
 * are read wrongly, or accepted though they are malformed. */
#include "unit/unit.h"

#include "gateway/wire/command_id.h"
#include "gateway/wire/media.h"
#include "gateway/wire/precondition.h"
#include "gateway/wire/prefer.h"
#include "gateway/wire/query.h"

static struct arena arena;

static int open_arena(void **state)
{
    (void)state; /* cmocka's signature */
    arena_init(&arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state; /* cmocka's signature */
    arena_deinit(&arena);
    return 0;
}

/* --- Entity tags ----------------------------------------------------------------------------- */

static struct tag_list tags_of(const char *value)
{
    struct tag_list list;
    const char *fault = tag_list_parse(slice_of_text(value), &arena, &list);
    if (fault != NULL) {
        fail_msg("%s: %s", value, fault);
    }
    return list;
}

static void tags_are_compared_strongly_or_weakly(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice three = SLICE_LITERAL("3");
    static const struct {
        const char *value;
        bool strong;
        bool weak;
    } cases[] = {
        {"\"3\"", true, true},
        {"\"4\"", false, false},
        {"W/\"3\"", false, true},
        {"\"1\", \"3\"", true, true},
        {"\"1\" ,, \"2\",", false, false},
        {"*", true, true},
        {"\"a,\\b\",\"3\"", true, true},
        {"\"\"", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tag_list list = tags_of(cases[i].value);
        assert_int_equal(tag_list_matches(&list, three, TAGS_STRONG), cases[i].strong);
        assert_int_equal(tag_list_matches(&list, three, TAGS_WEAK), cases[i].weak);
    }
}

static void one_strong_number_is_a_revision(void **state)
{
    (void)state; /* cmocka's signature */
    uint64_t revision = 7;
    struct tag_list list = tags_of("\"3\"");
    assert_true(tag_list_revision(&list, &revision));
    assert_int_equal(revision, 3);
    static const char *const others[] = {"\"03\"", "W/\"3\"", "\"3\",\"4\"",
                                         "\"x\"",  "*",       "\"9223372036854775808\""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        list = tags_of(others[i]);
        assert_false(tag_list_revision(&list, &revision));
    }
    assert_int_equal(revision, 3);
}

static void malformed_tags_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {"3", "\"3",      "3\"", "\"3\" \"4\"", "w/\"3\"",
                                      "",  "*, \"3\"", "'3'", "\"a\"b\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tag_list list;
        if (tag_list_parse(slice_of_text(bad[i]), &arena, &list) == NULL) {
            fail_msg("%s was accepted", bad[i]);
        }
    }
    struct tag_list list;
    assert_null(tag_list_parse(SLICE_NONE, &arena, &list));
    assert_false(list.given);
}

static void tags_have_a_limit(void **state)
{
    (void)state; /* cmocka's signature */
    struct text value = {0};
    struct tag_list list;
    for (int i = 0; i < PRECONDITION_TAGS_MAX; i++) {
        text_add_text(&value, i == 0 ? "\"1\"" : ",\"1\"");
    }
    assert_null(tag_list_parse(text_slice(&value), &arena, &list));
    text_add_text(&value, ",\"1\"");
    assert_non_null(tag_list_parse(text_slice(&value), &arena, &list));
    text_deinit(&value);
}

/* --- Prefer ---------------------------------------------------------------------------------- */

static bool prefer(const char *first, const char *second, struct prefer *out)
{
    struct http_header headers[] = {
        {SLICE_LITERAL("Prefer"), slice_of_text(first)},
        {SLICE_LITERAL("PREFER"), slice_of_text(second)},
    };
    struct http_request request = {.headers = headers, .header_count = second == NULL ? 1 : 2};
    return prefer_parse(&request, out);
}

static void preferences_come_in_lists_and_lines(void **state)
{
    (void)state; /* cmocka's signature */
    struct prefer got;
    assert_true(prefer("respond-async, wait=5", NULL, &got));
    assert_true(got.wait_given);
    assert_int_equal(got.wait_seconds, 5);
    assert_slice(got.unknown, "respond-async");
    assert_true(prefer("handling=strict", "Wait=\"2\"; x=1, wait=9", &got));
    assert_true(got.strict);
    assert_int_equal(got.wait_seconds, 2);
    assert_int_equal(got.unknown.size, 0);
    assert_true(prefer("wait=3600", NULL, &got));
    assert_int_equal(got.wait_seconds, PREFER_WAIT_SECONDS_MAX);
    assert_true(prefer("handling=lenient", NULL, &got));
    assert_true(got.lenient && !got.strict && !got.wait_given);
    assert_false(prefer("wait=soon", NULL, &got));
    assert_false(prefer("wait=-1", NULL, &got));
    assert_false(prefer("wait", NULL, &got));
}

/* --- Idempotency-Key ------------------------------------------------------------------------- */

static void keys_are_quoted_strings_or_tokens(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice key;
    assert_null(idempotency_key_parse(SLICE_LITERAL("\"a \\\"b\\\" \\\\\""), &arena, &key));
    assert_slice(key, "a \"b\" \\");
    assert_null(idempotency_key_parse(SLICE_LITERAL("8e03978e-40d5"), &arena, &key));
    assert_slice(key, "8e03978e-40d5");
    static const char *const bad[] = {"",    "\"\"",    "\"a",       "a\"",          "\"a\"b\"",
                                      "a b", "\"\\x\"", "\"a\x01\"", "\"\xc3\xa9\"", "a;b",
                                      "\"",  "\"a\\\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (idempotency_key_parse(slice_of_text(bad[i]), &arena, &key) == NULL) {
            fail_msg("%s was accepted", bad[i]);
        }
    }
}

static void keys_have_255_bytes_at_most(void **state)
{
    (void)state; /* cmocka's signature */
    char key[258];
    memset(key, 'k', sizeof key);
    struct ever_slice parsed;
    assert_null(idempotency_key_parse(slice_of(key, 255), &arena, &parsed));
    assert_non_null(idempotency_key_parse(slice_of(key, 256), &arena, &parsed));
}

static void the_same_three_are_the_same_command(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice account = SLICE_LITERAL("account");
    struct ever_uuid id =
        command_id_of_key(account, SLICE_LITERAL("alice"), SLICE_LITERAL("k"), &arena);
    assert_int_equal(id.bytes[6] >> 4, 8);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_int_equal(id.bytes[14], 0);
    assert_int_equal(id.bytes[15], 0);
    assert_true(uuid_equal(
        id, command_id_of_key(account, SLICE_LITERAL("alice"), SLICE_LITERAL("k"), &arena)));
    assert_false(uuid_equal(
        id, command_id_of_key(account, SLICE_LITERAL("alic"), SLICE_LITERAL("ek"), &arena)));
    assert_false(uuid_equal(id, command_id_of_key(SLICE_LITERAL("accoun"), SLICE_LITERAL("talice"),
                                                  SLICE_LITERAL("k"), &arena)));
    /* Written down: the ids stand in logs, so they must never change. */
    char text[UUID_TEXT_BYTES + 1] = "";
    uuid_format(id, text);
    assert_string_equal(text, "d3e6eded-4efe-8b05-849e-24ad75a40000");
}

static void new_commands_leave_room_for_the_count(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_uuid first = command_id_new(env_real());
    struct ever_uuid second = command_id_new(env_real());
    assert_int_equal(first.bytes[6] >> 4, 7);
    assert_int_equal(first.bytes[14] | first.bytes[15], 0);
    assert_false(uuid_equal(first, second));
}

/* --- Media types ----------------------------------------------------------------------------- */

#define PAGE_SET (MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON) | MEDIA_BIT(MEDIA_SSE))

static void the_best_liked_type_is_chosen(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *accept;
        bool found;
        enum media media;
    } cases[] = {
        {"", true, MEDIA_JSON},
        {"*/*", true, MEDIA_JSON},
        {"text/event-stream", true, MEDIA_SSE},
        {"application/jsonl", true, MEDIA_NDJSON},
        {"APPLICATION/X-NDJSON", true, MEDIA_NDJSON},
        {"application/json;q=0.5, text/event-stream;q=0.9", true, MEDIA_SSE},
        {"text/*", true, MEDIA_SSE},
        {"text/html,application/xhtml+xml,*/*;q=0.8", true, MEDIA_JSON},
        {"application/json;q=0, */*;q=0.1", true, MEDIA_NDJSON},
        {"image/png", false, MEDIA_JSON},
        {"application/json;q=0", false, MEDIA_JSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum media media = MEDIA_JSON;
        bool found = media_choose(PAGE_SET, slice_of_text(cases[i].accept), &media);
        if (found != cases[i].found || (found && media != cases[i].media)) {
            fail_msg("%s: %d %s", cases[i].accept, found, media_name(media));
        }
    }
}

static void people_get_pages_and_programs_json(void **state)
{
    (void)state; /* cmocka's signature */
    enum media media;
    media_set set = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_HTML);
    assert_true(media_choose(set, SLICE_LITERAL("text/html,*/*;q=0.8"), &media));
    assert_int_equal(media, MEDIA_HTML);
    assert_true(media_choose(set, SLICE_LITERAL("*/*"), &media));
    assert_int_equal(media, MEDIA_JSON);
}

static void a_body_names_its_type(void **state)
{
    (void)state; /* cmocka's signature */
    enum media media;
    media_set set = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON);
    assert_true(media_of_content_type(set, SLICE_LITERAL("application/json"), &media));
    assert_true(
        media_of_content_type(set, SLICE_LITERAL("Application/JSON; Charset=UTF-8"), &media));
    assert_int_equal(media, MEDIA_JSON);
    assert_true(media_of_content_type(set, SLICE_LITERAL("application/x-ndjson;a=b"), &media));
    assert_int_equal(media, MEDIA_NDJSON);
    assert_false(
        media_of_content_type(set, SLICE_LITERAL("application/json; charset=latin1"), &media));
    assert_false(media_of_content_type(set, SLICE_LITERAL("text/plain"), &media));
    assert_false(media_of_content_type(set, SLICE_LITERAL("application/jsonx"), &media));
    assert_false(media_of_content_type(set, SLICE_NONE, &media));
}

/* --- Query strings --------------------------------------------------------------------------- */

static void queries_are_decoded_once(void **state)
{
    (void)state; /* cmocka's signature */
    struct query query;
    assert_null(query_parse(SLICE_LITERAL("from=3&type=A%2CB&type=C+D&&empty=&flag&x=1=2"), &arena,
                            &query));
    struct ever_slice value;
    assert_int_equal(query.count, 6);
    assert_true(query_get(&query, "from", &value));
    assert_slice(value, "3");
    assert_int_equal(query_count(&query, "type"), 2);
    assert_slice(query.pairs[1].value, "A,B");
    assert_slice(query.pairs[2].value, "C D");
    assert_true(query_get(&query, "empty", &value));
    assert_int_equal(value.size, 0);
    assert_true(query_get(&query, "flag", &value));
    assert_true(query_get(&query, "x", &value));
    assert_slice(value, "1=2");
    assert_false(query_get(&query, "missing", &value));
}

static void bad_queries_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {"a=%zz", "%=1", "a=%00", "a=%ff", "a=\xff"};
    struct query query;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(query_parse(slice_of_text(bad[i]), &arena, &query));
    }
    struct text many = {0};
    for (int i = 0; i < QUERY_PAIRS_MAX; i++) {
        text_add_text(&many, "a&");
    }
    assert_null(query_parse(text_slice(&many), &arena, &query));
    text_add_text(&many, "a");
    assert_non_null(query_parse(text_slice(&many), &arena, &query));
    text_deinit(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_compared_strongly_or_weakly),
        cmocka_unit_test(one_strong_number_is_a_revision),
        cmocka_unit_test(malformed_tags_are_refused),
        cmocka_unit_test(tags_have_a_limit),
        cmocka_unit_test(preferences_come_in_lists_and_lines),
        cmocka_unit_test(keys_are_quoted_strings_or_tokens),
        cmocka_unit_test(keys_have_255_bytes_at_most),
        cmocka_unit_test(the_same_three_are_the_same_command),
        cmocka_unit_test(new_commands_leave_room_for_the_count),
        cmocka_unit_test(the_best_liked_type_is_chosen),
        cmocka_unit_test(people_get_pages_and_programs_json),
        cmocka_unit_test(a_body_names_its_type),
        cmocka_unit_test(queries_are_decoded_once),
        cmocka_unit_test(bad_queries_are_refused),
    };
    return cmocka_run_group_tests_name("gateway headers", tests, open_arena, close_arena);
}
