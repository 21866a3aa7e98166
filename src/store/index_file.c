/* index_file.c - reads an index file. Nothing in it is believed before its page's checksum. */
#include "store/index_file.h"

#include "base/assert.h"
#include "base/slice.h"
#include "store/index_file_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

struct index_file {
    struct vfs_file *file;
    struct index_layout layout;
    uint32_t records;
    uint32_t id_slots;
    uint32_t term_slots;
    _Atomic uint64_t *verified; /* one bit for each page */
};

void index_file_close(struct index_file *file)
{
    if (file != NULL) {
        vfs_file_close(file->file);
        free(file->verified);
        free(file);
    }
}

static void index_file_closep(struct index_file **file)
{
    index_file_close(*file);
}

#define DAMAGED() FAIL(EVER_CORRUPT, "index file")
#define BLOCK_BYTES_MAX (INDEX_BLOCK_RECORDS * 5) /* a record takes five at most */

static bool header_is_about(const char *header, const struct index_file_info *info)
{
    return memcmp(header + HEADER_MAGIC, INDEX_MAGIC, 8) == 0 &&
           get_u32(header + HEADER_FORMAT) == INDEX_FORMAT &&
           get_u32(header + HEADER_CRC) == index_header_crc(header) &&
           memcmp(header + HEADER_STORE_ID, info->store_id.bytes, sizeof info->store_id.bytes) ==
               0 &&
           get_u32(header + HEADER_SEGMENT) == info->segment &&
           get_u32(header + HEADER_RECORD_COUNT) == info->record_count &&
           get_u64(header + HEADER_FIRST_POSITION) == info->first_position &&
           get_u64(header + HEADER_LOG_END) == info->log_end_offset;
}

/* What the disk does not give, or what was cut off, is damage like any other. */
static struct ever_err read_file(struct index_file *file, uint64_t at, void *out, size_t size)
{
    size_t got;
    struct ever_err err = file->file->methods->read_at(file->file, at, out, size, &got);
    bool is_unreadable = err.code == EVER_IO || (IS_OK(err) && got < size);
    return is_unreadable ? DAMAGED() : err;
}

static struct ever_err check_checksums(struct index_file *file, uint32_t want)
{
    char bytes[INDEX_PAGE_BYTES];
    uint32_t crc = 0;
    for (uint64_t at = file->layout.checksums; at < file->layout.end;) {
        uint64_t rest = file->layout.end - at;
        size_t size = rest < sizeof bytes ? (size_t)rest : sizeof bytes;
        TRY(read_file(file, at, bytes, size));
        crc = crc32c(crc, slice_of(bytes, size));
        at += size;
    }
    return crc == want ? ERR_OK : DAMAGED();
}

static struct ever_err check_header(struct index_file *file, const struct index_file_info *info)
{
    char header[HEADER_BYTES];
    uint64_t size;
    TRY(file->file->methods->size(file->file, &size));
    TRY(read_file(file, 0, header, sizeof header));
    if (!header_is_about(header, info)) {
        return DAMAGED();
    }
    file->records = info->record_count;
    file->id_slots = get_u32(header + HEADER_ID_SLOTS);
    file->term_slots = get_u32(header + HEADER_TERM_SLOTS);
    file->layout = index_layout_of(file->records, file->id_slots, file->term_slots,
                                   get_u32(header + HEADER_LISTS_BYTES));
    if (file->layout.end != size || file->id_slots == 0 || file->term_slots == 0) {
        return DAMAGED();
    }
    return check_checksums(file, get_u32(header + HEADER_CHECKSUMS_CRC));
}

struct ever_err index_file_open(struct vfs *vfs, const char *dir,
                                const struct index_file_info *info, struct index_file **out_file)
{
    char path[INDEX_PATH_BYTES_MAX];
    if (!index_file_path(path, dir, info->segment, "")) {
        return FAIL(EVER_LIMIT, "path of an index file");
    }
    CLEANUP(index_file_closep) struct index_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return FAIL(EVER_NO_MEMORY, "open index file");
    }
    TRY(vfs->open(vfs, path, 0, &file->file));
    TRY(file->file->methods->map(file->file));
    TRY(check_header(file, info));
    file->verified = calloc(file->layout.pages / 64 + 1, sizeof *file->verified);
    if (file->verified == NULL) {
        return FAIL(EVER_NO_MEMORY, "open index file");
    }
    *out_file = TAKE(file);
    return ERR_OK;
}

static struct ever_err check_page(struct index_file *file, uint32_t page)
{
    char bytes[INDEX_PAGE_BYTES];
    char want[4];
    uint64_t start = page == 0 ? HEADER_BYTES : (uint64_t)page * INDEX_PAGE_BYTES;
    uint64_t end = ((uint64_t)page + 1) * INDEX_PAGE_BYTES;
    end = end > file->layout.checksums ? file->layout.checksums : end;
    ASSERT(start < end);
    TRY(read_file(file, file->layout.checksums + (uint64_t)page * 4, want, sizeof want));
    TRY(read_file(file, start, bytes, (size_t)(end - start)));
    return crc32c(0, slice_of(bytes, (size_t)(end - start))) == get_u32(want) ? ERR_OK : DAMAGED();
}

static struct ever_err verify_page(struct index_file *file, uint32_t page)
{
    _Atomic uint64_t *word = &file->verified[page / 64];
    uint64_t bit = UINT64_C(1) << (page % 64);
    if ((atomic_load_explicit(word, memory_order_relaxed) & bit) != 0) {
        return ERR_OK;
    }
    TRY(check_page(file, page));
    atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    return ERR_OK;
}

/* Copies the bytes, once their pages are verified. */
static struct ever_err look(struct index_file *file, uint64_t at, char *out, size_t size)
{
    ASSERT(at <= file->layout.checksums);
    if (size > file->layout.checksums - at) {
        return DAMAGED(); /* only a list can lead there, and only a wrong one */
    }
    uint64_t last = size == 0 ? at : at + size - 1;
    for (uint64_t page = at / INDEX_PAGE_BYTES; page <= last / INDEX_PAGE_BYTES; page++) {
        TRY(verify_page(file, (uint32_t)page));
    }
    return read_file(file, at, out, size);
}

struct ever_err index_file_offset(struct index_file *file, uint32_t record, uint32_t *out_offset)
{
    ASSERT(record < file->records);
    char offset[OFFSET_BYTES];
    TRY(look(file, file->layout.offsets + (uint64_t)record * OFFSET_BYTES, offset, sizeof offset));
    *out_offset = get_u32(offset);
    return ERR_OK;
}

struct ever_err index_file_find(struct index_file *file, uint64_t term,
                                struct index_file_list *out_list)
{
    uint32_t slot = index_home((uint32_t)(term >> 32), file->term_slots);
    for (uint32_t i = 0; i < file->term_slots; i++) {
        char entry[TERM_SLOT_BYTES];
        TRY(look(file, file->layout.terms + (uint64_t)slot * sizeof entry, entry, sizeof entry));
        uint32_t count = get_u32(entry + 8);
        if (count == 0 || get_u64(entry) == term) {
            *out_list = (struct index_file_list){.count = count, .at = get_u32(entry + 12)};
            return ERR_OK;
        }
        slot = (slot + 1) % file->term_slots;
    }
    return DAMAGED(); /* a table without a free slot was not written by us */
}

/* The bytes of the block, and maybe some behind it. */
static struct ever_err read_block(struct index_file *file, struct index_file_list list,
                                  uint32_t block, char out_bytes[static BLOCK_BYTES_MAX],
                                  size_t *out_size)
{
    uint64_t lists_bytes = file->layout.checksums - file->layout.lists;
    uint64_t start = list.at;
    if (list.count > INDEX_BLOCK_RECORDS && start < lists_bytes) {
        char entry[4];
        TRY(look(file, file->layout.lists + start + (uint64_t)block * 4, entry, sizeof entry));
        start += get_u32(entry);
    }
    if (start >= lists_bytes) {
        return DAMAGED();
    }
    uint64_t rest = lists_bytes - start;
    *out_size = rest < BLOCK_BYTES_MAX ? (size_t)rest : BLOCK_BYTES_MAX;
    return look(file, file->layout.lists + start, out_bytes, *out_size);
}

static struct ever_err decode_block(const struct index_file *file, struct ever_slice bytes,
                                    uint32_t count, uint32_t *out_records)
{
    struct byte_reader reader = byte_reader_of(bytes);
    uint64_t record = 0;
    for (uint32_t i = 0; i < count; i++) {
        record += read_varint(&reader);
        if (reader.bad || record >= file->records) {
            return DAMAGED();
        }
        out_records[i] = (uint32_t)record;
    }
    return ERR_OK;
}

struct ever_err index_file_block(struct index_file *file, struct index_file_list list,
                                 uint32_t block, uint32_t out_records[static INDEX_BLOCK_RECORDS],
                                 uint32_t *out_count)
{
    uint32_t first = block * INDEX_BLOCK_RECORDS;
    ASSERT(first < list.count);
    uint32_t count = list.count - first;
    *out_count = count < INDEX_BLOCK_RECORDS ? count : INDEX_BLOCK_RECORDS;
    if (list.count == 1) {
        out_records[0] = list.at;
        return list.at < file->records ? ERR_OK : DAMAGED();
    }
    char bytes[BLOCK_BYTES_MAX];
    size_t size;
    TRY(read_block(file, list, block, bytes, &size));
    return decode_block(file, slice_of(bytes, size), *out_count, out_records);
}

struct ever_err index_file_ids(struct index_file *file, uint32_t id_tag, uint32_t skip,
                               uint32_t *out_records, uint32_t room, uint32_t *out_count)
{
    uint32_t found = 0;
    uint32_t slot = index_home(id_tag, file->id_slots);
    for (uint32_t i = 0; i < file->id_slots && found < room; i++) {
        char entry[ID_SLOT_BYTES];
        TRY(look(file, file->layout.ids + (uint64_t)slot * sizeof entry, entry, sizeof entry));
        uint32_t value = get_u32(entry + 4);
        if (value == 0) {
            break;
        }
        if (get_u32(entry) == id_tag && skip == 0) {
            out_records[found++] = value - 1;
        } else if (get_u32(entry) == id_tag) {
            skip--;
        }
        slot = (slot + 1) % file->id_slots;
    }
    *out_count = found;
    return ERR_OK;
}
