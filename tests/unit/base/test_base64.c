/* Catches: a wrong character or padding at the end, or text that grows by the wrong size. */
#include "unit/unit.h"

#include "base/base64.h"

static void writes_the_vectors_of_rfc_4648(void **state)
{
    (void)state; /* cmocka's signature */
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
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text out = {0};
        text_add_text(&out, ">");
        base64_write(&out, slice_of_text(cases[i][0]));
        assert_slice(slice_from(text_slice(&out), 1), cases[i][1]);
        text_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_vectors_of_rfc_4648),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
