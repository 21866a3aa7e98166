/* Catches: a bar that is wider than the terminal, beyond its end, or that divides by nothing. */
#include "unit/unit.h"

#include "cli/output/progress.h"

static void check(struct progress progress, unsigned columns, const char *want)
{
    struct text out = {0};
    progress_format(&progress, columns, &out);
    assert_slice(text_slice(&out), want);
    assert_true(out.size < columns);
    text_deinit(&out);
}

static void shows_share_rate_and_time_left(void **state)
{
    (void)state; /* cmocka's signature */
    check((struct progress){.total = 200, .done = 50, .events = 104000, .elapsed_ms = 2000}, 80,
          "[########--------------------------]  25%  104,000 events  52,000/s  0:06 left");
    check((struct progress){.total = 10, .done = 1, .events = 1, .elapsed_ms = 61000}, 80,
          "[####------------------------------------]  10%  1 events  0/s  9:09 left");
}

static void shows_no_bar_without_an_end_or_room(void **state)
{
    (void)state; /* cmocka's signature */
    check((struct progress){.done = 50, .events = 1234567, .elapsed_ms = 1000}, 80,
          "1,234,567 events  1,234,567/s");
    check((struct progress){.total = 2, .done = 1, .events = 10, .elapsed_ms = 1000}, 40,
          "10 events  10/s  0:01 left");
    check((struct progress){.total = 2, .done = 1, .events = 10, .elapsed_ms = 1000}, 8, "10 even");
}

static void stays_within_its_ends(void **state)
{
    (void)state; /* cmocka's signature */
    check((struct progress){.total = 10, .done = 0, .events = 0, .elapsed_ms = 0}, 36,
          "[-----------------]   0%  0 events");
    check((struct progress){.total = 10, .done = 25, .events = 3, .elapsed_ms = 1000}, 50,
          "[###############] 100%  3 events  3/s  0:00 left");
}

static void groups_digits(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text out = {0};
        text_add_grouped(&out, cases[i].value);
        assert_slice(text_slice(&out), cases[i].text);
        text_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_share_rate_and_time_left),
        cmocka_unit_test(shows_no_bar_without_an_end_or_room),
        cmocka_unit_test(stays_within_its_ends),
        cmocka_unit_test(groups_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
