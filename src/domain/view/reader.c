#include "domain/view/reader_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/view/compile_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

/* --- One reader ------------------------------------------------------------------------------- */

static struct ever_err prepare_own(struct view_reader *reader, const char *sql,
                                   sqlite3_stmt **out_statement)
{
    int result =
        view_guard_prepare(reader->guard, VIEW_STAGE_OWN, slice_of_text(sql), out_statement, NULL);
    return view_guard_fail(reader->guard, result);
}

static struct ever_err open_reader(struct view_reader *reader, const struct view_database *database)
{
    if (database->path != NULL) {
        TRY(view_guard_open(&reader->own, database->path, SQLITE_OPEN_READONLY));
        TRY(view_guard_run(&reader->own, "pragma query_only = on; pragma temp_store = memory"));
    }
    TRY(prepare_own(reader, "begin", &reader->begin));
    TRY(prepare_own(reader, "select position from everfold_checkpoint", &reader->position));
    return prepare_own(reader, "commit", &reader->end);
}

static void free_reader(struct view_reader *reader, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        (void)sqlite3_finalize(reader->queries[i].statement); /* NULL too; errors were told */
    }
    (void)sqlite3_finalize(reader->begin);
    (void)sqlite3_finalize(reader->position);
    (void)sqlite3_finalize(reader->end);
    view_guard_close(&reader->own);
    arena_deinit(&reader->arena);
    free(reader->queries);
    free(reader);
}

static struct ever_err make_reader(struct view_readers *readers, struct view_reader **out_reader)
{
    size_t part_count = readers->source->part_count;
    struct view_reader *reader = mem_alloc_zero(sizeof *reader);
    reader->guard = readers->database->path == NULL ? &readers->database->guard : &reader->own;
    reader->queries = mem_alloc_zero(part_count * sizeof reader->queries[0]);
    arena_init(&reader->arena);
    struct ever_err err = open_reader(reader, readers->database);
    if (!IS_OK(err)) {
        free_reader(reader, part_count);
        return err;
    }
    *out_reader = reader;
    return ERR_OK;
}

/* --- Queries on it ---------------------------------------------------------------------------- */

static void name_columns(struct view_reader *reader, struct view_prepared *prepared)
{
    prepared->column_count = sqlite3_column_count(prepared->statement);
    prepared->columns =
        arena_alloc(&reader->arena, (size_t)prepared->column_count * sizeof(struct view_column));
    struct text prefix = {0};
    for (int i = 0; i < prepared->column_count; i++) {
        struct view_column *column = &prepared->columns[i];
        text_clear(&prefix);
        text_add_byte(&prefix, i == 0 ? '{' : ',');
        json_write_string(&prefix, view_compile_column(prepared->statement, i, &column->is_json));
        text_add_byte(&prefix, ':');
        column->prefix = arena_copy(&reader->arena, text_slice(&prefix));
    }
    text_deinit(&prefix);
}

struct ever_err view_reader_prepare(struct view_reader *reader, const struct view_source *source,
                                    const struct view_part *query,
                                    const struct view_prepared **out_prepared)
{
    struct view_prepared *prepared = &reader->queries[query - source->parts];
    if (prepared->statement == NULL) {
        struct text report = {0};
        struct view_compiler compiler = {
            .source = source, .guard = reader->guard, .report = &report};
        prepared->statement = view_compile_query(&compiler, query);
        text_deinit(&report);
        if (prepared->statement == NULL) {
            int result = sqlite3_errcode(reader->guard->connection);
            struct ever_err err = view_guard_fail(reader->guard, result);
            /* It was right on the tables we made: these are others. */
            bool changed = IS_OK(err) || err.code == EVER_INVALID;
            return changed ? FAIL(EVER_CORRUPT, "tables of the view") : err;
        }
        name_columns(reader, prepared);
    }
    *out_prepared = prepared;
    return ERR_OK;
}

/* --- The pool --------------------------------------------------------------------------------- */

void view_readers_init(struct view_readers *readers, const struct view_source *source,
                       struct view_database *database)
{
    *readers = (struct view_readers){
        .source = source,
        .database = database,
        .max = database->path == NULL ? 1 : VIEW_READERS_MAX,
        .published = {database->checkpoint.position, database->checkpoint.position},
    };
    (void)pthread_mutex_init(&readers->lock, NULL); /* cannot fail on Linux */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&readers->freed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void view_readers_deinit(struct view_readers *readers)
{
    while (readers->idle != NULL) {
        struct view_reader *reader = readers->idle;
        readers->idle = reader->next;
        readers->count--;
        free_reader(reader, readers->source->part_count);
    }
    ASSERT(readers->count == 0);
    (void)pthread_cond_destroy(&readers->freed); /* nobody waits: see above */
    (void)pthread_mutex_destroy(&readers->lock);
}

void view_readers_publish(struct view_readers *readers, uint64_t saved, uint64_t reflected)
{
    ASSERT(saved <= reflected);
    (void)pthread_mutex_lock(&readers->lock);
    readers->published = (struct view_published){saved, reflected};
    (void)pthread_mutex_unlock(&readers->lock);
}

/* False when the deadline (0: none) came first. */
static bool wait_freed(struct view_readers *readers, int64_t deadline_ns)
{
    if (deadline_ns == 0) {
        (void)pthread_cond_wait(&readers->freed, &readers->lock);
        return true;
    }
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    return pthread_cond_timedwait(&readers->freed, &readers->lock, &until) != ETIMEDOUT;
}

/* Gives an idle reader, or NULL where a new one may be made; counts it as in use either way. */
static bool take_reader(struct view_readers *readers, int64_t deadline_ns,
                        struct view_reader **out_reader, struct view_published *out_published)
{
    (void)pthread_mutex_lock(&readers->lock);
    bool got = true;
    while (got && (readers->paused || (readers->idle == NULL && readers->count == readers->max))) {
        got = wait_freed(readers, deadline_ns);
    }
    *out_reader = NULL;
    if (got && readers->idle != NULL) {
        *out_reader = readers->idle;
        readers->idle = readers->idle->next;
    } else if (got) {
        readers->count++;
    }
    *out_published = readers->published;
    (void)pthread_mutex_unlock(&readers->lock);
    return got;
}

/* `reader` NULL: it could not be made. */
static void give_back(struct view_readers *readers, struct view_reader *reader)
{
    (void)pthread_mutex_lock(&readers->lock);
    if (reader == NULL) {
        readers->count--;
    } else {
        reader->next = readers->idle;
        readers->idle = reader;
    }
    (void)pthread_cond_broadcast(&readers->freed); /* a writer may wait beside other readers */
    (void)pthread_mutex_unlock(&readers->lock);
}

struct ever_err view_readers_acquire(struct view_readers *readers, int64_t deadline_ns,
                                     struct view_reader **out_reader,
                                     struct view_published *out_published)
{
    struct view_reader *reader;
    if (!take_reader(readers, deadline_ns, &reader, out_published)) {
        return FAIL(EVER_TIMEOUT, "wait for a connection to the view");
    }
    if (reader == NULL) {
        struct ever_err err = make_reader(readers, &reader);
        if (!IS_OK(err)) {
            give_back(readers, NULL);
            return err;
        }
    }
    *out_reader = reader;
    return ERR_OK;
}

void view_readers_release(struct view_readers *readers, struct view_reader *reader)
{
    ASSERT(reader != NULL);
    give_back(readers, reader);
}

void view_readers_pause(struct view_readers *readers)
{
    if (readers->database->path != NULL) {
        return;
    }
    (void)pthread_mutex_lock(&readers->lock);
    ASSERT(!readers->paused);
    readers->paused = true;
    while (readers->count == 1 && readers->idle == NULL) { /* somebody uses the one there is */
        (void)wait_freed(readers, 0);
    }
    (void)pthread_mutex_unlock(&readers->lock);
}

void view_readers_resume(struct view_readers *readers)
{
    if (readers->database->path != NULL) {
        return;
    }
    (void)pthread_mutex_lock(&readers->lock);
    readers->paused = false;
    (void)pthread_cond_broadcast(&readers->freed);
    (void)pthread_mutex_unlock(&readers->lock);
}
