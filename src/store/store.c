/* store.c - opening and closing, appending, and the single questions of everfold.h. */
#include "store/store_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENT_BYTES ((uint64_t)64 << 20)
#define TAIL_BYTES (4u << 20)

/* --- Opening --------------------------------------------------------------------------------- */

static struct ever_err open_log(struct ever *store, struct vfs *vfs,
                                const struct store_options *options)
{
    struct log_options log_options = {
        .segment_bytes = options->segment_bytes == 0 ? SEGMENT_BYTES : options->segment_bytes,
        .tail_bytes = options->tail_bytes == 0 ? TAIL_BYTES : options->tail_bytes,
        .read_only = options->read_only,
        .must_exist = store->folder.has_log,
        .store_id = store->folder.store_id,
    };
    return log_open(vfs, store->folder.log_dir, &log_options, &store->log);
}

static struct ever_err open_index(struct ever *store, struct vfs *vfs,
                                  const struct store_options *options)
{
    struct index_options index_options = {
        .vfs = vfs,
        .log = store->log,
        .dir = store->folder.index_dir,
        .store_id = store->folder.store_id,
        .read_only = options->read_only,
        .no_threads = options->no_threads,
    };
    return index_open(&index_options, &store->index);
}

static void applied(void *arg, const struct journal_batch *batch);

static void start(struct ever *store)
{
    group_init(&store->group, store->log, store->index);
    journal_local_init(&store->journal, group_apply, &store->group);
    commit_init(&store->commit, &store->journal, store->env, applied, store);
    watches_init(&store->watches, store->env, log_committed(store->log));
}

static void close_files(struct ever *store)
{
    index_close(store->index);
    log_close(store->log);
    folder_close(&store->folder);
    free(store);
}

/* On a full disk a folder that knows nothing of its log yet stays so until it is opened again. */
static struct ever_err note_log(struct ever *store, const char *dir)
{
    if (store->read_only || store->folder.has_log) {
        return ERR_OK;
    }
    struct ever_err err = folder_note_log(&store->folder, dir);
    return err.code == EVER_NO_SPACE ? ERR_OK : err;
}

/* EVER_CORRUPT with store->log set: the rest can be read. */
static struct ever_err open_files(struct ever *store, struct vfs *vfs, const char *dir,
                                  const struct store_options *options)
{
    TRY(folder_open(vfs, store->env, dir, options->read_only, &store->folder));
    struct ever_err damage = open_log(store, vfs, options);
    if (store->log == NULL) {
        return damage;
    }
    TRY(IS_OK(damage) ? note_log(store, dir) : ERR_OK);
    TRY(open_index(store, vfs, options));
    return damage;
}

struct ever_err store_open(struct vfs *vfs, struct env *env, const char *dir,
                           const struct store_options *options, struct ever **out_store)
{
    struct ever *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return FAIL(EVER_NO_MEMORY, "open store");
    }
    store->env = env;
    store->read_only = options->read_only;
    store->folder.vfs = vfs;
    struct ever_err err = open_files(store, vfs, dir, options);
    if (store->index == NULL) {
        close_files(store);
        return err;
    }
    start(store);
    if (!IS_OK(err)) {
        ASSERT(err.code == EVER_CORRUPT);
        store->group.write_error = EVER_CORRUPT;
        atomic_store(&store->counters.write_error, EVER_CORRUPT);
    }
    *out_store = store;
    return err;
}

struct ever_err ever_open(const char *dir, const struct ever_options *options,
                          struct ever **out_store)
{
    struct store_options store_options = {0};
    if (options != NULL) {
        store_options.segment_bytes = options->segment_bytes;
        store_options.read_only = options->read_only;
    }
    return store_open(vfs_real(), env_real(), dir, &store_options, out_store);
}

void ever_close(struct ever *store)
{
    if (store == NULL) {
        return;
    }
    commit_close(&store->commit);
    watches_close(&store->watches);
    commit_deinit(&store->commit);
    watches_deinit(&store->watches);
    group_deinit(&store->group);
    close_files(store);
}

struct ever_uuid ever_store_id(const struct ever *store)
{
    return store->folder.store_id;
}

/* --- Appending ------------------------------------------------------------------------------- */

static void count_request(struct store_counters *counters, const struct request *request)
{
    if (request->err.code == EVER_NO_SPACE) {
        atomic_fetch_add_explicit(&counters->refused_full, 1, memory_order_relaxed);
        atomic_store_explicit(&counters->is_full, true, memory_order_relaxed);
    }
    if (!IS_OK(request->err)) {
        return;
    }
    if (request->result.outcome == EVER_APPENDED) {
        atomic_fetch_add_explicit(&counters->appends, 1, memory_order_relaxed);
        atomic_store_explicit(&counters->is_full, false, memory_order_relaxed);
        atomic_fetch_add_explicit(&counters->appended_events,
                                  request->event_count - request->result.known_count,
                                  memory_order_relaxed);
    } else if (request->result.outcome == EVER_CONFLICT) {
        atomic_fetch_add_explicit(&counters->conflicts, 1, memory_order_relaxed);
    }
}

/* The leader was through with a batch: readers may see it now. */
static void applied(void *arg, const struct journal_batch *batch)
{
    struct ever *store = arg;
    for (const struct request *request = batch->first; request != NULL; request = request->next) {
        count_request(&store->counters, request);
    }
    atomic_store_explicit(&store->counters.write_error, store->group.write_error,
                          memory_order_relaxed);
    uint64_t last = log_committed(store->log);
    if (last > store_last_position(store) && !store->group.index_is_behind) {
        atomic_fetch_add_explicit(&store->counters.blocks, 1, memory_order_relaxed);
        watches_notify(&store->watches, last);
    }
}

static struct ever_err make_request(struct ever *store, const struct ever_write *writes,
                                    uint32_t count_of_writes, struct request **out_request)
{
    if (store->read_only) {
        return FAIL(EVER_INVALID, "append: the store was opened to read only");
    }
    return request_create(store->env, writes, count_of_writes, out_request);
}

struct ever_err ever_append(struct ever *store, const struct ever_write *writes, uint32_t count,
                            struct ever_result *out_result, int64_t *out_revisions)
{
    struct request *request;
    TRY(make_request(store, writes, count, &request));
    struct ever_err err = commit_wait(&store->commit, request);
    err = IS_OK(err) ? request->err : err;
    if (IS_OK(err)) {
        *out_result = request->result;
        if (out_revisions != NULL) {
            memcpy(out_revisions, request->revisions, count * sizeof *out_revisions);
        }
    }
    request_destroy(request);
    return err;
}

struct ever_err ever_append_async(struct ever *store, const struct ever_write *writes,
                                  uint32_t count, ever_append_fn *done, void *arg)
{
    struct request *request;
    TRY(make_request(store, writes, count, &request));
    request->done = done;
    request->arg = arg;
    struct ever_err err = commit_submit(&store->commit, request);
    if (!IS_OK(err)) {
        request_destroy(request);
    }
    return err;
}

/* --- Questions ------------------------------------------------------------------------------- */

uint64_t ever_last_position(const struct ever *store)
{
    return store_last_position(store);
}

struct ever_err ever_last_revision(struct ever *store, struct ever_slice stream,
                                   int64_t *out_revision)
{
    struct event_reader reader;
    event_reader_init(&reader, store->log, store->index);
    struct ever_err err = lookup_last(&reader, stream, store_last_position(store));
    if (IS_OK(err)) {
        *out_revision = (int64_t)reader.view.event.revision;
    } else if (err.code == EVER_NOT_FOUND) {
        *out_revision = EVER_NO_REVISION;
        err = ERR_OK;
    }
    event_reader_deinit(&reader);
    return err;
}

struct ever_err ever_find(struct ever *store, struct ever_uuid id, uint64_t *out_position)
{
    struct event_reader reader;
    event_reader_init(&reader, store->log, store->index);
    struct ever_err err = lookup_id(&reader, id, store_last_position(store));
    if (IS_OK(err)) {
        *out_position = reader.view.event.position;
    }
    event_reader_deinit(&reader);
    return err;
}

struct ever_err ever_position_at(struct ever *store, int64_t time_ns, uint64_t *out_position)
{
    struct event_reader reader;
    event_reader_init(&reader, store->log, store->index);
    struct ever_err err = lookup_time(&reader, time_ns, store_last_position(store), out_position);
    event_reader_deinit(&reader);
    return err;
}

struct ever_err ever_watch(struct ever *store, ever_watch_fn *fn, void *arg,
                           struct ever_watch **out_watch)
{
    return watches_add(&store->watches, fn, arg, out_watch);
}

void ever_unwatch(struct ever_watch *watch)
{
    if (watch != NULL) {
        watches_remove(watch);
    }
}

static uint64_t log_bytes(const struct log *log, uint32_t segments)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < segments; i++) {
        struct log_segment segment;
        log_segment_at(log, i, &segment);
        bytes += segment.end_offset;
    }
    return bytes;
}

void ever_stats(const struct ever *store, struct ever_stats *out_stats)
{
    const struct store_counters *counters = &store->counters;
    uint32_t segments = log_segment_count(store->log);
    *out_stats = (struct ever_stats){
        .last_position = store_last_position(store),
        .appended_events = atomic_load_explicit(&counters->appended_events, memory_order_relaxed),
        .appends = atomic_load_explicit(&counters->appends, memory_order_relaxed),
        .conflicts = atomic_load_explicit(&counters->conflicts, memory_order_relaxed),
        .is_full = atomic_load_explicit(&counters->is_full, memory_order_relaxed),
        .refused_full = atomic_load_explicit(&counters->refused_full, memory_order_relaxed),
        .blocks = atomic_load_explicit(&counters->blocks, memory_order_relaxed),
        .log_bytes = log_bytes(store->log, segments),
        .segments = segments,
        .write_error = atomic_load_explicit(&counters->write_error, memory_order_relaxed),
    };
}

bool ever_damage(const struct ever *store, struct ever_damage *out_damage)
{
    struct log_damage damage;
    bool is_damaged = log_damage(store->log, &damage);
    if (is_damaged) {
        *out_damage = (struct ever_damage){
            .segment = damage.segment,
            .from_offset = damage.from_offset,
            .to_offset = damage.to_offset,
            .from_position = damage.from_position,
            .to_position = damage.to_position,
        };
    }
    return is_damaged;
}
