/* database_priv.h - the SQLite database of one version of a view, and the connection that writes
 * it.
 *
 * Besides the view's own tables it has three of ours:
 *   everfold_view        which store it belongs to; the view file's version and whole text, so that
 *                        this version can go on answering after the file has changed
 *   everfold_checkpoint  up to where the log is applied; written with the rows, in one transaction
 *   everfold_skipped     events that failed and were passed over
 *
 * Synced:   WAL with synchronous=NORMAL. After a power failure the last transactions may be gone,
 *           but whole ones only, rows and checkpoint together: they are applied again from the log,
 *           which lost nothing. FULL would cost a disk flush for each batch and give no more. */
#pragma once
#include "domain/view/guard_priv.h"
#include "domain/view/source_priv.h"

struct view_checkpoint {
    uint64_t position;         /* applied up to here */
    uint64_t event_position;   /* of the last event that was applied or skipped; 0: none yet */
    struct ever_uuid event_id; /* its id: tells whether this is still the same log */
    bool complete;             /* it has once caught up, so it may answer */
};

struct view_database { /* at a fixed address while open */
    struct view_guard guard;
    char *path; /* NULL: in memory */
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    sqlite3_stmt *save;
    sqlite3_stmt *skip;
    struct view_checkpoint checkpoint; /* as it stands in the database */
    uint64_t skipped;                  /* rows in everfold_skipped */
};

/* Makes a new database, whole or not at all; `path` NULL: in memory. Takes `guard`'s deadline from
 * `database`, which is zero but for that. EVER_INVALID: see `report`. */
struct ever_err view_database_create(struct view_database *database, const char *path,
                                     struct ever_uuid store_id, const struct view_source *source,
                                     struct text *report);

/* Opens what exists. EVER_NOT_FOUND; EVER_CORRUPT: damaged, half made, or not ours; EVER_FOREIGN:
 * of another store; EVER_UNSUPPORTED: made by a version that kept other tables. All but the first
 * ask for view_database_remove(). */
struct ever_err view_database_open(struct view_database *database, const char *path,
                                   struct ever_uuid store_id);
void view_database_close(struct view_database *database); /* a zeroed or half open one too */

/* The text of the view file it was made from; freed by the caller. */
struct ever_err view_database_source(struct view_database *database, struct text *out_source);

struct ever_err view_database_begin(struct view_database *database);
/* Writes the checkpoint and commits. On failure nothing of the transaction is left. */
struct ever_err view_database_commit(struct view_database *database,
                                     const struct view_checkpoint *checkpoint);
void view_database_rollback(struct view_database *database);

/* Notes in the running transaction that an event was passed over. *out_new: it was not noted yet.
 */
struct ever_err view_database_skip(struct view_database *database, const struct ever_event *event,
                                   const char *message, bool *out_new);

/* Removes the files at `path`. All connections must be closed: SQLite finds the companions of a
 * database by name, and would take the old ones for a new one's. */
struct ever_err view_database_remove(const char *path);
