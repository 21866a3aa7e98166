/* Catches: a statement let through that would make a rebuild differ, break our transaction or write
 * in a query; a fault told without its line; a right file refused. */
#include "unit/unit.h"

#include "domain/view/check_priv.h"

static struct ever_err check(const char *text, struct text *report)
{
    struct view_source *source = NULL;
    struct ever_err err =
        view_source_parse("views/v.sql", "v", slice_of_text(text), report, &source);
    if (IS_OK(err)) {
        err = view_check(source, report);
        view_source_free(source);
    }
    return err;
}

static void accepts(const char *text)
{
    struct text report = {0};
    if (!IS_OK(check(text, &report)) || report.data != NULL) {
        fail_msg("%s\nrefused: %s", text, report.data);
    }
}

static void refuses(const char *text, const char *want)
{
    struct text report = {0};
    assert_err(check(text, &report), EVER_INVALID);
    if (strcmp(report.data, want) != 0) {
        fail_msg("%s\nreport is:\n%swanted:\n%s", text, report.data, want);
    }
    text_deinit(&report);
}

/* A file whose line 4 is `tables`, line 6 `handler`, line 8 `query`. */
static const char *file_of(const char *tables, const char *handler, const char *query)
{
    static char text[4096];
    (void)snprintf(text, sizeof text,
                   "-- view v\n"
                   "create table t (id text primary key, n integer) strict;\n"
                   "create table s (a, b);\n"
                   "%s\n-- on A\n%s\n-- query q(x)\n%s\n",
                   tables, handler, query);
    return text;
}

#define HANDLER "insert into t values (@id, :n);"
#define QUERY "select * from t where id = :x;"

static void accepts_what_a_view_needs(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const tables[] = {
        "create index i on s (a);",
        "create view w as select a from s where b > 1;",
        "create trigger g after insert on t begin update s set a = new.n; end;",
        "create virtual table f using fts5(body); insert into s values (0, 'first');",
        "create virtual table r using rtree(id, x0, x1);",
        "create table u as select 1 as one;",
        "create table c (a integer primary key autoincrement, d default (date(0, 'unixepoch')));",
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        accepts(file_of(tables[i], HANDLER, QUERY));
    }
    static const char *const handlers[] = {
        "insert into t values (@id, :n) on conflict do update set n = n + excluded.n;",
        "update t set n = null where id = @stream; delete from s where a = @metadata;;",
        "replace into s values (date(@time), @event_id || @type || @position || @revision)",
        "insert into s select value, :k from json_each(:items) where value != 'now';",
        "with recursive c(i) as (select 1 union all select i + 1 from c where i < :n)\n"
        "insert into s select i, 1 from c; -- and a comment\n/* another */",
        "insert into s values (1, 2) returning a;",
    };
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        accepts(file_of("", handlers[i], QUERY));
    }
    static const char *const queries[] = {
        "with w as (select id from t) select id from w where id = :x",
        "select json_group_array(n) as \"all:json\", date(:x) as day from t;",
        "select :x as x, message from everfold_skipped; -- done\n",
        "values (:x)",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        accepts(file_of("", HANDLER, queries[i]));
    }
}

struct refusal {
    const char *statement;
    const char *report;
};

static void refuses_tables_that_are_wrong(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct refusal cases[] = {
        {"create tabel x (a);", "4: near \"tabel\": syntax error"},
        {"create table x (\n a,\n b nonsense nonsense(,\n c);", "6: near \",\": syntax error"},
        {"create table x (a", "4: incomplete input"},
        {"create table everfold_x (a);", "4: \"everfold_x\" is reserved: it begins with everfold_"},
        {"create index x on everfold_skipped (type);",
         "4: \"everfold_skipped\" belongs to Everfold"},
        {"create trigger x after update on everfold_checkpoint begin delete from s; end;",
         "4: \"everfold_checkpoint\" belongs to Everfold"},
        {"create temp table x (a);", "4: temporary tables would be gone after a restart"},
        {"drop table s;", "4: this is not allowed in a view"},
        {"alter table s add column c;",
         "4: change the table's definition: a changed file is built anew"},
        {"attach ':memory:' as other;", "4: other databases cannot be attached"},
        {"pragma user_version = 3;", "4: pragmas are not allowed in a view"},
        {"begin;", "4: begin, commit, rollback and savepoint are Everfold's"},
        {"vacuum;", "4: this is not allowed in a view"},
        {"analyze;", "4: this is not allowed in a view"},
        {"select 1;", "4: below \"-- view\" stand the statements that make the view's tables"},
        {"insert into s values (:a, 1);", "4: there is no event here to take a parameter from"},
        {"insert into s values (random(), 1);", "4: \"random\" would differ at every rebuild"},
        {"create table x (a default (datetime('NOW')));",
         "4: it asks for the present time, which differs at every rebuild: use @time"},
        {"create virtual table x using dbstat(main);",
         "4: \"dbstat\" is not allowed: virtual tables can be of fts5 or rtree"},
        {"insert into s values (1, \"typo\");", "4: no such column: typo"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[256];
        (void)snprintf(want, sizeof want, "views/v.sql:%s\n", cases[i].report);
        refuses(file_of(cases[i].statement, HANDLER, QUERY), want);
    }
    refuses("-- view v\n-- nothing\n-- on A\n" HANDLER "\n-- query q(x)\n" QUERY,
            "views/v.sql:1: the view has no table: \"create table\" must follow\n");
}

static void refuses_handlers_that_are_wrong(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct refusal cases[] = {
        {"insert into t\n  values (@id, :n);\nupdate t\n   set m = 1;", "9: no such column: m"},
        {"update missing set n = 1;", "6: no such table: missing"},
        {"update t set n = 1\n where id = @ident;",
         "7: unknown @ident: there are @stream @id @type @position @revision @time @event_id "
         "@metadata"},
        {"update t set n = ?1;", "6: write :name for a member of the event's data, or @name"},
        {"update t set n = ?;", "6: write :name for a member of the event's data, or @name"},
        {"update t set n = $n;", "6: write :name for a member of the event's data, or @name"},
        {"select * from t;", "6: below \"-- on\" stand insert, update and delete"},
        {"explain delete from t;", "6: below \"-- on\" stand insert, update and delete"},
        {"create table x (a);", "6: tables, indexes and triggers are made below \"-- view\""},
        {"drop table t;", "6: this is not allowed in a view"},
        {"rollback;", "6: begin, commit, rollback and savepoint are Everfold's"},
        {"savepoint x;", "6: begin, commit, rollback and savepoint are Everfold's"},
        {"insert into s values (\n  1, current_timestamp);",
         "6: \"current_timestamp\" asks for the present time, which differs at every rebuild: "
         "use @time"},
        {"update s set a = date('now', '-1 day');",
         "6: it asks for the present time, which differs at every rebuild: use @time"},
        {"update s set a = strftime('%s', 'Now');",
         "6: it asks for the present time, which differs at every rebuild: use @time"},
        {"update s set a = unixepoch ( /* at once */ );",
         "6: it asks for the present time, which differs at every rebuild: use @time"},
        {"update s set a = (select max(1, Random()));",
         "6: \"random\" would differ at every rebuild"},
        {"insert into s values (last_insert_rowid(), 1);",
         "6: \"last_insert_rowid\" depends on what the connection did before"},
        {"update s set a = load_extension('x');", "6: \"load_extension\" is not allowed in a view"},
        {"update everfold_checkpoint set position = 1;",
         "6: \"everfold_checkpoint\" belongs to Everfold"},
        {"insert into s select name, 1 from pragma_table_info('t');",
         "6: pragmas are not allowed in a view"},
        {"-- nothing but a comment", "5: no statement follows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[256];
        (void)snprintf(want, sizeof want, "views/v.sql:%s\n", cases[i].report);
        refuses(file_of("", cases[i].statement, QUERY), want);
    }
}

static void refuses_queries_that_are_wrong(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct refusal cases[] = {
        {"select *\nfrom t\nwhere idd = :x", "10: no such column: idd"},
        {"delete from t where id = :x;", "8: a query must not write"},
        {"delete from t where id = :x returning id;", "8: a query must not write"},
        {"select 1 where :x;\nselect 2;", "9: the query \"q\" has more than one statement"},
        {"select id\nfrom t where id = :y;", "9: :y is not an argument of the query \"q\""},
        {"select id from t where id = @id;", "8: @id is not an argument of the query \"q\""},
        {"select id from t where id = ?;", "8: ? is not an argument of the query \"q\""},
        {"select id from t;", "8: the argument x of the query \"q\" is not used"},
        {"select id, n as ID, n as id from t where id = :x",
         "8: two columns are called \"id\": rename one with \"as\""},
        {"select id, n as \"id:json\" from t where id = :x",
         "8: two columns are called \"id\": rename one with \"as\""},
        {"explain select id from t where id = :x", "8: a query is one select"},
        {"pragma table_info('t');", "8: pragmas are not allowed in a view"},
        {"select datetime() as d where :x",
         "8: it asks for the present time, which differs at every rebuild: use @time"},
        {"select * from everfold_checkpoint where :x",
         "8: \"everfold_checkpoint\" belongs to Everfold"},
        {"", "7: the query \"q\" has no select"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[256];
        (void)snprintf(want, sizeof want, "views/v.sql:%s\n", cases[i].report);
        refuses(file_of("", HANDLER, cases[i].statement), want);
    }
}

static void tells_all_faults_at_once(void **state)
{
    (void)state; /* cmocka's signature */
    refuses(file_of("", "update x set a = 1;\n-- on B\nupdate y set a = 1;", "selekt"),
            "views/v.sql:6: no such table: x\n"
            "views/v.sql:8: no such table: y\n"
            "views/v.sql:10: near \"selekt\": syntax error\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_a_view_needs),
        cmocka_unit_test(refuses_tables_that_are_wrong),
        cmocka_unit_test(refuses_handlers_that_are_wrong),
        cmocka_unit_test(refuses_queries_that_are_wrong),
        cmocka_unit_test(tells_all_faults_at_once),
    };
    return cmocka_run_group_tests_name("view check", tests, NULL, NULL);
}
