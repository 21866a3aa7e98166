/* state_priv.h - the bytes of a node's state: whole numbers in as few bytes as they need, texts
 * with their size in front. What is read was written by the same code: it is asserted, not checked.
 */
#pragma once
#include "base/assert.h"
#include "base/slice.h"
#include "base/text.h"

static inline void state_put_u64(struct text *out, uint64_t value)
{
    char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[size++] = (char)(unsigned char)(value | 0x80);
    }
    bytes[size++] = (char)value;
    text_add(out, slice_of(bytes, size));
}

/* Small numbers of either sign are short: 0, -1, 1, -2 ... become 0, 1, 2, 3 ... */
static inline void state_put_i64(struct text *out, int64_t value)
{
    state_put_u64(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static inline void state_put_f64(struct text *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(unsigned char)(bits >> (8 * i));
    }
    text_add(out, slice_of(bytes, sizeof bytes));
}

static inline void state_put_bytes(struct text *out, struct ever_slice bytes)
{
    state_put_u64(out, bytes.size);
    text_add(out, bytes);
}

struct state_reader { /* an empty one stands for a state that is not there yet */
    const char *at;
    const char *end;
};

static inline struct state_reader state_reader(struct ever_slice state)
{
    return (struct state_reader){state.data, state.data + state.size};
}

static inline bool state_at_end(const struct state_reader *reader)
{
    return reader->at == reader->end;
}

static inline uint64_t state_get_u64(struct state_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        ASSERT(reader->at != reader->end && shift < 64);
        unsigned char byte = (unsigned char)*reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static inline int64_t state_get_i64(struct state_reader *reader)
{
    uint64_t value = state_get_u64(reader);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline double state_get_f64(struct state_reader *reader)
{
    ASSERT(reader->end - reader->at >= 8);
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits |= (uint64_t)(unsigned char)reader->at[i] << (8 * i);
    }
    reader->at += 8;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline struct ever_slice state_get_bytes(struct state_reader *reader)
{
    uint64_t size = state_get_u64(reader);
    ASSERT(size <= (uint64_t)(reader->end - reader->at));
    struct ever_slice bytes = slice_of(reader->at, (size_t)size);
    reader->at += size;
    return bytes;
}
