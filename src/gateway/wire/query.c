#include "gateway/wire/query.h"

#include "base/slice.h"
#include "base/utf8.h"
#include "net/http.h"

static struct ever_slice with_spaces(struct ever_slice raw, struct arena *arena)
{
    if (slice_find_byte(raw, '+') == raw.size) {
        return raw;
    }
    char *copy = arena_alloc(arena, raw.size);
    for (size_t i = 0; i < raw.size; i++) {
        copy[i] = raw.data[i] == '+' ? ' ' : raw.data[i];
    }
    return slice_of(copy, raw.size);
}

static bool decode(struct ever_slice raw, struct arena *arena, struct ever_slice *out_text)
{
    struct ever_slice spaced = with_spaces(raw, arena);
    if (slice_find_byte(spaced, '%') == spaced.size) {
        *out_text = spaced;
        return true;
    }
    return http_percent_decode(spaced, arena, out_text);
}

static const char *parse_pair(struct ever_slice raw, struct arena *arena,
                              struct query_pair *out_pair)
{
    size_t equals = slice_find_byte(raw, '=');
    struct ever_slice value = slice_from(raw, equals == raw.size ? equals : equals + 1);
    if (!decode(slice_first(raw, equals), arena, &out_pair->name) ||
        !decode(value, arena, &out_pair->value)) {
        return "holds a percent sign without two hexadecimal digits, %00, or escapes that are not "
               "UTF-8";
    }
    if (!utf8_check(out_pair->name) || !utf8_check(out_pair->value)) {
        return "is not valid UTF-8";
    }
    return NULL;
}

const char *query_parse(struct ever_slice raw, struct arena *arena, struct query *out_query)
{
    *out_query = (struct query){0};
    if (raw.size == 0) {
        return NULL;
    }
    out_query->pairs = arena_alloc(arena, QUERY_PAIRS_MAX * sizeof *out_query->pairs);
    for (struct ever_slice rest = raw; rest.size > 0;) {
        size_t size = slice_find_byte(rest, '&');
        if (size > 0) {
            if (out_query->count == QUERY_PAIRS_MAX) {
                return "holds more than 64 parameters";
            }
            const char *fault =
                parse_pair(slice_first(rest, size), arena, &out_query->pairs[out_query->count]);
            if (fault != NULL) {
                return fault;
            }
            out_query->count++;
        }
        rest = slice_from(rest, size == rest.size ? size : size + 1);
    }
    return NULL;
}

bool query_get(const struct query *query, const char *name, struct ever_slice *out_value)
{
    for (size_t i = 0; i < query->count; i++) {
        if (slice_is(query->pairs[i].name, name)) {
            *out_value = query->pairs[i].value;
            return true;
        }
    }
    return false;
}

size_t query_count(const struct query *query, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < query->count; i++) {
        count += slice_is(query->pairs[i].name, name);
    }
    return count;
}
