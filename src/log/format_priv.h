/* format_priv.h - the bytes on disk: segment header, block header, record header.
 *
 * docs/format.md specifies them. Little-endian. Encoders fill every byte; decoders check magic and
 * checksum, and leave to the caller whether what they say fits the place they were found in. */
#pragma once
#include "base/checksum.h"
#include "log/log.h"

#define FORMAT_VERSION 1u
#define SEGMENT_HEADER_BYTES 128u
#define BLOCK_HEADER_BYTES 96u
#define RECORD_HEADER_BYTES LOG_RECORD_HEAD_BYTES
#define ALIGNMENT_MIN 512u        /* every block begins at a multiple of it */
#define ALIGNMENT_MAX (64u << 10) /* a device that wants more is written through the page cache */
#define SEGMENT_BYTES_MAX (UINT64_C(1) << 31)

struct segment_header {
    struct ever_uuid store_id;
    uint32_t version;
    uint32_t number;
    uint32_t alignment; /* blocks begin at multiples of it; the first one at `alignment` */
    uint64_t size;      /* no block reaches further */
    uint64_t first_position;
    /* Where the log ended when this segment began. Zero in the first segment. */
    uint64_t before_end;         /* bytes used of the segment before */
    uint32_t before_last_block;  /* offset of its last block; 0 when it has none */
    struct hash128 before_chain; /* hash of the last block of the log */
    int64_t before_time_ns;      /* time of that block */
};

struct block_header {
    struct ever_uuid store_id;
    uint32_t segment;
    uint32_t offset; /* its own, in the segment */
    uint64_t first_position;
    int64_t time_ns;
    uint32_t record_count; /* 0: it only attests what stands before it */
    uint32_t payload_bytes;
    uint32_t payload_crc;
    uint32_t durable_offset; /* all bytes of the segment below it were on disk before this write */
    struct hash128 previous; /* of the block before it in the log, header and payload */
    uint32_t flags;          /* none is defined; a reader refuses what it does not know */
};

struct record_header {
    uint32_t crc;
    uint32_t size;
    int64_t time_ns;
};

/* `out` has SEGMENT_HEADER_BYTES. */
void segment_header_encode(const struct segment_header *header, char *out);
/* EVER_CORRUPT: no segment header. EVER_UNSUPPORTED: of a newer version. */
struct ever_err segment_header_decode(const char *bytes, struct segment_header *out_header);

/* `out` has BLOCK_HEADER_BYTES. */
void block_header_encode(const struct block_header *header, char *out);
bool block_header_decode(const char *bytes, struct block_header *out_header);

/* The place of one block in its segment. */
static inline uint32_t block_end_exact(const struct block_header *block)
{
    return block->offset + BLOCK_HEADER_BYTES + block->payload_bytes;
}

static inline uint64_t round_up(uint64_t value, uint32_t power_of_two)
{
    return (value + power_of_two - 1) & ~(uint64_t)(power_of_two - 1);
}

/* Writes header and bytes of a record to `out`; returns how many bytes that is. */
size_t record_encode(uint64_t position, int64_t time_ns, struct ever_slice bytes, char *out);
void record_header_decode(const char *bytes, struct record_header *out_header);
/* `record` is header and bytes. Whether it is whole, and the one of that position. */
bool record_is_whole(struct ever_slice record, uint64_t position);
