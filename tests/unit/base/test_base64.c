/* Catches: a wrong character or padding at the end, or text that grows by the wrong size; text that
 * is read though nobody would have written it. */
#include "unit/unit.h"

#include "base/base64.h"

static const char *const cases[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfb", "//77"},
};

static void writes_the_vectors_of_rfc_4648(void **state)
{
    (void)state; /* cmocka's signature */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text out = {0};
        text_add_text(&out, ">");
        base64_write(&out, slice_of_text(cases[i][0]));
        assert_slice(slice_from(text_slice(&out), 1), cases[i][1]);
        text_deinit(&out);
    }
}

static void reads_what_it_writes_and_nothing_else(void **state)
{
    (void)state; /* cmocka's signature */
    struct arena arena;
    arena_init(&arena);
    struct ever_slice bytes;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(base64_read(slice_of_text(cases[i][1]), &arena, &bytes));
        assert_slice(bytes, cases[i][0]);
    }
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm-v", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (base64_read(slice_of_text(bad[i]), &arena, &bytes)) {
            fail_msg("%s was read", bad[i]);
        }
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_vectors_of_rfc_4648),
        cmocka_unit_test(reads_what_it_writes_and_nothing_else),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
