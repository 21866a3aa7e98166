/* Catches: text of a request decoded to something else than what was meant: escapes and
 * preferences. */
#include "unit/unit.h"

#include "net/http.h"

static void percent_decoding_is_strict(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a%20b", "a b"},
        {"a+b", "a+b"},
        {"%2F%2f", "//"},
        {"%25%32%35", "%25"}, /* once, not twice */
        {"%c3%a9", "\xc3\xa9"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"%0d%0a", "\r\n"},
        {"%", NULL},
        {"%2", NULL},
        {"a%2", NULL},
        {"%g0", NULL},
        {"%0g", NULL},
        {"%-1", NULL},
        {"% 1", NULL},
        {"%00", NULL},
        {"a%00b", NULL},
        {"%c3", NULL},       /* half a character */
        {"%c0%af", NULL},    /* "/" in an overlong form */
        {"%ed%a0%80", NULL}, /* a surrogate */
        {"%ff", NULL},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ever_slice decoded = SLICE_NONE;
        bool good = http_percent_decode(slice_of_text(cases[i].text), &arena, &decoded);
        if (good != (cases[i].decoded != NULL)) {
            fail_msg("%s is %s", cases[i].text, good ? "accepted" : "refused");
        }
        if (good) {
            assert_slice(decoded, cases[i].decoded);
            assert_int_equal(decoded.data[decoded.size], '\0');
        }
    }
    struct ever_slice decoded;
    assert_false(http_percent_decode(slice_of("a\0b", 3), &arena, &decoded));
    arena_deinit(&arena);
}

static void accept_is_weighed_by_the_closest_range(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *accept; /* NULL: no such header */
        const char *type;
        unsigned quality;
    } cases[] = {
        {NULL, "application/json", 1000},
        {"", "application/json", 1000},
        {"  ", "application/json", 1000},
        {"*/*", "application/json", 1000},
        {"application/json", "application/json", 1000},
        {"Application/JSON", "application/json", 1000},
        {"application/json", "text/html", 0},
        {"application/*;q=0.5", "application/json", 500},
        {"application/*;q=0.5, application/json", "application/json", 1000},
        {"application/json, application/*;q=0.5", "application/json", 1000},
        {"application/json;q=0, */*", "application/json", 0},
        {"text/*, */*;q=0.1", "application/json", 100},
        {"text/html;q=0.25 , application/json ; q=0.125", "application/json", 125},
        {"application/json;charset=utf-8;q=0.3", "application/json", 300},
        {"application/json;note=\"a,b;q=0\";q=0.7", "application/json", 700},
        {"application/json;note=\"\\\",text/html\"", "text/html", 0},
        {"application/jsonl", "application/json", 0},
        {"application/jso", "application/json", 0},
        {"app*/json", "application/json", 0},
        {"application/json;q=1.5", "application/json", 1000},
        {"application/json;q=0.0001", "application/json", 1000},
        {"application/json;q=", "application/json", 1000},
        {"application/json;q=-1", "application/json", 1000},
        {"application/json;Q=0.5", "application/json", 500},
        {"application/json;q=0", "application/json", 0},
        {"application/json;q=1.", "application/json", 1000},
        {",,,", "application/json", 0},
        {";q=1", "application/json", 0},
        {"\"", "application/json", 0},
        {"\"\\", "application/json", 0},
        {"text/event-stream", "text/event-stream", 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned quality = http_accept_quality(slice_of_text(cases[i].accept), cases[i].type);
        if (quality != cases[i].quality) {
            fail_msg("%s for %s: got %u, want %u", cases[i].accept, cases[i].type, quality,
                     cases[i].quality);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_decoding_is_strict),
        cmocka_unit_test(accept_is_weighed_by_the_closest_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
