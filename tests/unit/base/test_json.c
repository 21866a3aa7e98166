/* Catches: JSON that is accepted though it is not, or refused though it is; a wrong place or
 * reason; wrong values read out of checked text; text written that would not read back. */
#include "unit/unit.h"

#include "base/json.h"

#include <stdlib.h>

static void accepts_what_rfc_8259_allows(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const good[] = {
        "0",
        " -0.5e+10 ",
        "\"\"",
        "null",
        "[]",
        "{ }",
        "[1,2 , [true,false]]",
        "{\"a\":{\"b\":[{}]},\"c\":\"\\u00e9\\ud83d\\ude00\"}",
        "1e999",
        "123456789012345678901234567890",
        "\"\xc3\xa9 \xf0\x9f\x98\x80 \x7f\"",
        "{\"a\":1,\"A\":2,\"\":3}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json_fault fault;
        if (!json_check(slice_of_text(good[i]), &fault)) {
            fail_msg("%s: %s at %zu", good[i], fault.reason, fault.offset);
        }
    }
}

static void refuses_and_names_the_place(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        size_t offset;
        const char *reason;
    } bad[] = {
        {"", 0, "the text ends where a value was expected"},
        {"{\"a\":1,\"a\":2}", 7, "duplicate key"},
        {"{\"a\":1,\"\\u0061\":2}", 7, "duplicate key"},
        {"[1,]", 3, "a value was expected"},
        {"{\"a\" 1}", 5, "a colon was expected behind the member name"},
        {"{a:1}", 1, "a member name in quotes was expected"},
        {"01", 1, "a number must not begin with 0"},
        {"-", 1, "a digit must follow the minus sign"},
        {"1.", 2, "a digit must follow the decimal point"},
        {"1e", 2, "a digit must follow the exponent sign"},
        {"\"\\ud800\"", 7, "lone surrogate"},
        {"\"\\udc00\"", 7, "lone surrogate"},
        {"\"\\x\"", 3, "unknown escape"},
        {"\"\t\"", 1, "control character in a string"},
        {"\"\xff\"", 1, "invalid UTF-8"},
        {"\"\xc0\x80\"", 1, "invalid UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "invalid UTF-8"},
        {"\"abc", 4, "the text ends inside a string"},
        {"1 2", 2, "something follows the value"},
        {"nul", 0, "a value was expected"},
        {"NaN", 0, "a value was expected"},
        {"[1 2]", 3, "a comma or ] was expected"},
        {"{\"a\":1 \"b\":2}", 7, "a comma or } was expected"},
        {"\xef\xbb\xbf{}", 0, "a value was expected"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_fault fault = {0};
        assert_false(json_check(slice_of_text(bad[i].text), &fault));
        if (fault.offset != bad[i].offset || strcmp(fault.reason, bad[i].reason) != 0) {
            fail_msg("%s: got %s at %zu", bad[i].text, fault.reason, fault.offset);
        }
    }
}

static void limits_depth(void **state)
{
    (void)state; /* cmocka's signature */
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(json_check(slice_of(text, 2 * depth), NULL), depth == JSON_DEPTH_MAX);
    }
}

/* A text whose keys are k0..k(count-1), the last one named `last`. */
static struct text object_of(unsigned count, unsigned last)
{
    struct text text = {0};
    for (unsigned i = 0; i < count; i++) {
        text_printf(&text, "%s\"k%u\":%u", i == 0 ? "{" : ",", i + 1 == count ? last : i, i);
    }
    text_add_byte(&text, '}');
    return text;
}

static void finds_duplicates_among_many_keys(void **state)
{
    (void)state; /* cmocka's signature */
    for (unsigned count = 2; count < 300; count += 7) {
        struct text distinct = object_of(count, count);
        struct text twice = object_of(count, 0);
        assert_true(json_check(text_slice(&distinct), NULL));
        assert_false(json_check(text_slice(&twice), NULL));
        text_deinit(&distinct);
        text_deinit(&twice);
    }
}

static void reads_members_and_elements(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice text =
        SLICE_LITERAL(" { \"n\" : -12 , \"s\":\"a\\n\\u00e9\\ud83d\\ude00\" ,\"o\":{\"x\":[1, "
                      "{\"y\":\"]\"}]},\"\\u0061b\":null } ");
    assert_true(json_check(text, NULL));
    struct json_value object = json_value_of(text);
    struct json_value value;
    struct arena arena;
    arena_init(&arena);

    int64_t number;
    assert_true(json_member(object, SLICE_LITERAL("n"), &value));
    assert_true(json_integer(value, &number));
    assert_int_equal(number, -12);
    assert_true(json_member(object, SLICE_LITERAL("s"), &value));
    assert_slice(json_string(value, &arena), "a\n\xc3\xa9\xf0\x9f\x98\x80");
    assert_true(json_member(object, SLICE_LITERAL("ab"), &value));
    assert_int_equal(value.kind, JSON_NULL);
    assert_false(json_member(object, SLICE_LITERAL("missing"), &value));

    assert_true(json_member(object, SLICE_LITERAL("o"), &value));
    assert_true(json_member(value, SLICE_LITERAL("x"), &value));
    struct json_iter iter = json_iter(value);
    assert_true(json_next(&iter));
    assert_slice(iter.value.text, "1");
    assert_true(json_next(&iter));
    assert_slice(iter.value.text, "{\"y\":\"]\"}");
    assert_false(json_next(&iter));
    arena_deinit(&arena);
}

static void integers_have_bounds(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } cases[] = {
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"-0", true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        assert_int_equal(json_integer(json_value_of(slice_of_text(cases[i].text)), &value),
                         cases[i].fits);
        assert_int_equal(value, cases[i].value);
    }
}

static void numbers_beyond_a_double_are_found(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        const char *number; /* NULL: all fit */
    } cases[] = {
        {"[1e999]", "1e999"},
        {"{\"a\":[1,{\"b\":-1E+400}],\"c\":1e500}", "-1E+400"},
        {"[1.7976931348623157e308,-1.7976931348623157E308,1e-999,0e999,true,false,null]", NULL},
        {"[1.8e308 ]", "1.8e308"},
        {"[\"1e999\",\"\\\"1e999\",12345678901234567890123456789012345678901234567890]", NULL},
        {"{\"1e999\":{}}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_value value = json_value_of(slice_of_text(cases[i].text));
        struct ever_slice number;
        bool found = json_beyond_double(value, &number);
        assert_int_equal(found, cases[i].number != NULL);
        if (found) {
            assert_slice(number, cases[i].number);
        }
    }
    struct text digits = {0};
    text_add_byte(&digits, '[');
    for (int i = 0; i < 310; i++) {
        text_add_byte(&digits, '9');
    }
    text_add_byte(&digits, ']');
    struct ever_slice number;
    assert_true(json_beyond_double(json_value_of(text_slice(&digits)), &number));
    assert_int_equal(number.size, 310);
    text_deinit(&digits);
}

static void what_is_written_reads_back(void **state)
{
    (void)state; /* cmocka's signature */
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i & 0x7f);
    }
    struct text out = {0};
    struct arena arena;
    arena_init(&arena);
    json_write_string(&out, slice_of(bytes, 128));
    assert_true(json_check(text_slice(&out), NULL));
    struct ever_slice back = json_string(json_value_of(text_slice(&out)), &arena);
    assert_true(slice_equal(back, slice_of(bytes, 128)));
    text_clear(&out);
    json_write_string(&out, SLICE_LITERAL("a\xff"
                                          "b"));
    assert_slice(text_slice(&out), "\"a\xef\xbf\xbd"
                                   "b\"");
    arena_deinit(&arena);
    text_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_rfc_8259_allows),
        cmocka_unit_test(refuses_and_names_the_place),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(finds_duplicates_among_many_keys),
        cmocka_unit_test(reads_members_and_elements),
        cmocka_unit_test(integers_have_bounds),
        cmocka_unit_test(numbers_beyond_a_double_are_found),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
