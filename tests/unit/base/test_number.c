/* Catches: a number that does not read back as itself, or is not written as JavaScript writes it.
 */
#include "unit/unit.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void writes(double value, const char *want)
{
    struct text text = {0};
    number_write(&text, value);
    assert_string_equal(text.data, want);
    text_deinit(&text);
}

static void writes_as_javascript_does(void **state)
{
    (void)state; /* cmocka's signature */
    writes(0, "0");
    writes(-0.0, "0");
    writes(-1.5, "-1.5");
    writes(0.1, "0.1");
    writes(0.1 + 0.2, "0.30000000000000004");
    writes(100, "100");
    writes(9007199254740993e0, "9007199254740992");
    writes(123456789012345680000.0, "123456789012345680000");
    writes(1e21, "1e+21");
    writes(1.25e21, "1.25e+21");
    writes(0.000001, "0.000001");
    writes(1.5e-7, "1.5e-7");
    writes(5e-324, "5e-324");
    writes(-1.7976931348623157e308, "-1.7976931348623157e+308");
}

static void reads_the_nearest(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const texts[] = {"0",
                                        "-0",
                                        "12.50",
                                        "1e3",
                                        "9007199254740993",
                                        "0.30000000000000004",
                                        "1E-7",
                                        "123456789.123456789"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double want = strtod(texts[i], NULL);
        double got = number_parse(slice_of_text(texts[i]));
        assert_memory_equal(&got, &want, sizeof got);
    }
    assert_true(isinf(number_parse(SLICE_LITERAL("1e999"))));
}

static void what_is_written_reads_back(void **state)
{
    (void)state; /* cmocka's signature */
    uint64_t bits = 1;
    for (int i = 0; i < 200000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value == 0) {
            continue;
        }
        struct text text = {0};
        number_write(&text, value);
        double again = number_parse(text_slice(&text));
        assert_memory_equal(&again, &value, sizeof value);
        text_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_as_javascript_does),
        cmocka_unit_test(reads_the_nearest),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
