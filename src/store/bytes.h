/* bytes.h - fixed and variable integers in the byte order of our files.
 *
 * Fixed ones are little-endian. A varint is 7 bits to a byte, low bits first, the top bit set on
 * all but the last; at most 10 bytes. Reading goes over a cursor with a sticky fault: read all,
 * check once. */
#pragma once
#include "everfold_types.h"

#include <string.h>

#define VARINT_BYTES_MAX 10

static inline void put_u32(void *at, uint32_t value)
{
    uint8_t *bytes = at;
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void put_u64(void *at, uint64_t value)
{
    uint8_t *bytes = at;
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint32_t get_u32(const void *at)
{
    const uint8_t *bytes = at;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t get_u64(const void *at)
{
    const uint8_t *bytes = at;
    return (uint64_t)get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32;
}

/* Both return the end of what they wrote. */
static inline char *put_varint(char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

static inline char *put_bytes(char *at, struct ever_slice bytes)
{
    if (bytes.size > 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    return at + bytes.size;
}

struct byte_reader {
    const char *at;
    const char *end;
    bool bad; /* once true, everything read is 0 or empty */
};

static inline struct byte_reader byte_reader_of(struct ever_slice bytes)
{
    return (struct byte_reader){.at = bytes.data, .end = bytes.data + bytes.size};
}

static inline struct ever_slice read_bytes(struct byte_reader *reader, uint64_t size)
{
    if (reader->bad || size > (uint64_t)(reader->end - reader->at)) {
        reader->bad = true;
        return (struct ever_slice){.data = NULL, .size = 0};
    }
    struct ever_slice bytes = {.data = reader->at, .size = (size_t)size};
    reader->at += size;
    return bytes;
}

static inline uint8_t read_byte(struct byte_reader *reader)
{
    struct ever_slice byte = read_bytes(reader, 1);
    return byte.size == 0 ? 0 : (uint8_t)byte.data[0];
}

static inline uint64_t read_varint(struct byte_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(reader);
        if (shift == 63 && byte > 1) {
            break; /* would not fit 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return reader->bad ? 0 : value;
        }
    }
    reader->bad = true;
    return 0;
}
