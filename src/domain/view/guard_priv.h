/* guard_priv.h - connections to SQLite that hold a view's statements to their part.
 *
 * A view is a function of the log: the same file and the same events give the same rows, today and
 * after a rebuild. So nothing may come in but the event: no clock, no randomness, no other file.
 * And a handler must not end the transaction that holds its checkpoint, nor a query write.
 *
 * Two fences: while a statement is prepared, SQLite asks us about each thing it would do
 * (authorizer); while it runs, the present time is refused where a value asks for it (a file system
 * of our own whose clock tells on who looks), and it is interrupted at its deadline. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include <sqlite3.h>
#include <stdatomic.h>

enum view_stage {
    VIEW_STAGE_OWN, /* our own statements: everything */
    VIEW_STAGE_TABLES,
    VIEW_STAGE_HANDLER,
    VIEW_STAGE_QUERY,
};

struct view_guard { /* at a fixed address while its connection is open */
    sqlite3 *connection;
    enum view_stage stage;
    char refusal[200];       /* why the last statement was refused, for people; or empty */
    int64_t deadline_ns;     /* monotonic time at which a running statement ends; 0: none */
    const atomic_bool *stop; /* a running statement ends when this is set; may be NULL */
};

/* Opens `path` (":memory:" too) with SQLite's open `flags`. */
struct ever_err view_guard_open(struct view_guard *guard, const char *path, int flags);
void view_guard_close(struct view_guard *guard); /* a guard that is all zero too */

/* As sqlite3_prepare_v3 for statements that live long, under the rules of `stage`; *out_statement
 * is NULL when nothing but comments is left. SQLite's result code. */
int view_guard_prepare(struct view_guard *guard, enum view_stage stage, struct ever_slice sql,
                       sqlite3_stmt **out_statement, const char **out_tail);

/* As sqlite3_step; SQLITE_MISUSE when the statement asked for the present time. */
int view_guard_step(struct view_guard *guard, sqlite3_stmt *statement);

/* Makes `why` what view_guard_message() says; gives SQLITE_MISUSE, our sign for a refusal. */
int view_guard_refuse(struct view_guard *guard, const char *why);

/* What went wrong in the last call, for people: our refusal or SQLite's message. */
const char *view_guard_message(const struct view_guard *guard);

/* Runs statements of our own. */
struct ever_err view_guard_run(struct view_guard *guard, const char *sql);

/* SQLite's result code as one of ours: NO_SPACE, NO_MEMORY, CORRUPT, BUSY, CLOSED (interrupted),
 * IO; INVALID for what the statement or the values are to blame for. */
struct ever_err view_guard_fail(const struct view_guard *guard, int result);
