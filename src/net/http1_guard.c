#include "net/http1_guard.h"

#include "base/assert.h"

#include <llhttp.h>

static const bool token_chars[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

/* Neither a control character nor DEL; a tab is a blank, and bytes from 0x80 are for the field. */
static const bool line_chars[256] = {['\t'] = true, [0x20 ... 0x7e] = true, [0x80 ... 0xff] = true};

/* ASCII but no blank, and nothing that programs disagree about: \ is a / to some, # ends a URL. */
static const bool target_chars[256] = {
    [0x21 ... '#' - 1] = true, ['#' + 1 ... '\\' - 1] = true, ['\\' + 1 ... 0x7e] = true};

static const bool authority_chars[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['.'] = true,
    ['_'] = true,         ['~'] = true,         ['!'] = true,         ['$'] = true, ['&'] = true,
    ['\''] = true,        ['('] = true,         [')'] = true,         ['*'] = true, ['+'] = true,
    [';'] = true,         ['='] = true,         ['%'] = true,         [':'] = true, ['['] = true,
    [']'] = true,
};

/* Methods younger than llhttp: RFC 10008. */
static const char newer_method[] = "QUERY";

static bool all_in(struct ever_slice text, const bool set[static 256])
{
    for (size_t i = 0; i < text.size; i++) {
        if (!set[(unsigned char)text.data[i]]) {
            return false;
        }
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool http1_is_token(struct ever_slice text)
{
    return text.size > 0 && all_in(text, token_chars);
}

struct http1_refusal http1_guard_line(struct ever_slice line, struct ever_slice *out_content)
{
    ASSERT(line.size > 0 && line.data[line.size - 1] == '\n');
    if (line.size < 2 || line.data[line.size - 2] != '\r') {
        return HTTP1_REFUSE(400, "A line ends with a bare LF; every line must end with CRLF.");
    }
    struct ever_slice content = slice_first(line, line.size - 2);
    if (!all_in(content, line_chars)) {
        return HTTP1_REFUSE(400, "A line holds a control character.");
    }
    *out_content = content;
    return HTTP1_FINE;
}

struct http1_refusal http1_guard_field(struct ever_slice content, struct http_header *out_field)
{
    ASSERT(content.size > 0);
    if (content.data[0] == ' ' || content.data[0] == '\t') {
        return HTTP1_REFUSE(400, "A header line begins with a blank; folding is not allowed.");
    }
    size_t colon = slice_find_byte(content, ':');
    if (colon == content.size) {
        return HTTP1_REFUSE(400, "A header line has no colon.");
    }
    struct ever_slice name = slice_first(content, colon);
    if (!http1_is_token(name)) {
        return HTTP1_REFUSE(400, "A header name is empty or holds a character it may not hold.");
    }
    out_field->name = name;
    out_field->value = slice_trim(slice_from(content, colon + 1));
    return HTTP1_FINE;
}

/* The request line */

static bool is_known_method(struct ever_slice method)
{
#define METHOD_ROW(number, name, text) SLICE_LITERAL(#text),
    static const struct ever_slice known[] = {HTTP_METHOD_MAP(METHOD_ROW)};
#undef METHOD_ROW
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (slice_equal(known[i], method)) {
            return !slice_is(method, "CONNECT"); /* which asks for a tunnel, not for a resource */
        }
    }
    return http1_method_is_newer(method);
}

bool http1_method_is_newer(struct ever_slice method)
{
    return slice_is(method, newer_method);
}

static struct http1_refusal check_version(struct ever_slice version, bool *out_is_1_0)
{
    *out_is_1_0 = slice_is(version, "HTTP/1.0");
    if (*out_is_1_0 || slice_is(version, "HTTP/1.1")) {
        return HTTP1_FINE;
    }
    if (version.size == 8 && slice_starts_with(version, SLICE_LITERAL("HTTP/")) &&
        is_digit(version.data[5]) && version.data[6] == '.' && is_digit(version.data[7])) {
        return HTTP1_REFUSE(505, "This server speaks HTTP/1.1 and HTTP/1.0.");
    }
    return HTTP1_REFUSE(400, "The request line does not end with an HTTP version.");
}

static bool escapes_are_whole(struct ever_slice target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] == '%' && (target.size - i < 3 || !is_hex_digit(target.data[i + 1]) ||
                                      !is_hex_digit(target.data[i + 2]))) {
            return false;
        }
    }
    return true;
}

/* %00, %0a and %0d: no path needs them, and a log, a file name or a header would break on them. */
static bool path_is_printable(struct ever_slice path)
{
    for (size_t i = 0; i + 2 < path.size; i++) {
        if (path.data[i] == '%' && path.data[i + 1] == '0') {
            char low = path.data[i + 2];
            if (low == '0' || low == 'a' || low == 'A' || low == 'd' || low == 'D') {
                return false;
            }
        }
    }
    return true;
}

/* Size of "http://" or "https://" at the start, any case; 0: neither. */
static size_t scheme_size(struct ever_slice target)
{
    static const struct ever_slice schemes[] = {SLICE_LITERAL("http://"),
                                                SLICE_LITERAL("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = schemes[i].size;
        if (target.size >= size &&
            slice_equal_ignoring_case(slice_first(target, size), schemes[i])) {
            return size;
        }
    }
    return 0;
}

static size_t authority_end(struct ever_slice target, size_t start)
{
    while (start < target.size && target.data[start] != '/' && target.data[start] != '?') {
        start++;
    }
    return start;
}

struct ever_slice http1_target_authority(struct ever_slice target)
{
    size_t start = scheme_size(target);
    if (start == 0) {
        return SLICE_NONE;
    }
    return slice_of(target.data + start, authority_end(target, start) - start);
}

static void split_path_and_query(struct ever_slice text, struct http_request *request)
{
    size_t question = slice_find_byte(text, '?');
    request->path = slice_first(text, question);
    request->query = question == text.size ? SLICE_NONE : slice_from(text, question + 1);
    if (request->path.size == 0) {
        request->path = SLICE_LITERAL("/"); /* "http://host" means its root */
    }
}

static struct http1_refusal check_target(struct http_request *request)
{
    struct ever_slice target = request->target;
    if (target.size == 0 || !all_in(target, target_chars)) {
        return HTTP1_REFUSE(400, "The target holds a character that must be percent-encoded.");
    }
    if (!escapes_are_whole(target)) {
        return HTTP1_REFUSE(400, "The target holds a % without two hexadecimal digits.");
    }
    size_t scheme = scheme_size(target);
    if (scheme > 0) {
        struct ever_slice authority = http1_target_authority(target);
        if (authority.size == 0 || !http1_is_authority(authority)) {
            return HTTP1_REFUSE(400, "The target names no valid host.");
        }
        split_path_and_query(slice_from(target, scheme + authority.size), request);
    } else if (target.data[0] == '/') {
        split_path_and_query(target, request);
    } else if (slice_is(target, "*") && slice_is(request->method, "OPTIONS")) {
        request->path = target;
    } else {
        return HTTP1_REFUSE(400, "The target is neither a path nor an http URL.");
    }
    if (!path_is_printable(request->path)) {
        return HTTP1_REFUSE(400, "The path holds an escaped NUL, CR or LF.");
    }
    return HTTP1_FINE;
}

static struct http1_refusal check_method(struct ever_slice method)
{
    if (!http1_is_token(method)) {
        return HTTP1_REFUSE(400, "The request line does not begin with a method.");
    }
    if (method.size > HTTP1_METHOD_BYTES_MAX || !is_known_method(method)) {
        return HTTP1_REFUSE(501, "The method is not known to this server.");
    }
    return HTTP1_FINE;
}

struct http1_refusal http1_guard_request_line(struct ever_slice content, uint32_t target_bytes_max,
                                              struct http_request *request, bool *out_is_1_0)
{
    size_t first = slice_find_byte(content, ' ');
    struct ever_slice rest = first == content.size ? SLICE_NONE : slice_from(content, first + 1);
    size_t second = slice_find_byte(rest, ' ');
    if (second == rest.size) {
        return HTTP1_REFUSE(400, "The request line is not \"METHOD TARGET HTTP/1.1\".");
    }
    HTTP1_TRY(check_version(slice_from(rest, second + 1), out_is_1_0));
    struct ever_slice method = slice_first(content, first);
    HTTP1_TRY(check_method(method));
    request->method = method;
    request->target = slice_first(rest, second);
    if (request->target.size > target_bytes_max) {
        return HTTP1_REFUSE(414, "The target is longer than this server allows.");
    }
    return check_target(request);
}

/* Host, chunks, trailers */

bool http1_is_authority(struct ever_slice authority)
{
    if (!all_in(authority, authority_chars)) {
        return false;
    }
    struct ever_slice port = authority;
    if (authority.size > 0 && authority.data[0] == '[') {
        size_t bracket = slice_find_byte(authority, ']');
        if (bracket == authority.size) {
            return false;
        }
        port = slice_from(authority, bracket + 1);
    }
    size_t colon = slice_find_byte(port, ':');
    if (slice_find_byte(port, '[') != port.size || slice_find_byte(port, ']') != port.size) {
        return false;
    }
    for (size_t i = colon + 1; i < port.size; i++) {
        if (!is_digit(port.data[i])) {
            return false;
        }
    }
    return port.data == authority.data || colon == 0 || port.size == 0;
}

struct http1_refusal http1_guard_chunk(struct ever_slice content, size_t *out_extension_bytes)
{
    size_t digits = 0;
    while (digits < content.size && is_hex_digit(content.data[digits])) {
        digits++;
    }
    if (digits == 0 || digits > HTTP1_CHUNK_DIGITS_MAX) {
        return HTTP1_REFUSE(400, "A chunk does not begin with its size in hexadecimal digits.");
    }
    *out_extension_bytes = content.size - digits;
    if (digits < content.size && content.data[digits] != ';') {
        return HTTP1_REFUSE(400, "Something other than an extension follows a chunk's size.");
    }
    if (*out_extension_bytes > HTTP1_CHUNK_EXTENSION_BYTES_MAX) {
        return HTTP1_REFUSE(400, "A chunk's extension is too long.");
    }
    return HTTP1_FINE;
}

struct http1_refusal http1_guard_trailer(const struct http_header *field)
{
    static const struct ever_slice forbidden[] = {
        SLICE_LITERAL("content-length"),
        SLICE_LITERAL("transfer-encoding"),
        SLICE_LITERAL("host"),
        SLICE_LITERAL("authorization"),
        SLICE_LITERAL("cookie"),
        SLICE_LITERAL("connection"),
        SLICE_LITERAL("content-encoding"),
        SLICE_LITERAL("content-type"),
        SLICE_LITERAL("content-range"),
        SLICE_LITERAL("expect"),
        SLICE_LITERAL("te"),
        SLICE_LITERAL("trailer"),
        SLICE_LITERAL("upgrade"),
    };
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        if (slice_equal_ignoring_case(field->name, forbidden[i])) {
            return HTTP1_REFUSE(400, "A trailer field belongs into the head.");
        }
    }
    return HTTP1_FINE;
}
