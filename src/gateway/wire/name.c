#include "gateway/wire/name.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "net/http.h"

static const char slash_fault[] = "holds a slash, which begins another name in a URL";

static bool has_control_byte(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_dots(struct ever_slice text)
{
    return slice_is(text, ".") || slice_is(text, "..");
}

const char *label_fault(struct ever_slice label, size_t bytes_max)
{
    if (label.size == 0) {
        return "is empty";
    }
    if (label.size > bytes_max) {
        return bytes_max == EVER_STREAM_NAME_BYTES_MAX ? "is longer than 512 bytes"
                                                       : "is longer than 256 bytes";
    }
    if (has_control_byte(label)) {
        return "holds a control character";
    }
    return utf8_check(label) ? NULL : "is not valid UTF-8";
}

const char *name_fault(struct ever_slice name)
{
    static_assert(EVER_STREAM_NAME_BYTES_MAX == 512, "the sentence above says so");
    static_assert(EVER_TYPE_NAME_BYTES_MAX == 256, "the sentence above says so");
    if (is_dots(name)) {
        return "is . or .., which means a place in a path";
    }
    if (slice_find_byte(name, '/') < name.size) {
        return slash_fault;
    }
    return label_fault(name, EVER_STREAM_NAME_BYTES_MAX);
}

static const char *decode_segment(struct ever_slice raw, struct arena *arena,
                                  struct ever_slice *out_segment)
{
    if (slice_find_byte(raw, '%') == raw.size) {
        *out_segment = raw;
    } else if (!http_percent_decode(raw, arena, out_segment)) {
        return "holds a percent sign without two hexadecimal digits, %00, or escapes that are not "
               "UTF-8";
    }
    if (is_dots(*out_segment)) {
        return "is . or .., which is not resolved here";
    }
    if (slice_find_byte(*out_segment, '/') < out_segment->size) {
        return slash_fault;
    }
    return NULL;
}

const char *path_split(struct ever_slice raw, struct arena *arena, struct path *out_path,
                       struct ever_slice *out_culprit)
{
    out_path->count = 0;
    *out_culprit = raw;
    if (raw.size == 0 || raw.data[0] != '/') {
        return "does not begin with a slash";
    }
    struct ever_slice rest = slice_from(raw, 1);
    for (;;) {
        size_t size = slice_find_byte(rest, '/');
        if (out_path->count == PATH_SEGMENTS_MAX) {
            out_path->count++;
            return NULL;
        }
        *out_culprit = slice_first(rest, size);
        const char *fault =
            decode_segment(*out_culprit, arena, &out_path->segments[out_path->count]);
        if (fault == slash_fault) {
            *out_culprit = out_path->segments[out_path->count]; /* as whoever sent it knows it */
        }
        if (fault != NULL) {
            return fault;
        }
        out_path->count++;
        if (size == rest.size) {
            return NULL;
        }
        rest = slice_from(rest, size + 1);
    }
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void name_write_encoded(struct text *out, struct ever_slice name)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.size; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (is_unreserved(name.data[i])) {
            text_add_byte(out, name.data[i]);
        } else {
            char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            text_add(out, slice_of(escape, sizeof escape));
        }
    }
}
