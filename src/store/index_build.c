/* index_build.c - makes parts from the log, and files from parts. */
#include "store/index_priv.h"

#include "base/assert.h"

#include <stdlib.h>

/* --- From the log ---------------------------------------------------------------------------- */

typedef struct ever_err scan_fn(void *arg, const struct log_record *record,
                                const struct ever_event *event);

/* `event` is NULL for a damaged record; of `record` only the position is set then. */
static struct ever_err visit_damaged(uint64_t from, uint64_t to, scan_fn *visit, void *arg)
{
    for (uint64_t position = from; position <= to; position++) {
        struct log_record record = {.position = position};
        TRY(visit(arg, &record, NULL));
    }
    return ERR_OK;
}

static struct ever_err visit_sound(const struct log_record *record, scan_fn *visit, void *arg)
{
    struct event_view view;
    struct ever_err err = event_decode(record->bytes, &view);
    return visit(arg, record, IS_OK(err) ? &view.event : NULL);
}

static struct ever_err scan_with(struct log_cursor *cursor, uint64_t from, uint64_t to,
                                 scan_fn *visit, void *arg)
{
    for (uint64_t next = from; next <= to;) {
        struct log_record record = {0};
        struct ever_err err = log_cursor_next(cursor, &record);
        if (err.code == EVER_CORRUPT) {
            uint64_t last = record.position < to ? record.position : to;
            TRY(visit_damaged(next, last, visit, arg));
        } else {
            TRY(err);
            ASSERT(record.position == next);
            TRY(visit_sound(&record, visit, arg));
        }
        next = record.position + 1;
    }
    return ERR_OK;
}

static struct ever_err scan(struct log *log, uint64_t from, uint64_t to, scan_fn *visit, void *arg)
{
    if (from > to) {
        return ERR_OK;
    }
    struct log_cursor *cursor = NULL;
    TRY(log_cursor_open(log, from, &cursor));
    struct ever_err err = scan_with(cursor, from, to, visit, arg);
    log_cursor_close(cursor);
    return err;
}

static struct ever_err add_to_part(void *arg, const struct log_record *record,
                                   const struct ever_event *event)
{
    struct index_part *part = arg;
    struct index_memory *memory = part->memory;
    uint32_t number = (uint32_t)(record->position - part->first_position);
    uint32_t offset = record->address.offset;
    if (record->address.segment == 0) { /* damaged: no record of this position begins there */
        offset = number == 0 ? 1 : numbers_at(&memory->offsets, number - 1) + 1;
    }
    return index_memory_add(memory, number, offset, event)
               ? ERR_OK
               : FAIL(EVER_NO_MEMORY, "build index part");
}

struct ever_err index_build(struct index *index, const struct log_segment *segment,
                            struct index_part **out_part)
{
    struct index_part *part = index_part_create(segment->number, segment->first_position);
    if (part != NULL) {
        part->memory = index_memory_create();
    }
    if (part == NULL || part->memory == NULL) {
        index_release(part);
        return FAIL(EVER_NO_MEMORY, "build index part");
    }
    struct ever_err err = scan(index->options.log, segment->first_position,
                               segment->end_position - 1, add_to_part, part);
    if (!IS_OK(err)) {
        index_release(part);
        return err;
    }
    *out_part = part;
    return ERR_OK;
}

static struct ever_err add_to_index(void *arg, const struct log_record *record,
                                    const struct ever_event *event)
{
    if (event == NULL) {
        return FAIL(EVER_CORRUPT, "index what was just written");
    }
    return index_add(arg, record->position, record->address, event);
}

struct ever_err index_catch_up(struct index *index)
{
    uint32_t count = index_part_count(index);
    uint64_t from = 1;
    if (count > 0) {
        struct index_part *part = index_acquire(index, count - 1);
        uint32_t records = index_part_records(part);
        /* The last one, too: it may be there in part only. */
        from = part->first_position + (records == 0 ? 0 : records - 1);
        index_release(part);
    }
    return scan(index->options.log, from, log_committed(index->options.log), add_to_index, index);
}

/* --- Files ----------------------------------------------------------------------------------- */

static struct index_file_info info_of(const struct index *index, const struct log_segment *segment)
{
    return (struct index_file_info){
        .store_id = index->options.store_id,
        .segment = segment->number,
        .record_count = (uint32_t)(segment->end_position - segment->first_position),
        .first_position = segment->first_position,
        .log_end_offset = segment->end_offset,
    };
}

static struct ever_err open_file(struct index *index, const struct log_segment *segment,
                                 struct index_part **out_part)
{
    struct index_file_info info = info_of(index, segment);
    struct index_part *part = index_part_create(segment->number, segment->first_position);
    if (part == NULL) {
        return FAIL(EVER_NO_MEMORY, "open index part");
    }
    struct ever_err err =
        index_file_open(index->options.vfs, index->options.dir, &info, &part->file);
    if (!IS_OK(err)) {
        index_release(part);
        return err;
    }
    part->file_records = info.record_count;
    *out_part = part;
    return ERR_OK;
}

static bool may_be_file(const struct index *index, const struct index_part *part)
{
    struct log_damage damage;
    return !index->options.read_only && !part->memory->has_holes && index_part_records(part) > 0 &&
           !log_damage(index->options.log, &damage);
}

/* Writes the part's file and opens it. Whatever fails: the part stays good as it is, in memory. */
static bool make_file(struct index *index, const struct log_segment *segment,
                      const struct index_part *part, struct index_part **out_part)
{
    struct index_file_info info = info_of(index, segment);
    if (!may_be_file(index, part) || info.record_count != index_part_records(part)) {
        return false;
    }
    return IS_OK(index_file_write(index->options.vfs, index->options.dir, &info, part->memory)) &&
           IS_OK(open_file(index, segment, out_part));
}

static struct ever_err rebuild(struct index *index, const struct log_segment *segment,
                               struct index_part **out_part)
{
    struct index_part *part = NULL;
    TRY(index_build(index, segment, &part));
    if (make_file(index, segment, part, out_part)) {
        index_release(part);
    } else {
        part->keep_in_memory = true;
        *out_part = part;
    }
    return ERR_OK;
}

struct ever_err index_load(struct index *index, const struct log_segment *segment,
                           struct index_part **out_part)
{
    struct ever_err err = open_file(index, segment, out_part);
    return IS_OK(err) || err.code == EVER_NO_MEMORY ? err : rebuild(index, segment, out_part);
}

static bool find_segment(const struct log *log, uint32_t number, struct log_segment *out_segment)
{
    for (uint32_t i = log_segment_count(log); i-- > 0;) {
        log_segment_at(log, i, out_segment);
        if (out_segment->number == number) {
            return true;
        }
    }
    return false;
}

static struct ever_err repair(struct index *index, uint32_t number)
{
    struct index_part *damaged = index_acquire(index, number);
    struct log_segment segment;
    bool found = find_segment(index->options.log, damaged->segment, &segment);
    index_release(damaged);
    ASSERT(found);
    struct index_part *part = NULL;
    TRY(rebuild(index, &segment, &part));
    index_replace(index, number, part);
    return ERR_OK;
}

struct ever_err index_repair(struct index *index, uint32_t number, const struct index_part *damaged)
{
    pthread_mutex_lock(&index->repair_lock);
    struct index_part *now = index_acquire(index, number);
    bool is_damaged = now == damaged;
    index_release(now);
    struct ever_err err = is_damaged ? repair(index, number) : ERR_OK;
    pthread_mutex_unlock(&index->repair_lock);
    return err;
}

/* --- Sealed parts, off the commit path ------------------------------------------------------- */

/* The number of the oldest part that waits for its file; false: none. With the lock held. */
static bool find_waiting(struct index *index, uint32_t *out_number)
{
    for (uint32_t i = 0; i + 1 < index->count; i++) {
        if (index->parts[i]->memory != NULL && !index->parts[i]->keep_in_memory) {
            *out_number = i;
            return true;
        }
    }
    return false;
}

static void write_one(struct index *index, uint32_t number)
{
    struct index_part *part = index_acquire(index, number);
    struct index_part *with_file = NULL;
    struct log_segment segment;
    if (find_segment(index->options.log, part->segment, &segment) &&
        make_file(index, &segment, part, &with_file)) {
        index_replace(index, number, with_file);
    } else {
        pthread_mutex_lock(&index->lock);
        part->keep_in_memory = true; /* the next open tries again */
        pthread_mutex_unlock(&index->lock);
    }
    index_release(part);
}

void index_write_sealed(struct index *index)
{
    for (;;) {
        uint32_t number = 0;
        pthread_mutex_lock(&index->lock);
        bool found = find_waiting(index, &number);
        pthread_mutex_unlock(&index->lock);
        if (!found) {
            return;
        }
        write_one(index, number);
    }
}

static void *run_thread(void *arg)
{
    struct index *index = arg;
    pthread_mutex_lock(&index->lock);
    for (uint32_t number; !index->stopping;) {
        if (find_waiting(index, &number)) {
            pthread_mutex_unlock(&index->lock);
            write_one(index, number);
            pthread_mutex_lock(&index->lock);
        } else {
            pthread_cond_wait(&index->sealed, &index->lock);
        }
    }
    pthread_mutex_unlock(&index->lock);
    return NULL;
}

void index_start_thread(struct index *index)
{
    /* Without a thread the parts stay in memory, and index_close() writes the files. */
    index->has_thread = pthread_create(&index->thread, NULL, run_thread, index) == 0;
}
