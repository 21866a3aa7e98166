/* log_priv.h - what the files of src/log/ share. */
#pragma once
#include "log/reader_priv.h"

#define SEGMENT_TMP_NAME "next.tmp" /* a segment until it has its header */

/* The writing end. Owned by whoever appends. */
struct writer {
    struct vfs_file *file; /* the last segment's; NULL when nothing can be written */
    uint64_t offset;       /* where the next block goes */
    uint64_t filled;       /* the file has bytes, zeroes from `offset` on, up to here */
    uint32_t last_block;   /* offset of the last block in this segment, 0 when it has none */
    struct hash128 chain;  /* hash of the last block of the log */
    int64_t time_ns;       /* of that block */
    bool is_attested;      /* what stands behind the last record says that it was durable */
    bool must_roll;        /* something lies behind the end: the next block goes to a new segment */
    bool stopped;          /* a write failed, or none is allowed */
    char *buffer;          /* aligned; holds one block */
    size_t capacity;
};

struct log {
    struct vfs *vfs;
    char *dir;
    struct log_options options;
    struct vfs_lock *lock;
    struct segments segments;
    struct tail tail;
    struct writer writer;
    _Atomic uint64_t committed;
    bool is_damaged;
    struct log_damage damage;
};

/* recover.c: fills the table of segments, finds the end, gets the writer ready. Damage is noted in
 * the log, not returned. */
struct ever_err log_recover(struct log *log);
void log_note_damage(struct log *log, struct log_damage damage);

/* append.c: begins a new segment that has room for a block of `block_bytes`. */
struct ever_err writer_begin_segment(struct log *log, uint64_t block_bytes);
/* append.c: when the last block has records, writes one without behind it, or begins a segment, so
 * that damage to the last records can be told from an append that never finished. Nothing where
 * nothing may be written. A failure takes no record away; the log must then not be written on. */
struct ever_err writer_attest(struct log *log);

static inline struct segment *log_last_segment(const struct log *log)
{
    return segments_at(&log->segments, segments_count(&log->segments) - 1);
}

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}
