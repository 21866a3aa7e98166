/* reader_priv.h - connections that answer a view's queries: a few, made when needed, kept.
 *
 * Snapshot: a query sees one state of the database, and reads the checkpoint in it.
 * Position: while no event of the view's types comes, its position moves on without a write. What
 *           is published says so: a database whose checkpoint is `saved` reflects the log up to
 *           `reflected`. A snapshot with a later checkpoint reflects that one.
 * Memory:   a database in memory has one connection, which the writer holds while it applies.
 * Lock:     `lock` is the only one taken here, for a few instructions. */
#pragma once
#include "domain/view/database_priv.h"
#include "domain/view/view.h"

#include <pthread.h>

struct view_column {
    struct ever_slice prefix; /* {"name": or ,"name": as it stands in each row */
    bool is_json;
};

struct view_prepared { /* a query on one connection */
    sqlite3_stmt *statement;
    struct view_column *columns;
    int column_count;
};

struct view_reader {
    struct view_reader *next;
    struct view_guard own;    /* not opened for a database in memory */
    struct view_guard *guard; /* `own`, or the writer's */
    struct arena arena;       /* holds the columns */
    sqlite3_stmt *begin;
    sqlite3_stmt *position;
    sqlite3_stmt *end;
    struct view_prepared *queries; /* by the part's index in the source */
};

struct view_published {
    uint64_t saved;
    uint64_t reflected;
};

struct view_readers { /* at a fixed address */
    const struct view_source *source;
    struct view_database *database; /* whose path is opened; in memory, whose connection is used */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct view_reader *idle; /* a stack: the last one used has the warmest cache */
    size_t count;             /* made, idle or not */
    size_t max;
    bool paused; /* the writer has the connection of a database in memory */
    struct view_published published;
};

void view_readers_init(struct view_readers *readers, const struct view_source *source,
                       struct view_database *database);
void view_readers_deinit(struct view_readers *readers); /* none may be in use */

void view_readers_publish(struct view_readers *readers, uint64_t saved, uint64_t reflected);

/* Around every use of the writing connection; does nothing but for a database in memory. */
void view_readers_pause(struct view_readers *readers);
void view_readers_resume(struct view_readers *readers);

/* Gives a reader for the caller alone. EVER_TIMEOUT: all were in use until the deadline (monotonic;
 * 0: none). What was published then is what the position of its next snapshot is reckoned from. */
struct ever_err view_readers_acquire(struct view_readers *readers, int64_t deadline_ns,
                                     struct view_reader **out_reader,
                                     struct view_published *out_published);
void view_readers_release(struct view_readers *readers, struct view_reader *reader);

/* The query's statement on this connection, prepared at its first use; lent until the reader is
 * gone. EVER_CORRUPT: the database has not the tables that the source makes. */
struct ever_err view_reader_prepare(struct view_reader *reader, const struct view_source *source,
                                    const struct view_part *query,
                                    const struct view_prepared **out_prepared);
