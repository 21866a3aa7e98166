/* append_sqlite.c - the peer of bench/append.c: an event table in SQLite, WAL, synchronous=FULL.
 *
 * Tuned as far as it goes: one connection in exclusive locking mode (no shared memory, no file
 * locks), without SQLite's own mutexes, prepared statements, the condition checked by the statement
 * that inserts, and ids that rise, which an index likes best. Where a connection is shared between
 * threads, a lock in front of it beats one connection for each, which would wait for each other by
 * sleeping.
 *
 * The group commit is Everfold's own (store/commit.h): the same queue, the same leader, the same
 * waking up. So the ratio is about what happens behind the queue, and whatever makes hand-offs
 * cheaper makes them cheaper here, too. */
#include "append.h"

#include "base/assert.h"
#include "base/env.h"
#include "store/commit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const char setup[] =
    "pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full;"
    "pragma cache_size = -65536; pragma wal_autocheckpoint = 4000;"
    "create table event ("
    " position integer primary key,"
    " stream text not null,"
    " revision integer not null,"
    " id blob not null unique,"
    " type text not null,"
    " data blob not null,"
    " time integer not null,"
    " unique (stream, revision))";

/* Inserts nothing when the stream's last revision is not ?2 (-1: it has no event). */
static const char insert_first[] =
    "insert into event (stream, revision, id, type, data, time)"
    " select ?1, ?2 + 1, ?3, ?4, ?5, ?6"
    " where ?2 = coalesce((select max(revision) from event where stream = ?1), -1)";
/* For the events behind the first one, whose revision follows. */
static const char insert_next[] = "insert into event (stream, revision, id, type, data, time)"
                                  " values (?1, ?2 + 1, ?3, ?4, ?5, ?6)";

struct peer {
    sqlite3 *database;
    sqlite3_stmt *first;
    sqlite3_stmt *next;
    sqlite3_stmt *begin;
    sqlite3_stmt *end;
    pthread_mutex_t lock; /* each: held for the whole transaction */
    struct commit commit; /* group */
    struct journal journal;
};

static void must_sql(int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE) {
        fprintf(stderr, "SQLite: %s\n", sqlite3_errstr(result));
        exit(1);
    }
}

static sqlite3_stmt *prepare(struct peer *peer, const char *sql)
{
    sqlite3_stmt *statement;
    must_sql(
        sqlite3_prepare_v3(peer->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static void run(sqlite3_stmt *statement)
{
    must_sql(sqlite3_step(statement));
    must_sql(sqlite3_reset(statement));
}

static void bind_bytes(sqlite3_stmt *statement, int place, const void *bytes, size_t size)
{
    must_sql(sqlite3_bind_blob(statement, place, bytes, (int)size, SQLITE_STATIC));
}

static void bind_text(sqlite3_stmt *statement, int place, struct ever_slice text)
{
    must_sql(sqlite3_bind_text(statement, place, text.data, (int)text.size, SQLITE_STATIC));
}

/* In a transaction. `before` is the revision in front of the event. */
static void insert(struct peer *peer, sqlite3_stmt *statement, const struct ever_write *write,
                   const struct ever_new_event *event, int64_t before, int64_t time_ns)
{
    bind_text(statement, 1, write->stream);
    must_sql(sqlite3_bind_int64(statement, 2, before));
    bind_bytes(statement, 3, event->id.bytes, sizeof event->id.bytes);
    bind_text(statement, 4, event->type);
    bind_bytes(statement, 5, event->data.data, event->data.size);
    must_sql(sqlite3_bind_int64(statement, 6, time_ns));
    run(statement);
    ASSERT(sqlite3_changes(peer->database) == 1);
}

static void insert_all(struct peer *peer, const struct ever_write *write, int64_t time_ns)
{
    int64_t before = write->expect == EVER_EXACT ? (int64_t)write->revision : EVER_NO_REVISION;
    for (uint32_t i = 0; i < write->event_count; i++, before++) {
        insert(peer, i == 0 ? peer->first : peer->next, write, &write->events[i], before, time_ns);
    }
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static void apply_group(void *arg, struct journal_batch *batch);

/* Of a batch, called before its appends are answered: nothing is left to do. */
static void applied(void *arg, const struct journal_batch *batch)
{
    (void)arg; /* the signature of commit.h */
    (void)batch;
}

static void *open_peer(const char *path)
{
    struct peer *peer = calloc(1, sizeof *peer);
    ASSERT(peer != NULL);
    must_sql(sqlite3_open_v2(path, &peer->database,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             NULL));
    must_sql(sqlite3_exec(peer->database, setup, NULL, NULL, NULL));
    peer->first = prepare(peer, insert_first);
    peer->next = prepare(peer, insert_next);
    peer->begin = prepare(peer, "begin immediate");
    peer->end = prepare(peer, "commit");
    ASSERT(pthread_mutex_init(&peer->lock, NULL) == 0);
    journal_local_init(&peer->journal, apply_group, peer);
    commit_init(&peer->commit, &peer->journal, env_real(), applied, peer);
    return peer;
}

static uint64_t count_events(void *store)
{
    struct peer *peer = store;
    sqlite3_stmt *count = prepare(peer, "select count(*) from event");
    ASSERT(sqlite3_step(count) == SQLITE_ROW);
    uint64_t events = (uint64_t)sqlite3_column_int64(count, 0);
    must_sql(sqlite3_finalize(count));
    return events;
}

static void close_peer(void *store)
{
    struct peer *peer = store;
    commit_close(&peer->commit);
    commit_deinit(&peer->commit);
    pthread_mutex_destroy(&peer->lock);
    sqlite3_stmt *const all[] = {peer->first, peer->next, peer->begin, peer->end};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        must_sql(sqlite3_finalize(all[i]));
    }
    must_sql(sqlite3_close(peer->database));
    free(peer);
}

/* --- A transaction for each append ------------------------------------------------------------ */

static int64_t wall_ns(void)
{
    return env_real()->wall_ns(env_real());
}

static void append_alone(void *store, const struct ever_write *write)
{
    struct peer *peer = store;
    pthread_mutex_lock(&peer->lock);
    run(peer->begin);
    insert_all(peer, write, wall_ns());
    run(peer->end);
    pthread_mutex_unlock(&peer->lock);
}

const struct way way_sqlite_each = {
    .name = "SQLite, one by one",
    .open = open_peer,
    .append = append_alone,
    .count = count_events,
    .close = close_peer,
};

/* --- A transaction for all that wait ---------------------------------------------------------- */

static void apply_group(void *arg, struct journal_batch *batch)
{
    struct peer *peer = arg;
    run(peer->begin);
    for (const struct request *request = batch->first; request != NULL; request = request->next) {
        ASSERT(request->count == 1);
        insert_all(peer, request->writes, batch->time_ns);
    }
    run(peer->end);
}

static void append_together(void *store, const struct ever_write *write)
{
    struct peer *peer = store;
    struct request *request;
    must(request_create(env_real(), write, 1, &request));
    must(commit_wait(&peer->commit, request));
    must(request->err);
    request_destroy(request);
}

const struct way way_sqlite_group = {
    .name = "SQLite, in groups",
    .open = open_peer,
    .append = append_together,
    .count = count_events,
    .close = close_peer,
};
