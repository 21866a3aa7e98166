/* recover.c - opening: read the segment headers, find the end of the last segment, judge the rest.
 *
 * Sealed segments are taken at their successor's word: its header names their end. Of the last two
 * segments more is read: the last block of the one before, whose loss nobody else would notice, and
 * all blocks of the last, each of which must name the hash of the one before it.
 *
 *     blocks that follow each other | what is this?
 *                                   ^ end
 *       zeroes only                             -> clean: go on here
 *       else, no block attests it was durable   -> never acknowledged: left, go on in a new segment
 *       a later block attests it was durable    -> damage: read only, search goes on behind it
 *
 * A log that was closed ends in a block without records, which attests those with records. */
#include "log/log_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <string.h>

/* A walk over the blocks of one segment, as the log's chain wants them. */
struct scan {
    struct log *log;
    struct segment *segment;
    struct reader reader;
    uint64_t offset;       /* of the next block */
    uint64_t position;     /* of the next record */
    uint32_t last_block;   /* offset; 0 before the first */
    bool is_attested;      /* by the last block, which has no records, or by the segment's header */
    struct hash128 chain;  /* what the next block must name */
    int64_t time_ns;       /* of the last block */
    int64_t first_time_ns; /* of the first block */
};

static void scan_deinit(struct scan *scan)
{
    reader_deinit(&scan->reader);
}

static struct ever_err scan_init(struct scan *scan, struct log *log, uint32_t index,
                                 struct vfs_file *file)
{
    struct segment *segment = segments_at(&log->segments, index);
    *scan = (struct scan){
        .log = log,
        .segment = segment,
        .offset = segment->header.alignment,
        .position = segment->header.first_position,
        .chain = segment->header.before_chain,
        .time_ns = segment->header.before_time_ns,
        .is_attested = true,
    };
    return reader_init(&scan->reader, log, index, file);
}

/* No block, or not this one: for a scan both are the end. */
static bool is_absent(struct ever_err err)
{
    return err.code == EVER_CORRUPT || err.code == EVER_END;
}

/* Reads all of a block. EVER_CORRUPT, EVER_END: it is not whole. */
static struct ever_err read_whole(struct scan *scan, const struct block_header *block,
                                  struct ever_slice *out_bytes)
{
    size_t size = BLOCK_HEADER_BYTES + (size_t)block->payload_bytes;
    const char *bytes;
    TRY(reader_get(&scan->reader, block->offset, size, &bytes));
    struct ever_slice payload = slice_of(bytes + BLOCK_HEADER_BYTES, block->payload_bytes);
    if (crc32c(0, payload) != block->payload_crc) {
        return FAIL(EVER_CORRUPT, "block is not whole");
    }
    *out_bytes = slice_of(bytes, size);
    return ERR_OK;
}

static void step_over(struct scan *scan, const struct block_header *block, struct ever_slice bytes)
{
    if (scan->last_block == 0) {
        scan->first_time_ns = block->time_ns;
    }
    scan->chain = hash128(bytes);
    scan->last_block = block->offset;
    scan->is_attested = block->record_count == 0;
    scan->time_ns = block->time_ns;
    scan->position = block->first_position + block->record_count;
    scan->offset = reader_block_end(&scan->reader, block);
    segments_mark(
        &scan->log->segments, scan->segment,
        (struct segment_mark){.offset = block->offset, .position = block->first_position});
}

/* Steps over the next block. EVER_CORRUPT, EVER_END: there is none that is whole and follows. */
static struct ever_err scan_block(struct scan *scan)
{
    struct block_header block;
    TRY(reader_block(&scan->reader, scan->offset, &block));
    if (block.first_position != scan->position || !hash128_equal(block.previous, scan->chain)) {
        return FAIL(EVER_CORRUPT, "block does not follow the one before");
    }
    struct ever_slice bytes;
    TRY(read_whole(scan, &block, &bytes));
    step_over(scan, &block, bytes);
    return ERR_OK;
}

static struct ever_err scan_run(struct scan *scan)
{
    struct ever_err err;
    do {
        err = scan_block(scan);
    } while (IS_OK(err));
    return is_absent(err) ? ERR_OK : err;
}

/* Whether this block, found at or behind the scan's end, proves that something durable is missing:
 * it attests bytes behind the end, or it is whole, stands at the end and names another past. */
static struct ever_err is_witness(struct scan *scan, const struct block_header *block, bool *out_is)
{
    *out_is = block->durable_offset > scan->offset && block->first_position >= scan->position;
    if (block->offset == scan->offset) {
        struct ever_slice bytes;
        struct ever_err err = read_whole(scan, block, &bytes);
        *out_is = IS_OK(err);
        return is_absent(err) ? ERR_OK : err;
    }
    return ERR_OK;
}

/* EVER_END: none, so nothing that was acknowledged is missing. */
static struct ever_err find_witness(struct scan *scan, struct block_header *out_block)
{
    uint64_t offset = scan->offset;
    for (bool found = false; !found;) {
        TRY(reader_find_block(&scan->reader, offset, out_block));
        TRY(is_witness(scan, out_block, &found));
        offset = out_block->offset + (uint64_t)ALIGNMENT_MIN;
    }
    return ERR_OK;
}

/* The scan goes on at a block that stands behind damage. */
static void go_on_behind(struct scan *scan, const struct block_header *block)
{
    log_note_damage(scan->log, (struct log_damage){
                                   .segment = scan->segment->header.number,
                                   .from_offset = scan->offset,
                                   .to_offset = block->offset,
                                   .from_position = scan->position,
                                   .to_position = block->first_position - 1,
                               });
    scan->offset = block->offset;
    scan->position = block->first_position;
    scan->chain = block->previous;
}

/* To the end of the segment, over damage. A reader without lock may have seen a block half written
 * and the next one whole: it looks twice before it believes in damage. */
static struct ever_err scan_all(struct scan *scan)
{
    uint64_t looked_twice_at = 0;
    for (;;) {
        TRY(scan_run(scan));
        struct block_header witness;
        struct ever_err err = find_witness(scan, &witness);
        if (err.code == EVER_END) {
            return ERR_OK;
        }
        TRY(err);
        if (scan->log->options.read_only && looked_twice_at != scan->offset) {
            looked_twice_at = scan->offset;
            TRY(reader_forget(&scan->reader));
            continue;
        }
        go_on_behind(scan, &witness);
    }
}

static bool is_zero(const char *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Whether the file has only zeroes behind the end. */
static struct ever_err is_clean(struct scan *scan, bool *out_clean)
{
    bool clean = true;
    for (uint64_t at = scan->offset; clean && at < scan->reader.file_size;) {
        uint64_t rest = scan->reader.file_size - at;
        size_t part = rest < MARK_DISTANCE_BYTES ? (size_t)rest : MARK_DISTANCE_BYTES;
        const char *bytes;
        TRY(reader_get(&scan->reader, at, part, &bytes));
        clean = is_zero(bytes, part);
        at += part;
    }
    *out_clean = clean;
    return ERR_OK;
}

/* --- Segment headers ------------------------------------------------------------------------- */

static struct ever_err open_segment(struct log *log, uint32_t number, unsigned flags,
                                    struct vfs_file **out_file)
{
    char name[SEGMENT_NAME_BYTES];
    char path[VFS_PATH_BYTES_MAX];
    segment_name(number, name);
    TRY(vfs_path(log->dir, name, path));
    return log->vfs->open(log->vfs, path, flags, out_file);
}

/* Of the first block; 0 when there is none to be read. */
static struct ever_err read_first_time(struct vfs_file *file, const char *head, size_t head_size,
                                       uint32_t alignment, int64_t *out_time_ns)
{
    char bytes[BLOCK_HEADER_BYTES] = {0};
    struct block_header block;
    size_t got = sizeof bytes;
    if (alignment + sizeof bytes <= head_size) {
        memcpy(bytes, head + alignment, sizeof bytes);
    } else {
        TRY(file->methods->read_at(file, alignment, bytes, sizeof bytes, &got));
    }
    bool is_block = got == sizeof bytes && block_header_decode(bytes, &block);
    *out_time_ns = is_block ? block.time_ns : 0;
    return ERR_OK;
}

/* One read gets the header and, with the common alignments, the first block's header too.
 * EVER_CORRUPT, EVER_NOT_FOUND: no header to be had. */
static struct ever_err read_header(struct log *log, uint32_t number,
                                   struct segment_header *out_header, int64_t *out_first_time_ns)
{
    char bytes[4096 + BLOCK_HEADER_BYTES];
    size_t got;
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(open_segment(log, number, 0, &file));
    TRY(file->methods->read_at(file, 0, bytes, sizeof bytes, &got));
    if (got < SEGMENT_HEADER_BYTES) {
        return FAIL(EVER_CORRUPT, "segment is too short for its header");
    }
    struct segment_header header;
    TRY(segment_header_decode(bytes, &header));
    if (memcmp(&header.store_id, &log->options.store_id, sizeof header.store_id) != 0) {
        return FAIL(EVER_FOREIGN, "segment belongs to another store");
    }
    if (header.number != number) {
        return FAIL(EVER_CORRUPT, "segment stands under the wrong name");
    }
    TRY(read_first_time(file, bytes, got, header.alignment, out_first_time_ns));
    *out_header = header;
    return ERR_OK;
}

/* What the header would say, from the blocks of the segment before. Readers find the blocks behind
 * a damaged header with it, whatever their alignment. */
static struct ever_err guess_header(struct log *log, uint32_t number,
                                    struct segment_header *out_header)
{
    *out_header = (struct segment_header){
        .store_id = log->options.store_id,
        .version = FORMAT_VERSION,
        .number = number,
        .alignment = ALIGNMENT_MIN,
        .size = SEGMENT_BYTES_MAX,
        .first_position = 1,
    };
    if (number == 1) {
        return ERR_OK;
    }
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    struct ever_err err = open_segment(log, number - 1, VFS_DIRECT, &file);
    CLEANUP(scan_deinit) struct scan scan = {0};
    if (IS_OK(err)) {
        TRY(scan_init(&scan, log, number - 2, file));
        TRY(scan_all(&scan));
    } else if (err.code == EVER_NOT_FOUND) {
        scan.position = segments_at(&log->segments, number - 2)->header.first_position;
    } else {
        return err;
    }
    out_header->first_position = scan.position;
    out_header->before_end = scan.offset;
    out_header->before_last_block = scan.last_block;
    out_header->before_chain = scan.chain;
    out_header->before_time_ns = scan.time_ns;
    return ERR_OK;
}

/* The segment's header, or what stands in for it. */
static struct ever_err get_header(struct log *log, uint32_t number,
                                  struct segment_header *out_header, int64_t *out_first_time_ns)
{
    struct ever_err err = read_header(log, number, out_header, out_first_time_ns);
    if (err.code != EVER_CORRUPT && err.code != EVER_NOT_FOUND) {
        return err;
    }
    TRY(guess_header(log, number, out_header));
    *out_first_time_ns = out_header->before_time_ns;
    bool is_missing = err.code == EVER_NOT_FOUND;
    log_note_damage(log, (struct log_damage){
                             .segment = number,
                             .to_offset = is_missing ? 0 : SEGMENT_HEADER_BYTES,
                             .from_position = out_header->first_position,
                             .to_position = out_header->first_position - 1,
                         });
    return ERR_OK;
}

/* The segment before ends where this one says. */
static void end_previous(struct log *log, const struct segment_header *header)
{
    struct segment *previous = log_last_segment(log);
    atomic_store(&previous->end_position, header->first_position);
    atomic_store(&previous->end_offset, header->before_end);
    if (header->first_position == previous->header.first_position) {
        atomic_store(&previous->first_time_ns, 0); /* what stands there is no block of the log */
    }
    bool was_missing = log->is_damaged && log->damage.segment == previous->header.number &&
                       log->damage.to_offset == 0;
    if (was_missing) {
        log->damage.to_position = header->first_position - 1;
    }
}

static struct ever_err add_segment(struct log *log, uint32_t number)
{
    struct segment_header header;
    int64_t first_time_ns;
    TRY(get_header(log, number, &header, &first_time_ns));
    uint64_t run_base = 0;
    if (number > 1) {
        end_previous(log, &header);
        run_base = log_last_segment(log)->run_base + header.before_end;
    }
    TRY(segments_add(&log->segments, &header, run_base));
    atomic_store(&log_last_segment(log)->first_time_ns, first_time_ns);
    return ERR_OK;
}

/* --- The end --------------------------------------------------------------------------------- */

/* Whether the last block of a sealed segment is the one its successor names. */
static struct ever_err last_block_is(struct scan *scan, const struct segment_header *successor,
                                     bool *out_is)
{
    struct block_header block;
    struct ever_slice bytes;
    *out_is = false;
    struct ever_err err = reader_block(&scan->reader, successor->before_last_block, &block);
    if (IS_OK(err)) {
        err = read_whole(scan, &block, &bytes);
    }
    if (is_absent(err)) {
        return ERR_OK;
    }
    TRY(err);
    *out_is = hash128_equal(hash128(bytes), successor->before_chain) &&
              reader_block_end(&scan->reader, &block) == successor->before_end;
    return ERR_OK;
}

/* A write that the disk acknowledged and lost can be told only by who came later. */
static struct ever_err check_before_last(struct log *log)
{
    uint32_t count = segments_count(&log->segments);
    const struct segment_header *last = &log_last_segment(log)->header;
    if (count < 2 || last->before_last_block == 0 || log->is_damaged) {
        return ERR_OK;
    }
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(open_segment(log, last->number - 1, VFS_DIRECT, &file));
    CLEANUP(scan_deinit) struct scan scan = {0};
    TRY(scan_init(&scan, log, count - 2, file));
    bool is_good;
    TRY(last_block_is(&scan, last, &is_good));
    if (is_good) {
        return ERR_OK;
    }
    TRY(scan_all(&scan)); /* how far it is good */
    log_note_damage(log, (struct log_damage){
                             .segment = last->number - 1,
                             .from_offset = scan.offset,
                             .to_offset = last->before_end,
                             .from_position = scan.position,
                             .to_position = last->first_position - 1,
                         });
    return ERR_OK;
}

/* The writer goes on where the scan ended. */
static void set_end(struct log *log, const struct scan *scan, bool is_clean)
{
    struct segment *segment = scan->segment;
    atomic_store(&segment->end_offset, scan->offset);
    atomic_store(&segment->end_position, scan->position);
    atomic_store(&segment->first_time_ns, scan->first_time_ns);
    atomic_store(&log->committed, scan->position - 1);
    struct writer *writer = &log->writer;
    writer->offset = scan->offset;
    writer->filled = scan->reader.file_size & ~(uint64_t)(segment->header.alignment - 1);
    writer->filled = writer->filled < scan->offset ? scan->offset : writer->filled;
    writer->last_block = scan->last_block;
    writer->chain = scan->chain;
    writer->time_ns = scan->time_ns;
    writer->is_attested = scan->is_attested;
    writer->must_roll = !is_clean;
}

/* What is found may have been written but not synced by a process that died: it is made durable
 * before anybody sees it. The names too. */
static struct ever_err open_last(struct log *log, struct vfs_file **out_file)
{
    uint32_t number = log_last_segment(log)->header.number;
    if (log->options.read_only) {
        return open_segment(log, number, 0, out_file);
    }
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(log->vfs->sync_dir(log->vfs, log->dir));
    TRY(open_segment(log, number, VFS_WRITE | VFS_DIRECT, &file));
    TRY(file->methods->sync(file));
    *out_file = TAKE(file);
    return ERR_OK;
}

static struct ever_err find_end(struct log *log)
{
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(open_last(log, &file));
    CLEANUP(scan_deinit) struct scan scan = {0};
    TRY(scan_init(&scan, log, segments_count(&log->segments) - 1, file));
    TRY(scan_all(&scan));
    if (log->damage.segment == scan.segment->header.number && scan.last_block == 0) {
        log->damage.to_position = UINT64_MAX; /* the header is gone and so is all behind it */
    }
    bool clean;
    TRY(is_clean(&scan, &clean));
    set_end(log, &scan, clean && file->alignment <= scan.segment->header.alignment);
    if (!log->writer.stopped) {
        log->writer.file = TAKE(file);
    }
    return ERR_OK;
}

static struct ever_err note_number(void *arg, const char *name)
{
    uint32_t *highest = arg;
    uint32_t number;
    if (segment_name_parse(name, &number) && number > *highest) {
        *highest = number;
    }
    return ERR_OK;
}

struct ever_err log_recover(struct log *log)
{
    uint32_t highest = 0;
    TRY(log->vfs->list(log->vfs, log->dir, note_number, &highest));
    if (highest == 0 && log->options.must_exist) {
        return FAIL(EVER_NOT_FOUND, "the folder log/ has no segment");
    }
    if (highest == 0) {
        return log->options.read_only ? ERR_OK : writer_begin_segment(log, 0);
    }
    for (uint32_t number = 1; number <= highest; number++) {
        TRY(add_segment(log, number));
    }
    TRY(check_before_last(log));
    return find_end(log);
}
