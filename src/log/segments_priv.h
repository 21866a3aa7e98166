/* segments_priv.h - the table of segments, and the files readers have open.
 *
 * Segments are added at the end by the writer (or by recovery) and stay at their address, so
 * readers look without a lock. What grows is atomic. The open files are a bounded cache; a file is
 * opened outside the lock. Sealed segments are mapped, the last one is read with read_at.
 *
 * Also here: marks, a sparse directory of blocks per segment, one for about every 64 KiB, left by
 * whoever walked there, so that the next one begins near its goal. */
#pragma once
#include "log/format_priv.h"

#include <pthread.h>
#include <stdatomic.h>

#define SEGMENTS_PER_CHUNK 128u
#define SEGMENT_CHUNKS_MAX 8192u
#define SEGMENT_FILES_MAX 128u /* open for readers at once */
#define MARK_DISTANCE_BYTES (64u << 10)

struct segment_mark { /* a block begins at `offset`, with the record at `position` */
    uint32_t offset;
    uint64_t position;
};

struct segment_file { /* one segment, open for readers */
    struct vfs_file *file;
    bool is_mapped; /* not while the segment grows */
    uint32_t index; /* of the segment */
    uint32_t users;
    uint64_t used_at; /* larger: more recently */
};

struct segment {
    struct segment_header header; /* as on disk; stands in for it where that is damaged */
    uint64_t run_base;            /* run offset (tail_priv.h) of its first byte */
    _Atomic uint64_t end_position;
    _Atomic uint64_t end_offset;
    _Atomic int64_t first_time_ns;
    uint32_t file_place;        /* its index in segments.files, when it is there; guarded by lock */
    struct segment_mark *marks; /* ascending; guarded by segments.lock */
    uint32_t mark_count;
    uint32_t mark_capacity;
};

struct segments {
    struct vfs *vfs;
    const char *dir;
    _Atomic uint32_t count;
    struct segment *chunks[SEGMENT_CHUNKS_MAX];
    pthread_mutex_t lock;                         /* held for a few instructions, never over I/O */
    struct segment_file files[SEGMENT_FILES_MAX]; /* guarded by lock; empty where file is NULL */
    uint64_t use_count;                           /* guarded by lock */
};

void segments_init(struct segments *segments, struct vfs *vfs, const char *dir);
void segments_deinit(struct segments *segments); /* no user may be left */

uint32_t segments_count(const struct segments *segments);
struct segment *segments_at(const struct segments *segments, uint32_t index);
/* The one that holds the position: the last that begins at or before it. count >= 1. */
uint32_t segments_of(const struct segments *segments, uint64_t position);
/* Adds one, empty, ends where it begins. Takes effect for readers at once. */
struct ever_err segments_add(struct segments *segments, const struct segment_header *header,
                             uint64_t run_base);
bool segments_is_last(const struct segments *segments, uint32_t index);

/* The file name of a segment, as in "0000000001.seg". */
#define SEGMENT_NAME_BYTES 16u
void segment_name(uint32_t number, char out_name[static SEGMENT_NAME_BYTES]);
bool segment_name_parse(const char *name, uint32_t *out_number);

/* Lends the open file of a segment until segments_release(). Any thread. EVER_BUSY: more than
 * SEGMENT_FILES_MAX readers at once. */
struct ever_err segments_acquire(struct segments *segments, uint32_t index,
                                 struct segment_file **out_file);
void segments_release(struct segments *segments, struct segment_file *file);
/* As read_at(). EVER_CORRUPT with EIO: the disk does not give some of these bytes. */
struct ever_err segment_file_read(struct segment_file *open, uint64_t offset, void *buffer,
                                  size_t size, size_t *out_size);

/* Leaves a mark if the last one is far enough away. Any thread. */
void segments_mark(struct segments *segments, struct segment *segment, struct segment_mark mark);
/* The nearest mark at or before `position`; the first block when there is none. Any thread. */
struct segment_mark segments_mark_before(struct segments *segments, struct segment *segment,
                                         uint64_t position);
