/* Catches: a leader that waits for those who do not come, again and again; one that goes on with
 * half of those who were about to come; one that waits where nobody is expected. */
#include "store/gather.h"
#include "unit/unit.h"

#define MS 1000000

static struct gather gather;

static int set_up(void **state)
{
    (void)state; /* cmocka's, unused */
    gather_init(&gather);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's, unused */
    gather_deinit(&gather);
    return 0;
}

static void a_lone_caller_never_waits(void **state)
{
    (void)state; /* cmocka's, unused */
    gather_expect(&gather, 0, MS, 1);
    assert_false(gather_is_worth_it(&gather, 1, 1));
}

static void nobody_waits_when_the_time_for_it_is_nearly_over(void **state)
{
    (void)state; /* cmocka's, unused */
    int64_t latest_ns = 10 * MS + MS / 2 - MS / 50;
    gather_expect(&gather, 10 * MS, MS, 8);
    assert_false(gather_is_worth_it(&gather, latest_ns + 1, 1));
    assert_false(gather_is_worth_it(&gather, latest_ns + MS, 1));
    assert_true(gather_is_worth_it(&gather, latest_ns, 1));
    gather_end(&gather, false);
}

static void nobody_waits_where_writing_is_as_quick_as_waking_up(void **state)
{
    (void)state; /* cmocka's, unused */
    gather_expect(&gather, 0, MS / 30, 8);
    assert_false(gather_is_worth_it(&gather, 0, 1));
}

static void the_wait_ends_when_three_quarters_have_come(void **state)
{
    (void)state; /* cmocka's, unused */
    gather_expect(&gather, 0, 2 * MS, 8);
    assert_true(gather_is_worth_it(&gather, 0, 2));
    for (uint32_t appends = 3; appends <= 6; appends++) {
        assert_int_not_equal(gather.wanted, 0);
        gather_came(&gather, appends);
    }
    assert_true(gather_wait(&gather));
    gather_end(&gather, true);
    assert_int_equal(gather.skips, 0);
}

static void fail_to_gather(void)
{
    gather_expect(&gather, 0, MS, 2);
    assert_true(gather_is_worth_it(&gather, 0, 1));
    assert_false(gather_wait(&gather)); /* that time is long over */
    gather_end(&gather, false);
}

static uint32_t groups_until_the_next_wait(void)
{
    uint32_t groups = 0;
    gather_expect(&gather, 0, MS, 2);
    while (!gather_is_worth_it(&gather, 0, 1)) {
        groups++;
    }
    gather.wanted = 0;
    return groups;
}

static void who_waits_in_vain_waits_less_often(void **state)
{
    (void)state; /* cmocka's, unused */
    uint32_t groups = 1;
    for (int i = 0; i < 10; i++) {
        groups = groups < 64 ? groups * 2 : 64;
        fail_to_gather();
        assert_int_equal(groups_until_the_next_wait(), groups);
    }
}

static void a_wait_that_was_worth_it_makes_up_for_the_others(void **state)
{
    (void)state; /* cmocka's, unused */
    fail_to_gather();
    (void)groups_until_the_next_wait();
    assert_true(gather_is_worth_it(&gather, 0, 1));
    gather_came(&gather, 2);
    gather_end(&gather, false); /* it was reached after the time, before the lock was had again */
    fail_to_gather();
    assert_int_equal(groups_until_the_next_wait(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lone_caller_never_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_when_the_time_for_it_is_nearly_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_where_writing_is_as_quick_as_waking_up, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_wait_ends_when_three_quarters_have_come, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_waits_in_vain_waits_less_often, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_that_was_worth_it_makes_up_for_the_others, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
