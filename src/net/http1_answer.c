#include "net/http1_answer_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "net/server_priv.h"

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return ""; /* the phrase may be empty; clients go by the number */
}

bool http1_status_has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* A field's text may stem from a user: no control character of it may end the line early. */
static void add_field_text(struct text *head, struct ever_slice text)
{
    char *at = text_reserve(head, text.size);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        at[i] = (c < 0x20 && c != '\t') || c == 0x7f ? ' ' : text.data[i];
    }
    head->size += text.size;
}

static void add_fields(struct text *head, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT_SLOW(http1_is_token(headers[i].name));
        add_field_text(head, headers[i].name);
        text_add(head, SLICE_LITERAL(": "));
        add_field_text(head, headers[i].value);
        text_add(head, SLICE_LITERAL("\r\n"));
    }
}

static void add_length(struct text *head, enum http1_length length, size_t body_size)
{
    if (length == HTTP1_CHUNKED) {
        text_add(head, SLICE_LITERAL("Transfer-Encoding: chunked\r\n"));
    } else if (length == HTTP1_SIZED) {
        text_add(head, SLICE_LITERAL("Content-Length: "));
        text_add_u64(head, body_size);
        text_add(head, SLICE_LITERAL("\r\n"));
    }
}

void http1_write_head(struct http_exchange *exchange, struct output *output, unsigned status,
                      const struct http_header *headers, size_t header_count,
                      enum http1_length length, size_t body_size)
{
    ASSERT(status >= 200 && status <= 599);
    struct text *head = &exchange->server->scratch;
    text_clear(head);
    text_add(head, SLICE_LITERAL("HTTP/1.1 "));
    text_add_u64(head, status);
    text_add_byte(head, ' ');
    text_add_text(head, reason_of(status));
    text_add(head, SLICE_LITERAL("\r\nDate: "));
    text_add(head, server_date(exchange->server));
    text_add(head, SLICE_LITERAL("\r\n"));
    add_fields(head, headers, header_count);
    if (http1_status_has_body(status)) {
        add_length(head, length, body_size);
    }
    if (exchange->closes) {
        text_add(head, SLICE_LITERAL("Connection: close\r\n"));
    } else if (exchange->message.is_1_0) {
        text_add(head, SLICE_LITERAL("Connection: keep-alive\r\n"));
    }
    text_add(head, SLICE_LITERAL("\r\n"));
    output_add(output, &exchange->server->blocks, text_slice(head));
}

#define CHUNK_DIGITS 8 /* leading zeros are allowed, so that the place can be kept */
#define CHUNK_BYTES_MAX UINT32_MAX

void http1_write_chunk(struct http_exchange *exchange, struct output *output,
                       struct ever_slice bytes)
{
    ASSERT(bytes.size > 0 && bytes.size <= CHUNK_BYTES_MAX); /* an empty one would end the body */
    struct output_pool *pool = &exchange->server->blocks;
    if (exchange->chunk_bytes > CHUNK_BYTES_MAX - bytes.size) {
        http1_close_chunk(exchange, output);
    }
    if (exchange->chunk_digits == NULL) {
        exchange->chunk_digits = output_reserve(output, pool, CHUNK_DIGITS + 2);
        memcpy(exchange->chunk_digits, "????????\r\n", CHUNK_DIGITS + 2);
    }
    output_add(output, pool, bytes);
    exchange->chunk_bytes += bytes.size;
}

void http1_close_chunk(struct http_exchange *exchange, struct output *output)
{
    if (exchange->chunk_digits == NULL) {
        return;
    }
    size_t size = exchange->chunk_bytes;
    for (size_t i = CHUNK_DIGITS; i > 0; i--) {
        exchange->chunk_digits[i - 1] = "0123456789abcdef"[size & 15];
        size >>= 4;
    }
    ASSERT(size == 0);
    exchange->chunk_digits = NULL;
    exchange->chunk_bytes = 0;
    output_add(output, &exchange->server->blocks, SLICE_LITERAL("\r\n"));
}

void http1_write_last_chunk(struct http_exchange *exchange, struct output *output)
{
    http1_close_chunk(exchange, output);
    output_add(output, &exchange->server->blocks, SLICE_LITERAL("0\r\n\r\n"));
}
