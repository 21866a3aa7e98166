#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* One to three bytes become four characters; what is missing is shown by '='. */
static void encode_group(const unsigned char *bytes, size_t count, char out[static 4])
{
    uint32_t group = (uint32_t)bytes[0] << 16;
    group |= count > 1 ? (uint32_t)bytes[1] << 8 : 0;
    group |= count > 2 ? bytes[2] : 0;
    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = count > 1 ? alphabet[group >> 6 & 63] : '=';
    out[3] = count > 2 ? alphabet[group & 63] : '=';
}

void base64_write(struct text *out, struct ever_slice bytes)
{
    size_t size = (bytes.size + 2) / 3 * 4;
    char *at = text_reserve(out, size);
    const unsigned char *from = (const unsigned char *)bytes.data;
    for (size_t done = 0; done < bytes.size; done += 3, at += 4) {
        size_t left = bytes.size - done;
        encode_group(from + done, left < 3 ? left : 3, at);
    }
    out->size += size;
    text_seal(out);
}
