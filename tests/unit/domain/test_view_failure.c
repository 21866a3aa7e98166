/* Catches: a failing event that takes others with it or leaves half of itself, a full disk taken
 * for the event's fault, a close that waits for a statement without end. */
#include "view_store.h"

#include "domain/view/life_priv.h"

/* --- Failing events ----------------------------------------------------------------------------
 */

static void a_failing_event_stops_the_view_before_it(void **state)
{
    struct world world;
    world_init(&world);
    world_put_view(&world, "seats", SEATS("stop"));
    world_put_view(&world, "balances", balances);
    book(&world, "{\"seat\":1,\"guest\":\"Ann\"}");
    book(&world, "{\"seat\":2,\"guest\":\"Ben\"}");
    book(&world, "{\"seat\":1,\"guest\":\"Cem\"}");
    book(&world, "{\"seat\":3,\"guest\":\"Dan\"}");
    append_accounts(&world, 1, 1);
    world_open_views(&world, *state != NULL);
    for (int start = 0; start < 2; start++) { /* a restart tries again, and stops again */
        assert_ok(views_run_to_end(world.open));
        assert_ok(views_run_to_end(world.open));
        struct view_status status = status_of(&world, "seats");
        assert_int_equal(status.state, VIEW_STOPPED);
        assert_int_equal(status.failed_position, 3);
        assert_int_equal(status.position, 2);
        assert_string_equal(status.failure, "UNIQUE constraint failed: seat.n");
        world_expect(&world, "seats", "seats", "[{\"n\":1},{\"n\":2}]");
        world_expect(&world, "seats", "log", "[{\"n\":1},{\"n\":2}]"); /* nothing half done */
        world_expect(&world, "balances", "total", "[{\"total\":1,\"accounts\":1}]");
        world_close_views(&world);
        world_open_views(&world, *state != NULL);
    }
    world_deinit(&world);
}

static void a_failing_event_is_noted_and_passed_over(void **state)
{
    struct world world;
    world_init(&world);
    world_put_view(&world, "seats", SEATS("skip"));
    book(&world, "{\"seat\":1}"); /* the first one: no guest */
    book(&world, "{\"seat\":1,\"guest\":\"Ann\"}");
    book(&world, "{\"seat\":2,\"guest\":\"Ben\"}");
    book(&world, "{\"seat\":2,\"guest\":\"Cem\"}");
    book(&world, "{\"seat\":\"x\",\"guest\":\"Dan\"}");
    book(&world, "{\"seat\":3,\"guest\":\"Eve\"}");
    book(&world, "{\"seat\":3,\"guest\":\"Fay\"}"); /* the last one */
    world_open_views(&world, *state != NULL);
    for (int start = 0; start < 2; start++) {
        assert_ok(views_run_to_end(world.open));
        struct view_status status = status_of(&world, "seats");
        assert_int_equal(status.state, VIEW_LIVE);
        assert_int_equal(status.position, 7);
        assert_int_equal(status.skipped, 4);
        assert_int_equal(status.failed_position, 0);
        world_expect(&world, "seats", "seats", "[{\"n\":1},{\"n\":2},{\"n\":3}]");
        world_expect(&world, "seats", "log", "[{\"n\":1},{\"n\":2},{\"n\":3}]");
        char *skipped = world_query(&world, "seats", "skipped", NULL, 0, NULL);
        assert_non_null(strstr(skipped, "{\"position\":1,\"stream\":\"show-1\",\"type\":\"Booked\","
                                        "\"message\":\"NOT NULL constraint failed: seat.guest\"}"));
        assert_non_null(strstr(skipped, "{\"position\":7,"));
        free(skipped);
        if (*state == NULL) {
            world_close_views(&world);
            world_open_views(&world, false);
        }
    }
    world_deinit(&world);
}

static void a_transaction_ended_by_a_statement_is_taken_back(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "v",
                   "-- view v\n-- on error skip\n"
                   "create table t (n integer primary key) strict;\n-- on Booked\n"
                   "insert or rollback into t values (:seat);\n"
                   "-- query all()\nselect n from t order by n;\n");
    for (int round = 0; round < 2; round++) {
        book(&world, "{\"seat\":1}");
        book(&world, "{\"seat\":2}");
        book(&world, "{\"seat\":3}");
    }
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "v", "all", "[{\"n\":1},{\"n\":2},{\"n\":3}]");
    assert_int_equal(status_of(&world, "v").skipped, 3);
    world_deinit(&world);
}

static void a_full_disk_is_waited_for(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 300);
    world_open_views(&world, false);
    struct view_guard *guard = &world_view(&world, "balances")->serving->database.guard;
    assert_ok(view_guard_run(guard, "pragma max_page_count = 1")); /* no page more than now */
    assert_err(views_run_to_end(world.open), EVER_IO);
    struct view_status status = status_of(&world, "balances");
    assert_int_equal(status.state, VIEW_CATCHING_UP);
    assert_int_equal(status.failed_position, 0);
    assert_string_equal(status.failure, "the disk is full; trying again");
    assert_ok(view_guard_run(guard, "pragma max_page_count = 100000"));
    assert_ok(views_run_to_end(world.open));
    assert_string_equal(status_of(&world, "balances").failure, "");
    world_expect(&world, "balances", "seen", "[{\"count\":600,\"last\":899}]");
    world_deinit(&world);
}

static void closing_ends_a_statement_that_never_ends(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "v",
                   "-- view v\ncreate table t (n);\n-- on Booked\n"
                   "insert into t with recursive c(i) as (select 1 union all select i "
                   "from c) select count(*) from c;\n"
                   "-- query all()\nselect n from t;\n");
    book(&world, "{}");
    world_open_views(&world, false);
    view_news_stop(world_view(&world, "v")->news); /* what views_close() begins with */
    assert_err(views_run_to_end(world.open), EVER_CLOSED);
    world_deinit(&world);
}

/* Overwrites some bytes in the middle of the store's first segment. */
static void damage_log(struct world *world)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/log", world->data); /* it fits */
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    assert_true(count > 2); /* behind . and .. */
    (void)snprintf(path, sizeof path, "%s/log/%s", world->data, names[2]->d_name);
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    assert_int_equal(chmod(path, 0600), 0);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 300000, SEEK_SET), 0);
    assert_int_equal(fputs("these bytes are not what was written", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* Two segments of events, the first one damaged. */
static void open_damaged(struct world *world, const char *view)
{
    world_init(world);
    world_put_view(world, "seats", view);
    static char big[2048];
    for (int i = 0; i < 900; i++) {
        (void)snprintf(big, sizeof big, "{\"seat\":%d,\"guest\":\"%01500d\"}", i, i); /* it fits */
        book(world, big);
    }
    ever_close(world->store);
    damage_log(world);
    world_open_store(world);
    world_open_views(world, false);
}

static void damage_in_the_log_is_a_failing_event(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    open_damaged(&world, SEATS("stop"));
    assert_ok(views_run_to_end(world.open));
    struct view_status status = status_of(&world, "seats");
    assert_int_equal(status.state, VIEW_STOPPED);
    assert_true(status.failed_position > status.position);
    assert_true(status.position < 300); /* of the readable ones, those before it */
    assert_string_equal(status.failure, "a part of the log from here on cannot be read");
    world_deinit(&world);

    open_damaged(&world, SEATS("skip"));
    for (int start = 0; start < 2; start++) {
        assert_ok(views_run_to_end(world.open));
        status = status_of(&world, "seats");
        assert_int_equal(status.state, VIEW_LIVE);
        assert_int_equal(status.position, 900);
        assert_true(status.skipped > 0);
        char *rows = world_query(&world, "seats", "seats", NULL, 0, NULL);
        assert_non_null(strstr(rows, "{\"n\":0}"));
        assert_non_null(strstr(rows, "{\"n\":899}"));
        free(rows);
        world_close_views(&world);
        world_open_views(&world, false);
    }
    world_deinit(&world);
}

int main(void)
{
    static char in_memory[] = "in memory";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_event_stops_the_view_before_it),
        cmocka_unit_test_prestate(a_failing_event_stops_the_view_before_it, in_memory),
        cmocka_unit_test(a_failing_event_is_noted_and_passed_over),
        cmocka_unit_test_prestate(a_failing_event_is_noted_and_passed_over, in_memory),
        cmocka_unit_test(a_transaction_ended_by_a_statement_is_taken_back),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(damage_in_the_log_is_a_failing_event),
        cmocka_unit_test(closing_ends_a_statement_that_never_ends),
    };
    return cmocka_run_group_tests_name("view failure", tests, NULL, NULL);
}
