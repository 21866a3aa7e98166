#include "domain/view/guard_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/slice.h"
#include "domain/view/token_priv.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define BUSY_TIMEOUT_MS 5000       /* somebody looks into the database with another program */
#define VALUE_BYTES_MAX (32 << 20) /* of one text, blob or row: some times the largest event */
#define STEPS_BETWEEN_LOOKS 4096   /* of SQLite's machine: less than a millisecond */
#define ASKS_NOW "asks for the present time, which differs at every rebuild: use @time"

/* --- A clock that tells on who looks ---------------------------------------------------------- */

static _Thread_local bool clock_asked;

static int clock_int64(sqlite3_vfs *vfs, sqlite3_int64 *out_ms)
{
    (void)vfs; /* SQLite's signature */
    clock_asked = true;
    *out_ms = INT64_C(210866760000000); /* 1970 in SQLite's days; nobody gets to see it */
    return SQLITE_OK;
}

static int clock_double(sqlite3_vfs *vfs, double *out_days)
{
    (void)vfs; /* SQLite's signature */
    clock_asked = true;
    *out_days = 2440587.5;
    return SQLITE_OK;
}

#define CLOCKLESS_VFS "everfold-view"

/* SQLite's own file system but for the clock. The copy lives as long as the process. */
static void register_clockless(void)
{
    static sqlite3_vfs vfs;
    vfs = *sqlite3_vfs_find(NULL);
    vfs.zName = CLOCKLESS_VFS;
    vfs.pNext = NULL;
    vfs.xCurrentTime = clock_double;
    vfs.xCurrentTimeInt64 = clock_int64;
    int result = sqlite3_vfs_register(&vfs, 0);
    ASSERT(result == SQLITE_OK);
}

/* --- What each stage may do ------------------------------------------------------------------- */

/* `name` is quoted before the reason; NULL: the reason stands alone. */
static int refuse(struct view_guard *guard, const char *name, const char *why)
{
    (void)snprintf(guard->refusal, sizeof guard->refusal, "%s%s%s%s", name == NULL ? "" : "\"",
                   name == NULL ? "" : name, name == NULL ? "" : "\" ", why); /* may be cut */
    return SQLITE_DENY;
}

/* Functions whose result depends on more than their arguments. */
static int judge_function(struct view_guard *guard, const char *name)
{
    static const struct {
        const char *name;
        const char *refusal;
    } refused[] = {
        {"current_timestamp", ASKS_NOW},
        {"current_date", ASKS_NOW},
        {"current_time", ASKS_NOW},
        {"random", "would differ at every rebuild"},
        {"randomblob", "would differ at every rebuild"},
        {"last_insert_rowid", "depends on what the connection did before"},
        {"changes", "depends on what the connection did before"},
        {"total_changes", "depends on what the connection did before"},
        {"sqlite_version", "depends on the installed library"},
        {"sqlite_source_id", "depends on the installed library"},
        {"load_extension", "is not allowed in a view"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (sqlite3_stricmp(name, refused[i].name) == 0) {
            return refuse(guard, name, refused[i].refusal);
        }
    }
    return SQLITE_OK;
}

static bool begins_with(const char *name, const char *start)
{
    return name != NULL && sqlite3_strnicmp(name, start, (int)strlen(start)) == 0;
}

/* `table` is what an index or trigger is made on; NULL for others. */
static int judge_create(struct view_guard *guard, const char *name, const char *table)
{
    if (guard->stage != VIEW_STAGE_TABLES) {
        return refuse(guard, NULL, "tables, indexes and triggers are made below \"-- view\"");
    }
    if (begins_with(table, "everfold_")) {
        return refuse(guard, table, "belongs to Everfold");
    }
    return begins_with(name, "everfold_")
               ? refuse(guard, name, "is reserved: it begins with everfold_")
               : SQLITE_OK;
}

static int judge_module(struct view_guard *guard, const char *name, const char *module)
{
    bool known = sqlite3_stricmp(module, "fts5") == 0 || sqlite3_stricmp(module, "rtree") == 0;
    return known ? judge_create(guard, name, NULL)
                 : refuse(guard, module, "is not allowed: virtual tables can be of fts5 or rtree");
}

static int judge_write(struct view_guard *guard, const char *table)
{
    if (guard->stage == VIEW_STAGE_QUERY) {
        return refuse(guard, NULL, "a query must not write");
    }
    return begins_with(table, "everfold_") ? refuse(guard, table, "belongs to Everfold")
                                           : SQLITE_OK;
}

static int judge_read(struct view_guard *guard, const char *table)
{
    bool own = begins_with(table, "everfold_");
    if (own && guard->stage == VIEW_STAGE_QUERY && strcmp(table, "everfold_skipped") == 0) {
        return SQLITE_OK; /* a view may show what it passed over */
    }
    if (own) {
        return refuse(guard, table, "belongs to Everfold");
    }
    return begins_with(table, "pragma_") ? refuse(guard, NULL, "pragmas are not allowed in a view")
                                         : SQLITE_OK;
}

static int judge_pragma(struct view_guard *guard, const char *pragma)
{
    /* Full-text tables ask for this one when they are opened. */
    return sqlite3_stricmp(pragma, "data_version") == 0
               ? SQLITE_OK
               : refuse(guard, NULL, "pragmas are not allowed in a view");
}

static int judge_rest(struct view_guard *guard, int action)
{
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return refuse(guard, NULL, "other databases cannot be attached");
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return refuse(guard, NULL, "begin, commit, rollback and savepoint are Everfold's");
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
        return refuse(guard, NULL, "temporary tables would be gone after a restart");
    case SQLITE_ALTER_TABLE:
        return refuse(guard, NULL, "change the table's definition: a changed file is built anew");
    default:
        return refuse(guard, NULL, "this is not allowed in a view");
    }
}

/* SQLite's question about one thing that the statement being prepared would do. */
static int judge(void *arg, int action, const char *first, const char *second, const char *database,
                 const char *trigger)
{
    struct view_guard *guard = arg;
    (void)trigger; /* its statements are judged as the others */
    if (guard->stage == VIEW_STAGE_OWN) {
        return SQLITE_OK;
    }
    if (database != NULL && strcmp(database, "temp") == 0 && action == SQLITE_INSERT) {
        return judge_rest(guard, SQLITE_CREATE_TEMP_TABLE);
    }
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
    case SQLITE_REINDEX: /* what a new index asks for; the statement itself writes no row */
        return SQLITE_OK;
    case SQLITE_READ:
        return judge_read(guard, first);
    case SQLITE_FUNCTION:
        return judge_function(guard, second);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return judge_write(guard, first);
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
        return judge_create(guard, first, NULL);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
        return judge_create(guard, first, second);
    case SQLITE_CREATE_VTABLE:
        return judge_module(guard, first, second);
    case SQLITE_PRAGMA:
        return judge_pragma(guard, first);
    default:
        return judge_rest(guard, action);
    }
}

/* --- Connections ------------------------------------------------------------------------------ */

static int look_at_clock(void *arg)
{
    const struct view_guard *guard = arg;
    if (guard->stop != NULL && atomic_load_explicit(guard->stop, memory_order_relaxed)) {
        return 1;
    }
    struct env *env = env_real();
    return guard->deadline_ns != 0 && env->monotonic_ns(env) >= guard->deadline_ns;
}

struct ever_err view_guard_open(struct view_guard *guard, const char *path, int flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, register_clockless); /* cannot fail with a valid control */
    int result =
        sqlite3_open_v2(path, &guard->connection, flags | SQLITE_OPEN_NOMUTEX, CLOCKLESS_VFS);
    if (result != SQLITE_OK) {
        struct ever_err err = view_guard_fail(guard, result);
        view_guard_close(guard);
        return err;
    }
    sqlite3 *connection = guard->connection;
    (void)sqlite3_extended_result_codes(connection, 1); /* these fail with NULL only */
    (void)sqlite3_busy_timeout(connection, BUSY_TIMEOUT_MS);
    (void)sqlite3_set_authorizer(connection, judge, guard);
    sqlite3_progress_handler(connection, STEPS_BETWEEN_LOOKS, look_at_clock, guard);
    (void)sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* "x" is a column and nothing else: a typing error must not become a text. */
    (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return ERR_OK;
}

void view_guard_close(struct view_guard *guard)
{
    int result = sqlite3_close(guard->connection);
    ASSERT(result == SQLITE_OK); /* else a statement was not finalized */
    guard->connection = NULL;
}

int view_guard_prepare(struct view_guard *guard, enum view_stage stage, struct ever_slice sql,
                       sqlite3_stmt **out_statement, const char **out_tail)
{
    guard->refusal[0] = '\0';
    guard->stage = stage;
    const char *tail = sql.data;
    int result = sqlite3_prepare_v3(guard->connection, sql.data, (int)sql.size,
                                    SQLITE_PREPARE_PERSISTENT, out_statement, &tail);
    guard->stage = VIEW_STAGE_OWN;
    struct ever_slice own = slice_of(sql.data, (size_t)(tail - sql.data));
    if (result == SQLITE_OK && stage != VIEW_STAGE_OWN && view_token_asks_now(own)) {
        (void)sqlite3_finalize(*out_statement); /* it never ran */
        *out_statement = NULL;
        (void)refuse(guard, NULL, "it " ASKS_NOW);
        result = SQLITE_AUTH;
    }
    if (out_tail != NULL) {
        *out_tail = tail;
    }
    return result;
}

int view_guard_step(struct view_guard *guard, sqlite3_stmt *statement)
{
    guard->refusal[0] = '\0';
    clock_asked = false;
    int result = sqlite3_step(statement);
    if (clock_asked) {
        return view_guard_refuse(guard, "it " ASKS_NOW);
    }
    return result;
}

int view_guard_refuse(struct view_guard *guard, const char *why)
{
    (void)refuse(guard, NULL, why);
    return SQLITE_MISUSE;
}

const char *view_guard_message(const struct view_guard *guard)
{
    return guard->refusal[0] != '\0' ? guard->refusal : sqlite3_errmsg(guard->connection);
}

struct ever_err view_guard_run(struct view_guard *guard, const char *sql)
{
    ASSERT(guard->stage == VIEW_STAGE_OWN);
    guard->refusal[0] = '\0';
    return view_guard_fail(guard, sqlite3_exec(guard->connection, sql, NULL, NULL, NULL));
}

struct ever_err view_guard_fail(const struct view_guard *guard, int result)
{
    int number = guard->connection == NULL ? 0 : sqlite3_system_errno(guard->connection);
    switch (result & 0xff) { /* without SQLite's detail */
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_FULL:
        return FAIL_ERRNO(EVER_NO_SPACE, ENOSPC, "view database");
    case SQLITE_NOMEM:
        return FAIL(EVER_NO_MEMORY, "view database");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FAIL(EVER_CORRUPT, "view database");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FAIL(EVER_BUSY, "view database");
    case SQLITE_INTERRUPT:
        return FAIL(EVER_CLOSED, "view statement interrupted");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY: {
        enum ever_code code = err_code_of_errno(number);
        return FAIL_ERRNO(code, number, "view database");
    }
    default:
        return FAIL(EVER_INVALID, "view statement");
    }
}
