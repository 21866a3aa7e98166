/* reader_priv.h - bytes of one segment through a window that reads ahead; the blocks in them.
 *
 * A cursor reads from the tail in memory or through the readers' files; recovery through the file
 * the writer will use, past the page cache, so that it judges what the disk has. */
#pragma once
#include "log/segments_priv.h"
#include "log/tail_priv.h"

struct reader {
    struct log *log;
    uint32_t index;        /* of the segment */
    struct vfs_file *file; /* NULL: tail and readers' files */
    uint64_t file_size;    /* with `file`: nothing is read behind it */
    char *window;          /* bytes of the segment from `offset` on */
    uint64_t offset;
    size_t size;
    size_t capacity;
    size_t ahead_bytes; /* how much to read at once; grows while reading goes straight on */
};

/* `file` is borrowed, or NULL. */
struct ever_err reader_init(struct reader *reader, struct log *log, uint32_t index,
                            struct vfs_file *file);
void reader_deinit(struct reader *reader);
/* Goes to another segment; keeps the memory. Not with `file`. */
void reader_move(struct reader *reader, uint32_t index);
/* Reads everything anew, the size of the file too. */
struct ever_err reader_forget(struct reader *reader);

/* Lends the bytes until the next call. EVER_END: they would reach behind the end of the segment, or
 * of its file, which may be shorter than it should, or missing. */
struct ever_err reader_get(struct reader *reader, uint64_t offset, size_t size, const char **out);

/* The block header at `offset`. EVER_CORRUPT: none that belongs there. EVER_END: as above.
 * EVER_UNSUPPORTED: of a kind this version does not know. */
struct ever_err reader_block(struct reader *reader, uint64_t offset,
                             struct block_header *out_block);

/* The next place from `offset` on where a block header that belongs there stands. EVER_END: none.
 */
struct ever_err reader_find_block(struct reader *reader, uint64_t offset,
                                  struct block_header *out_block);

/* Where the next block begins. */
uint64_t reader_block_end(const struct reader *reader, const struct block_header *block);
