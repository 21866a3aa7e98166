/* format.c - encoding and decoding what format_priv.h declares. */
#include "log/format_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <endian.h>
#include <string.h>

static const char segment_magic[8] = {'E', 'V', 'E', 'R', 'S', 'E', 'G', '\n'};
static const char block_magic[4] = {'E', 'V', 'B', 'K'};

static void put32(char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static void put64(char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static uint32_t get32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static uint64_t get64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static void put_hash(char *at, struct hash128 hash)
{
    put64(at, hash.low);
    put64(at + 8, hash.high);
}

static struct hash128 get_hash(const char *at)
{
    return (struct hash128){.low = get64(at), .high = get64(at + 8)};
}

/* Of `size` bytes at `from`, the rest of a header behind its checksum. */
static uint32_t crc_from(const char *bytes, size_t from, size_t size)
{
    return crc32c(0, slice_of(bytes + from, size - from));
}

/* --- Segment header -------------------------------------------------------------------------- */

void segment_header_encode(const struct segment_header *header, char *out)
{
    memset(out, 0, SEGMENT_HEADER_BYTES);
    memcpy(out, segment_magic, sizeof segment_magic);
    put32(out + 12, header->version);
    memcpy(out + 16, header->store_id.bytes, 16);
    put32(out + 32, header->number);
    put32(out + 36, header->alignment);
    put64(out + 40, header->size);
    put64(out + 48, header->first_position);
    put64(out + 56, header->before_end);
    put32(out + 64, header->before_last_block);
    put_hash(out + 72, header->before_chain);
    put64(out + 88, (uint64_t)header->before_time_ns);
    put32(out + 8, crc_from(out, 12, SEGMENT_HEADER_BYTES));
}

static bool segment_header_is_sane(const struct segment_header *header)
{
    uint32_t alignment = header->alignment;
    return alignment >= ALIGNMENT_MIN && alignment <= ALIGNMENT_MAX &&
           (alignment & (alignment - 1)) == 0 && header->size >= alignment &&
           header->size <= SEGMENT_BYTES_MAX && header->first_position >= 1;
}

struct ever_err segment_header_decode(const char *bytes, struct segment_header *out_header)
{
    if (memcmp(bytes, segment_magic, sizeof segment_magic) != 0 ||
        get32(bytes + 8) != crc_from(bytes, 12, SEGMENT_HEADER_BYTES)) {
        return FAIL(EVER_CORRUPT, "segment header is damaged");
    }
    struct segment_header header = {
        .version = get32(bytes + 12),
        .number = get32(bytes + 32),
        .alignment = get32(bytes + 36),
        .size = get64(bytes + 40),
        .first_position = get64(bytes + 48),
        .before_end = get64(bytes + 56),
        .before_last_block = get32(bytes + 64),
        .before_chain = get_hash(bytes + 72),
        .before_time_ns = (int64_t)get64(bytes + 88),
    };
    memcpy(header.store_id.bytes, bytes + 16, 16);
    if (header.version > FORMAT_VERSION) {
        return FAIL(EVER_UNSUPPORTED, "segment was written by a newer version");
    }
    if (!segment_header_is_sane(&header)) {
        return FAIL(EVER_CORRUPT, "segment header makes no sense");
    }
    *out_header = header;
    return ERR_OK;
}

/* --- Block header ---------------------------------------------------------------------------- */

void block_header_encode(const struct block_header *header, char *out)
{
    ASSERT(header->record_count > 0 || header->payload_bytes == 0);
    memset(out, 0, BLOCK_HEADER_BYTES);
    memcpy(out, block_magic, sizeof block_magic);
    memcpy(out + 8, header->store_id.bytes, 16);
    put32(out + 24, header->segment);
    put32(out + 28, header->offset);
    put64(out + 32, header->first_position);
    put64(out + 40, (uint64_t)header->time_ns);
    put32(out + 48, header->record_count);
    put32(out + 52, header->payload_bytes);
    put32(out + 56, header->payload_crc);
    put32(out + 60, header->durable_offset);
    put_hash(out + 64, header->previous);
    put32(out + 80, header->flags);
    put32(out + 4, crc_from(out, 8, BLOCK_HEADER_BYTES));
}

bool block_header_decode(const char *bytes, struct block_header *out_header)
{
    if (memcmp(bytes, block_magic, sizeof block_magic) != 0 ||
        get32(bytes + 4) != crc_from(bytes, 8, BLOCK_HEADER_BYTES)) {
        return false;
    }
    *out_header = (struct block_header){
        .segment = get32(bytes + 24),
        .offset = get32(bytes + 28),
        .first_position = get64(bytes + 32),
        .time_ns = (int64_t)get64(bytes + 40),
        .record_count = get32(bytes + 48),
        .payload_bytes = get32(bytes + 52),
        .payload_crc = get32(bytes + 56),
        .durable_offset = get32(bytes + 60),
        .previous = get_hash(bytes + 64),
        .flags = get32(bytes + 80),
    };
    memcpy(out_header->store_id.bytes, bytes + 8, 16);
    return true;
}

/* --- Record ---------------------------------------------------------------------------------- */

/* Over the position, then all of the record behind the checksum. */
static uint32_t record_crc(uint64_t position, struct ever_slice record)
{
    char place[8];
    put64(place, position);
    return crc32c(crc32c(0, slice_of(place, sizeof place)), slice_from(record, 4));
}

size_t record_encode(uint64_t position, int64_t time_ns, struct ever_slice bytes, char *out)
{
    ASSERT(bytes.size <= LOG_RECORD_BYTES_MAX);
    size_t size = RECORD_HEADER_BYTES + bytes.size;
    put32(out + 4, (uint32_t)bytes.size);
    put64(out + 8, (uint64_t)time_ns);
    if (bytes.size > 0) {
        memcpy(out + RECORD_HEADER_BYTES, bytes.data, bytes.size);
    }
    put32(out, record_crc(position, slice_of(out, size)));
    return size;
}

void record_header_decode(const char *bytes, struct record_header *out_header)
{
    *out_header = (struct record_header){
        .crc = get32(bytes),
        .size = get32(bytes + 4),
        .time_ns = (int64_t)get64(bytes + 8),
    };
}

bool record_is_whole(struct ever_slice record, uint64_t position)
{
    struct record_header header;
    record_header_decode(record.data, &header);
    return RECORD_HEADER_BYTES + (size_t)header.size == record.size &&
           header.crc == record_crc(position, record);
}
