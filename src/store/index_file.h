/* index_file.h - the index of one sealed segment as an immutable file.
 *
 * Written beside and renamed, so it is whole or not there. Every page has a checksum, verified when
 * the page is first used: EVER_CORRUPT means that the file must be made again from the log, which
 * is what is true. Any thread may read. Format: docs/format.md, section "Index". */
#pragma once
#include "base/vfs.h"
#include "store/index_memory.h"

#define INDEX_BLOCK_RECORDS 128u

struct index_file;

struct index_file_info { /* what the file must be about; anything else is EVER_CORRUPT */
    struct ever_uuid store_id;
    uint32_t segment;
    uint32_t record_count;
    uint64_t first_position;
    uint64_t log_end_offset; /* bytes used of the segment */
};

/* `dir` is the folder of all index files. EVER_LIMIT: too large for the format. */
struct ever_err index_file_write(struct vfs *vfs, const char *dir,
                                 const struct index_file_info *info,
                                 const struct index_memory *memory);
struct ever_err index_file_open(struct vfs *vfs, const char *dir,
                                const struct index_file_info *info, struct index_file **out_file);
void index_file_close(struct index_file *file); /* NULL-safe. */

struct ever_err index_file_offset(struct index_file *file, uint32_t record, uint32_t *out_offset);

struct index_file_list {
    uint32_t count; /* 0: no record has the term */
    uint32_t at;    /* count 1: the record itself; else where the list begins */
};
struct ever_err index_file_find(struct index_file *file, uint64_t term,
                                struct index_file_list *out_list);
/* The records number block * INDEX_BLOCK_RECORDS and on of the list, up to a full block. */
struct ever_err index_file_block(struct index_file *file, struct index_file_list list,
                                 uint32_t block, uint32_t out_records[static INDEX_BLOCK_RECORDS],
                                 uint32_t *out_count);

/* Records whose id has this hash, at most `room`, leaving out the first `skip`. */
struct ever_err index_file_ids(struct index_file *file, uint32_t id_tag, uint32_t skip,
                               uint32_t *out_records, uint32_t room, uint32_t *out_count);
