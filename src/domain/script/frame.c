#include "domain/script/frame.h"

#include "base/assert.h"
#include "base/slice.h"

#define HEADER_BYTES 9u                     /* size, kind, id */
#define BYTES_BESIDE_PAYLOAD (1u + 4u + 1u) /* kind, id, NUL: counted by size */

static void put_u32(struct text *out, uint32_t value)
{
    char bytes[4] = {(char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};
    text_add(out, slice_of(bytes, sizeof bytes));
}

static uint32_t get_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

void script_frame_write(struct text *out, enum frame_kind kind, uint32_t id,
                        struct ever_slice payload)
{
    ASSERT(payload.size <= FRAME_PAYLOAD_BYTES_MAX);
    put_u32(out, (uint32_t)payload.size + BYTES_BESIDE_PAYLOAD);
    text_add_byte(out, (char)kind);
    put_u32(out, id);
    text_add(out, payload);
    text_add_byte(out, '\0');
}

static bool is_kind(uint8_t byte)
{
    return byte >= FRAME_COMPILE && byte <= FRAME_FAULT;
}

enum frame_status script_frame_read(struct ever_slice *bytes, struct frame *out_frame)
{
    if (bytes->size < HEADER_BYTES) {
        return FRAME_PARTIAL;
    }
    uint32_t size = get_u32(bytes->data);
    uint8_t kind = (uint8_t)bytes->data[4];
    if (size < BYTES_BESIDE_PAYLOAD || size > FRAME_PAYLOAD_BYTES_MAX + BYTES_BESIDE_PAYLOAD ||
        !is_kind(kind)) {
        return FRAME_BROKEN;
    }
    if (bytes->size < 4u + size) {
        return FRAME_PARTIAL;
    }
    struct ever_slice payload = slice_of(bytes->data + HEADER_BYTES, size - BYTES_BESIDE_PAYLOAD);
    if (payload.data[payload.size] != '\0') {
        return FRAME_BROKEN;
    }
    *out_frame = (struct frame){
        .kind = (enum frame_kind)kind, .id = get_u32(bytes->data + 5), .payload = payload};
    *bytes = slice_from(*bytes, 4u + size);
    return FRAME_WHOLE;
}
