/* json.c - looking inside checked JSON without building trees, and writing it. */
#include "base/json_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const char *skip_checked_space(const char *at, const char *end)
{
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

static const char *string_end(const char *at, const char *end) /* at the opening quote */
{
    at++;
    for (;;) {
        at = json_skip_plain(at, end);
        ASSERT(at < end);
        if (*at == '"') {
            return at + 1;
        }
        at += *at == '\\' ? 2 : 1;
    }
}

static const char *container_end(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at != end) {
        char byte = *at;
        if (byte == '"') {
            at = string_end(at, end);
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return at;
        }
    }
    return end;
}

static bool ends_scalar(char byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte == ':' || byte == ' ' ||
           byte == '\n' || byte == '\r' || byte == '\t';
}

static const char *scalar_end(const char *at, const char *end)
{
    while (at != end && !ends_scalar(*at)) {
        at++;
    }
    return at;
}

static enum json_kind kind_of(char byte)
{
    switch (byte) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static struct json_value first_value(struct ever_slice text)
{
    const char *end = text.data + text.size;
    const char *at = skip_checked_space(text.data, end);
    ASSERT(at != end);
    enum json_kind kind = kind_of(*at);
    const char *stop = kind == JSON_STRING                         ? string_end(at, end)
                       : kind == JSON_OBJECT || kind == JSON_ARRAY ? container_end(at, end)
                                                                   : scalar_end(at, end);
    return (struct json_value){.kind = kind, .text = slice_of(at, (size_t)(stop - at))};
}

struct json_value json_value_of(struct ever_slice text)
{
    return first_value(text);
}

struct json_iter json_iter(struct json_value container)
{
    ASSERT(container.kind == JSON_OBJECT || container.kind == JSON_ARRAY);
    return (struct json_iter){
        .rest = slice_of(container.text.data + 1, container.text.size - 2),
        .is_object = container.kind == JSON_OBJECT,
    };
}

static struct ever_slice behind(struct ever_slice text, struct ever_slice part)
{
    size_t used = (size_t)(part.data + part.size - text.data);
    return slice_from(text, used);
}

static struct ever_slice without(struct ever_slice text, char separator)
{
    const char *end = text.data + text.size;
    const char *at = skip_checked_space(text.data, end);
    if (at != end && *at == separator) {
        at = skip_checked_space(at + 1, end);
    }
    return slice_of(at, (size_t)(end - at));
}

bool json_next(struct json_iter *iter)
{
    iter->rest = without(iter->rest, ',');
    if (iter->rest.size == 0) {
        return false;
    }
    if (iter->is_object) {
        iter->key = first_value(iter->rest);
        iter->rest = without(behind(iter->rest, iter->key.text), ':');
    }
    iter->value = first_value(iter->rest);
    iter->rest = behind(iter->rest, iter->value.text);
    return true;
}

static bool key_is(struct json_value key, struct ever_slice name)
{
    struct ever_slice inside = slice_of(key.text.data + 1, key.text.size - 2);
    if (slice_find_byte(inside, '\\') == inside.size) {
        return slice_equal(inside, name);
    }
    struct arena arena;
    arena_init(&arena);
    bool equal = slice_equal(json_string(key, &arena), name);
    arena_deinit(&arena);
    return equal;
}

bool json_member(struct json_value object, struct ever_slice key, struct json_value *out_value)
{
    if (object.kind != JSON_OBJECT) {
        return false;
    }
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        if (key_is(i.key, key)) {
            *out_value = i.value;
            return true;
        }
    }
    return false;
}

/* Decodes the escape at `at` (a backslash) to `out`; returns the first byte behind it. */
static const char *decode_escape(const char *at, const char *end, char **out)
{
    static const char codes[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    char kind = at[1];
    if (kind != 'u') {
        const char *found = strchr(codes, kind);
        ASSERT(found != NULL);
        *(*out)++ = bytes[found - codes];
        return at + 2;
    }
    uint32_t code_point = (uint32_t)json_hex4(at + 2, end);
    at += 6;
    if (json_is_high_surrogate((int32_t)code_point)) {
        uint32_t low = (uint32_t)json_hex4(at + 2, end);
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
    }
    char encoded[4];
    size_t size = utf8_encode(code_point, encoded);
    memcpy(*out, encoded, size);
    *out += size;
    return at;
}

struct ever_slice json_string(struct json_value string, struct arena *arena)
{
    ASSERT(string.kind == JSON_STRING);
    struct ever_slice inside = slice_of(string.text.data + 1, string.text.size - 2);
    if (slice_find_byte(inside, '\\') == inside.size) {
        return inside;
    }
    const char *end = inside.data + inside.size;
    char *decoded = arena_alloc(arena, inside.size + 1); /* never longer than the escaped form */
    char *out = decoded;
    for (const char *at = inside.data; at != end;) {
        if (*at == '\\') {
            at = decode_escape(at, end, &out);
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
    return slice_of(decoded, (size_t)(out - decoded));
}

bool json_integer(struct json_value number, int64_t *out_value)
{
    if (number.kind != JSON_NUMBER) {
        return false;
    }
    bool negative = number.text.data[0] == '-';
    uint64_t magnitude;
    if (!slice_parse_u64(negative ? slice_from(number.text, 1) : number.text, &magnitude)) {
        return false;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (magnitude > limit) {
        return false;
    }
    *out_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* Only an exponent or hundreds of digits lead there. The number is not the end of the text:
 * strtod() stops at what follows it. */
static bool is_beyond_double(struct ever_slice number)
{
    bool may_be = number.size > DBL_MAX_10_EXP || memchr(number.data, 'e', number.size) != NULL ||
                  memchr(number.data, 'E', number.size) != NULL;
    return may_be && isinf(strtod(number.data, NULL));
}

bool json_beyond_double(struct json_value container, struct ever_slice *out_number)
{
    ASSERT(container.kind == JSON_ARRAY || container.kind == JSON_OBJECT);
    const char *end = container.text.data + container.text.size;
    for (const char *at = container.text.data; at != end;) {
        if (*at == '"') {
            at = string_end(at, end);
        } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            struct ever_slice number = slice_of(at, (size_t)(scalar_end(at, end) - at));
            if (is_beyond_double(number)) {
                *out_number = number;
                return true;
            }
            at += number.size;
        } else {
            at++;
        }
    }
    return false;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void write_special(struct text *out, unsigned char byte)
{
    static const char *const short_forms[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (byte < sizeof short_forms / sizeof short_forms[0] && short_forms[byte] != NULL) {
        text_add_text(out, short_forms[byte]);
    } else {
        text_printf(out, "\\u%04x", byte);
    }
}

void json_write_string(struct text *out, struct ever_slice bytes)
{
    text_add_byte(out, '"');
    const char *end = bytes.data + bytes.size;
    for (const char *at = bytes.data; at != end;) {
        const char *stop = json_skip_plain(at, end);
        text_add(out, slice_of(at, (size_t)(stop - at)));
        at = stop;
        if (at == end) {
            break;
        }
        size_t size = utf8_sequence(at, end);
        if (size > 1) {
            text_add(out, slice_of(at, size));
        } else if (size == 1) {
            write_special(out, (unsigned char)*at);
        } else {
            text_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        }
        at += size == 0 ? 1 : size;
    }
    text_add_byte(out, '"');
}
