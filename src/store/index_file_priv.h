/* index_file_priv.h - the layout of an index file, for its writer and its reader.
 *
 *   header | offsets | id slots | term slots | lists | page checksums
 *
 * All integers are little-endian. docs/format.md, section "Index", says the same in words. */
#pragma once
#include "base/checksum.h"
#include "store/bytes.h"
#include "store/index_file.h"

#define INDEX_MAGIC "EVERIDX\n"
#define INDEX_FORMAT 1u
#define INDEX_PAGE_BYTES 4096u
#define INDEX_PATH_BYTES_MAX 4096

enum index_header { /* byte offsets */
                    HEADER_MAGIC = 0,
                    HEADER_FORMAT = 8,
                    HEADER_CRC = 12, /* of the header with these four bytes 0 */
                    HEADER_STORE_ID = 16,
                    HEADER_SEGMENT = 32,
                    HEADER_RECORD_COUNT = 36,
                    HEADER_FIRST_POSITION = 40,
                    HEADER_LOG_END = 48,
                    HEADER_ID_SLOTS = 56,
                    HEADER_TERM_SLOTS = 60,
                    HEADER_LISTS_BYTES = 64,
                    HEADER_CHECKSUMS_CRC = 72,
                    HEADER_BYTES = 80,
};

enum index_slot_bytes {
    OFFSET_BYTES = 4,
    ID_SLOT_BYTES = 8,    /* hash, record + 1; 0 is free */
    TERM_SLOT_BYTES = 16, /* hash (8), count, at; count 0 is free */
};

struct index_layout { /* where each part begins */
    uint64_t offsets;
    uint64_t ids;
    uint64_t terms;
    uint64_t lists;
    uint64_t checksums;
    uint64_t end;
    uint32_t pages;
};

static inline struct index_layout index_layout_of(uint32_t records, uint32_t id_slots,
                                                  uint32_t term_slots, uint32_t lists_bytes)
{
    struct index_layout layout = {.offsets = HEADER_BYTES};
    layout.ids = layout.offsets + (uint64_t)records * OFFSET_BYTES;
    layout.terms = layout.ids + (uint64_t)id_slots * ID_SLOT_BYTES;
    layout.lists = layout.terms + (uint64_t)term_slots * TERM_SLOT_BYTES;
    layout.checksums = layout.lists + lists_bytes;
    layout.pages = (uint32_t)((layout.checksums + INDEX_PAGE_BYTES - 1) / INDEX_PAGE_BYTES);
    layout.end = layout.checksums + (uint64_t)layout.pages * 4;
    return layout;
}

/* The slot at which the search for a hash begins: in the order of the hashes. */
static inline uint32_t index_home(uint32_t hash, uint32_t slots)
{
    return (uint32_t)(((uint64_t)hash * slots) >> 32);
}

static inline uint32_t index_header_crc(const char *header)
{
    char copy[HEADER_BYTES];
    memcpy(copy, header, sizeof copy);
    put_u32(copy + HEADER_CRC, 0);
    return crc32c(0, (struct ever_slice){.data = copy, .size = sizeof copy});
}

/* DIR/NNNNNNNNNN.idx, or with ".new" behind it. False: the path is too long. */
bool index_file_path(char out_path[static INDEX_PATH_BYTES_MAX], const char *dir, uint32_t segment,
                     const char *suffix);
