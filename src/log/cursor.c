/* cursor.c - forward through the log, over damage.
 *
 *      lost --seek--> between blocks --enter--> in a block --last record--> between blocks
 *
 * Every step takes the block header at `offset` and compares it with the position that is due: an
 * earlier block is passed, the right one entered, a later one means that what lay between is lost.
 * Seeking is the same walk from the nearest mark. */
#include "log/log_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>

struct log_cursor {
    struct log *log;
    struct reader reader;
    uint64_t position; /* of the record that is due */
    bool is_placed;    /* else `offset` means nothing yet */
    bool in_block;
    uint64_t offset;           /* of the next block; in a block: of the next record */
    uint64_t block_position;   /* in a block: of the record at `offset` */
    struct block_header block; /* the one it is in */
};

struct ever_err log_cursor_open(struct log *log, uint64_t from, struct log_cursor **out_cursor)
{
    ASSERT(from >= 1);
    struct log_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return FAIL(EVER_NO_MEMORY, "open cursor");
    }
    cursor->log = log;
    cursor->position = from;
    struct ever_err err = reader_init(&cursor->reader, log, 0, NULL);
    if (!IS_OK(err)) {
        free(cursor);
        return err;
    }
    *out_cursor = cursor;
    return ERR_OK;
}

void log_cursor_close(struct log_cursor *cursor)
{
    if (cursor != NULL) {
        reader_deinit(&cursor->reader);
        free(cursor);
    }
}

/* --- Blocks ---------------------------------------------------------------------------------- */

/* To the nearest known block at or before the position that is due. */
static void seek(struct log_cursor *cursor)
{
    struct segments *segments = &cursor->log->segments;
    uint32_t index = segments_of(segments, cursor->position);
    struct segment_mark mark =
        segments_mark_before(segments, segments_at(segments, index), cursor->position);
    reader_move(&cursor->reader, index);
    cursor->offset = mark.offset;
    cursor->is_placed = true;
    cursor->in_block = false;
}

/* When the position that is due lies in a later segment, goes to its first block. */
static void leave_segment(struct log_cursor *cursor)
{
    struct segments *segments = &cursor->log->segments;
    uint32_t index = segments_of(segments, cursor->position);
    if (index != cursor->reader.index) {
        reader_move(&cursor->reader, index);
        cursor->offset = segments_at(segments, index)->header.alignment;
    }
}

/* Where the segment's records end, as far as readers may see them. */
static uint64_t end_of_segment(const struct log_cursor *cursor)
{
    const struct segment *segment = segments_at(&cursor->log->segments, cursor->reader.index);
    return atomic_load_explicit(&segment->end_position, memory_order_acquire);
}

/* Everything from the position that is due up to `position` - 1 is lost; goes on there. */
static struct ever_err give_up_before(struct log_cursor *cursor, uint64_t position,
                                      struct log_record *out_record)
{
    ASSERT(position > cursor->position);
    *out_record = (struct log_record){.position = position - 1};
    cursor->position = position;
    return FAIL(EVER_CORRUPT, "records are damaged");
}

/* Only from time to time: it takes a lock. */
static void leave_mark(struct log_cursor *cursor, const struct block_header *block)
{
    struct segments *segments = &cursor->log->segments;
    uint64_t end = reader_block_end(&cursor->reader, block);
    if (block->offset / MARK_DISTANCE_BYTES != end / MARK_DISTANCE_BYTES) {
        segments_mark(
            segments, segments_at(segments, cursor->reader.index),
            (struct segment_mark){.offset = block->offset, .position = block->first_position});
    }
}

static void leave_block(struct log_cursor *cursor)
{
    cursor->in_block = false;
    cursor->offset = reader_block_end(&cursor->reader, &cursor->block);
}

/* One without records is left at once. */
static void enter(struct log_cursor *cursor, const struct block_header *block)
{
    cursor->block = *block;
    cursor->in_block = true;
    cursor->offset = block->offset + BLOCK_HEADER_BYTES;
    cursor->block_position = block->first_position;
    leave_mark(cursor, block);
    if (block->record_count == 0) {
        leave_block(cursor);
    }
}

/* Walks to the block that holds the position that is due, and enters it. */
static struct ever_err next_block(struct log_cursor *cursor, struct log_record *out_record)
{
    leave_segment(cursor);
    uint64_t end = end_of_segment(cursor); /* first: blocks may be added while we look */
    for (;;) {
        struct block_header block;
        struct ever_err err = reader_block(&cursor->reader, cursor->offset, &block);
        if (err.code == EVER_CORRUPT) {
            err = reader_find_block(&cursor->reader, cursor->offset, &block);
        }
        if (err.code == EVER_END) {
            return give_up_before(cursor, end, out_record);
        }
        TRY(err);
        enter(cursor, &block);
        if (block.first_position > cursor->position) {
            return give_up_before(cursor, block.first_position, out_record);
        }
        if (cursor->position < block.first_position + block.record_count) {
            return ERR_OK;
        }
        leave_block(cursor);
    }
}

/* --- Records --------------------------------------------------------------------------------- */

/* The record at `offset` of the block, which is to be the one at `position`. EVER_CORRUPT: it is
 * not, or not whole. */
static struct ever_err read_record(struct log_cursor *cursor, uint64_t offset, uint64_t position,
                                   struct ever_slice *out_record)
{
    uint64_t end = block_end_exact(&cursor->block);
    struct record_header header;
    const char *bytes;
    if (offset + RECORD_HEADER_BYTES > end) {
        return FAIL(EVER_CORRUPT, "record reaches out of its block");
    }
    TRY(reader_get(&cursor->reader, offset, RECORD_HEADER_BYTES, &bytes));
    record_header_decode(bytes, &header);
    size_t size = RECORD_HEADER_BYTES + (size_t)header.size;
    if (offset + size > end) {
        return FAIL(EVER_CORRUPT, "record reaches out of its block");
    }
    TRY(reader_get(&cursor->reader, offset, size, &bytes));
    *out_record = slice_of(bytes, size);
    return record_is_whole(*out_record, position) ? ERR_OK
                                                  : FAIL(EVER_CORRUPT, "record is damaged");
}

static uint64_t end_of_block(const struct log_cursor *cursor)
{
    return cursor->block.first_position + cursor->block.record_count;
}

/* Behind the record at block_position, of this size. */
static void step(struct log_cursor *cursor, size_t size)
{
    cursor->offset += size;
    cursor->block_position++;
    if (cursor->block_position == end_of_block(cursor)) {
        leave_block(cursor);
    }
}

/* The record at block_position is damaged. If the next one is whole where this one says it ends,
 * only this one is lost; otherwise the rest of the block. */
static struct ever_err step_over_damage(struct log_cursor *cursor, struct log_record *out_record)
{
    uint64_t lost = cursor->block_position;
    struct ever_slice next;
    struct record_header header = {.size = UINT32_MAX};
    const char *bytes;
    if (IS_OK(reader_get(&cursor->reader, cursor->offset, RECORD_HEADER_BYTES, &bytes))) {
        record_header_decode(bytes, &header);
    }
    size_t size = RECORD_HEADER_BYTES + (size_t)header.size;
    bool is_last = lost + 1 == end_of_block(cursor);
    if (!is_last && IS_OK(read_record(cursor, cursor->offset + size, lost + 1, &next))) {
        step(cursor, size);
    } else {
        cursor->block_position = end_of_block(cursor);
        leave_block(cursor);
    }
    if (cursor->block_position <= cursor->position) {
        return ERR_OK; /* lost, but not what was asked for */
    }
    return give_up_before(cursor, cursor->block_position, out_record);
}

/* The record at block_position: passed, given, or stepped over. `out_is_due`: given. */
static struct ever_err next_record(struct log_cursor *cursor, struct log_record *out_record,
                                   bool *out_is_due)
{
    struct ever_slice record;
    uint64_t offset = cursor->offset;
    uint64_t position = cursor->block_position;
    struct ever_err err = read_record(cursor, offset, position, &record);
    if (err.code == EVER_CORRUPT || err.code == EVER_END) {
        return step_over_damage(cursor, out_record);
    }
    TRY(err);
    step(cursor, record.size);
    *out_is_due = position == cursor->position;
    if (*out_is_due) {
        struct record_header header;
        record_header_decode(record.data, &header);
        const struct segment *segment = segments_at(&cursor->log->segments, cursor->reader.index);
        cursor->position++;
        *out_record = (struct log_record){
            .position = position,
            .time_ns = header.time_ns,
            .address = {.segment = segment->header.number, .offset = (uint32_t)offset},
            .bytes = slice_from(record, RECORD_HEADER_BYTES),
        };
    }
    return ERR_OK;
}

struct ever_err log_cursor_next(struct log_cursor *cursor, struct log_record *out_record)
{
    if (cursor->position > log_committed(cursor->log)) {
        return FAIL(EVER_END, "caught up");
    }
    if (!cursor->is_placed) {
        seek(cursor);
    }
    for (bool is_due = false; !is_due;) {
        if (!cursor->in_block) {
            TRY(next_block(cursor, out_record));
        }
        TRY(next_record(cursor, out_record, &is_due));
    }
    return ERR_OK;
}
