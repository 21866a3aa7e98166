/* Catches: a view that rests while somebody waits for it, or when it shall end; one that rests no
 * more after the last waiter has gone. */
#include "domain/view/news_priv.h"
#include "unit/unit.h"

#include "base/env.h"

#define FOREVER_NS (INT64_C(1000) * 86400 * 1000000000)

static struct view_news news;

static int set_up(void **state)
{
    (void)state; /* cmocka's, unused */
    view_news_init(&news);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's, unused */
    view_news_deinit(&news);
    return 0;
}

static void *rest_for_ever(void *arg)
{
    (void)arg; /* there is one news only */
    view_news_rest(&news, FOREVER_NS);
    return NULL;
}

static void who_waits_ends_a_rest(void **state)
{
    (void)state; /* cmocka's, unused */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, rest_for_ever, NULL), 0);
    view_news_hurry(&news, true);
    pthread_join(thread, NULL);
    view_news_hurry(&news, false);
}

static void nobody_rests_while_one_of_two_still_waits(void **state)
{
    (void)state; /* cmocka's, unused */
    view_news_hurry(&news, true);
    view_news_hurry(&news, true);
    view_news_hurry(&news, false);
    view_news_rest(&news, FOREVER_NS);
    view_news_hurry(&news, false);
}

static void the_end_ends_a_rest(void **state)
{
    (void)state; /* cmocka's, unused */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, rest_for_ever, NULL), 0);
    view_news_stop(&news);
    pthread_join(thread, NULL);
}

static void a_rest_lasts_until_its_time_though_there_is_news(void **state)
{
    (void)state; /* cmocka's, unused */
    struct env *env = env_real();
    view_news_hurry(&news, true);
    view_news_hurry(&news, false);
    view_news_tell(&news);
    int64_t until_ns = env->monotonic_ns(env) + 2000000;
    view_news_rest(&news, until_ns);
    assert_true(env->monotonic_ns(env) >= until_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_waits_ends_a_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_rests_while_one_of_two_still_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_end_ends_a_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rest_lasts_until_its_time_though_there_is_news, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
