#include "gateway/wire/base64.h"

#include "base/slice.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes, most significant first, as if zeroes followed. */
static uint32_t group_of(const char *bytes, size_t count)
{
    uint32_t group = 0;
    for (size_t i = 0; i < 3; i++) {
        group = group << 8 | (i < count ? (unsigned char)bytes[i] : 0);
    }
    return group;
}

void base64_write(struct text *out, struct ever_slice bytes)
{
    char *at = text_reserve(out, (bytes.size + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t group = group_of(bytes.data + i, count);
        *at++ = alphabet[group >> 18];
        *at++ = alphabet[group >> 12 & 63];
        *at++ = count > 1 ? alphabet[group >> 6 & 63] : '=';
        *at++ = count > 2 ? alphabet[group & 63] : '=';
    }
    out->size += (bytes.size + 2) / 3 * 4;
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
