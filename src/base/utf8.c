#include "base/utf8.h"

static bool is_tail(const char *at, unsigned char low, unsigned char high)
{
    unsigned char byte = (unsigned char)*at;
    return byte >= low && byte <= high;
}

/* The table of well-formed sequences in the Unicode standard (3-7), one line for each row group. */
size_t utf8_sequence(const char *at, const char *end)
{
    if (at == end) {
        return 0;
    }
    unsigned char lead = (unsigned char)*at;
    size_t size = lead < 0x80   ? 1
                  : lead < 0xc2 ? 0
                  : lead < 0xe0 ? 2
                  : lead < 0xf0 ? 3
                  : lead < 0xf5 ? 4
                                : 0;
    if (size < 2) {
        return size;
    }
    if ((size_t)(end - at) < size) {
        return 0;
    }
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (!is_tail(at + 1, low, high)) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (!is_tail(at + i, 0x80, 0xbf)) {
            return 0;
        }
    }
    return size;
}

bool utf8_check(struct ever_slice text)
{
    const char *end = text.data + text.size;
    for (const char *at = text.data; at != end;) {
        size_t size = utf8_sequence(at, end);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

size_t utf8_encode(uint32_t code_point, char out_bytes[static 4])
{
    if (code_point < 0x80) {
        out_bytes[0] = (char)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--) {
        out_bytes[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out_bytes[0] = (char)(leads[size] | code_point);
    return size;
}
