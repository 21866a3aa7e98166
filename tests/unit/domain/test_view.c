/* Catches: an event applied twice or not at all (over a restart, a kill, the seam between catching
 * up and following), a rebuilt view that differs, a wrong face or status. */
#include "view_store.h"

#include "domain/view/life_priv.h"

#include <signal.h>
#include <sys/wait.h>

/* --- Applying ----------------------------------------------------------------------------------
 */

static void applies_and_answers(void **state)
{
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 500);
    world_open_views(&world, *state != NULL);
    assert_int_equal(view_position(world_view(&world, "balances")), 0);
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "balances", "total", "[{\"total\":125250,\"accounts\":500}]");
    append_accounts(&world, 501, 1);
    assert_ok(views_run_to_end(world.open));
    uint64_t position;
    char *rows = world_query(&world, "balances", "seen", NULL, 0, &position);
    assert_string_equal(rows, "[{\"count\":1002,\"last\":1502}]");
    assert_int_equal(position, 1503);
    free(rows);

    struct view_status status = status_of(&world, "balances");
    assert_int_equal(status.state, VIEW_LIVE);
    assert_string_equal(status.version, status.serving);
    assert_int_equal(status.position, 1503);
    assert_int_equal(status.build_position, 1503);
    assert_int_equal(status.applied, 1002);
    assert_int_equal(status.skipped, 0);
    assert_string_equal(status.failure, "");
    world_deinit(&world);
}

static void knows_its_face(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "other",
                   "-- view other\ncreate table t (a);\n-- on A\n"
                   "insert into t values (:a);\n-- query by(a, b integer)\n"
                   "select * from t where a = :a and a > :b;\n");
    world_put_view(&world, "balances", balances);
    world_open_views(&world, true);
    assert_int_equal(views_count(world.open), 2);
    assert_string_equal(view_name(views_at(world.open, 0)), "balances");
    assert_null(views_at(world.open, 2));
    assert_null(views_find(world.open, SLICE_LITERAL("none")));
    struct view *view = world_view(&world, "other");
    assert_true(view_handles(view, SLICE_LITERAL("A")));
    assert_false(view_handles(view, SLICE_LITERAL("Opened")));
    assert_int_equal(view_query_count(view), 1);
    const struct view_query_info *query = view_query_at(view, 0);
    assert_ptr_equal(query, view_query_find(view, SLICE_LITERAL("by")));
    assert_null(view_query_find(view, SLICE_LITERAL("b")));
    assert_int_equal(query->argument_count, 2);
    assert_string_equal(query->arguments[1], "b");
    world_deinit(&world);
}

static void reports_the_faults_of_all_files(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "one", "-- view one\n-- nothing\n");
    world_put_view(&world, "two",
                   "-- view two\ncreate table t (a);\n-- on A\n"
                   "update t set b = 1;\n-- query q()\nselect * from t;\n");
    struct text report = {0};
    struct views *views = NULL;
    assert_err(views_open(world.store, &world.app, world.views, NULL, 0, &report, &views),
               EVER_INVALID);
    assert_null(views);
    assert_non_null(strstr(report.data, "views/one.sql:2: the view handles no event"));
    assert_non_null(strstr(report.data, "views/two.sql:4: no such column: b\n"));
    text_deinit(&report);
    world_deinit(&world);
}

/* --- Restarts ----------------------------------------------------------------------------------
 */

static void a_restart_goes_on_where_it_was(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 10);
    (void)world_append(&world, "account-1", "Deposited", "{\"amount\":5}");
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_close_views(&world);

    world_open_views(&world, false);
    (void)world_append(&world, "account-1", "Noticed", "{}");
    assert_ok(views_run_to_end(world.open));
    assert_int_equal(status_of(&world, "balances").applied, 0);
    world_close_views(&world);

    world_open_views(&world, false);
    /* The last event was of a type it does not handle: written at close. */
    assert_int_equal(view_position(world_view(&world, "balances")), 32);
    append_accounts(&world, 11, 1);
    assert_ok(views_run_to_end(world.open));
    assert_int_equal(status_of(&world, "balances").applied, 2);
    world_expect(&world, "balances", "seen", "[{\"count\":23,\"last\":34}]");
    world_deinit(&world);
}

static void a_rebuilt_view_is_identical(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    world_open_views(&world, false);
    for (int i = 0; i < 40; i++) { /* in many small batches */
        append_accounts(&world, i * 7 + 1, 7);
        assert_ok(views_run_to_end(world.open));
    }
    char *before = world_query(&world, "balances", "everything", NULL, 0, NULL);
    world_close_views(&world);
    assert_int_equal(nftw(world.views, world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open)); /* in large ones */
    world_expect(&world, "balances", "everything", before);
    free(before);
    world_deinit(&world);
}

/* Appends and applies until it is killed in the middle. */
static void run_and_die(struct world *world)
{
    world_open_store(world);
    world_open_views(world, false);
    assert_ok(views_start(world->open));
    for (int i = 1;; i++) {
        append_accounts(world, i, 1);
        if (view_position(views_at(world->open, 0)) > 300) {
            (void)raise(SIGKILL);
        }
    }
}

static void a_killed_view_loses_and_repeats_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    ever_close(world.store);
    world.store = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_and_die(&world);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);

    world_open_store(&world);
    world_open_views(&world, false);
    assert_true(view_position(world_view(&world, "balances")) > 0);
    assert_ok(views_run_to_end(world.open));
    char *after = world_query(&world, "balances", "everything", NULL, 0, NULL);
    world_close_views(&world);
    world_open_views(&world, true);
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "balances", "everything", after);
    free(after);
    world_deinit(&world);
}

/* --- Following ---------------------------------------------------------------------------------
 */

#define APPENDERS 3
#define ACCOUNTS_EACH 60

struct appender {
    struct world *world;
    int first;
};

static void *append_many(void *arg)
{
    const struct appender *appender = arg;
    append_accounts(appender->world, appender->first, ACCOUNTS_EACH);
    return NULL;
}

static void no_event_is_lost_at_the_seam(void **state)
{
    struct world world;
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 200); /* to catch up with, while others append */
    world_open_views(&world, *state != NULL);
    views_watch(world.open, note_move, &waiter);
    pthread_t threads[APPENDERS];
    struct appender appenders[APPENDERS];
    for (int i = 0; i < APPENDERS; i++) {
        appenders[i] = (struct appender){&world, 1000 * (i + 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &appenders[i]), 0);
    }
    assert_ok(views_start(world.open));
    for (int i = 0; i < APPENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    uint64_t last = ever_last_position(world.store);
    wait_until(&world, &waiter, has_reached, last);
    uint64_t position;
    char *rows = world_query(&world, "balances", "seen", NULL, 0, &position);
    char want[64];
    unsigned long long accounts = 200 + APPENDERS * ACCOUNTS_EACH;
    (void)snprintf(want, sizeof want, "[{\"count\":%llu,", 2 * accounts); /* it fits */
    assert_int_equal(strncmp(rows, want, strlen(want)), 0);
    assert_int_equal(position, last);
    assert_int_equal(status_of(&world, "balances").applied, 2 * accounts);
    free(rows);
    views_watch(world.open, NULL, NULL);
    world_deinit(&world);
}

static void the_position_moves_over_events_of_others(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 1);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    struct view_version *version = world_view(&world, "balances")->serving;
    uint64_t saved = version->database.checkpoint.position;
    for (int i = 0; i < 20; i++) {
        (void)world_append(&world, "other-1", "Noticed", "{}");
        assert_ok(views_run_to_end(world.open));
    }
    assert_int_equal(view_position(world_view(&world, "balances")), 23);
    assert_int_equal(version->database.checkpoint.position, saved); /* nothing was written */
    uint64_t position;
    free(world_query(&world, "balances", "total", NULL, 0, &position));
    assert_int_equal(position, 23);
    world_deinit(&world);
}

int main(void)
{
    static char in_memory[] = "in memory";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applies_and_answers),
        cmocka_unit_test_prestate(applies_and_answers, in_memory),
        cmocka_unit_test(knows_its_face),
        cmocka_unit_test(reports_the_faults_of_all_files),
        cmocka_unit_test(a_restart_goes_on_where_it_was),
        cmocka_unit_test(a_rebuilt_view_is_identical),
        cmocka_unit_test(a_killed_view_loses_and_repeats_nothing),
        cmocka_unit_test(no_event_is_lost_at_the_seam),
        cmocka_unit_test_prestate(no_event_is_lost_at_the_seam, in_memory),
        cmocka_unit_test(the_position_moves_over_events_of_others),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
