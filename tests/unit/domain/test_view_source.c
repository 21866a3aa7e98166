/* Catches: a part cut in the wrong place, a directive misread or taken for prose, a fault without
 * its line. */
#include "unit/unit.h"

#include "domain/view/source_priv.h"

#define TABLES "-- view v\ncreate table t (a);\n"
#define HANDLER "-- on A\ninsert into t values (1);\n"
#define QUERY "-- query all()\nselect * from t;\n"

static struct view_source *parse(const char *text)
{
    struct text report = {0};
    struct view_source *source = NULL;
    struct ever_err err =
        view_source_parse("views/v.sql", "v", slice_of_text(text), &report, &source);
    if (!IS_OK(err)) {
        fail_msg("refused: %s", report.data);
    }
    assert_null(report.data);
    return source;
}

static void refuses(const char *text, const char *want)
{
    struct text report = {0};
    struct view_source *source = NULL;
    assert_err(view_source_parse("views/v.sql", "v", slice_of_text(text), &report, &source),
               EVER_INVALID);
    assert_null(source);
    if (strcmp(report.data, want) != 0) {
        fail_msg("report is:\n%swanted:\n%s", report.data, want);
    }
    text_deinit(&report);
}

static void takes_the_parts_apart(void **state)
{
    (void)state; /* cmocka's signature */
    struct view_source *source = parse("-- an ordinary comment\n"
                                       "-- view v\n"
                                       "create table t (a); -- on the same line: prose\n"
                                       "-- on Opened, \"Odd, type\"\n"
                                       "insert into t values (1);\n"
                                       "insert into t values (2);\n"
                                       "-- on error skip\n"
                                       "-- query by_id(id, count integer, ratio real, name text)\n"
                                       "select 1;\n"
                                       "  --query all( )\n"
                                       "select 2;");
    assert_int_equal(source->part_count, 4);
    assert_int_equal(source->policy, VIEW_POLICY_SKIP);

    const struct view_part *tables = &source->parts[0];
    assert_int_equal(tables->kind, VIEW_PART_TABLES);
    assert_int_equal(tables->line, 2);
    assert_slice(tables->sql, "create table t (a); -- on the same line: prose\n");

    const struct view_part *handler = &source->parts[1];
    assert_int_equal(handler->kind, VIEW_PART_HANDLER);
    assert_int_equal(handler->type_count, 2);
    assert_slice(handler->types[0], "Opened");
    assert_slice(handler->types[1], "Odd, type");

    const struct view_part *query = view_source_query(source, SLICE_LITERAL("by_id"));
    assert_ptr_equal(query, &source->parts[2]);
    assert_int_equal(query->argument_count, 4);
    assert_string_equal(query->arguments[1], "count");
    assert_int_equal(query->argument_types[0], VIEW_ARGUMENT_TEXT);
    assert_int_equal(query->argument_types[1], VIEW_ARGUMENT_INTEGER);
    assert_int_equal(query->argument_types[2], VIEW_ARGUMENT_REAL);
    assert_int_equal(query->argument_types[3], VIEW_ARGUMENT_TEXT);
    assert_slice(query->sql, "select 1;\n");
    assert_int_equal(view_source_line(source, query->sql.data), 9);

    assert_slice(source->parts[3].sql, "select 2;");
    assert_int_equal(source->parts[3].argument_count, 0);
    assert_null(view_source_query(source, SLICE_LITERAL("by")));
    view_source_free(source);
}

static void a_quoted_or_commented_directive_is_none(void **state)
{
    (void)state; /* cmocka's signature */
    struct view_source *source = parse("/* license\n-- view other\n*/\n" TABLES
                                       "-- on A\ninsert into t values ('it''s\n-- on B\n');\n"
                                       "/*\n-- on C\nnonsense\n*/\n"
                                       "update t set a = \"a\" -- ' not open\n;\n" QUERY);
    assert_int_equal(source->part_count, 3);
    view_source_free(source);
}

static void reads_files_of_other_systems(void **state)
{
    (void)state; /* cmocka's signature */
    struct view_source *source =
        parse("\xef\xbb\xbf-- view v\r\ncreate table t (a);\r\n-- on A\r\n"
              "insert into t values (1);\r\n-- query all()\r\nselect 1;\r\n");
    assert_int_equal(source->part_count, 3);
    assert_slice(source->parts[1].types[0], "A");
    view_source_free(source);
}

static void the_version_is_that_of_the_text(void **state)
{
    (void)state; /* cmocka's signature */
    struct view_source *one = parse(TABLES HANDLER QUERY);
    struct view_source *same = parse(TABLES HANDLER QUERY);
    struct view_source *other = parse(TABLES HANDLER QUERY "\n");
    assert_int_equal(strlen(one->version), 16);
    assert_string_equal(one->version, same->version);
    assert_string_not_equal(one->version, other->version);
    view_source_free(one);
    view_source_free(same);
    view_source_free(other);
}

static void prose_is_left_alone(void **state)
{
    (void)state; /* cmocka's signature */
    struct view_source *source =
        parse("-- View of all accounts\n"
              "-- Queries come last (see below)\n" TABLES "-- On Mondays there is more.\n"
              "---- a line ----\n--\n" HANDLER QUERY);
    assert_int_equal(source->part_count, 3);
    view_source_free(source);
}

static void refuses_and_names_the_line(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        const char *report;
    } cases[] = {
        {"", "views/v.sql:1: a view file begins with \"-- view v\"\n"
             "views/v.sql:1: the view handles no event: \"-- on TYPE\" is missing\n"
             "views/v.sql:1: the view answers nothing: \"-- query NAME()\" is missing\n"},
        {"\n create table t (a);\n" HANDLER QUERY,
         "views/v.sql:2: a view file begins with \"-- view v\"\n"},
        {HANDLER TABLES QUERY, "views/v.sql:1: \"-- view v\" must come first\n"},
        {"-- view w\n" HANDLER QUERY,
         "views/v.sql:1: a view has the name of its file: \"-- view v\"\n"},
        {"-- view v of mine\n" HANDLER QUERY,
         "views/v.sql:1: behind \"-- view\" one name must follow: \"-- view NAME\"\n"},
        {TABLES HANDLER QUERY TABLES,
         "views/v.sql:7: \"-- view\" stands in line 1 already: one view in one file\n"},
        {TABLES QUERY, "views/v.sql:4: the view handles no event: \"-- on TYPE\" is missing\n"},
        {TABLES HANDLER,
         "views/v.sql:4: the view answers nothing: \"-- query NAME()\" is missing\n"},
        {TABLES HANDLER "-- on B, A, B\n" QUERY,
         "views/v.sql:5: events of type \"A\" are handled in line 3 already\n"
         "views/v.sql:5: events of type \"B\" are handled in line 5 already\n"},
        {TABLES HANDLER QUERY QUERY, "views/v.sql:7: the query \"all\" stands in line 5 already\n"},
        {TABLES "-- on error retry\n" HANDLER QUERY,
         "views/v.sql:3: behind \"-- on error\" stop or skip must follow; an event type \"error\" "
         "is written in quotes\n"},
        {TABLES "-- on error stop\n-- on error skip\n" HANDLER QUERY,
         "views/v.sql:4: \"-- on error\" can stand once only\n"},
        {TABLES HANDLER "-- onn Deposited\n" QUERY,
         "views/v.sql:5: unknown directive \"onn\": did you mean \"-- on\"?\n"},
        {TABLES HANDLER "-- On Deposited\n" QUERY,
         "views/v.sql:5: unknown directive \"On\": did you mean \"-- on\"?\n"},
        {TABLES HANDLER "-- qeury all()\n" QUERY,
         "views/v.sql:5: unknown directive \"qeury\": did you mean \"-- query\"?\n"},
        {TABLES HANDLER "-- select all()\n" QUERY,
         "views/v.sql:5: unknown directive \"select\": there are view, on and query\n"},
        {TABLES HANDLER "-- query top(count int)\n" QUERY,
         "views/v.sql:5: behind \"-- query\" an argument's type is text, integer or real: \"-- "
         "query top(count integer)\"\n"},
        {TABLES HANDLER "-- query top(a, a)\n" QUERY,
         "views/v.sql:5: behind \"-- query\" two arguments have the same name\n"},
        {TABLES HANDLER "-- query top(:a)\n" QUERY,
         "views/v.sql:5: behind \"-- query\" argument names must stand between the parentheses: "
         "\"-- query by_id(id)\"\n"},
        {TABLES HANDLER "-- query all\n" QUERY,
         "views/v.sql:5: behind \"-- query\" a name and its arguments must follow: \"-- query "
         "by_id(id)\" or \"-- query all()\"\n"},
        {TABLES "-- on\n" HANDLER QUERY,
         "views/v.sql:3: behind \"-- on\" event types must follow, with commas between them: \"-- "
         "on Opened, Closed\"; one that has spaces or commas in quotes\n"},
        {TABLES "-- on \"a\tb\"\n" HANDLER QUERY,
         "views/v.sql:3: behind \"-- on\" an event type has at most 256 bytes and no control "
         "characters\n"},
        {TABLES "\n\xff\n", "views/v.sql:4: the file is not UTF-8 text\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(cases[i].text, cases[i].report);
    }
}

static void holds_its_limits(void **state)
{
    (void)state; /* cmocka's signature */
    for (int count = VIEW_ARGUMENTS_MAX; count <= VIEW_ARGUMENTS_MAX + 1; count++) {
        struct text text = {0};
        text_add_text(&text, TABLES HANDLER "-- query all(");
        for (int i = 0; i < count; i++) {
            text_printf(&text, "%sa%d", i == 0 ? "" : ", ", i);
        }
        text_add_text(&text, ")\nselect 1;\n");
        if (count == VIEW_ARGUMENTS_MAX) {
            view_source_free(parse(text.data));
        } else {
            refuses(text.data, "views/v.sql:5: behind \"-- query\" a query has at most 32 "
                               "arguments\n");
        }
        text_deinit(&text);
    }
    for (int count = VIEW_TYPES_PER_PART_MAX; count <= VIEW_TYPES_PER_PART_MAX + 1; count++) {
        struct text text = {0};
        text_add_text(&text, TABLES "-- on ");
        for (int i = 0; i < count; i++) {
            text_printf(&text, "%sT%d", i == 0 ? "" : ",", i);
        }
        text_add_text(&text, "\nselect 1;\n" QUERY);
        if (count == VIEW_TYPES_PER_PART_MAX) {
            view_source_free(parse(text.data));
        } else {
            refuses(text.data,
                    "views/v.sql:3: behind \"-- on\" at most 100 event types can stand in one "
                    "line\n");
        }
        text_deinit(&text);
    }
    struct text text = {0};
    text_add_text(&text, TABLES HANDLER);
    for (int i = 2; i < VIEW_PARTS_MAX; i++) {
        text_printf(&text, "-- query q%d()\nselect 1;\n", i);
    }
    view_source_free(parse(text.data));
    text_add_text(&text, "-- query one_more()\n");
    refuses(text.data, "views/v.sql:2001: a view file has at most 1000 parts\n");
    text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_parts_apart),
        cmocka_unit_test(a_quoted_or_commented_directive_is_none),
        cmocka_unit_test(reads_files_of_other_systems),
        cmocka_unit_test(the_version_is_that_of_the_text),
        cmocka_unit_test(prose_is_left_alone),
        cmocka_unit_test(refuses_and_names_the_line),
        cmocka_unit_test(holds_its_limits),
    };
    return cmocka_run_group_tests_name("view source", tests, NULL, NULL);
}
