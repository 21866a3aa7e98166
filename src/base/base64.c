#include "base/base64.h"

#include "base/slice.h"

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

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters, of which the last `padding` are "=". Bits that padding leaves over must
 * be zero, so that every byte string has one form. */
static bool read_group(const char *text, size_t padding, char out_bytes[static 3])
{
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - padding ? digit_value(text[i]) : 0;
        if (digit < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)digit;
    }
    for (int i = 0; i < 3; i++) {
        out_bytes[i] = (char)(group >> (16 - 8 * i));
    }
    return (padding < 1 || out_bytes[2] == 0) && (padding < 2 || out_bytes[1] == 0);
}

static size_t padding_of(struct ever_slice text)
{
    if (text.size == 0 || text.data[text.size - 1] != '=') {
        return 0;
    }
    return text.data[text.size - 2] == '=' ? 2 : 1;
}

bool base64_read(struct ever_slice text, struct arena *arena, struct ever_slice *out_bytes)
{
    if (text.size % 4 != 0) {
        return false;
    }
    size_t padding = padding_of(text);
    char *bytes = arena_alloc(arena, text.size / 4 * 3);
    for (size_t i = 0; i < text.size; i += 4) {
        bool is_last = i + 4 == text.size;
        if (!read_group(text.data + i, is_last ? padding : 0, bytes + i / 4 * 3)) {
            return false;
        }
    }
    *out_bytes = slice_of(bytes, text.size / 4 * 3 - padding);
    return true;
}
