/* Catches: a line let pass that another program could read otherwise, whether or not the parser
 * behind the guard would have noticed. */
#include "unit/unit.h"

#include "net/http1_guard.h"

/* A slice of a literal with its NULs, without the last. */
#define LINE(literal) SLICE_LITERAL(literal)

static void a_line_ends_with_crlf_and_holds_no_control_character(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        struct ever_slice line;
        const char *content; /* NULL: refused */
    } cases[] = {
        {LINE("\r\n"), ""},        {LINE("abc\r\n"), "abc"},  {LINE("a\tb\xff\r\n"), "a\tb\xff"},
        {LINE("\n"), NULL},        {LINE("abc\n"), NULL},     {LINE("a\rb\r\n"), NULL},
        {LINE("abc\r\r\n"), NULL}, {LINE("\r\r\n"), NULL},    {LINE("a\0b\r\n"), NULL},
        {LINE("a\x1f\r\n"), NULL}, {LINE("a\x7f\r\n"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ever_slice content = SLICE_NONE;
        struct http1_refusal refusal = http1_guard_line(cases[i].line, &content);
        if (cases[i].content == NULL) {
            assert_int_equal(refusal.status, 400);
        } else {
            assert_int_equal(refusal.status, 0);
            assert_slice(content, cases[i].content);
        }
    }
}

static void a_field_is_a_token_a_colon_and_a_value(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        struct ever_slice content;
        const char *name; /* NULL: refused */
        const char *value;
    } cases[] = {
        {LINE("Host: a"), "Host", "a"},
        {LINE("Host:a"), "Host", "a"},
        {LINE("!#$%&'*+-.^_`|~09azAZ:"), "!#$%&'*+-.^_`|~09azAZ", ""},
        {LINE("X: \t a b \t"), "X", "a b"},
        {LINE("X: a:b"), "X", "a:b"},
        {LINE(" X: a"), NULL, NULL},
        {LINE("\tX: a"), NULL, NULL},
        {LINE("X : a"), NULL, NULL},
        {LINE("X\t: a"), NULL, NULL},
        {LINE("X Y: a"), NULL, NULL},
        {LINE("X"), NULL, NULL},
        {LINE(":a"), NULL, NULL},
        {LINE("X\xc3\xa9: a"), NULL, NULL},
        {LINE("X\0: a"), NULL, NULL},
        {LINE("X(: a"), NULL, NULL},
        {LINE("X\": a"), NULL, NULL},
        {LINE("X/: a"), NULL, NULL},
        {LINE("X,Y: a"), NULL, NULL},
        {LINE("X;: a"), NULL, NULL},
        {LINE("X=: a"), NULL, NULL},
        {LINE("X@: a"), NULL, NULL},
        {LINE("X[]: a"), NULL, NULL},
        {LINE("X{}: a"), NULL, NULL},
        {LINE("X\\: a"), NULL, NULL},
        {LINE("X?: a"), NULL, NULL},
        {LINE("X<>: a"), NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_header field = {0};
        struct http1_refusal refusal = http1_guard_field(cases[i].content, &field);
        if (cases[i].name == NULL) {
            if (refusal.status != 400) {
                fail_msg("accepted: %.*s", SLICE_PRINT(cases[i].content));
            }
        } else {
            assert_int_equal(refusal.status, 0);
            assert_slice(field.name, cases[i].name);
            assert_slice(field.value, cases[i].value);
        }
    }
}

static void a_chunk_size_is_bare_hexadecimal(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        struct ever_slice content;
        int extension_bytes; /* -1: refused */
    } cases[] = {
        {LINE("0"), 0},
        {LINE("1aF"), 0},
        {LINE("ffffffffffffffff"), 0},
        {LINE("5;"), 1},
        {LINE("5;a=\"b c\""), 8},
        {LINE(""), -1},
        {LINE(";a"), -1},
        {LINE("00000000000000005"), -1},
        {LINE("5 "), -1},
        {LINE(" 5"), -1},
        {LINE("5 ;a"), -1},
        {LINE("+5"), -1},
        {LINE("-5"), -1},
        {LINE("0x5"), -1},
        {LINE("5_0"), -1},
        {LINE("5g"), -1},
        {LINE("5\t"), -1},
        {LINE("5,"), -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t extension_bytes = 0;
        struct http1_refusal refusal = http1_guard_chunk(cases[i].content, &extension_bytes);
        if ((refusal.status == 0) != (cases[i].extension_bytes >= 0)) {
            fail_msg("%.*s", SLICE_PRINT(cases[i].content));
        }
        if (refusal.status == 0) {
            assert_int_equal(extension_bytes, cases[i].extension_bytes);
        }
    }
    char longest[2 + HTTP1_CHUNK_EXTENSION_BYTES_MAX] = "1;";
    memset(longest + 2, 'a', sizeof longest - 2);
    size_t size = 0;
    assert_int_equal(http1_guard_chunk(slice_of(longest, sizeof longest - 1), &size).status, 0);
    assert_int_equal(http1_guard_chunk(slice_of(longest, sizeof longest), &size).status, 400);
}

static void an_authority_is_a_host_and_perhaps_a_port(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const good[] = {
        "", "a", "a.b-c_d", "127.0.0.1", "localhost:2113", "[::1]", "[::1]:2113", "a:", "%41",
    };
    static const char *const bad[] = {
        "a b",  "a/b", "u@a", "a:b", "a:1:2", "::1", "[::1",     "::1]",   "[::1]x", "[::1]:x",
        "a\\b", "a?b", "a#b", "a,b", "a\"b",  "<a>", "\xc3\xa9", "[a][b]", "a[b]",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!http1_is_authority(slice_of_text(good[i]))) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (http1_is_authority(slice_of_text(bad[i]))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void a_trailer_says_nothing_about_the_request(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {"Host",          "CONTENT-LENGTH", "transfer-encoding",
                                      "Authorization", "cookie",         "Trailer"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http_header field = {slice_of_text(bad[i]), SLICE_NONE};
        assert_int_equal(http1_guard_trailer(&field).status, 400);
    }
    struct http_header field = {SLICE_LITERAL("Checksum"), SLICE_NONE};
    assert_int_equal(http1_guard_trailer(&field).status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_ends_with_crlf_and_holds_no_control_character),
        cmocka_unit_test(a_field_is_a_token_a_colon_and_a_value),
        cmocka_unit_test(a_chunk_size_is_bare_hexadecimal),
        cmocka_unit_test(an_authority_is_a_host_and_perhaps_a_port),
        cmocka_unit_test(a_trailer_says_nothing_about_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
