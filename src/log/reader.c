/* reader.c - the window over one segment. */
#include "log/log_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD_BYTES_MIN (16u << 10)
#define AHEAD_BYTES_MAX (512u << 10)
#define PAGE_BYTES 4096u

struct ever_err reader_init(struct reader *reader, struct log *log, uint32_t index,
                            struct vfs_file *file)
{
    *reader =
        (struct reader){.log = log, .index = index, .file = file, .ahead_bytes = AHEAD_BYTES_MIN};
    return reader_forget(reader);
}

void reader_deinit(struct reader *reader)
{
    free(reader->window);
    *reader = (struct reader){0};
}

void reader_move(struct reader *reader, uint32_t index)
{
    ASSERT(reader->file == NULL);
    reader->index = index;
    reader->offset = 0;
    reader->size = 0;
}

struct ever_err reader_forget(struct reader *reader)
{
    reader->offset = 0;
    reader->size = 0;
    if (reader->file == NULL) {
        return ERR_OK;
    }
    return reader->file->methods->size(reader->file, &reader->file_size);
}

static const struct segment *segment_of(const struct reader *reader)
{
    return segments_at(&reader->log->segments, reader->index);
}

static uint64_t limit_of(const struct reader *reader)
{
    if (reader->file != NULL) {
        return reader->file_size;
    }
    return atomic_load_explicit(&segment_of(reader)->end_offset, memory_order_acquire);
}

/* --- Filling --------------------------------------------------------------------------------- */

static struct ever_err make_room(struct reader *reader, size_t size)
{
    if (size <= reader->capacity) {
        return ERR_OK;
    }
    uint32_t alignment = reader->file == NULL || reader->file->alignment < PAGE_BYTES
                             ? PAGE_BYTES
                             : reader->file->alignment;
    size_t capacity = (size_t)round_up(size, alignment);
    char *window = aligned_alloc(alignment, capacity);
    if (window == NULL) {
        return FAIL(EVER_NO_MEMORY, "read segment");
    }
    free(reader->window); /* what it held is read anew */
    reader->window = window;
    reader->capacity = capacity;
    return ERR_OK;
}

/* Through recovery's file, which wants offset and size aligned. */
static struct ever_err fill_direct(struct reader *reader, uint64_t offset, size_t size)
{
    uint32_t alignment = reader->file->alignment;
    uint64_t start = offset & ~(uint64_t)(alignment - 1);
    size_t whole = (size_t)round_up(offset + size - start, alignment);
    TRY(make_room(reader, whole));
    TRY(reader->file->methods->read_at(reader->file, start, reader->window, whole, &reader->size));
    reader->offset = start;
    return ERR_OK;
}

static struct ever_err fill_shared(struct reader *reader, uint64_t offset, size_t size)
{
    TRY(make_room(reader, size));
    uint64_t run_offset = segment_of(reader)->run_base + offset;
    if (tail_copy(&reader->log->tail, run_offset, size, reader->window)) {
        reader->size = size;
    } else {
        struct segments *segments = &reader->log->segments;
        struct segment_file *open;
        TRY(segments_acquire(segments, reader->index, &open));
        struct ever_err err = segment_file_read(open, offset, reader->window, size, &reader->size);
        segments_release(segments, open);
        TRY(err);
    }
    reader->offset = offset;
    return ERR_OK;
}

static struct ever_err fill(struct reader *reader, uint64_t offset, size_t size)
{
    reader->size = 0; /* a failed read leaves nothing */
    return reader->file != NULL ? fill_direct(reader, offset, size)
                                : fill_shared(reader, offset, size);
}

static size_t ahead_of(struct reader *reader, uint64_t offset)
{
    bool straight_on =
        reader->size > 0 && offset >= reader->offset && offset <= reader->offset + reader->size;
    if (!straight_on) {
        reader->ahead_bytes = AHEAD_BYTES_MIN;
    } else if (reader->ahead_bytes < AHEAD_BYTES_MAX) {
        reader->ahead_bytes *= 2;
    }
    return reader->ahead_bytes;
}

/* Reads ahead, too; where that fails, only what is wanted: the bad sector may lie behind it. */
static struct ever_err fill_ahead(struct reader *reader, uint64_t offset, size_t size,
                                  uint64_t limit)
{
    size_t ahead = ahead_of(reader, offset);
    if (ahead > limit - offset) {
        ahead = (size_t)(limit - offset);
    }
    if (ahead <= size) {
        return fill(reader, offset, size);
    }
    struct ever_err err = fill(reader, offset, ahead);
    bool is_bad = err.code == EVER_IO || err.code == EVER_CORRUPT;
    return is_bad ? fill(reader, offset, size) : err;
}

static bool window_has(const struct reader *reader, uint64_t offset, size_t size)
{
    return offset >= reader->offset && offset + size <= reader->offset + reader->size;
}

struct ever_err reader_get(struct reader *reader, uint64_t offset, size_t size, const char **out)
{
    if (!window_has(reader, offset, size)) {
        uint64_t limit = limit_of(reader);
        if (offset + size > limit) {
            return FAIL(EVER_END, "behind the end of the segment");
        }
        struct ever_err err = fill_ahead(reader, offset, size, limit);
        if (err.code == EVER_NOT_FOUND) {
            return FAIL(EVER_END, "segment file is missing");
        }
        TRY(err);
        if (!window_has(reader, offset, size)) {
            return FAIL(EVER_END, "segment file is too short");
        }
    }
    *out = reader->window + (offset - reader->offset);
    return ERR_OK;
}

/* --- Blocks ---------------------------------------------------------------------------------- */

uint64_t reader_block_end(const struct reader *reader, const struct block_header *block)
{
    return round_up(block_end_exact(block), segment_of(reader)->header.alignment);
}

static bool uuid_same(struct ever_uuid a, struct ever_uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* Whether a block that says this about itself can stand at `offset` of this segment. */
static bool belongs(const struct reader *reader, uint64_t offset, const struct block_header *block)
{
    const struct segment_header *segment = &segment_of(reader)->header;
    uint64_t payload_min = (uint64_t)block->record_count * RECORD_HEADER_BYTES;
    uint64_t payload_max = block->record_count == 0 ? 0 : LOG_APPEND_BYTES_MAX;
    return uuid_same(block->store_id, reader->log->options.store_id) &&
           block->segment == segment->number && block->offset == offset &&
           block->first_position >= segment->first_position &&
           block->payload_bytes >= payload_min && block->payload_bytes <= payload_max &&
           offset + BLOCK_HEADER_BYTES + block->payload_bytes <= segment->size;
}

struct ever_err reader_block(struct reader *reader, uint64_t offset, struct block_header *out_block)
{
    const char *bytes;
    struct block_header block;
    TRY(reader_get(reader, offset, BLOCK_HEADER_BYTES, &bytes));
    if (!block_header_decode(bytes, &block) || !belongs(reader, offset, &block)) {
        return FAIL(EVER_CORRUPT, "no block where one was expected");
    }
    if (block.flags != 0) {
        return FAIL(EVER_UNSUPPORTED, "block was written by a newer version");
    }
    *out_block = block;
    return ERR_OK;
}

struct ever_err reader_find_block(struct reader *reader, uint64_t offset,
                                  struct block_header *out_block)
{
    uint32_t alignment = segment_of(reader)->header.alignment;
    for (offset = round_up(offset, alignment);; offset += alignment) {
        struct ever_err err = reader_block(reader, offset, out_block);
        if (err.code != EVER_CORRUPT) {
            return err;
        }
    }
}
