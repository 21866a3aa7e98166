/* app_test_views.c - the rows of views after the events of one test. */
#include "base/slice.h"
#include "domain/app_test_case.h"
#include "domain/view/view.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEGMENT_BYTES (1u << 20) /* a test has few events */
#define ARGUMENTS_MAX 32

static void say_err(struct text *message, const char *what, struct ever_err err)
{
    text_printf(message, "%s: %s (%s)", what, ever_code_name((enum ever_code)err.code),
                err.what == NULL ? "" : err.what);
}

/* --- A store for one test -------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info; /* nftw's signature */
    (void)kind;
    (void)where;
    return remove(path);
}

static struct ever_err append_event(struct ever *store, struct json_value event,
                                    struct arena *arena)
{
    struct json_value stream;
    struct json_value type;
    struct json_value data;
    if (!json_member(event, SLICE_LITERAL("stream"), &stream) ||
        !json_member(event, SLICE_LITERAL("type"), &type) ||
        !json_member(event, SLICE_LITERAL("data"), &data)) {
        return FAIL(EVER_INVALID, "an event of the test");
    }
    struct ever_new_event given = {.type = json_string(type, arena), .data = data.text};
    struct ever_write write = {
        .stream = json_string(stream, arena), .events = &given, .event_count = 1};
    struct ever_result result;
    return ever_append(store, &write, 1, &result, NULL);
}

static struct ever_err append_all(struct ever *store, struct ever_slice events, struct arena *arena)
{
    for (struct json_iter i = json_iter(json_value_of(events)); json_next(&i);) {
        TRY(append_event(store, i.value, arena));
    }
    return ERR_OK;
}

/* --- One query ------------------------------------------------------------------------------- */

static struct ever_slice argument_text(struct json_value value, struct arena *arena)
{
    return value.kind == JSON_STRING ? json_string(value, arena) : value.text;
}

static bool read_arguments(struct json_value arguments, struct arena *arena,
                           struct view_argument *out_list, size_t *out_count, struct text *message)
{
    *out_count = 0;
    if (arguments.kind != JSON_OBJECT) {
        text_add_text(message, "arguments is an object");
        return false;
    }
    for (struct json_iter i = json_iter(arguments); json_next(&i);) {
        if (*out_count == ARGUMENTS_MAX) {
            text_add_text(message, "there are too many arguments");
            return false;
        }
        out_list[(*out_count)++] = (struct view_argument){.name = json_string(i.key, arena),
                                                          .value = argument_text(i.value, arena)};
    }
    return true;
}

static void compare_rows(const char *query, struct json_value expected, const struct text *rows,
                         struct text *message)
{
    if (!app_test_equal(expected, json_value_of(text_slice(rows)))) {
        text_printf(message, "%s: expected ", query);
        text_add(message, expected.text);
        text_add_text(message, "\nbut got  ");
        text_add(message, text_slice(rows));
    }
}

static void run_query(struct view *view, const struct view_query_info *query, const char *label,
                      struct json_value check, struct arena *arena, struct text *message)
{
    struct json_value arguments = json_value_of(SLICE_LITERAL("{}"));
    struct json_value expected;
    (void)json_member(check, SLICE_LITERAL("arguments"), &arguments); /* none is an empty object */
    if (!json_member(check, SLICE_LITERAL("rows"), &expected)) {
        text_printf(message, "%s: rows are missing", label);
        return;
    }
    struct view_argument list[ARGUMENTS_MAX];
    size_t count;
    if (!read_arguments(arguments, arena, list, &count, message)) {
        return;
    }
    const struct view_limits limits = {
        .rows_max = 10000, .time_limit_ms = 10000, .bytes_max = 16u << 20};
    CLEANUP(text_deinit) struct text rows = {0};
    CLEANUP(text_deinit) struct text report = {0};
    uint64_t position;
    struct ever_err err = view_query(view, query, list, count, &limits, &rows, &position, &report);
    if (IS_OK(err)) {
        compare_rows(label, expected, &rows, message);
    } else if (report.size > 0) {
        text_printf(message, "%s: %s", label, report.data);
    } else {
        say_err(message, label, err);
    }
}

/* "balances.by_id" */
static void check_query(struct views *views, struct ever_slice label, struct json_value check,
                        struct arena *arena, struct text *message)
{
    const char *text = arena_copy(arena, label).data;
    size_t dot = slice_find_byte(label, '.');
    struct view *view = views_find(views, slice_first(label, dot));
    if (dot == label.size || view == NULL) {
        text_printf(message, "%s: there is no such view; a query is named view.query", text);
        return;
    }
    struct view_status status;
    view_status(view, &status);
    if (status.state == VIEW_STOPPED) {
        text_printf(message, "%s: the view stopped: %s", text, status.failure);
        return;
    }
    const struct view_query_info *query = view_query_find(view, slice_from(label, dot + 1));
    if (query == NULL) {
        text_printf(message, "%s: the view has no such query", text);
        return;
    }
    run_query(view, query, text, check, arena, message);
}

static void check_all(struct views *views, struct json_value checks, struct arena *arena,
                      struct text *message)
{
    for (struct json_iter i = json_iter(checks); message->size == 0 && json_next(&i);) {
        check_query(views, json_string(i.key, arena), i.value, arena, message);
    }
}

static void run_on_store(const struct app_test_bench *bench, struct ever *store,
                         struct json_value checks, struct ever_slice events, struct arena *arena,
                         struct text *message)
{
    struct views *views = NULL;
    struct ever_err err = append_all(store, events, arena);
    if (!IS_OK(err)) {
        say_err(message, "the events of the test", err);
        return;
    }
    err = views_open(store, bench->app, NULL, NULL, 0, message, &views);
    if (IS_OK(err)) {
        err = views_run_to_end(views);
    }
    if (IS_OK(err)) {
        check_all(views, checks, arena, message);
    } else if (message->size == 0) {
        say_err(message, "the views", err);
    }
    views_close(views);
}

void app_test_views_run(const struct app_test_bench *bench, struct json_value checks,
                        struct ever_slice events, struct arena *arena, struct text *message)
{
    const char *base = getenv("TMPDIR");
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s/everfold-test-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(dir) == NULL) {
        say_err(message, "make a folder for the test",
                FAIL_ERRNO(EVER_IO, errno, "make a temporary folder"));
        return;
    }
    struct ever *store = NULL;
    struct ever_options options = {.segment_bytes = SEGMENT_BYTES};
    struct ever_err err = ever_open(dir, &options, &store);
    if (IS_OK(err)) {
        run_on_store(bench, store, checks, events, arena, message);
    } else {
        say_err(message, "open a store for the test", err);
    }
    ever_close(store);
    (void)nftw(dir, remove_entry, 8,
               FTW_DEPTH | FTW_PHYS); /* what stays is in a temporary folder */
}
