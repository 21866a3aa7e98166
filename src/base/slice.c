#include "base/slice.h"

int slice_compare(struct ever_slice a, struct ever_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_equal_ignoring_case(struct ever_slice a, struct ever_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

size_t slice_find_byte(struct ever_slice a, char byte)
{
    const char *found = a.size == 0 ? NULL : memchr(a.data, byte, a.size);
    return found == NULL ? a.size : (size_t)(found - a.data);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct ever_slice slice_trim(struct ever_slice a)
{
    while (a.size > 0 && is_blank(a.data[0])) {
        a = slice_from(a, 1);
    }
    while (a.size > 0 && is_blank(a.data[a.size - 1])) {
        a.size--;
    }
    return a;
}

bool slice_parse_u64(struct ever_slice a, uint64_t *out_value)
{
    if (a.size == 0 || (a.size > 1 && a.data[0] == '0')) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] < '0' || a.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(a.data[i] - '0');
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}
