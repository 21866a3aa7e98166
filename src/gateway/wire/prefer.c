#include "gateway/wire/prefer.h"

static struct ever_slice unquoted(struct ever_slice value)
{
    bool quoted = value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
    return quoted ? slice_of(value.data + 1, value.size - 2) : value;
}

static bool note_wait(struct prefer *prefer, struct ever_slice value)
{
    uint64_t seconds;
    if (!slice_parse_u64(value, &seconds)) {
        return false;
    }
    if (!prefer->wait_given) {
        prefer->wait_given = true;
        prefer->wait_seconds =
            seconds > PREFER_WAIT_SECONDS_MAX ? PREFER_WAIT_SECONDS_MAX : (uint32_t)seconds;
    }
    return true;
}

static bool note(struct prefer *prefer, struct ever_slice name, struct ever_slice value)
{
    if (slice_equal_ignoring_case(name, SLICE_LITERAL("wait"))) {
        return note_wait(prefer, value);
    }
    bool is_handling = slice_equal_ignoring_case(name, SLICE_LITERAL("handling"));
    if (is_handling && slice_equal_ignoring_case(value, SLICE_LITERAL("strict"))) {
        prefer->strict = !prefer->lenient;
    } else if (is_handling && slice_equal_ignoring_case(value, SLICE_LITERAL("lenient"))) {
        prefer->lenient = !prefer->strict;
    } else if (prefer->unknown.size == 0) {
        prefer->unknown = name;
    }
    return name.size > 0;
}

/* One preference: name, "=" value, then parameters behind ";", which nothing here has. */
static bool parse_one(struct prefer *prefer, struct ever_slice text)
{
    struct ever_slice main = slice_trim(slice_first(text, slice_find_byte(text, ';')));
    size_t equals = slice_find_byte(main, '=');
    struct ever_slice value = slice_from(main, equals == main.size ? equals : equals + 1);
    return note(prefer, slice_trim(slice_first(main, equals)), unquoted(slice_trim(value)));
}

static bool parse_line(struct prefer *prefer, struct ever_slice rest)
{
    while (rest.size > 0) {
        size_t size = slice_find_byte(rest, ',');
        struct ever_slice one = slice_trim(slice_first(rest, size));
        if (one.size > 0 && !parse_one(prefer, one)) {
            return false;
        }
        rest = slice_from(rest, size == rest.size ? size : size + 1);
    }
    return true;
}

bool prefer_parse(const struct http_request *request, struct prefer *out_prefer)
{
    *out_prefer = (struct prefer){0};
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (slice_equal_ignoring_case(header->name, SLICE_LITERAL("prefer")) &&
            !parse_line(out_prefer, header->value)) {
            return false;
        }
    }
    return true;
}
