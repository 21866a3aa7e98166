#include "domain/view/version_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/uuid.h"

#include <stdlib.h>

/* --- Is it of this log? ----------------------------------------------------------------------- */

/* EVER_FOREIGN when the event the version applied last is not in the log: the log was restored from
 * an older backup, and grew again perhaps. */
static struct ever_err check_last_event(struct ever *store,
                                        const struct view_checkpoint *checkpoint)
{
    if (checkpoint->position > ever_last_position(store)) {
        return FAIL(EVER_FOREIGN, "view is ahead of the log");
    }
    if (checkpoint->event_position == 0) {
        return ERR_OK;
    }
    struct ever_read read = {.from = checkpoint->event_position};
    struct ever_cursor *cursor;
    TRY(ever_cursor_open(store, &read, &cursor));
    const struct ever_event *event;
    struct ever_err err = ever_next(cursor, &event);
    if (IS_OK(err)) {
        bool same = event->position == checkpoint->event_position &&
                    uuid_equal(event->id, checkpoint->event_id);
        err = same ? ERR_OK : FAIL(EVER_FOREIGN, "view of another log");
    } else if (err.code == EVER_CORRUPT) {
        err = ERR_OK; /* the log is damaged there: the view may well be all that is left of it */
    }
    ever_cursor_close(cursor);
    return err;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static struct view_version *new_version(struct view_source *source, const atomic_bool *stop)
{
    struct view_version *version = mem_alloc_zero(sizeof *version);
    version->source = source;
    version->references = 1;
    version->database.guard.stop = stop;
    arena_init(&version->scratch);
    return version;
}

/* What a version needs when its database is open. */
static struct ever_err start_version(struct view_version *version)
{
    struct text report = {0};
    struct view_compiler compiler = {
        .source = version->source, .guard = &version->database.guard, .report = &report};
    version->program = view_program_build(&compiler);
    text_deinit(&report); /* the file was checked before: the tables are not as it made them */
    if (version->program == NULL) {
        return FAIL(EVER_CORRUPT, "tables of the view");
    }
    version->reached = version->database.checkpoint;
    return ERR_OK;
}

static void reset_database(struct view_version *version)
{
    const atomic_bool *stop = version->database.guard.stop;
    view_program_free(TAKE(version->program));
    view_database_close(&version->database);
    version->database.guard.stop = stop;
}

static struct ever_err open_existing(struct ever *store, struct view_version *version,
                                     const char *path)
{
    TRY(view_database_open(&version->database, path, ever_store_id(store)));
    TRY(check_last_event(store, &version->database.checkpoint));
    return start_version(version);
}

bool view_version_is_hopeless(struct ever_err err)
{
    return err.code == EVER_CORRUPT || err.code == EVER_FOREIGN || err.code == EVER_UNSUPPORTED;
}

static struct ever_err open_or_create(struct ever *store, struct view_version *version,
                                      const char *path, struct text *report)
{
    if (path != NULL) {
        struct ever_err err = open_existing(store, version, path);
        if (IS_OK(err)) {
            return ERR_OK;
        }
        if (err.code != EVER_NOT_FOUND && !view_version_is_hopeless(err)) {
            return err;
        }
        reset_database(version);
        TRY(view_database_remove(path));
    }
    TRY(view_database_create(&version->database, path, ever_store_id(store), version->source,
                             report));
    return start_version(version);
}

/* Gives the version when `err` is OK, else closes it. */
static struct ever_err finish_open(struct ever_err err, struct view_version *version,
                                   struct view_version **out_version)
{
    if (!IS_OK(err)) {
        reset_database(version);
        view_version_close(version);
        return err;
    }
    view_readers_init(&version->readers, version->source, &version->database);
    *out_version = version;
    return ERR_OK;
}

struct ever_err view_version_open(struct ever *store, const char *path, struct view_source *source,
                                  const atomic_bool *stop, struct text *report,
                                  struct view_version **out_version)
{
    struct view_version *version = new_version(source, stop);
    struct ever_err err = open_or_create(store, version, path, report);
    return finish_open(err, version, out_version);
}

static struct ever_err open_old(struct ever *store, struct view_version *version, const char *path,
                                const char *name)
{
    TRY(view_database_open(&version->database, path, ever_store_id(store)));
    if (!version->database.checkpoint.complete) {
        return FAIL(EVER_CORRUPT, "earlier version that never caught up");
    }
    TRY(check_last_event(store, &version->database.checkpoint));
    struct text text = {0};
    struct text report = {0};
    struct ever_err err = view_database_source(&version->database, &text);
    if (IS_OK(err)) {
        err = view_source_parse(path, name, text_slice(&text), &report, &version->source);
    }
    text_deinit(&text);
    text_deinit(&report);
    if (err.code == EVER_INVALID) {
        return FAIL(EVER_UNSUPPORTED, "earlier version under other rules");
    }
    return IS_OK(err) ? start_version(version) : err;
}

struct ever_err view_version_open_old(struct ever *store, const char *path, const char *name,
                                      const atomic_bool *stop, struct view_version **out_version)
{
    struct view_version *version = new_version(NULL, stop);
    struct ever_err err = open_old(store, version, path, name);
    return finish_open(err, version, out_version);
}

/* --- Closing ---------------------------------------------------------------------------------- */

void view_version_close(struct view_version *version)
{
    if (version == NULL) {
        return;
    }
    ever_cursor_close(version->cursor);
    if (version->readers.source != NULL) {
        view_readers_deinit(&version->readers);
    }
    view_program_free(version->program);
    char *path = TAKE(version->database.path);
    view_database_close(&version->database);
    if (version->superseded && path != NULL) {
        (void)view_database_remove(path); /* what stays is removed at the next start */
    }
    free(path);
    view_source_free(version->source);
    arena_deinit(&version->scratch);
    free(version);
}
