#include "domain/view/token_priv.h"

#include "base/slice.h"

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (signed char)c < 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes of white space or one comment at the start; 0 when a token begins there. */
static size_t gap_size(struct ever_slice text)
{
    if (is_space(text.data[0])) {
        return 1;
    }
    if (slice_starts_with(text, SLICE_LITERAL("--"))) {
        return slice_find_byte(text, '\n');
    }
    if (slice_starts_with(text, SLICE_LITERAL("/*"))) {
        const char *end = memmem(text.data + 2, text.size - 2, "*/", 2);
        return end == NULL ? text.size : (size_t)(end + 2 - text.data);
    }
    return 0;
}

static size_t word_size(struct ever_slice text, size_t from)
{
    while (from < text.size && is_word_byte(text.data[from])) {
        from++;
    }
    return from;
}

static size_t token_size(struct ever_slice text)
{
    char first = text.data[0];
    if (first == '\'' || first == '"' || first == '`' || first == '[') {
        char last = first == '[' ? ']' : first;
        size_t inside = slice_find_byte(slice_from(text, 1), last);
        return inside + 2 < text.size ? inside + 2 : text.size;
    }
    if (first == ':' || first == '@' || first == '$' || first == '?') {
        return word_size(text, 1);
    }
    size_t size = word_size(text, 0);
    return size == 0 ? 1 : size;
}

struct ever_slice view_token_next(struct ever_slice *rest)
{
    while (rest->size > 0) {
        size_t gap = gap_size(*rest);
        if (gap == 0) {
            break;
        }
        *rest = slice_from(*rest, gap);
    }
    struct ever_slice token = slice_first(*rest, rest->size == 0 ? 0 : token_size(*rest));
    *rest = slice_from(*rest, token.size);
    return token;
}

const char *view_token_find(struct ever_slice sql, const char *word)
{
    struct ever_slice rest = sql;
    struct ever_slice token = view_token_next(&rest);
    const char *first = token.data;
    for (; token.size > 0; token = view_token_next(&rest)) {
        if (slice_is(token, word)) {
            return token.data;
        }
    }
    return first;
}

static bool is_date_function(struct ever_slice word)
{
    static const char *const names[] = {"date",      "time",      "datetime",
                                        "julianday", "unixepoch", "strftime"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_ignoring_case(word, slice_of_text(names[i]))) {
            return true;
        }
    }
    return false;
}

/* `rest` begins behind the opening parenthesis. */
static bool arguments_ask_now(struct ever_slice rest)
{
    struct ever_slice token = view_token_next(&rest);
    if (slice_is(token, ")")) {
        return true;
    }
    for (unsigned depth = 1; token.size > 0; token = view_token_next(&rest)) {
        if (slice_equal_ignoring_case(token, SLICE_LITERAL("'now'"))) {
            return true;
        }
        depth += slice_is(token, "(");
        if (slice_is(token, ")") && --depth == 0) {
            return false;
        }
    }
    return false;
}

bool view_token_asks_now(struct ever_slice sql)
{
    for (struct ever_slice token; token = view_token_next(&sql), token.size > 0;) {
        struct ever_slice behind = sql;
        if (is_date_function(token) && slice_is(view_token_next(&behind), "(") &&
            arguments_ask_now(behind)) {
            return true;
        }
    }
    return false;
}
