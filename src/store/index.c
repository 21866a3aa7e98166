/* index.c - the list of parts, opening, adding, rolling to the next segment. */
#include "store/index_priv.h"

#include "base/assert.h"

#include <stdlib.h>

/* --- Parts ----------------------------------------------------------------------------------- */

struct index_part *index_part_create(uint32_t segment, uint64_t first_position)
{
    struct index_part *part = calloc(1, sizeof *part);
    if (part != NULL) {
        atomic_init(&part->refs, 1);
        part->segment = segment;
        part->first_position = first_position;
    }
    return part;
}

struct index_part *index_acquire(struct index *index, uint32_t number)
{
    pthread_mutex_lock(&index->lock);
    ASSERT(number < index->count);
    struct index_part *part = index->parts[number];
    atomic_fetch_add_explicit(&part->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&index->lock);
    return part;
}

void index_release(struct index_part *part)
{
    if (part != NULL && atomic_fetch_sub_explicit(&part->refs, 1, memory_order_acq_rel) == 1) {
        index_memory_destroy(part->memory);
        index_file_close(part->file);
        free(part);
    }
}

uint32_t index_part_records(const struct index_part *part)
{
    return part->memory != NULL ? index_memory_count(part->memory) : part->file_records;
}

uint32_t index_part_count(struct index *index)
{
    pthread_mutex_lock(&index->lock);
    uint32_t count = index->count;
    pthread_mutex_unlock(&index->lock);
    return count;
}

struct ever_err index_push(struct index *index, struct index_part *part)
{
    struct ever_err err = ERR_OK;
    pthread_mutex_lock(&index->lock);
    if (index->count == index->capacity) {
        uint32_t capacity = index->capacity == 0 ? 16 : index->capacity * 2;
        struct index_part **parts = realloc(index->parts, capacity * sizeof(struct index_part *));
        if (parts == NULL) {
            err = FAIL(EVER_NO_MEMORY, "add index part");
        } else {
            index->parts = parts;
            index->capacity = capacity;
        }
    }
    if (IS_OK(err)) {
        index->parts[index->count++] = part;
    }
    pthread_mutex_unlock(&index->lock);
    return err;
}

void index_replace(struct index *index, uint32_t number, struct index_part *part)
{
    pthread_mutex_lock(&index->lock);
    struct index_part *old = index->parts[number];
    ASSERT(old->segment == part->segment);
    index->parts[number] = part;
    pthread_mutex_unlock(&index->lock);
    index_release(old);
}

/* --- Opening --------------------------------------------------------------------------------- */

static struct index *create(const struct index_options *options)
{
    struct index *index = calloc(1, sizeof *index);
    if (index != NULL) {
        index->options = *options;
        ASSERT(pthread_mutex_init(&index->lock, NULL) == 0);
        ASSERT(pthread_mutex_init(&index->repair_lock, NULL) == 0);
        ASSERT(pthread_cond_init(&index->sealed, NULL) == 0);
    }
    return index;
}

static void destroy(struct index *index)
{
    for (uint32_t i = 0; i < index->count; i++) {
        index_release(index->parts[i]);
    }
    free(index->parts);
    pthread_mutex_destroy(&index->lock);
    pthread_mutex_destroy(&index->repair_lock);
    pthread_cond_destroy(&index->sealed);
    free(index);
}

static struct ever_err open_part(struct index *index, uint32_t number, bool sealed)
{
    struct log_segment segment;
    log_segment_at(index->options.log, number, &segment);
    struct index_part *part = NULL;
    TRY(sealed ? index_load(index, &segment, &part) : index_build(index, &segment, &part));
    struct ever_err err = index_push(index, part);
    if (!IS_OK(err)) {
        index_release(part);
    }
    return err;
}

struct ever_err index_open(const struct index_options *options, struct index **out_index)
{
    struct index *index = create(options);
    if (index == NULL) {
        return FAIL(EVER_NO_MEMORY, "open index");
    }
    uint32_t count = log_segment_count(options->log);
    for (uint32_t i = 0; i < count; i++) {
        struct ever_err err = open_part(index, i, i + 1 < count);
        if (!IS_OK(err)) {
            destroy(index);
            return err;
        }
    }
    *out_index = index;
    return ERR_OK;
}

static void stop_thread(struct index *index)
{
    pthread_mutex_lock(&index->lock);
    bool has_thread = index->has_thread;
    index->stopping = true;
    pthread_cond_signal(&index->sealed);
    pthread_mutex_unlock(&index->lock);
    if (has_thread) {
        ASSERT(pthread_join(index->thread, NULL) == 0);
    }
}

void index_close(struct index *index)
{
    if (index == NULL) {
        return;
    }
    stop_thread(index);
    index_write_sealed(index);
    destroy(index);
}

/* --- Adding ---------------------------------------------------------------------------------- */

/* The open part: only the adding thread replaces or outgrows it, so it needs no reference. */
static struct index_part *open_part_of(struct index *index)
{
    pthread_mutex_lock(&index->lock);
    struct index_part *part = index->count == 0 ? NULL : index->parts[index->count - 1];
    pthread_mutex_unlock(&index->lock);
    return part;
}

static void hand_over_sealed(struct index *index)
{
    if (index->options.no_threads) {
        index_write_sealed(index);
        return;
    }
    pthread_mutex_lock(&index->lock);
    if (!index->has_thread) {
        index_start_thread(index);
    }
    pthread_cond_signal(&index->sealed);
    pthread_mutex_unlock(&index->lock);
}

static struct ever_err roll(struct index *index, uint32_t segment, uint64_t first_position)
{
    struct index_part *part = index_part_create(segment, first_position);
    if (part != NULL) {
        part->memory = index_memory_create();
    }
    if (part == NULL || part->memory == NULL) {
        index_release(part);
        return FAIL(EVER_NO_MEMORY, "begin index part");
    }
    struct ever_err err = index_push(index, part);
    if (!IS_OK(err)) {
        index_release(part);
        return err;
    }
    hand_over_sealed(index);
    return ERR_OK;
}

struct ever_err index_add(struct index *index, uint64_t position, struct log_address address,
                          const struct ever_event *event)
{
    struct index_part *part = open_part_of(index);
    if (part == NULL || part->segment != address.segment) {
        ASSERT(part == NULL || address.segment > part->segment);
        TRY(roll(index, address.segment, position));
        part = open_part_of(index);
    }
    ASSERT(part->memory != NULL);
    ASSERT(position >= part->first_position);
    uint32_t record = (uint32_t)(position - part->first_position);
    if (!index_memory_add(part->memory, record, address.offset, event)) {
        return FAIL(EVER_NO_MEMORY, "add to index");
    }
    return ERR_OK;
}
