/* compile_priv.h - the statements of a view file, prepared on a connection and held to the rules.
 *
 * The same code checks a file (on a database in memory, where every fault is reported) and prepares
 * it for use. */
#pragma once
#include "domain/view/guard_priv.h"
#include "domain/view/source_priv.h"

struct view_compiler {
    const struct view_source *source;
    struct view_guard *guard;
    struct text *report;
    size_t faults;
};

/* Prepares one statement after the other of a handler's part. `rest` is part->sql at first. Gives
 * NULL at the end, and after a fault. */
sqlite3_stmt *view_compile_next(struct view_compiler *compiler, struct ever_slice *rest);

/* Runs the statements that make the tables. Stops at the first fault. */
void view_compile_tables(struct view_compiler *compiler);

/* The one statement of a query; NULL after a fault. */
sqlite3_stmt *view_compile_query(struct view_compiler *compiler, const struct view_part *query);

/* A result column "items:json" is called items, and its text is JSON. */
struct ever_slice view_compile_column(sqlite3_stmt *statement, int index, bool *out_is_json);

/* What `@name` can stand for in a handler. */
enum view_field {
    VIEW_FIELD_STREAM,
    VIEW_FIELD_ID, /* the stream's name behind the category: alice of account-alice */
    VIEW_FIELD_TYPE,
    VIEW_FIELD_POSITION,
    VIEW_FIELD_REVISION,
    VIEW_FIELD_TIME,
    VIEW_FIELD_EVENT_ID,
    VIEW_FIELD_METADATA,
};
/* `parameter` with its sign: "@stream". */
bool view_compile_field(const char *parameter, enum view_field *out_field);
