/* call.c - a query, from a client's arguments to rows as JSON. */
#include "domain/view/call_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/slice.h"
#include "domain/view/value_priv.h"

#include <inttypes.h>

#define NS_PER_MS INT64_C(1000000)

/* --- Arguments -------------------------------------------------------------------------------- */

static const struct view_argument *find_argument(const struct view_call *call, const char *name)
{
    for (size_t i = 0; i < call->argument_count; i++) {
        if (slice_is(call->arguments[i].name, name)) {
            return &call->arguments[i];
        }
    }
    return NULL;
}

static bool is_known(const struct view_part *query, struct ever_slice name)
{
    for (size_t i = 0; i < query->argument_count; i++) {
        if (slice_is(name, query->arguments[i])) {
            return true;
        }
    }
    return false;
}

static void report_unknown(const struct view_part *query, struct ever_slice name,
                           struct text *report)
{
    text_printf(report, "\"%.*s\" is not an argument of the query: %s", SLICE_PRINT(name),
                query->argument_count == 0 ? "it has none" : "there are");
    for (size_t i = 0; i < query->argument_count; i++) {
        text_printf(report, "%s %s", i == 0 ? "" : ",", query->arguments[i]);
    }
}

/* Each argument stands there once, and no other. */
static bool check_arguments(const struct view_call *call, struct text *report)
{
    const struct view_part *query = call->query;
    for (size_t i = 0; i < call->argument_count; i++) {
        struct ever_slice name = call->arguments[i].name;
        if (!is_known(query, name)) {
            report_unknown(query, name, report);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (slice_equal(name, call->arguments[j].name)) {
                text_printf(report, "the argument %.*s is given twice", SLICE_PRINT(name));
                return false;
            }
        }
    }
    for (size_t i = 0; i < query->argument_count; i++) {
        if (find_argument(call, query->arguments[i]) == NULL) {
            text_printf(report, "the argument %s is missing", query->arguments[i]);
            return false;
        }
    }
    return true;
}

static enum view_argument_type type_of(const struct view_part *query, const char *name)
{
    for (size_t i = 0; i < query->argument_count; i++) {
        if (strcmp(query->arguments[i], name) == 0) {
            return query->argument_types[i];
        }
    }
    ASSERT(false); /* the compiler found each parameter among the arguments */
    return VIEW_ARGUMENT_TEXT;
}

static bool bind_arguments(sqlite3_stmt *statement, const struct view_call *call,
                           struct text *report)
{
    int parameters = sqlite3_bind_parameter_count(statement);
    for (int i = 1; i <= parameters; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i) + 1; /* behind its colon */
        const struct view_argument *argument = find_argument(call, name);
        ASSERT(argument != NULL); /* check_arguments() found it */
        enum view_argument_type type = type_of(call->query, name);
        if (!view_bind_argument(statement, i, type, argument->value)) {
            text_printf(report, "the argument %s must be %s", name,
                        type == VIEW_ARGUMENT_INTEGER ? "a whole number" : "a number");
            return false;
        }
    }
    return true;
}

/* --- Running ------------------------------------------------------------------------------- */

static void write_row(const struct view_prepared *prepared, struct text *out)
{
    for (int i = 0; i < prepared->column_count; i++) {
        text_add(out, prepared->columns[i].prefix);
        view_write_column(out, prepared->statement, i, prepared->columns[i].is_json);
    }
    text_add_byte(out, '}');
}

/* What SQLite refuses may be a value the caller gave. Without any it is the view's own fault. */
static struct ever_err statement_failed(const struct view_reader *reader,
                                        const struct view_prepared *prepared, int result,
                                        struct text *report)
{
    struct ever_err err = view_guard_fail(reader->guard, result);
    bool closing = reader->guard->stop != NULL && atomic_load(reader->guard->stop);
    if (err.code == EVER_CLOSED && !closing) {
        return FAIL(EVER_TIMEOUT, "view query");
    }
    if (err.code == EVER_INVALID) {
        text_add_text(report, view_guard_message(reader->guard));
        bool has_values = sqlite3_bind_parameter_count(prepared->statement) > 0;
        return has_values ? err : FAIL(EVER_UNSUPPORTED, "view query");
    }
    return err;
}

/* The statement is bound. */
static struct ever_err write_rows(struct view_reader *reader, const struct view_prepared *prepared,
                                  const struct view_limits *limits, struct view_answer *answer)
{
    struct text *out = answer->rows;
    size_t start = out->size;
    text_add_byte(out, '[');
    for (uint32_t rows = 0;; rows++) {
        int result = view_guard_step(reader->guard, prepared->statement);
        if (result == SQLITE_DONE) {
            break;
        }
        if (result != SQLITE_ROW) {
            return statement_failed(reader, prepared, result, answer->report);
        }
        if (limits->rows_max != 0 && rows == limits->rows_max) {
            text_printf(answer->report, "the query gives more than %" PRIu32 " rows",
                        limits->rows_max);
            return FAIL(EVER_LIMIT, "view query rows");
        }
        if (rows > 0) {
            text_add_byte(out, ',');
        }
        write_row(prepared, out);
        if (limits->bytes_max != 0 && out->size - start >= limits->bytes_max) {
            text_printf(answer->report, "the query gives more than %zu bytes", limits->bytes_max);
            return FAIL(EVER_LIMIT, "view query bytes");
        }
    }
    text_add_byte(out, ']');
    return ERR_OK;
}

static struct ever_err read_position(struct view_reader *reader, struct view_published published,
                                     uint64_t *out_position)
{
    int result = view_guard_step(reader->guard, reader->position);
    uint64_t saved = (uint64_t)sqlite3_column_int64(reader->position, 0);
    (void)sqlite3_reset(reader->position); /* it was only read */
    if (result != SQLITE_ROW) {
        return result == SQLITE_DONE ? FAIL(EVER_CORRUPT, "view checkpoint")
                                     : view_guard_fail(reader->guard, result);
    }
    *out_position = saved == published.saved ? published.reflected : saved;
    return ERR_OK;
}

static struct ever_err run_own(struct view_reader *reader, sqlite3_stmt *statement)
{
    int result = view_guard_step(reader->guard, statement);
    (void)sqlite3_reset(statement); /* gives the same result again */
    return view_guard_fail(reader->guard, result);
}

/* Rows and position from one snapshot, which begins with the position. */
static struct ever_err run_snapshot(struct view_reader *reader,
                                    const struct view_prepared *prepared,
                                    const struct view_limits *limits,
                                    struct view_published published, struct view_answer *answer)
{
    TRY(run_own(reader, reader->begin));
    uint64_t position = 0;
    struct ever_err err = read_position(reader, published, &position);
    if (IS_OK(err)) {
        err = write_rows(reader, prepared, limits, answer);
    }
    (void)sqlite3_reset(prepared->statement); /* gives the same result again */
    struct ever_err ended = run_own(reader, reader->end);
    if (IS_OK(err) && IS_OK(ended)) {
        answer->position = position;
    }
    return IS_OK(err) ? ended : err;
}

/* Binds and runs on a reader that is ours for the time being. */
static struct ever_err run_on(struct view_readers *readers, struct view_reader *reader,
                              const struct view_call *call, int64_t deadline_ns,
                              struct view_published published, struct view_answer *answer)
{
    const struct view_prepared *prepared;
    TRY(view_reader_prepare(reader, readers->source, call->query, &prepared));
    if (!bind_arguments(prepared->statement, call, answer->report)) {
        return FAIL(EVER_INVALID, "view query argument");
    }
    reader->guard->deadline_ns = deadline_ns;
    struct ever_err err = run_snapshot(reader, prepared, call->limits, published, answer);
    reader->guard->deadline_ns = 0; /* in memory it is the writer's guard, which has none */
    return err;
}

struct ever_err view_call_run(struct view_readers *readers, const struct view_call *call,
                              struct view_answer *answer)
{
    ASSERT(call->query->kind == VIEW_PART_QUERY);
    if (!check_arguments(call, answer->report)) {
        return FAIL(EVER_INVALID, "view query argument");
    }
    struct env *env = env_real();
    uint32_t limit_ms = call->limits->time_limit_ms;
    int64_t deadline_ns = limit_ms == 0 ? 0 : env->monotonic_ns(env) + limit_ms * NS_PER_MS;
    struct view_reader *reader;
    struct view_published published;
    TRY(view_readers_acquire(readers, deadline_ns, &reader, &published));
    size_t size = answer->rows->size;
    struct ever_err err = run_on(readers, reader, call, deadline_ns, published, answer);
    view_readers_release(readers, reader);
    if (!IS_OK(err) && answer->rows->size > size) {
        answer->rows->size = size;
        text_seal(answer->rows);
    }
    return err;
}
