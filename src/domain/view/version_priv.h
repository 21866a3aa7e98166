/* version_priv.h - one version of a view: a file's text, the database built from it, and how far.
 *
 * Threads:  the view's thread applies; queries use `readers`, and the version through references
 *           (view.c). `damaged` may be set by both. */
#pragma once
#include "domain/view/program_priv.h"
#include "domain/view/reader_priv.h"

struct view_version {
    struct view_source *source;
    struct view_database database;
    struct view_program *program;
    struct view_readers readers;
    unsigned references; /* guarded by the view's lock */
    bool superseded;     /* its files go with it */
    atomic_bool damaged; /* SQLite found damage: to be built again */

    struct ever_cursor *cursor; /* NULL: to be opened behind `reached` */
    struct arena scratch;
    struct view_checkpoint reached; /* applied up to here; may be ahead of database.checkpoint when
                                     * no event of the view's types came since */
    uint64_t alone_position; /* this event failed among others; next time it goes alone, so that the
                              * others are not held up by it */
    bool live;               /* has caught up, and is not far behind now */
    bool stopped;            /* an event failed and the policy is to stop */
    uint64_t failed_position;
    char failure[256]; /* of the event that stopped it or was skipped last, or what is waited for */
    uint64_t applied;  /* events, since it was opened */
};

/* The source is taken, on failure too. `path` NULL: in memory. `stop` ends a running statement.
 * Opens the database of this version, or makes it where it is missing, damaged, of another store
 * or of another log. */
struct ever_err view_version_open(struct ever *store, const char *path, struct view_source *source,
                                  const atomic_bool *stop, struct text *report,
                                  struct view_version **out_version);

/* Opens an earlier version that can answer, with the text it was made from. */
struct ever_err view_version_open_old(struct ever *store, const char *path, const char *name,
                                      const atomic_bool *stop, struct view_version **out_version);

/* True when the database can never be opened: it is damaged, of another log, or under other rules.
 */
bool view_version_is_hopeless(struct ever_err err);

/* NULL-safe. No query may run. Removes the files of one that is superseded. */
void view_version_close(struct view_version *version);
