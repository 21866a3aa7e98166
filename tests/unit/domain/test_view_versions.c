/* Catches: a changed file that interrupts the answers or leaves its earlier database behind, a
 * database that is damaged or of another log taken for ours. */
#include "view_store.h"

#include "domain/view/life_priv.h"

#include <stdatomic.h>

/* --- Changed files -----------------------------------------------------------------------------
 */

static const char changed[] =
    "-- view balances\n"
    "create table account (id text primary key, balance integer not null) strict;\n"
    "-- on Opened\ninsert into account values (@id, 1000);\n"
    "-- on Deposited\nupdate account set balance = balance + :amount where id = @id;\n"
    "-- query total()\nselect sum(balance) as total, count(*) as accounts from account;\n"
    "-- query fresh()\nselect count(*) as count from account;\n";

struct asker {
    struct world *world;
    atomic_bool stop;
    unsigned answers;
};

/* Each answer is of the old version or of the new one, whole; none is refused. */
static void *ask_totals(void *arg)
{
    struct asker *asker = arg;
    do {
        char *rows = world_query(asker->world, "balances", "total", NULL, 0, NULL);
        bool old = strcmp(rows, "[{\"total\":80200,\"accounts\":400}]") == 0;
        bool new = strcmp(rows, "[{\"total\":480200,\"accounts\":400}]") == 0;
        if (!old && !new) {
            fail_msg("%s", rows);
        }
        free(rows);
        asker->answers++;
    } while (!atomic_load(&asker->stop));
    return NULL;
}

static void a_changed_file_takes_over_when_it_has_caught_up(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 400);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_close_views(&world);

    world_put_view(&world, "balances", changed);
    world_open_views(&world, false);
    struct view_status status = status_of(&world, "balances");
    assert_string_not_equal(status.version, status.serving);
    assert_int_equal(status.state, VIEW_CATCHING_UP);
    assert_int_equal(status.position, 1200);
    assert_int_equal(status.build_position, 0);
    assert_int_equal(database_count(&world), 2);
    world_expect(&world, "balances", "total", "[{\"total\":80200,\"accounts\":400}]");

    const struct view_query_info *fresh =
        view_query_find(world_view(&world, "balances"), SLICE_LITERAL("fresh"));
    struct text rows = {0};
    struct text report = {0};
    uint64_t position;
    struct view_limits limits = {0};
    assert_err(view_query(world_view(&world, "balances"), fresh, NULL, 0, &limits, &rows, &position,
                          &report),
               EVER_BUSY);
    text_deinit(&report);

    struct asker asker = {.world = &world};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_totals, &asker), 0);
    views_watch(world.open, note_move, &waiter);
    assert_ok(views_start(world.open));
    wait_until(&world, &waiter, serves_current, 1200);
    world_expect(&world, "balances", "total", "[{\"total\":480200,\"accounts\":400}]");
    world_expect(&world, "balances", "fresh", "[{\"count\":400}]");
    atomic_store(&asker.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(asker.answers > 0);
    assert_int_equal(database_count(&world), 1);
    assert_int_equal(status_of(&world, "balances").state, VIEW_LIVE);
    views_watch(world.open, NULL, NULL);
    world_deinit(&world);
}

static void building_survives_a_restart(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 1300);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_close_views(&world);
    world_put_view(&world, "balances", changed);
    world_open_views(&world, false);
    bool moved;
    (void)view_life_step(world_view(&world, "balances"), &moved); /* one batch */
    uint64_t built = status_of(&world, "balances").build_position;
    assert_true(built > 0 && built < 3900);
    append_accounts(&world, 1301, 1); /* the old version follows meanwhile */
    (void)view_life_step(world_view(&world, "balances"), &moved);
    world_close_views(&world);

    world_open_views(&world, false);
    struct view_status status = status_of(&world, "balances");
    assert_true(status.build_position >= built);
    world_close_views(&world);
    world_put_view(&world, "balances", balances); /* changed back: it answers at once */
    world_open_views(&world, false);
    status = status_of(&world, "balances");
    assert_string_equal(status.version, status.serving);
    assert_int_equal(database_count(&world), 1);
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "balances", "total", "[{\"total\":846951,\"accounts\":1301}]");
    world_deinit(&world);
}

static void a_mended_file_gets_over_the_event(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "seats", SEATS("stop"));
    book(&world, "{\"seat\":1,\"guest\":\"Ann\"}");
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    book(&world, "{\"seat\":1,\"guest\":\"Ben\"}");
    book(&world, "{\"seat\":2,\"guest\":\"Cem\"}");
    assert_ok(views_run_to_end(world.open));
    assert_int_equal(status_of(&world, "seats").state, VIEW_STOPPED);
    world_close_views(&world);
    world_put_view(&world, "seats", SEATS("skip"));
    world_open_views(&world, false);
    world_expect(&world, "seats", "seats", "[{\"n\":1}]");
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "seats", "seats", "[{\"n\":1},{\"n\":2}]");
    assert_int_equal(status_of(&world, "seats").state, VIEW_LIVE);
    assert_int_equal(database_count(&world), 1);
    world_deinit(&world);
}

static void views_with_like_names_keep_apart(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "a",
                   "-- view a\ncreate table t (n);\n-- on Booked\n"
                   "insert into t values (1);\n-- query all()\nselect n from t;\n");
    world_put_view(&world, "a-b",
                   "-- view a-b\ncreate table t (n);\n-- on Booked\n"
                   "insert into t values (2);\n-- query all()\nselect n from t;\n");
    book(&world, "{}");
    for (int start = 0; start < 2; start++) {
        world_open_views(&world, false);
        assert_ok(views_run_to_end(world.open));
        world_expect(&world, "a", "all", "[{\"n\":1}]");
        world_expect(&world, "a-b", "all", "[{\"n\":2}]");
        assert_int_equal(database_count(&world), 2);
        world_close_views(&world);
    }
    world_deinit(&world);
}

/* --- Databases that are not what they should be ------------------------------------------------
 */

static void path_of(struct world *world, const char *name, char out_path[static 256])
{
    (void)snprintf(out_path, 256, "%s", world_view(world, name)->serving->database.path);
}

static void a_damaged_database_is_built_again_at_start(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 3);
    static const char *const contents[] = {"",
                                           "this is no database, but long enough for a header. "
                                           "this is no database, but long enough for a header."};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        world_open_views(&world, false);
        char path[256];
        path_of(&world, "balances", path);
        world_close_views(&world);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(contents[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        world_open_views(&world, false);
        assert_int_equal(view_position(world_view(&world, "balances")), 0);
        assert_ok(views_run_to_end(world.open));
        world_expect(&world, "balances", "total", "[{\"total\":6,\"accounts\":3}]");
        world_close_views(&world);
    }
    world_deinit(&world);
}

static void damage_found_by_a_query_is_mended(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 3);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    struct view *view = world_view(&world, "balances");
    assert_ok(view_guard_run(&view->serving->database.guard, "drop table account"));
    struct text rows = {0};
    struct text report = {0};
    uint64_t position;
    struct view_limits limits = {0};
    const struct view_query_info *query = view_query_find(view, SLICE_LITERAL("total"));
    assert_err(view_query(view, query, NULL, 0, &limits, &rows, &position, &report), EVER_CORRUPT);
    assert_string_equal(report.data, "the view's database is damaged and will be built again");
    text_deinit(&report);
    text_deinit(&rows);
    views_watch(world.open, note_move, &waiter);
    assert_ok(views_start(world.open));
    (void)pthread_mutex_lock(&waiter.lock);
    while (waiter.count == 0 || view_position(view) < 9) {
        (void)pthread_cond_wait(&waiter.moved, &waiter.lock);
    }
    (void)pthread_mutex_unlock(&waiter.lock);
    world_expect(&world, "balances", "total", "[{\"total\":6,\"accounts\":3}]");
    views_watch(world.open, NULL, NULL);
    world_deinit(&world);
}

/* Leaves the views' folder and makes the store's anew. */
static void replace_store(struct world *world)
{
    world_close_views(world);
    ever_close(world->store);
    assert_int_equal(nftw(world->data, world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    world_open_store(world);
}

static void a_database_of_another_store_is_built_again(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 3);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    replace_store(&world);
    append_accounts(&world, 11, 3);
    world_open_views(&world, false);
    assert_int_equal(view_position(world_view(&world, "balances")), 0);
    assert_ok(views_run_to_end(world.open));
    world_expect(&world, "balances", "total", "[{\"total\":36,\"accounts\":3}]");
    world_deinit(&world);
}

static void copy_store(const char *from, const char *to)
{
    char command[256];
    (void)snprintf(command, sizeof command, "cp -a %s %s", from, to); /* both short, both ours */
    assert_int_equal(system(command), 0);
}

static void a_view_of_a_lost_future_is_built_again(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    world_put_view(&world, "balances", balances);
    append_accounts(&world, 1, 3);
    ever_close(world.store);
    char backup[128];
    (void)snprintf(backup, sizeof backup, "%s/backup", world.dir); /* it fits */
    copy_store(world.data, backup);
    world_open_store(&world);
    for (int grown_again = 0; grown_again < 2; grown_again++) {
        append_accounts(&world, 4, 3);
        world_open_views(&world, false);
        assert_ok(views_run_to_end(world.open));
        world_expect(&world, "balances", "total", "[{\"total\":21,\"accounts\":6}]");
        world_close_views(&world);
        ever_close(world.store);
        assert_int_equal(nftw(world.data, world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        copy_store(backup, world.data); /* the older log; the view is ahead of it */
        world_open_store(&world);
        if (grown_again) { /* to the same length, with other events */
            append_accounts(&world, 104, 3);
        }
        world_open_views(&world, false);
        assert_int_equal(view_position(world_view(&world, "balances")), 0);
        assert_ok(views_run_to_end(world.open));
        world_expect(&world, "balances", "total",
                     grown_again ? "[{\"total\":321,\"accounts\":6}]"
                                 : "[{\"total\":6,\"accounts\":3}]");
        world_close_views(&world);
    }
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_file_takes_over_when_it_has_caught_up),
        cmocka_unit_test(building_survives_a_restart),
        cmocka_unit_test(a_mended_file_gets_over_the_event),
        cmocka_unit_test(views_with_like_names_keep_apart),
        cmocka_unit_test(a_damaged_database_is_built_again_at_start),
        cmocka_unit_test(damage_found_by_a_query_is_mended),
        cmocka_unit_test(a_database_of_another_store_is_built_again),
        cmocka_unit_test(a_view_of_a_lost_future_is_built_again),
    };
    return cmocka_run_group_tests_name("view versions", tests, NULL, NULL);
}
