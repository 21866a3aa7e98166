/* log.h - the append-only log: checksummed records in segment files, in one total order.
 *
 * A record is opaque bytes with a position: 1, 2, 3 ... without gaps. One log_append() writes all
 * its records in one block: after a crash all of them are there, or none.
 *
 * Durable:  records are on disk when log_append() returns OK; readers see durable records only.
 * Threads:  one thread at a time appends. log_committed(), log_read() and cursors may be used from
 *           any thread at any time and never make the writer wait.
 * Memory:   a tail of recent blocks is kept in memory, so that who follows the log reads no disk.
 * Recovery: log_open() finds the end. What lies behind the last whole block was never acknowledged:
 *           it is left where it is, and a new segment names the end that counts. Damage below an
 *           offset that a later block attests as durable is corruption: nothing is written any
 *           more, the rest is served. Nothing is ever truncated or written over.
 * Closing:  log_close() attests the end, so that damage to the last records is told, too. After a
 *           crash nobody does: damage to the very last block looks like an append that never was.
 * Time:     comes with log_append(); the log has no clock.
 * Format:   docs/format.md, section "Segments". */
#pragma once
#include "base/vfs.h"

struct log;        /* Opaque: only src/log/ looks inside. */
struct log_cursor; /* Opaque: belongs to one reader thread at a time. */

/* Where a record lies. Stays valid for ever: index files keep it. */
struct log_address {
    uint32_t segment; /* number of the segment file, from 1 */
    uint32_t offset;  /* of the record in it, in bytes; segments are smaller than 4 GiB */
};

struct log_record {
    uint64_t position;
    int64_t time_ns; /* of its block */
    struct log_address address;
    struct ever_slice bytes;
};

struct log_options {
    uint64_t segment_bytes;    /* Of new segments; power of two, 64 KiB to 2 GiB. */
    uint32_t tail_bytes;       /* Most memory for recent blocks. */
    bool read_only;            /* Opens without lock, writes nothing, stays at the end it found. */
    bool must_exist;           /* There was a log: with no segment it is lost, and not new. */
    struct ever_uuid store_id; /* Every block carries it. */
};

#define LOG_RECORD_BYTES_MAX (8u << 20)
#define LOG_APPEND_BYTES_MAX (32u << 20) /* of all records, each with LOG_RECORD_HEAD_BYTES */
#define LOG_RECORD_HEAD_BYTES 16u

/* Opens or creates the log in the existing folder `dir` (whose own name must be durable) and finds
 * its end. Borrows `vfs` until log_close(). EVER_BUSY: somebody else writes it. EVER_CORRUPT with
 * *out_log set: see "Recovery". EVER_FOREIGN: a segment belongs to another store.
 * EVER_NOT_FOUND: must_exist, and there is no segment.
 * EVER_UNSUPPORTED: written by a newer version. EVER_INVALID: the options. */
struct ever_err log_open(struct vfs *vfs, const char *dir, const struct log_options *options,
                         struct log **out_log);
/* NULL-safe. Close cursors first. Writes one block, durably, when records were appended since the
 * end was last attested. */
void log_close(struct log *log);

/* Appends `count` >= 1 records durably; `time_ns` must not be below the last block's. The first
 * gets position log_committed() + 1; `out_addresses` has room for `count`. Borrows the bytes for
 * the call. EVER_LIMIT, EVER_NO_MEMORY, EVER_NO_SPACE: nothing was written; try again when there
 * is space. EVER_CLOSED: nothing was written, and will not be. After any other failure the log
 * refuses every append (EVER_CLOSED) until it is opened again, and the outcome of this one is
 * unknown. */
struct ever_err log_append(struct log *log, const struct ever_slice *records, uint32_t count,
                           int64_t time_ns, struct log_address *out_addresses);

/* Last durable position; 0 when empty. Any thread. */
uint64_t log_committed(const struct log *log);
/* Of the last block; 0 when empty. Writer thread. */
int64_t log_last_time_ns(const struct log *log);

/* Reads the record at `address`. `buffer` is the reader's memory: zeroed before the first use,
 * grown as needed, its bytes lent until its next use. EVER_CORRUPT: checksum or position differ, or
 * the disk does not give the bytes. EVER_NOT_FOUND: no such position or segment. */
struct log_buffer {
    char *data;
    size_t capacity;
};
void log_buffer_deinit(struct log_buffer *buffer);
struct ever_err log_read(struct log *log, struct log_address address, uint64_t position,
                         struct log_buffer *buffer, struct log_record *out_record);

/* Goes forward from the record at position `from` (>= 1), reading ahead in large pieces. next()
 * lends the bytes until the following call. EVER_END: caught up; call again when log_committed()
 * has moved. EVER_CORRUPT: the range up to *out_record->position (set even then) is damaged; the
 * next call goes on behind it. */
struct ever_err log_cursor_open(struct log *log, uint64_t from, struct log_cursor **out_cursor);
struct ever_err log_cursor_next(struct log_cursor *cursor, struct log_record *out_record);
void log_cursor_close(struct log_cursor *cursor); /* NULL-safe. */

/* Segments, oldest first; the last one is open, all others are sealed: they never change again.
 * Any thread. None at all: opened read-only before anything was written. */
struct log_segment {
    uint32_t number;         /* index + 1 */
    uint64_t first_position; /* of its first record, or of the next one to come while it is empty */
    uint64_t end_position;   /* one past its last record; grows while it is the last segment */
    int64_t first_time_ns;   /* of its first block; 0 while it is empty */
    uint64_t end_offset;     /* bytes used */
};
uint32_t log_segment_count(const struct log *log);
void log_segment_at(const struct log *log, uint32_t index, struct log_segment *out_segment);
/* Which segment holds the position (1..log_committed()): an index for log_segment_at(). */
uint32_t log_segment_of(const struct log *log, uint64_t position);

/* The first range that is damaged, when log_open() said EVER_CORRUPT. */
struct log_damage {
    uint32_t segment;
    uint64_t from_offset;
    uint64_t to_offset;
    uint64_t from_position;
    uint64_t to_position; /* last one lost; from_position - 1: no record is lost; UINT64_MAX: it is
                           * the end of the log, and nobody can tell how many there were */
};
bool log_damage(const struct log *log, struct log_damage *out_damage);
