/* segments.c - the table of segments: names, look-up, marks. Their files: segment_files.c. */
#include "log/segments_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void segments_init(struct segments *segments, struct vfs *vfs, const char *dir)
{
    *segments = (struct segments){.vfs = vfs, .dir = dir};
    ASSERT(pthread_mutex_init(&segments->lock, NULL) == 0);
}

static void free_marks(struct segments *segments)
{
    for (uint32_t i = 0; i < segments_count(segments); i++) {
        free(segments_at(segments, i)->marks);
    }
}

void segments_deinit(struct segments *segments)
{
    for (uint32_t i = 0; i < SEGMENT_FILES_MAX; i++) {
        ASSERT(segments->files[i].users == 0);
        vfs_file_close(segments->files[i].file);
    }
    free_marks(segments);
    for (uint32_t i = 0; i < SEGMENT_CHUNKS_MAX && segments->chunks[i] != NULL; i++) {
        free(segments->chunks[i]);
    }
    pthread_mutex_destroy(&segments->lock);
}

/* --- The table ------------------------------------------------------------------------------- */

uint32_t segments_count(const struct segments *segments)
{
    return atomic_load_explicit(&segments->count, memory_order_acquire);
}

struct segment *segments_at(const struct segments *segments, uint32_t index)
{
    ASSERT(index < segments_count(segments));
    return &segments->chunks[index / SEGMENTS_PER_CHUNK][index % SEGMENTS_PER_CHUNK];
}

bool segments_is_last(const struct segments *segments, uint32_t index)
{
    return index + 1 == segments_count(segments);
}

uint32_t segments_of(const struct segments *segments, uint64_t position)
{
    uint32_t low = 0; /* begins at or before the position */
    uint32_t high = segments_count(segments);
    ASSERT(high > 0);
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (segments_at(segments, middle)->header.first_position <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ever_err segments_add(struct segments *segments, const struct segment_header *header,
                             uint64_t run_base)
{
    uint32_t index = segments_count(segments);
    ASSERT(header->number == index + 1);
    if (index / SEGMENTS_PER_CHUNK >= SEGMENT_CHUNKS_MAX) {
        return FAIL(EVER_LIMIT, "too many segments");
    }
    struct segment **chunk = &segments->chunks[index / SEGMENTS_PER_CHUNK];
    if (*chunk == NULL) {
        *chunk = calloc(SEGMENTS_PER_CHUNK, sizeof **chunk);
        if (*chunk == NULL) {
            return FAIL(EVER_NO_MEMORY, "table of segments");
        }
    }
    struct segment *segment = &(*chunk)[index % SEGMENTS_PER_CHUNK];
    segment->header = *header;
    segment->run_base = run_base;
    atomic_init(&segment->end_position, header->first_position);
    atomic_init(&segment->end_offset, header->alignment);
    atomic_store_explicit(&segments->count, index + 1, memory_order_release);
    return ERR_OK;
}

/* --- Names ----------------------------------------------------------------------------------- */

void segment_name(uint32_t number, char out_name[static SEGMENT_NAME_BYTES])
{
    memcpy(out_name, "0000000000.seg", 15);
    for (size_t at = 10; number > 0; number /= 10) {
        out_name[--at] = (char)('0' + number % 10);
    }
}

bool segment_name_parse(const char *name, uint32_t *out_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 10; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    if (strcmp(name + 10, ".seg") != 0 || number == 0 || number > UINT32_MAX) {
        return false;
    }
    *out_number = (uint32_t)number;
    return true;
}

/* --- Marks ----------------------------------------------------------------------------------- */

static bool grow_marks(struct segment *segment)
{
    uint32_t capacity = segment->mark_capacity == 0 ? 64 : 2 * segment->mark_capacity;
    struct segment_mark *marks = realloc(segment->marks, capacity * sizeof *marks);
    if (marks == NULL) {
        return false; /* a walk will be longer, that is all */
    }
    segment->marks = marks;
    segment->mark_capacity = capacity;
    return true;
}

static bool is_far_enough(const struct segment *segment, struct segment_mark mark)
{
    uint32_t last = segment->mark_count == 0 ? segment->header.alignment
                                             : segment->marks[segment->mark_count - 1].offset;
    return mark.offset >= last + MARK_DISTANCE_BYTES / 2;
}

void segments_mark(struct segments *segments, struct segment *segment, struct segment_mark mark)
{
    pthread_mutex_lock(&segments->lock);
    if (is_far_enough(segment, mark) &&
        (segment->mark_count < segment->mark_capacity || grow_marks(segment))) {
        segment->marks[segment->mark_count++] = mark;
    }
    pthread_mutex_unlock(&segments->lock);
}

struct segment_mark segments_mark_before(struct segments *segments, struct segment *segment,
                                         uint64_t position)
{
    struct segment_mark best = {.offset = segment->header.alignment,
                                .position = segment->header.first_position};
    pthread_mutex_lock(&segments->lock);
    uint32_t low = 0; /* as many marks lie at or before the position */
    uint32_t high = segment->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (segment->marks[middle].position <= position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        best = segment->marks[low - 1];
    }
    pthread_mutex_unlock(&segments->lock);
    return best;
}
