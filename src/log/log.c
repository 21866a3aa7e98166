/* log.c - opening and closing, and what can be asked about the log. */
#include "log/log_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENT_BYTES_MIN (UINT64_C(64) << 10)

static struct ever_err check_options(const struct log_options *options)
{
    uint64_t size = options->segment_bytes;
    if (size < SEGMENT_BYTES_MIN || size > SEGMENT_BYTES_MAX || (size & (size - 1)) != 0) {
        return FAIL(EVER_INVALID, "segment_bytes must be a power of two, 64 KiB to 2 GiB");
    }
    return ERR_OK;
}

static void log_closep(struct log **log)
{
    log_close(*log);
}

static struct ever_err take_lock(struct log *log)
{
    char path[VFS_PATH_BYTES_MAX];
    TRY(vfs_path(log->dir, "lock", path));
    return log->vfs->lock(log->vfs, path, &log->lock);
}

static struct ever_err create(struct vfs *vfs, const char *dir, const struct log_options *options,
                              struct log **out_log)
{
    struct log *log = calloc(1, sizeof *log);
    char *dir_copy = strdup(dir);
    if (log == NULL || dir_copy == NULL) {
        free(log);
        free(dir_copy);
        return FAIL(EVER_NO_MEMORY, "open log");
    }
    log->vfs = vfs;
    log->dir = dir_copy;
    log->options = *options;
    log->writer.stopped = options->read_only;
    segments_init(&log->segments, vfs, dir_copy);
    *out_log = log;
    return ERR_OK;
}

struct ever_err log_open(struct vfs *vfs, const char *dir, const struct log_options *options,
                         struct log **out_log)
{
    TRY(check_options(options));
    CLEANUP(log_closep) struct log *log = NULL;
    TRY(create(vfs, dir, options, &log));
    TRY(tail_init(&log->tail, options->tail_bytes));
    if (!options->read_only) {
        TRY(take_lock(log));
    }
    TRY(log_recover(log));
    struct ever_err err =
        log->is_damaged ? FAIL(EVER_CORRUPT, "the log is damaged: it can be read only") : ERR_OK;
    *out_log = TAKE(log);
    return err;
}

void log_close(struct log *log)
{
    if (log == NULL) {
        return;
    }
    (void)writer_attest(log); /* every record is durable without it */
    vfs_file_close(log->writer.file);
    free(log->writer.buffer);
    tail_deinit(&log->tail);
    segments_deinit(&log->segments);
    log->vfs->unlock(log->vfs, log->lock);
    free(log->dir);
    free(log);
}

uint64_t log_committed(const struct log *log)
{
    return atomic_load_explicit(&log->committed, memory_order_acquire);
}

int64_t log_last_time_ns(const struct log *log)
{
    return log->writer.time_ns;
}

uint32_t log_segment_count(const struct log *log)
{
    return segments_count(&log->segments);
}

void log_segment_at(const struct log *log, uint32_t index, struct log_segment *out_segment)
{
    const struct segment *segment = segments_at(&log->segments, index);
    *out_segment = (struct log_segment){
        .number = segment->header.number,
        .first_position = segment->header.first_position,
        .end_position = atomic_load_explicit(&segment->end_position, memory_order_acquire),
        .first_time_ns = atomic_load_explicit(&segment->first_time_ns, memory_order_acquire),
        .end_offset = atomic_load_explicit(&segment->end_offset, memory_order_acquire),
    };
}

uint32_t log_segment_of(const struct log *log, uint64_t position)
{
    ASSERT(position >= 1);
    ASSERT(position <= log_committed(log));
    return segments_of(&log->segments, position);
}

void log_note_damage(struct log *log, struct log_damage damage)
{
    if (!log->is_damaged) {
        log->is_damaged = true;
        log->damage = damage;
    }
    log->writer.stopped = true;
}

bool log_damage(const struct log *log, struct log_damage *out_damage)
{
    if (log->is_damaged) {
        *out_damage = log->damage;
    }
    return log->is_damaged;
}
