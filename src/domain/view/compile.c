#include "domain/view/compile_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "domain/view/token_priv.h"

#define FAULT_AT(compiler, at, ...)                                                                \
    do {                                                                                           \
        (compiler)->faults++;                                                                      \
        view_source_fault((compiler)->report, (compiler)->source->path,                            \
                          view_source_line((compiler)->source, (at)), __VA_ARGS__);                \
    } while (0)

#define FIELD_NAMES "@stream @id @type @position @revision @time @event_id @metadata"

bool view_compile_field(const char *parameter, enum view_field *out_field)
{
    static const char *const names[] = {
        [VIEW_FIELD_STREAM] = "@stream",     [VIEW_FIELD_ID] = "@id",
        [VIEW_FIELD_TYPE] = "@type",         [VIEW_FIELD_POSITION] = "@position",
        [VIEW_FIELD_REVISION] = "@revision", [VIEW_FIELD_TIME] = "@time",
        [VIEW_FIELD_EVENT_ID] = "@event_id", [VIEW_FIELD_METADATA] = "@metadata",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(parameter, names[i]) == 0) {
            *out_field = (enum view_field)i;
            return true;
        }
    }
    return false;
}

/* --- Statements ------------------------------------------------------------------------------- */

/* From the first token to the next semicolon. */
static struct ever_slice until_semicolon(struct ever_slice sql)
{
    struct ever_slice rest = sql;
    struct ever_slice token = view_token_next(&rest);
    const char *start = token.data;
    while (token.size > 0 && !slice_is(token, ";")) {
        token = view_token_next(&rest);
    }
    return slice_of(start, (size_t)(token.data - start));
}

/* Where the token that SQLite stumbled over stands. It does not always say; then its message ends
 * with the name in most cases: "no such column: t.x". */
static const char *fault_place(const struct view_compiler *compiler, struct ever_slice sql)
{
    const struct view_guard *guard = compiler->guard;
    struct ever_slice statement = until_semicolon(sql);
    if (guard->refusal[0] != '\0') {
        return statement.data;
    }
    int offset = sqlite3_error_offset(guard->connection);
    if (offset >= 0 && (size_t)offset < sql.size) {
        return sql.data + offset;
    }
    const char *message = sqlite3_errmsg(guard->connection);
    const char *name = message;
    for (const char *at = message; *at != '\0'; at++) {
        name = strchr(" :.", *at) == NULL ? name : at + 1;
    }
    return view_token_find(statement, name);
}

static sqlite3_stmt *drop(sqlite3_stmt *statement)
{
    (void)sqlite3_finalize(statement); /* repeats an error told already */
    return NULL;
}

/* The next statement of `rest`; NULL at the end and after a fault. */
static sqlite3_stmt *prepare_next(struct view_compiler *compiler, enum view_stage stage,
                                  struct ever_slice *rest)
{
    struct ever_slice ahead = *rest;
    struct ever_slice first = view_token_next(&ahead);
    while (slice_is(first, ";")) { /* an empty statement */
        *rest = ahead;
        first = view_token_next(&ahead);
    }
    if (first.size == 0) {
        *rest = ahead;
        return NULL;
    }
    sqlite3_stmt *statement = NULL;
    const char *tail;
    struct ever_slice sql = *rest;
    int result = view_guard_prepare(compiler->guard, stage, sql, &statement, &tail);
    if (result != SQLITE_OK) {
        FAULT_AT(compiler, fault_place(compiler, sql), "%s", view_guard_message(compiler->guard));
        return NULL;
    }
    ASSERT(statement != NULL);                                       /* `first` begins it */
    if (slice_equal_ignoring_case(first, SLICE_LITERAL("vacuum"))) { /* SQLite does not ask us */
        FAULT_AT(compiler, first.data, "this is not allowed in a view");
        return drop(statement);
    }
    *rest = slice_from(sql, (size_t)(tail - sql.data));
    return statement;
}

/* The statement's own text in the file: from its first token to `rest`. */
static struct ever_slice statement_text(struct ever_slice before, struct ever_slice rest)
{
    struct ever_slice text = slice_first(before, before.size - rest.size);
    struct ever_slice ahead = text;
    struct ever_slice first = view_token_next(&ahead);
    return slice_from(text, (size_t)(first.data - text.data));
}

static bool writes(sqlite3_stmt *statement)
{
    return !sqlite3_stmt_readonly(statement) && sqlite3_stmt_isexplain(statement) == 0;
}

/* --- Tables ----------------------------------------------------------------------------------- */

static bool run_table_statement(struct view_compiler *compiler, sqlite3_stmt *statement,
                                struct ever_slice text)
{
    if (sqlite3_bind_parameter_count(statement) > 0) {
        FAULT_AT(compiler, text.data, "there is no event here to take a parameter from");
        return false;
    }
    if (!writes(statement)) {
        FAULT_AT(compiler, text.data,
                 "below \"-- view\" stand the statements that make the view's tables");
        return false;
    }
    int result = view_guard_step(compiler->guard, statement);
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        FAULT_AT(compiler, text.data, "%s", view_guard_message(compiler->guard));
        return false;
    }
    return true;
}

void view_compile_tables(struct view_compiler *compiler)
{
    const struct view_part *part = &compiler->source->parts[0];
    ASSERT(part->kind == VIEW_PART_TABLES);
    struct ever_slice rest = part->sql;
    bool any = false;
    for (;;) {
        struct ever_slice before = rest;
        sqlite3_stmt *statement = prepare_next(compiler, VIEW_STAGE_TABLES, &rest);
        if (statement == NULL) {
            break;
        }
        any = true;
        bool fine = run_table_statement(compiler, statement, statement_text(before, rest));
        (void)drop(statement);
        if (!fine) {
            return;
        }
    }
    if (!any && compiler->faults == 0) {
        compiler->faults++;
        view_source_fault(compiler->report, compiler->source->path, part->line,
                          "the view has no table: \"create table\" must follow");
    }
}

/* --- Handlers --------------------------------------------------------------------------------- */

/* True when each parameter is :member or an @field. */
static bool check_event_parameters(struct view_compiler *compiler, sqlite3_stmt *statement,
                                   struct ever_slice text)
{
    int count = sqlite3_bind_parameter_count(statement);
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        enum view_field field;
        if (name == NULL || name[0] == '?' || name[0] == '$') {
            FAULT_AT(compiler, view_token_find(text, name == NULL ? "?" : name),
                     "write :name for a member of the event's data, or @name");
            return false;
        }
        if (name[0] == '@' && !view_compile_field(name, &field)) {
            FAULT_AT(compiler, view_token_find(text, name), "unknown %s: there are " FIELD_NAMES,
                     name);
            return false;
        }
    }
    return true;
}

sqlite3_stmt *view_compile_next(struct view_compiler *compiler, struct ever_slice *rest)
{
    struct ever_slice before = *rest;
    sqlite3_stmt *statement = prepare_next(compiler, VIEW_STAGE_HANDLER, rest);
    if (statement == NULL) {
        return NULL;
    }
    struct ever_slice text = statement_text(before, *rest);
    if (!writes(statement)) {
        FAULT_AT(compiler, text.data, "below \"-- on\" stand insert, update and delete");
        return drop(statement);
    }
    return check_event_parameters(compiler, statement, text) ? statement : drop(statement);
}

/* --- Queries ---------------------------------------------------------------------------------- */

static bool is_argument(const struct view_part *query, const char *name)
{
    for (size_t i = 0; i < query->argument_count; i++) {
        if (strcmp(query->arguments[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_used(sqlite3_stmt *statement, const char *argument)
{
    int count = sqlite3_bind_parameter_count(statement);
    for (int i = 1; i <= count; i++) {
        if (strcmp(sqlite3_bind_parameter_name(statement, i) + 1, argument) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_query_parameters(struct view_compiler *compiler, sqlite3_stmt *statement,
                                   const struct view_part *query, struct ever_slice text)
{
    int count = sqlite3_bind_parameter_count(statement);
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        if (name == NULL || name[0] != ':' || !is_argument(query, name + 1)) {
            FAULT_AT(compiler, view_token_find(text, name == NULL ? "?" : name),
                     "%s is not an argument of the query \"%s\"", name == NULL ? "?" : name,
                     query->query_name);
            return false;
        }
    }
    for (size_t i = 0; i < query->argument_count; i++) {
        if (!is_used(statement, query->arguments[i])) {
            FAULT_AT(compiler, text.data, "the argument %s of the query \"%s\" is not used",
                     query->arguments[i], query->query_name);
            return false;
        }
    }
    return true;
}

struct ever_slice view_compile_column(sqlite3_stmt *statement, int index, bool *out_is_json)
{
    static const char mark[] = ":json";
    struct ever_slice name = slice_of_text(sqlite3_column_name(statement, index));
    size_t mark_size = sizeof mark - 1;
    *out_is_json =
        name.size > mark_size && memcmp(name.data + name.size - mark_size, mark, mark_size) == 0;
    return slice_first(name, *out_is_json ? name.size - mark_size : name.size);
}

static bool check_columns(struct view_compiler *compiler, sqlite3_stmt *statement,
                          struct ever_slice text)
{
    int count = sqlite3_column_count(statement);
    bool is_json;
    for (int i = 0; i < count; i++) {
        struct ever_slice name = view_compile_column(statement, i, &is_json);
        for (int j = 0; j < i; j++) {
            if (slice_equal(name, view_compile_column(statement, j, &is_json))) {
                FAULT_AT(compiler, text.data,
                         "two columns are called \"%.*s\": rename one with \"as\"",
                         SLICE_PRINT(name));
                return false;
            }
        }
    }
    return true;
}

static bool check_select(struct view_compiler *compiler, sqlite3_stmt *statement,
                         struct ever_slice text)
{
    bool select = sqlite3_stmt_readonly(statement) && sqlite3_column_count(statement) > 0 &&
                  sqlite3_stmt_isexplain(statement) == 0;
    if (!select) {
        FAULT_AT(compiler, text.data, "a query is one select");
    }
    return select;
}

sqlite3_stmt *view_compile_query(struct view_compiler *compiler, const struct view_part *query)
{
    ASSERT(query->kind == VIEW_PART_QUERY);
    struct ever_slice rest = query->sql;
    size_t faults = compiler->faults;
    sqlite3_stmt *statement = prepare_next(compiler, VIEW_STAGE_QUERY, &rest);
    if (statement == NULL) {
        if (faults == compiler->faults) {
            compiler->faults++;
            view_source_fault(compiler->report, compiler->source->path, query->line,
                              "the query \"%s\" has no select", query->query_name);
        }
        return NULL;
    }
    struct ever_slice text = statement_text(query->sql, rest);
    bool fine = check_select(compiler, statement, text) &&
                check_query_parameters(compiler, statement, query, text) &&
                check_columns(compiler, statement, text);
    struct ever_slice second = view_token_next(&rest);
    if (fine && second.size > 0) {
        FAULT_AT(compiler, second.data, "the query \"%s\" has more than one statement",
                 query->query_name);
        fine = false;
    }
    return fine ? statement : drop(statement);
}
