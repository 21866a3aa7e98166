/* Catches: an event applied twice or not at all (over a restart, a kill, the seam between catching
 * up and following), a rebuilt view that differs, a failing event that takes others with it, a
 * changed file that interrupts the answers, a database of another log taken for ours. */
#include "view_store.h"

#include "domain/view/life_priv.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static const char balances[] =
    "-- view balances\n"
    "create table account (id text primary key, balance integer not null) strict;\n"
    "create table seen (position integer primary key, type text) strict;\n"
    "-- on Opened\ninsert into account values (@id, 0);\n"
    "insert into seen values (@position, @type);\n"
    "-- on Deposited\nupdate account set balance = balance + :amount where id = @id;\n"
    "insert into seen values (@position, @type);\n"
    "-- query total()\nselect sum(balance) as total, count(*) as accounts from account;\n"
    "-- query seen()\nselect count(*) as count, max(position) as last from seen;\n"
    "-- query everything()\n"
    "select * from (select * from account union all select position, type from seen) order by 1, 2;"
    "\n";

static void append_accounts(struct world *world, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char stream[32];
        char data[32];
        (void)snprintf(stream, sizeof stream, "account-%d", i); /* these fit */
        (void)snprintf(data, sizeof data, "{\"amount\":%d}", i);
        (void)world_append(world, stream, "Opened", "{}");
        (void)world_append(world, stream, "Deposited", data);
        (void)world_append(world, stream, "Noticed", "{}"); /* no view handles it */
    }
}

static struct view_status status_of(struct world *world, const char *name)
{
    struct view_status status;
    view_status(world_view(world, name), &status);
    return status;
}

/* --- Waiting for a view's thread ---------------------------------------------------------------
 */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t count;
};

static void note_move(void *arg)
{
    struct waiter *waiter = arg;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->count++;
    (void)pthread_cond_broadcast(&waiter->moved);
    (void)pthread_mutex_unlock(&waiter->lock);
}

typedef bool condition_fn(struct world *world, uint64_t position);

static bool has_reached(struct world *world, uint64_t position)
{
    return view_position(views_at(world->open, 0)) >= position;
}

static bool serves_current(struct world *world, uint64_t position)
{
    struct view_status status;
    view_status(views_at(world->open, 0), &status);
    return strcmp(status.version, status.serving) == 0 && has_reached(world, position);
}

/* Starts the threads and waits until the condition holds; ends when it never does by the test's
 * own time limit. */
static void wait_until(struct world *world, struct waiter *waiter, condition_fn *condition,
                       uint64_t position)
{
    (void)pthread_mutex_lock(&waiter->lock);
    while (!condition(world, position)) {
        uint64_t seen = waiter->count;
        while (waiter->count == seen && !condition(world, position)) {
            (void)pthread_cond_wait(&waiter->moved, &waiter->lock);
        }
    }
    (void)pthread_mutex_unlock(&waiter->lock);
}

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
    assert_err(views_open(world.store, &world.app, world.views, &report, &views), EVER_INVALID);
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
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_close_views(&world);

    world_open_views(&world, false);
    /* The last event was of no handled type: written at close. */
    assert_int_equal(view_position(world_view(&world, "balances")), 30);
    append_accounts(&world, 11, 1);
    assert_ok(views_run_to_end(world.open));
    assert_int_equal(status_of(&world, "balances").applied, 2);
    world_expect(&world, "balances", "seen", "[{\"count\":22,\"last\":32}]");
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

/* --- Failing events ----------------------------------------------------------------------------
 */

#define SEATS(policy)                                                                              \
    "-- view seats\n-- on error " policy "\n"                                                      \
    "create table seat (n integer primary key, guest text not null) strict;\n"                     \
    "create table log (n any) strict;\n"                                                           \
    "-- on Booked\ninsert into log values (:seat);\ninsert into seat values (:seat, :guest);\n"    \
    "-- query seats()\nselect n from seat order by n;\n"                                           \
    "-- query log()\nselect n from log order by rowid;\n"                                          \
    "-- query skipped()\nselect * from everfold_skipped order by position;\n"

static void book(struct world *world, const char *data)
{
    (void)world_append(world, "show-1", "Booked", data);
}

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
    assert_ok(view_guard_run(guard, "pragma max_page_count = 12")); /* SQLite's own full disk */
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
    assert_ok(views_start(world.open));
    world_deinit(&world);
}

/* --- Changed files -----------------------------------------------------------------------------
 */

static const char changed[] =
    "-- view balances\n"
    "create table account (id text primary key, balance integer not null) strict;\n"
    "-- on Opened\ninsert into account values (@id, 1000);\n"
    "-- on Deposited\nupdate account set balance = balance + :amount where id = @id;\n"
    "-- query total()\nselect sum(balance) as total, count(*) as accounts from account;\n"
    "-- query fresh()\nselect count(*) as count from account;\n";

static size_t database_count(const struct world *world)
{
    DIR *folder = opendir(world->views);
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = strlen(entry->d_name);
        count += size > 3 && strcmp(entry->d_name + size - 3, ".db") == 0;
    }
    assert_int_equal(closedir(folder), 0);
    return count;
}

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
    append_accounts(&world, 1, 600);
    world_open_views(&world, false);
    assert_ok(views_run_to_end(world.open));
    world_close_views(&world);
    world_put_view(&world, "balances", changed);
    world_open_views(&world, false);
    bool moved;
    (void)view_life_step(world_view(&world, "balances"), &moved); /* one batch */
    uint64_t built = status_of(&world, "balances").build_position;
    assert_true(built > 0 && built < 1800);
    append_accounts(&world, 601, 1); /* the old version follows meanwhile */
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
    world_expect(&world, "balances", "total", "[{\"total\":180901,\"accounts\":601}]");
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
        cmocka_unit_test(a_failing_event_stops_the_view_before_it),
        cmocka_unit_test_prestate(a_failing_event_stops_the_view_before_it, in_memory),
        cmocka_unit_test(a_failing_event_is_noted_and_passed_over),
        cmocka_unit_test_prestate(a_failing_event_is_noted_and_passed_over, in_memory),
        cmocka_unit_test(a_transaction_ended_by_a_statement_is_taken_back),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(closing_ends_a_statement_that_never_ends),
        cmocka_unit_test(a_changed_file_takes_over_when_it_has_caught_up),
        cmocka_unit_test(building_survives_a_restart),
        cmocka_unit_test(a_mended_file_gets_over_the_event),
        cmocka_unit_test(views_with_like_names_keep_apart),
        cmocka_unit_test(a_damaged_database_is_built_again_at_start),
        cmocka_unit_test(damage_found_by_a_query_is_mended),
        cmocka_unit_test(a_database_of_another_store_is_built_again),
        cmocka_unit_test(a_view_of_a_lost_future_is_built_again),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
