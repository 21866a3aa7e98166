/* view.h - read models: SQL files that follow the log, each with its own SQLite database.
 *
 * A view file is read from top to bottom; a line "-- view NAME", "-- on Type[, Type]", "-- on error
 * stop|skip" or "-- query name(arg, ...)" begins a part. `:name` is a field of the event's data (or
 * a query's argument), `@name` one of the envelope. docs/views.md has it all.
 *
 * Each view has a thread that applies events, many per transaction, together with its position. The
 * hash of the file is its version: a changed file builds a new database from position 1 while the
 * old one goes on answering, then takes over.
 *
 * Threads:  view_query(), view_status() and views_watch() may be called from any thread. */
#pragma once
#include "base/arena.h"
#include "domain/app.h"
#include "everfold.h"

struct views;
struct view;

/* A flow of the APP: the stream that its present version writes, and the types it emits. A view
 * that handles one of them takes the events of this stream, of no other version, and is built anew
 * when the flow has another one. */
struct view_origin {
    struct ever_slice stream;
    const struct ever_slice *types;
    size_t type_count;
};

/* Checks every view file of `app` (a database in memory tries each statement) and opens the
 * databases in `dir`. EVER_INVALID: `report` has a line "views/x.sql:12: what is wrong" for each
 * fault. `store` and `app` are borrowed until close, `origins` for the call. `dir` NULL: databases
 * in memory, for tests. */
struct ever_err views_open(struct ever *store, const struct app *app, const char *dir,
                           const struct view_origin *origins, size_t origin_count,
                           struct text *report, struct views **out_views);
struct ever_err views_start(struct views *views); /* starts the threads */
/* NULL-safe; stops and waits for the threads. No query may run; close the store after it. */
void views_close(struct views *views);

/* Applies on the calling thread, without threads started, everything in the log. For tests and
 * tools. A view that stops at an event is no error here: its status says so. */
struct ever_err views_run_to_end(struct views *views);

size_t views_count(const struct views *views);
struct view *views_at(struct views *views, size_t index); /* sorted by name */
struct view *views_find(struct views *views, struct ever_slice name);

struct view_query_info {
    const char *name;
    const char *const *arguments;
    size_t argument_count;
};
const char *view_name(const struct view *view);
bool view_handles(const struct view *view, struct ever_slice event_type);
size_t view_query_count(const struct view *view);
const struct view_query_info *view_query_at(const struct view *view, size_t index);
const struct view_query_info *view_query_find(const struct view *view, struct ever_slice name);

/* Of the file's version; an earlier one that answers meanwhile follows the log by itself. */
enum view_state {
    VIEW_CATCHING_UP, /* far behind the log, or being built */
    VIEW_LIVE,        /* follows */
    VIEW_STOPPED,     /* an event failed; see `failure`. A restart tries it again */
};
struct view_status {
    enum view_state state;
    char version[17];         /* of the file, hexadecimal, NUL-terminated */
    char serving[17];         /* the version that answers; another one while the new one builds */
    uint64_t position;        /* up to which the answering database has applied the log */
    uint64_t build_position;  /* the same of the one being built; equal when there is one only */
    uint64_t applied;         /* events applied since start */
    uint64_t skipped;         /* events recorded as failed and passed over, in all */
    uint64_t failed_position; /* STOPPED: the event; 0 otherwise */
    /* STOPPED or last skipped: what SQLite said; or what it waits for, as a full disk.
     * NUL-terminated */
    char failure[256];
};
void view_status(const struct view *view, struct view_status *out_status);
uint64_t view_position(const struct view *view); /* one atomic */

#define VIEW_READERS_MAX 8 /* connections of a view that answer queries */

struct view_argument {
    struct ever_slice name;
    struct ever_slice value; /* text as it came; the query binds it */
};
struct view_limits { /* 0: none */
    uint32_t rows_max;
    uint32_t time_limit_ms;
    size_t bytes_max;
};

/* Runs a query on a connection of its own; blocks on disk, and while all connections are in use (at
 * most VIEW_READERS_MAX run at once; the time limit counts from the call). Appends a JSON array of
 * row objects to `out_rows`, which is as before on failure. *out_position: what the rows reflect,
 * from the same snapshot. `report` gets one line for people, without a line's end.
 * EVER_INVALID: an argument is missing, unknown or of the wrong type, or SQLite refused to
 * go on in a query that takes some. EVER_UNSUPPORTED: it refused in one that takes none.
 * EVER_TIMEOUT, EVER_LIMIT: a limit was hit. EVER_BUSY: not just now: the query is new and its
 * version is still being built, or a damaged database is being replaced. EVER_CORRUPT: damage was
 * found; the view builds itself again. */
struct ever_err view_query(struct view *view, const struct view_query_info *query,
                           const struct view_argument *arguments, size_t argument_count,
                           const struct view_limits *limits, struct text *out_rows,
                           uint64_t *out_position, struct text *report);

/* One more who waits for a view to reach a position, or one less. While the log grows all the time
 * and nobody waits, a view gathers some milliseconds of events into one transaction. Any thread. */
void views_hurry(struct views *views, bool waits);

/* Calls `fn` on a view's thread whenever its position or state moved; must be short. One watcher;
 * `fn` NULL ends it: no call is running or will come when this returns. */
typedef void views_watch_fn(void *arg);
void views_watch(struct views *views, views_watch_fn *fn, void *arg);
