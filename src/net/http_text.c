/* The helpers of http.h that only look at text. */
#include "net/http.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct ever_slice http_request_header(const struct http_request *request, const char *name)
{
    struct ever_slice wanted = slice_of_text(name);
    for (size_t i = 0; i < request->header_count; i++) {
        if (slice_equal_ignoring_case(request->headers[i].name, wanted)) {
            return request->headers[i].value;
        }
    }
    return SLICE_NONE;
}

/* Hosts */

/* "localhost:80" -> "localhost", "[::1]:80" -> "::1"; an address with colons is left whole. */
static struct ever_slice without_port(struct ever_slice host)
{
    if (host.size > 0 && host.data[0] == '[') {
        host = slice_from(host, 1);
        return slice_first(host, slice_find_byte(host, ']'));
    }
    size_t colon = slice_find_byte(host, ':');
    bool is_last =
        colon < host.size && memchr(host.data + colon + 1, ':', host.size - colon - 1) == NULL;
    return is_last ? slice_first(host, colon) : host;
}

bool http_is_loopback(struct ever_slice host)
{
    char name[INET6_ADDRSTRLEN];
    host = without_port(host);
    int size = snprintf(name, sizeof name, "%.*s", SLICE_PRINT(host));
    if (size >= (int)sizeof name) {
        return false;
    }
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, name, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return slice_equal_ignoring_case(host, SLICE_LITERAL("localhost")) ||
           (inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
}

/* Percent-encoding */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of the escape at the start of `text`; -1: it is none. */
static int escaped_byte(struct ever_slice text)
{
    if (text.size < 3) {
        return -1;
    }
    int high = hex_value(text.data[1]);
    int low = hex_value(text.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool http_percent_decode(struct ever_slice text, struct arena *arena, struct ever_slice *out_text)
{
    char *decoded = arena_alloc(arena, text.size + 1);
    size_t size = 0;
    while (text.size > 0) {
        size_t step = 1;
        char c = text.data[0];
        if (c == '%') {
            int byte = escaped_byte(text);
            if (byte < 0) {
                return false;
            }
            c = (char)byte;
            step = 3;
        }
        if (c == '\0') {
            return false;
        }
        decoded[size++] = c;
        text = slice_from(text, step);
    }
    decoded[size] = '\0';
    if (!utf8_check(slice_of(decoded, size))) {
        return false;
    }
    *out_text = slice_of(decoded, size);
    return true;
}

/* Accept */

/* Cuts the part before the first `separator` outside of quotes off `rest`, trimmed. */
static struct ever_slice next_part(struct ever_slice *rest, char separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->size; i++) {
        char c = rest->data[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == separator && !quoted) {
            break;
        }
    }
    size_t end = i < rest->size ? i : rest->size;
    struct ever_slice part = slice_trim(slice_first(*rest, end));
    *rest = end == rest->size ? SLICE_NONE : slice_from(*rest, end + 1);
    return part;
}

/* "0.5" -> 500. What is not a quality by RFC 9110, 12.4.2, counts as none given. */
static unsigned parse_quality(struct ever_slice text)
{
    if (text.size == 0 || text.size > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.size > 1 && text.data[1] != '.')) {
        return 1000;
    }
    unsigned quality = (unsigned)(text.data[0] - '0') * 1000;
    unsigned unit = 100;
    for (size_t i = 2; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 1000;
        }
        quality += (unsigned)(text.data[i] - '0') * unit;
        unit /= 10;
    }
    return quality > 1000 ? 1000 : quality;
}

/* How closely a media range names `type`: 3 exactly, 2 by "text/ *", 1 by "* / *", 0 not at all. */
static unsigned closeness(struct ever_slice range, struct ever_slice type)
{
    if (slice_is(range, "*/*") || slice_is(range, "*")) {
        return 1;
    }
    if (slice_equal_ignoring_case(range, type)) {
        return 3;
    }
    size_t slash = slice_find_byte(type, '/');
    if (range.size == slash + 2 && slash < type.size && range.data[slash + 1] == '*' &&
        slice_equal_ignoring_case(slice_first(range, slash + 1), slice_first(type, slash + 1))) {
        return 2;
    }
    return 0;
}

unsigned http_accept_quality(struct ever_slice accept, const char *type)
{
    if (slice_trim(accept).size == 0) {
        return 1000;
    }
    unsigned best_closeness = 0;
    unsigned quality = 0;
    while (accept.size > 0) {
        struct ever_slice element = next_part(&accept, ',');
        unsigned close = closeness(next_part(&element, ';'), slice_of_text(type));
        if (close <= best_closeness) {
            continue;
        }
        best_closeness = close;
        quality = 1000;
        while (element.size > 0) {
            struct ever_slice parameter = next_part(&element, ';');
            if (parameter.size >= 2 && (parameter.data[0] == 'q' || parameter.data[0] == 'Q') &&
                parameter.data[1] == '=') {
                quality = parse_quality(slice_from(parameter, 2));
            }
        }
    }
    return quality;
}
