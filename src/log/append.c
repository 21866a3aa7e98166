/* append.c - the writing end: build a block, write it durably, publish it; begin new segments.
 *
 *   0        alignment                      offset          filled            size
 *   | header | block | block | .......| block |  zeroes ....... |  not there yet |
 *
 * A block is written over zeroes that the file has already, so that its size, and with it the file
 * system's journal, is left alone by most commits. */
#include "log/log_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

#define FILL_BYTES (1u << 20) /* zeroes written ahead at once */

/* Never written: costs no memory, and nothing in the executable file. */
static _Alignas(ALIGNMENT_MAX) char zeroes[FILL_BYTES];

static struct ever_err make_room(struct writer *writer, size_t size)
{
    if (size <= writer->capacity) {
        return ERR_OK;
    }
    size_t capacity = (size_t)round_up(size + size / 2, ALIGNMENT_MAX);
    char *buffer = aligned_alloc(ALIGNMENT_MAX, capacity);
    if (buffer == NULL) {
        return FAIL(EVER_NO_MEMORY, "append");
    }
    free(writer->buffer);
    writer->buffer = buffer;
    writer->capacity = capacity;
    return ERR_OK;
}

/* These leave the log as it was. After anything else nobody knows what the disk has. */
static bool is_harmless(struct ever_err err)
{
    return err.code == EVER_OK || err.code == EVER_NO_SPACE || err.code == EVER_NO_MEMORY ||
           err.code == EVER_LIMIT;
}

/* For steps that must not fail half way: no failure of them is harmless. */
static struct ever_err never_harmless(struct ever_err err)
{
    if (!IS_OK(err) && is_harmless(err)) {
        err.code = EVER_IO;
    }
    return err;
}

/* --- New segments ---------------------------------------------------------------------------- */

static struct segment_header next_header(const struct log *log, uint32_t alignment,
                                         uint64_t block_bytes)
{
    const struct writer *writer = &log->writer;
    uint64_t needed = alignment + round_up(block_bytes, alignment);
    uint32_t count = segments_count(&log->segments);
    return (struct segment_header){
        .store_id = log->options.store_id,
        .version = FORMAT_VERSION,
        .number = count + 1,
        .alignment = alignment,
        .size = needed > log->options.segment_bytes ? needed : log->options.segment_bytes,
        .first_position = log_committed(log) + 1,
        .before_end = count == 0 ? 0 : writer->offset,
        .before_last_block = writer->last_block,
        .before_chain = writer->chain,
        .before_time_ns = writer->time_ns,
    };
}

/* Fills the writer's buffer with the header and zeroes behind it. */
static struct ever_err write_header(struct log *log, struct vfs_file *file,
                                    const struct segment_header *header)
{
    TRY(make_room(&log->writer, header->alignment));
    memset(log->writer.buffer, 0, header->alignment);
    segment_header_encode(header, log->writer.buffer);
    return file->methods->write_at(file, 0, slice_of(log->writer.buffer, header->alignment), true);
}

/* A segment gets its name when its header is on disk: one without a header is damage, not a crash.
 */
static struct ever_err create_segment(struct log *log, uint64_t block_bytes,
                                      struct segment_header *out_header, struct vfs_file **out_file)
{
    struct vfs *vfs = log->vfs;
    char name[SEGMENT_NAME_BYTES];
    char path_tmp[VFS_PATH_BYTES_MAX];
    char path[VFS_PATH_BYTES_MAX];
    segment_name(segments_count(&log->segments) + 1, name);
    TRY(vfs_path(log->dir, SEGMENT_TMP_NAME, path_tmp));
    TRY(vfs_path(log->dir, name, path));

    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs_open_fresh(vfs, path_tmp, VFS_DIRECT, &file));
    if (file->alignment > ALIGNMENT_MAX) {
        return FAIL(EVER_UNSUPPORTED, "the disk wants a larger alignment than we know");
    }
    struct segment_header header = next_header(log, file->alignment, block_bytes);
    TRY(write_header(log, file, &header));
    TRY(vfs->rename(vfs, path_tmp, path));
    TRY(never_harmless(vfs->sync_dir(vfs, log->dir)));
    *out_header = header;
    *out_file = TAKE(file);
    return ERR_OK;
}

/* The old segment will not change any more. */
static void seal_current(struct writer *writer)
{
    if (writer->file != NULL) {
        /* The permissions guard against people; nothing here depends on them. */
        (void)writer->file->methods->make_read_only(writer->file);
        vfs_file_close(writer->file);
    }
}

struct ever_err writer_begin_segment(struct log *log, uint64_t block_bytes)
{
    struct writer *writer = &log->writer;
    struct segment_header header;
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(create_segment(log, block_bytes, &header, &file));

    uint32_t count = segments_count(&log->segments);
    uint64_t run_base = count == 0 ? 0 : log_last_segment(log)->run_base + writer->offset;
    TRY(never_harmless(segments_add(&log->segments, &header, run_base)));
    tail_add(&log->tail, run_base, slice_of(writer->buffer, header.alignment));

    seal_current(writer);
    writer->file = TAKE(file);
    writer->offset = header.alignment;
    writer->filled = header.alignment;
    writer->last_block = 0;
    writer->is_attested = true; /* by the header */
    writer->must_roll = false;
    return ERR_OK;
}

/* --- One block ------------------------------------------------------------------------------- */

static struct ever_err payload_size(const struct ever_slice *records, uint32_t count,
                                    size_t *out_size)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += RECORD_HEADER_BYTES + records[i].size;
        if (records[i].size > LOG_RECORD_BYTES_MAX || size > LOG_APPEND_BYTES_MAX) {
            return FAIL(EVER_LIMIT, "append is too large");
        }
    }
    *out_size = size;
    return ERR_OK;
}

static void build_block(struct log *log, const struct ever_slice *records, uint32_t count,
                        int64_t time_ns, size_t payload_bytes)
{
    struct writer *writer = &log->writer;
    char *payload = writer->buffer + BLOCK_HEADER_BYTES;
    uint64_t first_position = log_committed(log) + 1;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        at += record_encode(first_position + i, time_ns, records[i], payload + at);
    }
    ASSERT(at == payload_bytes);
    struct block_header header = {
        .store_id = log->options.store_id,
        .segment = log_last_segment(log)->header.number,
        .offset = (uint32_t)writer->offset,
        .first_position = first_position,
        .time_ns = time_ns,
        .record_count = count,
        .payload_bytes = (uint32_t)payload_bytes,
        .payload_crc = crc32c(0, slice_of(payload, payload_bytes)),
        .durable_offset = (uint32_t)writer->offset,
        .previous = writer->chain,
    };
    block_header_encode(&header, writer->buffer);
}

/* Makes sure the file has zeroes where the block will go. A large block makes its own room. A full
 * disk is no reason to stop: the block itself may still fit. */
static struct ever_err fill_ahead(struct log *log, uint64_t end)
{
    struct writer *writer = &log->writer;
    uint64_t size = log_last_segment(log)->header.size;
    while (writer->filled < end && end - writer->offset < FILL_BYTES) {
        uint64_t chunk = size - writer->filled < FILL_BYTES ? size - writer->filled : FILL_BYTES;
        struct ever_err err = writer->file->methods->write_at(
            writer->file, writer->filled, slice_of(zeroes, (size_t)chunk), false);
        if (err.code == EVER_NO_SPACE) {
            return ERR_OK;
        }
        TRY(err);
        writer->filled += chunk;
    }
    return ERR_OK;
}

/* The disk was full in the middle of a block. Its header must not stay: with the rest it might one
 * day pass for a block that was refused. */
static struct ever_err take_back(struct log *log)
{
    struct writer *writer = &log->writer;
    uint32_t size = log_last_segment(log)->header.alignment;
    size_t got;
    TRY(writer->file->methods->read_at(writer->file, writer->offset, writer->buffer, size, &got));
    if (got == 0 || memcmp(writer->buffer, zeroes, got) == 0) {
        return ERR_OK;
    }
    return writer->file->methods->write_at(writer->file, writer->offset, slice_of(zeroes, size),
                                           true);
}

static struct ever_err write_block(struct log *log, size_t block_bytes)
{
    struct writer *writer = &log->writer;
    TRY(fill_ahead(log, writer->offset + block_bytes));
    struct ever_err err = writer->file->methods->write_at(
        writer->file, writer->offset, slice_of(writer->buffer, block_bytes), true);
    if (err.code == EVER_NO_SPACE) {
        TRY(never_harmless(take_back(log)));
    }
    return err;
}

/* The block is durable: the writer goes on behind it, and readers may see it. */
static void publish(struct log *log, size_t payload_bytes, size_t block_bytes, uint32_t count,
                    int64_t time_ns)
{
    struct writer *writer = &log->writer;
    struct segment *segment = log_last_segment(log);
    writer->chain = hash128(slice_of(writer->buffer, BLOCK_HEADER_BYTES + payload_bytes));
    tail_add(&log->tail, segment->run_base + writer->offset, slice_of(writer->buffer, block_bytes));
    if (writer->last_block == 0) {
        atomic_store_explicit(&segment->first_time_ns, time_ns, memory_order_release);
    }
    writer->last_block = (uint32_t)writer->offset;
    writer->is_attested = count == 0;
    writer->time_ns = time_ns;
    writer->offset += block_bytes;
    if (writer->filled < writer->offset) {
        writer->filled = writer->offset;
    }
    uint64_t committed = log_committed(log) + count;
    atomic_store_explicit(&segment->end_offset, writer->offset, memory_order_release);
    atomic_store_explicit(&segment->end_position, committed + 1, memory_order_release);
    atomic_store_explicit(&log->committed, committed, memory_order_release);
}

static void give_addresses(const struct log *log, const struct ever_slice *records, uint32_t count,
                           struct log_address *out_addresses)
{
    uint32_t offset = (uint32_t)log->writer.offset + BLOCK_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        out_addresses[i].segment = log_last_segment(log)->header.number;
        out_addresses[i].offset = offset;
        offset += RECORD_HEADER_BYTES + (uint32_t)records[i].size;
    }
}

/* Goes to a new segment when this one has no room for the block, or must not be written further. */
static struct ever_err find_place(struct log *log, size_t exact_bytes)
{
    const struct segment_header *header = &log_last_segment(log)->header;
    uint64_t end = log->writer.offset + round_up(exact_bytes, header->alignment);
    if (!log->writer.must_roll && end <= header->size) {
        return ERR_OK;
    }
    return writer_begin_segment(log, exact_bytes);
}

/* At the place found for it. */
static struct ever_err add_block(struct log *log, const struct ever_slice *records, uint32_t count,
                                 int64_t time_ns, size_t payload_bytes,
                                 struct log_address *out_addresses)
{
    size_t exact_bytes = BLOCK_HEADER_BYTES + payload_bytes;
    size_t block_bytes = (size_t)round_up(exact_bytes, log_last_segment(log)->header.alignment);
    TRY(make_room(&log->writer, block_bytes));
    build_block(log, records, count, time_ns, payload_bytes);
    memset(log->writer.buffer + exact_bytes, 0, block_bytes - exact_bytes);
    TRY(write_block(log, block_bytes));
    give_addresses(log, records, count, out_addresses);
    publish(log, payload_bytes, block_bytes, count, time_ns);
    return ERR_OK;
}

static struct ever_err append(struct log *log, const struct ever_slice *records, uint32_t count,
                              int64_t time_ns, struct log_address *out_addresses)
{
    size_t payload_bytes;
    TRY(payload_size(records, count, &payload_bytes));
    TRY(find_place(log, BLOCK_HEADER_BYTES + payload_bytes));
    return add_block(log, records, count, time_ns, payload_bytes, out_addresses);
}

struct ever_err log_append(struct log *log, const struct ever_slice *records, uint32_t count,
                           int64_t time_ns, struct log_address *out_addresses)
{
    if (log->writer.stopped) {
        return FAIL(EVER_CLOSED, "the log does not accept appends");
    }
    ASSERT(count >= 1);
    ASSERT(time_ns >= log->writer.time_ns);
    struct ever_err err = append(log, records, count, time_ns, out_addresses);
    if (!is_harmless(err)) {
        log->writer.stopped = true;
    }
    return err;
}

struct ever_err writer_attest(struct log *log)
{
    const struct writer *writer = &log->writer;
    if (writer->file == NULL || writer->stopped || writer->is_attested) {
        return ERR_OK;
    }
    TRY(find_place(log, BLOCK_HEADER_BYTES));
    /* Where that began a segment, its header says it all. */
    return writer->is_attested ? ERR_OK : add_block(log, NULL, 0, writer->time_ns, 0, NULL);
}
