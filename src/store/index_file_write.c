/* index_file_write.c - makes an index file from the index in memory: the whole image, then one
 * write, one sync, one rename. */
#include "store/index_file_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

bool index_file_path(char out_path[static INDEX_PATH_BYTES_MAX], const char *dir, uint32_t segment,
                     const char *suffix)
{
    int size = snprintf(out_path, INDEX_PATH_BYTES_MAX, "%s/%010u.idx%s", dir, segment, suffix);
    return size > 0 && size < INDEX_PATH_BYTES_MAX;
}

struct image {
    const struct index_memory *memory;
    struct index_layout layout;
    uint32_t records;
    uint32_t id_slots;
    uint32_t term_slots;
    uint32_t lists_bytes;
    char *bytes;
};

static uint32_t varint_bytes(uint32_t value)
{
    uint32_t size = 1;
    for (; value >= 0x80; value >>= 7) {
        size++;
    }
    return size;
}

static uint32_t block_count(uint32_t records)
{
    return (records + INDEX_BLOCK_RECORDS - 1) / INDEX_BLOCK_RECORDS;
}

/* A list of several blocks begins with where each block begins; a short one needs no such table. */
static uint32_t table_bytes(uint32_t records)
{
    return block_count(records) > 1 ? block_count(records) * 4 : 0;
}

/* In a block the first record stands as it is, the others as the distance from the one before. */
static uint32_t distance(const struct numbers *numbers, uint32_t index)
{
    uint32_t value = numbers_at(numbers, index);
    return index % INDEX_BLOCK_RECORDS == 0 ? value : value - numbers_at(numbers, index - 1);
}

static uint64_t list_bytes(const struct numbers *numbers)
{
    uint32_t count = numbers_count(numbers);
    if (count <= 1) {
        return 0;
    }
    uint64_t size = table_bytes(count);
    for (uint32_t i = 0; i < count; i++) {
        size += varint_bytes(distance(numbers, i));
    }
    return size;
}

static char *put_list(char *at, const struct numbers *numbers)
{
    char *list = at;
    uint32_t count = numbers_count(numbers);
    at += table_bytes(count);
    for (uint32_t i = 0; i < count; i++) {
        if (block_count(count) > 1 && i % INDEX_BLOCK_RECORDS == 0) {
            put_u32(list + (size_t)(i / INDEX_BLOCK_RECORDS) * 4, (uint32_t)(at - list));
        }
        at = put_varint(at, distance(numbers, i));
    }
    return at;
}

/* Three quarters full at most, and never quite full. */
static uint32_t slots_for(uint64_t count)
{
    uint64_t slots = count + count / 3 + 4;
    return slots > UINT32_MAX ? 0 : (uint32_t)slots;
}

static struct ever_err measure(struct image *image)
{
    uint64_t ids = 0;
    uint64_t cursor = 0;
    for (uint32_t hash, value; slots_each(&image->memory->id_slots, &cursor, &hash, &value);) {
        ids++;
    }
    uint64_t lists = 0;
    for (uint32_t i = 0; i < image->memory->term_count; i++) {
        lists += list_bytes(&index_memory_term_at(image->memory, i)->records);
    }
    image->id_slots = slots_for(ids);
    image->term_slots = slots_for(image->memory->term_count);
    if (image->id_slots == 0 || image->term_slots == 0 || lists > UINT32_MAX) {
        return FAIL(EVER_LIMIT, "index file of this size");
    }
    image->lists_bytes = (uint32_t)lists;
    image->layout =
        index_layout_of(image->records, image->id_slots, image->term_slots, image->lists_bytes);
    return ERR_OK;
}

static void fill_offsets(struct image *image)
{
    char *at = image->bytes + image->layout.offsets;
    for (uint32_t i = 0; i < image->records; i++) {
        put_u32(at + (size_t)i * OFFSET_BYTES, numbers_at(&image->memory->offsets, i));
    }
}

static void fill_ids(struct image *image)
{
    char *ids = image->bytes + image->layout.ids;
    uint64_t cursor = 0;
    for (uint32_t hash, value; slots_each(&image->memory->id_slots, &cursor, &hash, &value);) {
        uint32_t slot = index_home(hash, image->id_slots);
        while (get_u32(ids + (size_t)slot * ID_SLOT_BYTES + 4) != 0) {
            slot = (slot + 1) % image->id_slots;
        }
        put_u32(ids + (size_t)slot * ID_SLOT_BYTES, hash);
        put_u32(ids + (size_t)slot * ID_SLOT_BYTES + 4, value);
    }
}

static char *free_term_slot(struct image *image, uint64_t hash)
{
    char *terms = image->bytes + image->layout.terms;
    uint32_t slot = index_home((uint32_t)(hash >> 32), image->term_slots);
    while (get_u32(terms + (size_t)slot * TERM_SLOT_BYTES + 8) != 0) {
        slot = (slot + 1) % image->term_slots;
    }
    return terms + (size_t)slot * TERM_SLOT_BYTES;
}

static void fill_terms(struct image *image)
{
    char *lists = image->bytes + image->layout.lists;
    char *at = lists;
    for (uint32_t i = 0; i < image->memory->term_count; i++) {
        const struct term_entry *entry = index_memory_term_at(image->memory, i);
        uint32_t count = numbers_count(&entry->records);
        if (count == 0) {
            continue; /* memory ran out just when the term was new */
        }
        char *slot = free_term_slot(image, entry->hash);
        put_u64(slot, entry->hash);
        put_u32(slot + 8, count);
        put_u32(slot + 12, count == 1 ? numbers_at(&entry->records, 0) : (uint32_t)(at - lists));
        at = count == 1 ? at : put_list(at, &entry->records);
    }
    ASSERT(at == lists + image->lists_bytes);
}

static void fill_header(struct image *image, const struct index_file_info *info)
{
    char *header = image->bytes;
    memcpy(header + HEADER_MAGIC, INDEX_MAGIC, 8);
    put_u32(header + HEADER_FORMAT, INDEX_FORMAT);
    memcpy(header + HEADER_STORE_ID, info->store_id.bytes, sizeof info->store_id.bytes);
    put_u32(header + HEADER_SEGMENT, info->segment);
    put_u32(header + HEADER_RECORD_COUNT, image->records);
    put_u64(header + HEADER_FIRST_POSITION, info->first_position);
    put_u64(header + HEADER_LOG_END, info->log_end_offset);
    put_u32(header + HEADER_ID_SLOTS, image->id_slots);
    put_u32(header + HEADER_TERM_SLOTS, image->term_slots);
    put_u32(header + HEADER_LISTS_BYTES, image->lists_bytes);
}

static struct ever_slice page_of(struct ever_slice bytes, uint64_t checksums, uint32_t page)
{
    uint64_t start = (uint64_t)page * INDEX_PAGE_BYTES;
    uint64_t size = checksums - start < INDEX_PAGE_BYTES ? checksums - start : INDEX_PAGE_BYTES;
    return slice_of(bytes.data + start, size);
}

/* The header's own checksum covers that of the checksums, so page 0 leaves the header out. */
static void fill_checksums(struct image *image)
{
    struct ever_slice bytes = slice_of(image->bytes, image->layout.end);
    char *checksums = image->bytes + image->layout.checksums;
    for (uint32_t page = 0; page < image->layout.pages; page++) {
        struct ever_slice part = page_of(bytes, image->layout.checksums, page);
        part = page == 0 ? slice_from(part, HEADER_BYTES) : part;
        put_u32(checksums + (size_t)page * 4, crc32c(0, part));
    }
    put_u32(image->bytes + HEADER_CHECKSUMS_CRC,
            crc32c(0, slice_of(checksums, (size_t)image->layout.pages * 4)));
    put_u32(image->bytes + HEADER_CRC, index_header_crc(image->bytes));
}

static struct ever_err write_whole(struct vfs *vfs, const char *path, struct ever_slice bytes)
{
    struct ever_err err = vfs->remove(vfs, path); /* what an interrupted attempt left */
    if (!IS_OK(err) && err.code != EVER_NOT_FOUND) {
        return err;
    }
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs->open(vfs, path, VFS_WRITE | VFS_CREATE, &file));
    TRY(file->methods->write_at(file, 0, bytes, false));
    TRY(file->methods->sync(file));
    return file->methods->make_read_only(file);
}

static struct ever_err write_image(struct vfs *vfs, const char *dir, uint32_t segment,
                                   const struct image *image)
{
    char path[INDEX_PATH_BYTES_MAX];
    char beside[INDEX_PATH_BYTES_MAX];
    if (!index_file_path(path, dir, segment, "") ||
        !index_file_path(beside, dir, segment, ".new")) {
        return FAIL(EVER_LIMIT, "path of an index file");
    }
    TRY(write_whole(vfs, beside, slice_of(image->bytes, image->layout.end)));
    TRY(vfs->rename(vfs, beside, path));
    return vfs->sync_dir(vfs, dir);
}

struct ever_err index_file_write(struct vfs *vfs, const char *dir,
                                 const struct index_file_info *info,
                                 const struct index_memory *memory)
{
    ASSERT(index_memory_count(memory) == info->record_count);
    ASSERT(!memory->has_holes);
    struct image image = {.memory = memory, .records = info->record_count};
    TRY(measure(&image));
    image.bytes = calloc(1, image.layout.end);
    if (image.bytes == NULL) {
        return FAIL(EVER_NO_MEMORY, "write index file");
    }
    fill_offsets(&image);
    fill_ids(&image);
    fill_terms(&image);
    fill_header(&image, info);
    fill_checksums(&image);
    struct ever_err err = write_image(vfs, dir, info->segment, &image);
    free(image.bytes);
    return err;
}
