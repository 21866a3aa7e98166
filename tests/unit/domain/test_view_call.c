/* Catches: rows and position from different moments, a query that runs past its limits or writes, a
 * wrong argument let through, more connections than allowed, a damaged database not told apart. */
#include "unit/unit.h"

#include "base/text.h"
#include "domain/view/call_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static const char file[] =
    "-- view v\n"
    "create table t (n integer primary key, s text, r real, b blob) strict;\n"
    "-- on A\ninsert into t (n) values (@position);\n"
    "-- query all()\nselect n from t order by n;\n"
    "-- query one(n integer)\nselect * from t where n = :n;\n"
    "-- query between(low real, high real, s)\n"
    "select n from t where r between :low and :high and s = :s;\n"
    "-- query endless()\nwith recursive c(i) as (select 1 union all select i + 1 from c)\n"
    "select count(*) as n from c;\n"
    "-- query counted(upto integer)\n"
    "with recursive c(i) as (select 1 union all select i + 1 from c where i < :upto)\n"
    "select i from c;\n"
    "-- query nested()\nselect json_group_array(n) as \"all:json\", json_array(1) as text from t;\n"
    "-- query when_was(t)\nselect date(:t) as day;\n"
    "-- query overflow()\nselect abs(-9223372036854775807 - 1) as n;\n"
    "-- query tables()\nselect name from sqlite_schema where name = 't';\n";

struct fixture {
    char dir[64];
    char path[128];
    struct view_source *source;
    struct view_database database;
    struct view_readers readers;
};

static void open_fixture(struct fixture *fixture, bool in_memory)
{
    *fixture = (struct fixture){0};
    strcpy(fixture->dir, "/tmp/everfold-call-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/v.db", fixture->dir); /* it fits */
    struct text report = {0};
    assert_ok(
        view_source_parse("views/v.sql", "v", slice_of_text(file), &report, &fixture->source));
    assert_ok(view_database_create(&fixture->database, in_memory ? NULL : fixture->path,
                                   (struct ever_uuid){{1}}, fixture->source, &report));
    view_readers_init(&fixture->readers, fixture->source, &fixture->database);
}

static void close_fixture(struct fixture *fixture)
{
    view_readers_deinit(&fixture->readers);
    view_database_close(&fixture->database);
    view_source_free(fixture->source);
    assert_ok(view_database_remove(fixture->path));
    assert_int_equal(rmdir(fixture->dir), 0);
}

/* One transaction: runs `sql`, moves the checkpoint to `position`. */
static void write_and_save(struct fixture *fixture, const char *sql, uint64_t position)
{
    view_readers_pause(&fixture->readers);
    assert_ok(view_database_begin(&fixture->database));
    assert_ok(view_guard_run(&fixture->database.guard, sql));
    struct view_checkpoint checkpoint = {.position = position};
    assert_ok(view_database_commit(&fixture->database, &checkpoint));
    view_readers_resume(&fixture->readers);
    view_readers_publish(&fixture->readers, position, position);
}

struct outcome {
    struct ever_err err;
    struct text rows;
    struct text report;
    uint64_t position;
};

static struct outcome call_limited(struct fixture *fixture, const char *query,
                                   const struct view_argument *arguments, size_t count,
                                   struct view_limits limits)
{
    struct outcome outcome = {0};
    text_add_text(&outcome.rows, ">");
    struct view_answer answer = {
        .rows = &outcome.rows, .report = &outcome.report, .position = UINT64_MAX};
    struct view_call call = {
        .query = view_source_query(fixture->source, slice_of_text(query)),
        .arguments = arguments,
        .argument_count = count,
        .limits = &limits,
    };
    outcome.err = view_call_run(&fixture->readers, &call, &answer);
    outcome.position = answer.position;
    return outcome;
}

static struct outcome call(struct fixture *fixture, const char *query, const char *name,
                           const char *value)
{
    struct view_argument argument = {slice_of_text(name), slice_of_text(value)};
    return call_limited(fixture, query, &argument, name == NULL ? 0 : 1, (struct view_limits){0});
}

static void free_outcome(struct outcome *outcome)
{
    text_deinit(&outcome->rows);
    text_deinit(&outcome->report);
}

static void gives(struct outcome outcome, const char *rows)
{
    assert_ok(outcome.err);
    assert_slice(slice_from(text_slice(&outcome.rows), 1), rows);
    assert_null(outcome.report.data);
    free_outcome(&outcome);
}

static void fails(struct outcome outcome, enum ever_code code, const char *report)
{
    assert_err(outcome.err, code);
    assert_slice(text_slice(&outcome.rows), ">"); /* as before */
    assert_true(outcome.position == UINT64_MAX);
    assert_slice(text_slice(&outcome.report), report);
    free_outcome(&outcome);
}

static void rows_are_an_array_of_objects(void **state)
{
    struct fixture fixture;
    open_fixture(&fixture, *state != NULL);
    gives(call(&fixture, "all", NULL, NULL), "[]");
    write_and_save(&fixture,
                   "insert into t values (1, 'it''s', 0.5, x'00ff'), (2, null, 1e20, null)", 7);
    gives(call(&fixture, "all", NULL, NULL), "[{\"n\":1},{\"n\":2}]");
    gives(call(&fixture, "one", "n", "1"), "[{\"n\":1,\"s\":\"it's\",\"r\":0.5,\"b\":\"AP8=\"}]");
    gives(call(&fixture, "one", "n", "2"), "[{\"n\":2,\"s\":null,\"r\":1e+20,\"b\":null}]");
    gives(call(&fixture, "one", "n", "3"), "[]");
    gives(call(&fixture, "nested", NULL, NULL), "[{\"all\":[1,2],\"text\":\"[1]\"}]");
    struct outcome outcome = call(&fixture, "all", NULL, NULL);
    assert_int_equal(outcome.position, 7);
    free_outcome(&outcome);
    close_fixture(&fixture);
}

static void arguments_are_checked(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, false);
    fails(call(&fixture, "one", NULL, NULL), EVER_INVALID, "the argument n is missing");
    fails(call(&fixture, "overflow", NULL, NULL), EVER_UNSUPPORTED, "integer overflow");
    fails(call(&fixture, "one", "m", "1"), EVER_INVALID,
          "\"m\" is not an argument of the query: there are n");
    fails(call(&fixture, "all", "m", "1"), EVER_INVALID,
          "\"m\" is not an argument of the query: it has none");
    static const char *const no_integers[] = {"", "x", "1.5", "1 ", "+1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof no_integers / sizeof no_integers[0]; i++) {
        fails(call(&fixture, "one", "n", no_integers[i]), EVER_INVALID,
              "the argument n must be a whole number");
    }
    struct view_argument twice[] = {{SLICE_LITERAL("n"), SLICE_LITERAL("1")},
                                    {SLICE_LITERAL("n"), SLICE_LITERAL("2")}};
    fails(call_limited(&fixture, "one", twice, 2, (struct view_limits){0}), EVER_INVALID,
          "the argument n is given twice");

    write_and_save(&fixture, "insert into t values (1, '07', 0.5, null), (2, '', 2.5, null)", 1);
    struct view_argument between[] = {{SLICE_LITERAL("s"), SLICE_LITERAL("07")},
                                      {SLICE_LITERAL("low"), SLICE_LITERAL("-1e3")},
                                      {SLICE_LITERAL("high"), SLICE_LITERAL("0.5")}};
    gives(call_limited(&fixture, "between", between, 3, (struct view_limits){0}), "[{\"n\":1}]");
    between[0].value = SLICE_NONE;
    between[2].value = SLICE_LITERAL("3");
    gives(call_limited(&fixture, "between", between, 3, (struct view_limits){0}), "[{\"n\":2}]");
    between[2].value = SLICE_LITERAL("0x1");
    fails(call_limited(&fixture, "between", between, 3, (struct view_limits){0}), EVER_INVALID,
          "the argument high must be a number");
    gives(call(&fixture, "when_was", "t", "2024-03-01T10:00:00Z"), "[{\"day\":\"2024-03-01\"}]");
    fails(call(&fixture, "when_was", "t", "now"), EVER_INVALID,
          "it asks for the present time, which differs at every rebuild: use @time");
    close_fixture(&fixture);
}

static void limits_hold(void **state)
{
    struct fixture fixture;
    open_fixture(&fixture, *state != NULL);
    struct view_limits limits = {.rows_max = 3, .bytes_max = 60};
    struct view_argument upto = {SLICE_LITERAL("upto"), SLICE_LITERAL("3")};
    gives(call_limited(&fixture, "counted", &upto, 1, limits), "[{\"i\":1},{\"i\":2},{\"i\":3}]");
    upto.value = SLICE_LITERAL("4");
    fails(call_limited(&fixture, "counted", &upto, 1, limits), EVER_LIMIT,
          "the query gives more than 3 rows");
    limits.rows_max = 0;
    upto.value = SLICE_LITERAL("50");
    fails(call_limited(&fixture, "counted", &upto, 1, limits), EVER_LIMIT,
          "the query gives more than 60 bytes");
    limits.time_limit_ms = 20;
    fails(call_limited(&fixture, "endless", NULL, 0, limits), EVER_TIMEOUT, "");
    write_and_save(&fixture, "insert into t (n) values (9)", 1); /* no deadline is left behind */
    gives(call(&fixture, "all", NULL, NULL), "[{\"n\":9}]");
    close_fixture(&fixture);
}

static void the_position_moves_on_without_writes(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, false);
    write_and_save(&fixture, "insert into t (n) values (1)", 5);
    view_readers_publish(&fixture.readers, 5, 90); /* no event of our types up to there */
    struct outcome outcome = call(&fixture, "all", NULL, NULL);
    assert_int_equal(outcome.position, 90);
    free_outcome(&outcome);

    /* Committed, not published yet: the snapshot is of a later checkpoint. */
    assert_ok(view_database_begin(&fixture.database));
    struct view_checkpoint checkpoint = {.position = 95};
    assert_ok(view_database_commit(&fixture.database, &checkpoint));
    outcome = call(&fixture, "all", NULL, NULL);
    assert_int_equal(outcome.position, 95);
    free_outcome(&outcome);
    close_fixture(&fixture);
}

/* --- Many at once ----------------------------------------------------------------------------- */

#define ASKERS (VIEW_READERS_MAX + 3)
#define WRITES 200

/* In every snapshot the rows are 1..position. */
static void *ask(void *arg)
{
    struct fixture *fixture = arg;
    uint64_t last = 0;
    while (last < WRITES) {
        struct outcome outcome = call(fixture, "all", NULL, NULL);
        assert_ok(outcome.err);
        uint64_t rows = 0;
        for (const char *at = outcome.rows.data; (at = strchr(at, '{')) != NULL; at++) {
            rows++;
        }
        assert_int_equal(rows, outcome.position);
        assert_true(outcome.position >= last);
        last = outcome.position;
        free_outcome(&outcome);
    }
    return NULL;
}

static void rows_and_position_are_of_one_moment(void **state)
{
    struct fixture fixture;
    open_fixture(&fixture, *state != NULL);
    pthread_t threads[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &fixture), 0);
    }
    for (uint64_t i = 1; i <= WRITES; i++) {
        char sql[64];
        (void)snprintf(sql, sizeof sql, "insert into t (n) values (%d)", (int)i);
        write_and_save(&fixture, sql, i);
    }
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(fixture.readers.count <= fixture.readers.max);
    close_fixture(&fixture);
}

static void connections_are_bounded(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, false);
    struct view_reader *taken[VIEW_READERS_MAX];
    struct view_published published;
    for (int i = 0; i < VIEW_READERS_MAX; i++) {
        assert_ok(view_readers_acquire(&fixture.readers, 0, &taken[i], &published));
    }
    struct view_limits limits = {.time_limit_ms = 5};
    fails(call_limited(&fixture, "all", NULL, 0, limits), EVER_TIMEOUT, "");
    view_readers_release(&fixture.readers, taken[0]);
    gives(call(&fixture, "tables", NULL, NULL), "[{\"name\":\"t\"}]");
    for (int i = 1; i < VIEW_READERS_MAX; i++) {
        view_readers_release(&fixture.readers, taken[i]);
    }
    close_fixture(&fixture);
}

/* --- Damage ----------------------------------------------------------------------------------- */

static void changed_tables_are_damage(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, false);
    assert_ok(view_guard_run(&fixture.database.guard, "drop table t"));
    struct outcome outcome = call(&fixture, "all", NULL, NULL);
    assert_err(outcome.err, EVER_CORRUPT);
    free_outcome(&outcome);
    close_fixture(&fixture);
}

static void overwritten_pages_are_damage(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, false);
    write_and_save(&fixture,
                   "with recursive c(i) as (select 1 union all select i + 1 from c where i < 5000)"
                   " insert into t (n, s) select i, hex(zeroblob(50)) from c",
                   1);
    assert_ok(view_guard_run(&fixture.database.guard, "pragma wal_checkpoint(truncate)"));
    FILE *database = fopen(fixture.path, "r+");
    assert_non_null(database);
    assert_int_equal(fseek(database, 5 * 4096, SEEK_SET), 0);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(fwrite(junk, 1, sizeof junk, database), sizeof junk);
    }
    assert_int_equal(fclose(database), 0);
    struct outcome outcome = call(&fixture, "all", NULL, NULL);
    assert_err(outcome.err, EVER_CORRUPT);
    free_outcome(&outcome);
    close_fixture(&fixture);
}

int main(void)
{
    static char in_memory[] = "in memory";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_an_array_of_objects),
        cmocka_unit_test_prestate(rows_are_an_array_of_objects, in_memory),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test_prestate(limits_hold, in_memory),
        cmocka_unit_test(the_position_moves_on_without_writes),
        cmocka_unit_test(rows_and_position_are_of_one_moment),
        cmocka_unit_test_prestate(rows_and_position_are_of_one_moment, in_memory),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(changed_tables_are_damage),
        cmocka_unit_test(overwritten_pages_are_damage),
    };
    return cmocka_run_group_tests_name("view call", tests, NULL, NULL);
}
