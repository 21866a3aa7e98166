/* Catches: a value bound as the wrong type or from the wrong place, a member missed for its
 * escapes, the wrong handler run, a clock that got in through a value. */
#include "unit/unit.h"

#include "domain/view/database_priv.h"
#include "domain/view/program_priv.h"
#include "domain/view/value_priv.h"

struct fixture {
    struct view_source *source;
    struct view_database database;
    struct view_program *program;
    struct arena scratch;
};

static void open_fixture(struct fixture *fixture, const char *text)
{
    *fixture = (struct fixture){0};
    arena_init(&fixture->scratch);
    struct text report = {0};
    assert_ok(
        view_source_parse("views/v.sql", "v", slice_of_text(text), &report, &fixture->source));
    assert_ok(view_database_create(&fixture->database, NULL, (struct ever_uuid){{0}},
                                   fixture->source, &report));
    struct view_compiler compiler = {
        .source = fixture->source, .guard = &fixture->database.guard, .report = &report};
    fixture->program = view_program_build(&compiler);
    assert_non_null(fixture->program);
}

static void close_fixture(struct fixture *fixture)
{
    view_program_free(fixture->program);
    view_database_close(&fixture->database);
    view_source_free(fixture->source);
    arena_deinit(&fixture->scratch);
}

static struct ever_event event_of(const char *type, const char *data)
{
    return (struct ever_event){
        .position = 42,
        .revision = 7,
        .time_ns = INT64_C(1700000000123456789),
        .id = {{1, 2, 3}},
        .stream = SLICE_LITERAL("account-alice-smith"),
        .type = slice_of_text(type),
        .data = slice_of_text(data),
    };
}

static int apply(struct fixture *fixture, const struct ever_event *event)
{
    struct view_handler *handler = view_program_find(fixture->program, event->type);
    assert_non_null(handler);
    return view_handler_run(handler, &fixture->database.guard, event, &fixture->scratch);
}

/* The rows of a statement as text: a|b;c|d; */
static const char *rows(struct fixture *fixture, const char *sql)
{
    static char out[2048];
    out[0] = '\0';
    sqlite3_stmt *statement;
    assert_int_equal(
        sqlite3_prepare_v2(fixture->database.guard.connection, sql, -1, &statement, NULL), 0);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            size_t used = strlen(out);
            (void)snprintf(out + used, sizeof out - used, "%s%s", i == 0 ? "" : "|",
                           value == NULL ? "NULL" : value);
        }
        strcat(out, ";");
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return out;
}

#define TABLES "-- view v\ncreate table t (a, b);\n"
#define QUERY "-- query q()\nselect * from t;\n"

static void binds_each_kind_of_json(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *data;
        const char *row;
    } cases[] = {
        {"{\"x\":\"text\"}", "text|text;"},
        {"{\"x\":\"\"}", "text|;"},
        {"{\"x\":\"a\\n\\u00e9\\\"\"}", "text|a\n\xc3\xa9\";"},
        {"{\"x\":12}", "integer|12;"},
        {"{\"x\":-9223372036854775808}", "integer|-9223372036854775808;"},
        {"{\"x\":9223372036854775808}", "real|9.22337203685478e+18;"},
        {"{\"x\":1.0}", "real|1.0;"},
        {"{\"x\":-2.5e3 }", "real|-2500.0;"},
        {"{\"x\":true}", "integer|1;"},
        {"{\"x\":false}", "integer|0;"},
        {"{\"x\":null}", "null|NULL;"},
        {"{}", "null|NULL;"},
        {"{\"y\":1}", "null|NULL;"},
        {"[{\"x\":1}]", "null|NULL;"},
        {"3", "null|NULL;"},
        {"{\"y\":{\"x\":1}}", "null|NULL;"},
        {" {\"x\" : {\"y\": [1, \"}\"]} , \"z\":1}\n", "text|{\"y\": [1, \"}\"]};"},
        {"{\"x\":[ ]}", "text|[ ];"},
        {"{\"\\u0078\":5}", "integer|5;"},
    };
    struct fixture fixture;
    open_fixture(&fixture, TABLES "-- on A\ninsert into t values (typeof(:x), :x);\n" QUERY);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ever_event event = event_of("A", cases[i].data);
        assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
        if (strcmp(rows(&fixture, "select a, b from t"), cases[i].row) != 0) {
            fail_msg("%s gave %s", cases[i].data, rows(&fixture, "select a, b from t"));
        }
        (void)rows(&fixture, "delete from t");
    }
    close_fixture(&fixture);
}

static void binds_the_envelope(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture,
                 "-- view v\ncreate table e (a, b, c, d, e, f, g, h);\n-- on A, B\n"
                 "insert into e values (@stream, @id, @type, @position, @revision, @time,\n"
                 "@event_id, @metadata);\n-- query q()\nselect 1 as one;\n");
    struct ever_event event = event_of("B", "{}");
    assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
    assert_string_equal(rows(&fixture, "select * from e"),
                        "account-alice-smith|alice-smith|B|42|7|2023-11-14T22:13:20.123456Z|"
                        "01020300-0000-0000-0000-000000000000|NULL;");
    event.stream = SLICE_LITERAL("plain");
    event.metadata = SLICE_LITERAL("{\"by\":1}");
    assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
    assert_string_equal(rows(&fixture, "select b, h from e order by rowid desc limit 1"),
                        "plain|{\"by\":1};");
    close_fixture(&fixture);
}

static void runs_the_statements_of_the_type_in_order(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, TABLES "-- on B\ninsert into t values ('B', :n);\n"
                                  "-- on A\ninsert into t values ('first', :n);\n"
                                  "update t set a = a || :m where b = :n;\n"
                                  "insert into t values ('last', null) returning a;\n" QUERY);
    size_t count;
    const struct ever_slice *types = view_program_types(fixture.program, &count);
    assert_int_equal(count, 2);
    assert_slice(types[0], "A");
    assert_slice(types[1], "B");
    assert_null(view_program_find(fixture.program, SLICE_LITERAL("C")));
    struct ever_event event = event_of("A", "{\"m\":\"!\",\"k\":0,\"n\":3}");
    assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
    assert_string_equal(rows(&fixture, "select a, b from t"), "first!|3;last|NULL;");
    close_fixture(&fixture);
}

static void opaque_data_has_no_members(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, TABLES "-- on A\ninsert into t values (@id, :x);\n" QUERY);
    struct ever_event event = event_of("A", "{\"x\":1}");
    event.content = EVER_BYTES;
    assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
    assert_string_equal(rows(&fixture, "select b from t"), "NULL;");
    event = event_of("A", "{\"x\":1");
    assert_int_equal(apply(&fixture, &event), SQLITE_MISUSE);
    assert_string_equal(view_guard_message(&fixture.database.guard),
                        "the event's data is not JSON");
    close_fixture(&fixture);
}

static void no_value_brings_the_clock_in(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, "-- view v\ncreate table t (a, b);\n"
                           "create trigger g after insert on t when new.a = 'trigger' begin\n"
                           "  update t set b = strftime('%s') where a = new.a; end;\n"
                           "-- on A\ninsert into t values (:a, date(:when));\n" QUERY);
    struct ever_event event = event_of("A", "{\"when\":\"2024-02-29T12:00\"}");
    assert_int_equal(apply(&fixture, &event), SQLITE_DONE);
    assert_string_equal(rows(&fixture, "select b from t"), "2024-02-29;");
    static const char *const asking[] = {"{\"when\":\"now\"}", "{\"when\":\"NOW\"}",
                                         "{\"a\":\"trigger\"}"};
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        event = event_of("A", asking[i]);
        assert_int_equal(apply(&fixture, &event), SQLITE_MISUSE);
        assert_string_equal(view_guard_message(&fixture.database.guard),
                            "it asks for the present time, which differs at every rebuild: use "
                            "@time");
    }
    close_fixture(&fixture);
}

/* The JSON of `sql`'s first column. */
static const char *written(struct fixture *fixture, const char *sql, bool is_json)
{
    static char copy[256];
    struct text out = {0};
    sqlite3_stmt *statement;
    assert_int_equal(
        sqlite3_prepare_v2(fixture->database.guard.connection, sql, -1, &statement, NULL), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    view_write_column(&out, statement, 0, is_json);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_true(json_check(text_slice(&out), NULL));
    (void)snprintf(copy, sizeof copy, "%s", out.data); /* short ones only */
    text_deinit(&out);
    return copy;
}

static void writes_values_as_json(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    open_fixture(&fixture, TABLES "-- on A\ninsert into t values (1, 2);\n" QUERY);
    static const struct {
        const char *sql;
        bool is_json;
        const char *json;
    } cases[] = {
        {"select null", false, "null"},
        {"select -9223372036854775807 - 1", false, "-9223372036854775808"},
        {"select 0.1", false, "0.1"},
        {"select 0.1 + 0.2", false, "0.30000000000000004"},
        {"select 1.0 / 3", false, "0.3333333333333333"},
        {"select 5.0", false, "5"},
        {"select -1e300", false, "-1e+300"},
        {"select 1e999", false, "9e999"},
        {"select -1e999", false, "-9e999"},
        {"select 'it''s \"' || char(10)", false, "\"it's \\\"\\n\""},
        {"select x'fffefb'", false, "\"//77\""},
        {"select x''", false, "\"\""},
        {"select '[1, 2]'", false, "\"[1, 2]\""},
        {"select '[1, 2]'", true, "[1, 2]"},
        {"select '[1, 2'", true, "\"[1, 2\""},
        {"select null", true, "null"},
        {"select cast(x'61ff' as text)", false, "\"a\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(written(&fixture, cases[i].sql, cases[i].is_json), cases[i].json);
    }
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binds_each_kind_of_json),
        cmocka_unit_test(binds_the_envelope),
        cmocka_unit_test(runs_the_statements_of_the_type_in_order),
        cmocka_unit_test(opaque_data_has_no_members),
        cmocka_unit_test(no_value_brings_the_clock_in),
        cmocka_unit_test(writes_values_as_json),
    };
    return cmocka_run_group_tests_name("view program", tests, NULL, NULL);
}
