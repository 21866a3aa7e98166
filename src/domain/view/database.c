#include "domain/view/database_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/view/compile_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define APPLICATION_ID 0x45764577 /* "EvEw" in ASCII: tells our files from others */
#define FORMAT 1                  /* of our own tables */

static const char own_tables[] =
    "create table everfold_view (one integer primary key check (one = 1), store blob not null,"
    "  version text not null, source text not null) strict;"
    "create table everfold_checkpoint (one integer primary key check (one = 1),"
    "  position integer not null, event_position integer not null, event_id blob not null,"
    "  complete integer not null) strict;"
    "insert into everfold_checkpoint values (1, 0, 0, zeroblob(16), 0);"
    "create table everfold_skipped (position integer primary key, stream text not null,"
    "  type text not null, message text not null) strict;";

static struct ever_err prepare(struct view_database *database, const char *sql,
                               sqlite3_stmt **out_statement)
{
    int result = view_guard_prepare(&database->guard, VIEW_STAGE_OWN, slice_of_text(sql),
                                    out_statement, NULL);
    return view_guard_fail(&database->guard, result);
}

static struct ever_err run(struct view_database *database, sqlite3_stmt *statement)
{
    int result = view_guard_step(&database->guard, statement);
    struct ever_err err = view_guard_fail(&database->guard, result);
    (void)sqlite3_reset(statement); /* gives the same result again */
    return err;
}

static struct ever_err prepare_all(struct view_database *database)
{
    TRY(prepare(database, "begin immediate", &database->begin));
    TRY(prepare(database, "commit", &database->commit));
    TRY(prepare(database, "rollback", &database->rollback));
    TRY(prepare(database,
                "update everfold_checkpoint set position = ?1, event_position = ?2,"
                " event_id = ?3, complete = ?4",
                &database->save));
    return prepare(database, "insert or ignore into everfold_skipped values (?1, ?2, ?3, ?4)",
                   &database->skip);
}

static struct ever_err open_file(struct view_database *database, const char *path, int flags)
{
    TRY(view_guard_open(&database->guard, path == NULL ? ":memory:" : path,
                        SQLITE_OPEN_READWRITE | flags));
    if (path == NULL) {
        return ERR_OK;
    }
    database->path = mem_copy_text(slice_of_text(path));
    return view_guard_run(&database->guard, "pragma journal_mode = wal;"
                                            "pragma synchronous = normal;"
                                            "pragma wal_autocheckpoint = 4000;"
                                            "pragma journal_size_limit = 67108864;"
                                            "pragma cache_size = -16384;"
                                            "pragma temp_store = memory;");
}

/* --- Making ----------------------------------------------------------------------------------- */

static struct ever_err write_identity(struct view_database *database, struct ever_uuid store_id,
                                      const struct view_source *source)
{
    char marks[80];
    (void)snprintf(marks, sizeof marks, "pragma application_id = %d; pragma user_version = %d",
                   APPLICATION_ID, FORMAT); /* it fits */
    TRY(view_guard_run(&database->guard, marks));
    sqlite3_stmt *statement;
    TRY(prepare(database, "insert into everfold_view values (1, ?1, ?2, ?3)", &statement));
    int bound =
        sqlite3_bind_blob(statement, 1, store_id.bytes, sizeof store_id.bytes, SQLITE_STATIC);
    bound |= sqlite3_bind_text(statement, 2, source->version, -1, SQLITE_STATIC);
    bound |= sqlite3_bind_text64(statement, 3, source->text.data, source->text.size, SQLITE_STATIC,
                                 SQLITE_UTF8);
    ASSERT(bound == SQLITE_OK); /* nothing is copied, so nothing can fail */
    struct ever_err err = run(database, statement);
    (void)sqlite3_finalize(statement); /* repeats what `err` says */
    return err;
}

static struct ever_err make_tables(struct view_database *database, const struct view_source *source,
                                   struct text *report)
{
    TRY(view_guard_run(&database->guard, own_tables));
    struct view_compiler compiler = {.source = source, .guard = &database->guard, .report = report};
    view_compile_tables(&compiler);
    return compiler.faults == 0 ? ERR_OK : FAIL(EVER_INVALID, "make view tables");
}

struct ever_err view_database_create(struct view_database *database, const char *path,
                                     struct ever_uuid store_id, const struct view_source *source,
                                     struct text *report)
{
    TRY(open_file(database, path, SQLITE_OPEN_CREATE));
    TRY(view_guard_run(&database->guard, "begin immediate"));
    TRY(make_tables(database, source, report));
    TRY(write_identity(database, store_id, source));
    TRY(view_guard_run(&database->guard, "commit"));
    return prepare_all(database);
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* Runs a statement that gives one row; `statement` stands on it. EVER_CORRUPT when there is none.
 */
static struct ever_err query_row(struct view_database *database, const char *sql,
                                 sqlite3_stmt **out_statement)
{
    sqlite3_stmt *statement;
    TRY(prepare(database, sql, &statement));
    int result = view_guard_step(&database->guard, statement);
    if (result == SQLITE_ROW) {
        *out_statement = statement;
        return ERR_OK;
    }
    struct ever_err err = result == SQLITE_DONE ? FAIL(EVER_CORRUPT, "view database")
                                                : view_guard_fail(&database->guard, result);
    (void)sqlite3_finalize(statement); /* repeats what `err` says */
    return err;
}

static struct ever_err query_number(struct view_database *database, const char *sql,
                                    int64_t *out_number)
{
    sqlite3_stmt *row;
    TRY(query_row(database, sql, &row));
    *out_number = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row); /* it was only read */
    return ERR_OK;
}

static struct ever_err check_identity(struct view_database *database, struct ever_uuid store_id)
{
    int64_t number;
    TRY(query_number(database, "pragma application_id", &number));
    if (number != APPLICATION_ID) {
        return FAIL(EVER_CORRUPT, "not a view database, or half made");
    }
    TRY(query_number(database, "pragma user_version", &number));
    if (number != FORMAT) {
        return FAIL(EVER_UNSUPPORTED, "view database of another version");
    }
    sqlite3_stmt *row;
    TRY(query_row(database, "select store from everfold_view", &row));
    bool same = sqlite3_column_bytes(row, 0) == sizeof store_id.bytes &&
                memcmp(sqlite3_column_blob(row, 0), store_id.bytes, sizeof store_id.bytes) == 0;
    (void)sqlite3_finalize(row); /* it was only read */
    return same ? ERR_OK : FAIL(EVER_FOREIGN, "view database of another store");
}

static struct ever_err read_checkpoint(struct view_database *database)
{
    int64_t skipped;
    TRY(query_number(database, "select count(*) from everfold_skipped", &skipped));
    sqlite3_stmt *row;
    TRY(query_row(database,
                  "select position, event_position, complete, event_id from everfold_checkpoint",
                  &row));
    struct view_checkpoint *checkpoint = &database->checkpoint;
    checkpoint->position = (uint64_t)sqlite3_column_int64(row, 0);
    checkpoint->event_position = (uint64_t)sqlite3_column_int64(row, 1);
    checkpoint->complete = sqlite3_column_int64(row, 2) != 0;
    bool whole = sqlite3_column_bytes(row, 3) == sizeof checkpoint->event_id.bytes;
    if (whole) {
        memcpy(checkpoint->event_id.bytes, sqlite3_column_blob(row, 3),
               sizeof checkpoint->event_id.bytes);
    }
    (void)sqlite3_finalize(row); /* it was only read */
    database->skipped = (uint64_t)skipped;
    return whole ? ERR_OK : FAIL(EVER_CORRUPT, "view checkpoint");
}

/* Our own tables are not as we made them: SQLite speaks of an error in the statement. */
static struct ever_err as_corrupt(struct ever_err err)
{
    return err.code == EVER_INVALID ? FAIL(EVER_CORRUPT, "view database's own tables") : err;
}

struct ever_err view_database_open(struct view_database *database, const char *path,
                                   struct ever_uuid store_id)
{
    if (access(path, F_OK) != 0) {
        int number = errno;
        return number == ENOENT ? FAIL(EVER_NOT_FOUND, "view database")
                                : FAIL_ERRNO(EVER_IO, number, "view database");
    }
    TRY(as_corrupt(open_file(database, path, 0)));
    TRY(as_corrupt(check_identity(database, store_id)));
    TRY(as_corrupt(read_checkpoint(database)));
    return as_corrupt(prepare_all(database));
}

struct ever_err view_database_source(struct view_database *database, struct text *out_source)
{
    sqlite3_stmt *row;
    TRY(as_corrupt(query_row(database, "select source from everfold_view", &row)));
    const void *text = sqlite3_column_text(row, 0);
    text_add(out_source, slice_of(text, (size_t)sqlite3_column_bytes(row, 0)));
    (void)sqlite3_finalize(row); /* it was only read */
    return ERR_OK;
}

void view_database_close(struct view_database *database)
{
    sqlite3_stmt *const statements[] = {database->begin, database->commit, database->rollback,
                                        database->save, database->skip};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(statements[i]); /* NULL too; repeats an error told already */
    }
    view_guard_close(&database->guard);
    free(database->path);
    *database = (struct view_database){0};
}

/* --- Transactions ----------------------------------------------------------------------------- */

struct ever_err view_database_begin(struct view_database *database)
{
    ASSERT(sqlite3_get_autocommit(database->guard.connection) != 0);
    return run(database, database->begin);
}

void view_database_rollback(struct view_database *database)
{
    if (sqlite3_get_autocommit(database->guard.connection) == 0) { /* SQLite may have done it */
        (void)run(database, database->rollback); /* what cannot be undone is undone at close */
    }
}

static struct ever_err save(struct view_database *database,
                            const struct view_checkpoint *checkpoint)
{
    ASSERT(checkpoint->position >= database->checkpoint.position);
    sqlite3_stmt *statement = database->save;
    int bound = sqlite3_bind_int64(statement, 1, (sqlite3_int64)checkpoint->position);
    bound |= sqlite3_bind_int64(statement, 2, (sqlite3_int64)checkpoint->event_position);
    bound |= sqlite3_bind_blob(statement, 3, checkpoint->event_id.bytes,
                               sizeof checkpoint->event_id.bytes, SQLITE_STATIC);
    bound |= sqlite3_bind_int(statement, 4, checkpoint->complete);
    ASSERT(bound == SQLITE_OK); /* nothing is copied, so nothing can fail */
    return run(database, statement);
}

struct ever_err view_database_commit(struct view_database *database,
                                     const struct view_checkpoint *checkpoint)
{
    struct ever_err err = save(database, checkpoint);
    if (IS_OK(err)) {
        err = run(database, database->commit);
    }
    if (!IS_OK(err)) {
        view_database_rollback(database);
        return err;
    }
    database->checkpoint = *checkpoint;
    return ERR_OK;
}

struct ever_err view_database_skip(struct view_database *database, const struct ever_event *event,
                                   const char *message, bool *out_new)
{
    sqlite3_stmt *statement = database->skip;
    int bound = sqlite3_bind_int64(statement, 1, (sqlite3_int64)event->position);
    bound |= sqlite3_bind_text64(statement, 2, event->stream.data, event->stream.size,
                                 SQLITE_STATIC, SQLITE_UTF8);
    bound |= sqlite3_bind_text64(statement, 3, event->type.data, event->type.size, SQLITE_STATIC,
                                 SQLITE_UTF8);
    bound |= sqlite3_bind_text(statement, 4, message, -1, SQLITE_STATIC);
    ASSERT(bound == SQLITE_OK); /* nothing is copied, so nothing can fail */
    TRY(run(database, statement));
    *out_new = sqlite3_changes(database->guard.connection) > 0;
    return ERR_OK;
}

/* --- Removing --------------------------------------------------------------------------------- */

struct ever_err view_database_remove(const char *path)
{
    /* The database itself goes last: found alone, its companions would belong to nobody. */
    static const char *const endings[] = {"-wal", "-shm", "-journal", ""};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct text name = {0};
        text_printf(&name, "%s%s", path, endings[i]);
        int result = unlink(name.data);
        int number = errno;
        text_deinit(&name);
        if (result != 0 && number != ENOENT) {
            return FAIL_ERRNO(EVER_IO, number, "remove view database");
        }
    }
    return ERR_OK;
}
