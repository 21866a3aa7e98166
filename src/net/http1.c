#include "net/http1.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/http1_head.h"

#include <stdlib.h>

/* The longest lines whose size has no limit of its own. */
#define REQUEST_LINE_EXTRA (HTTP1_METHOD_BYTES_MAX + sizeof "  HTTP/1.1\r\n")
#define CHUNK_LINE_BYTES_MAX (HTTP1_CHUNK_DIGITS_MAX + HTTP1_CHUNK_EXTENSION_BYTES_MAX + 2)

/* Reserved for a body before any of it has come: what a client only promises costs little. */
#define BODY_RESERVE_MAX 65536u

/* A larger body's memory is not kept for the next request. */
#define BODY_KEEP_MAX 16384u

static int on_headers_complete(llhttp_t *llhttp)
{
    struct http1 *parser = llhttp->data;
    parser->llhttp_saw_head = true;
    parser->message->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    llhttp->upgrade = 0; /* an Upgrade may be ignored, and is: the request is answered as it is */
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *bytes, size_t size)
{
    struct http1 *parser = llhttp->data;
    text_add(&parser->message->body, slice_of(bytes, size));
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http1 *parser = llhttp->data;
    parser->llhttp_saw_message = true;
    return 0;
}

static const llhttp_settings_t llhttp_callbacks = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static size_t head_capacity(const struct http1_limits *limits)
{
    return REQUEST_LINE_EXTRA + limits->target_bytes_max + limits->header_bytes_max +
           CHUNK_LINE_BYTES_MAX;
}

void http1_begin(struct http1 *parser, const struct http1_limits *limits,
                 struct http1_message *message)
{
    *parser = (struct http1){.limits = limits, .message = message};
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &llhttp_callbacks);
    parser->llhttp.data = parser;
    if (message->head_capacity < head_capacity(limits)) {
        free(message->head);
        message->head_capacity = head_capacity(limits);
        message->head = mem_alloc(message->head_capacity);
    }
    http1_message_clear(message);
}

void http1_message_clear(struct http1_message *message)
{
    if (message->body.capacity > BODY_KEEP_MAX) {
        text_deinit(&message->body);
    }
    text_clear(&message->body);
    message->head_size = 0;
    message->request = (struct http_request){.headers = message->fields};
    message->is_1_0 = false;
    message->keep_alive = false;
}

void http1_message_deinit(struct http1_message *message)
{
    free(message->head);
    text_deinit(&message->body);
    *message = (struct http1_message){0};
}

static struct http1_refusal tell_llhttp(struct http1 *parser, struct ever_slice bytes)
{
    if (llhttp_execute(&parser->llhttp, bytes.data, bytes.size) != HPE_OK) {
        return HTTP1_REFUSE(400, llhttp_get_error_reason(&parser->llhttp));
    }
    return HTTP1_FINE;
}

/* Lines */

enum line_progress { LINE_PART, LINE_WHOLE, LINE_TOO_LONG };

/* Adds bytes to the line in progress, up to its LF. */
static enum line_progress gather_line(struct http1 *parser, struct ever_slice bytes,
                                      size_t bytes_max, size_t *out_used)
{
    struct http1_message *message = parser->message;
    size_t line_end = slice_find_byte(bytes, '\n');
    bool whole = line_end < bytes.size;
    size_t take = whole ? line_end + 1 : bytes.size;
    *out_used = take;
    if (message->head_size - parser->line_start + take > bytes_max) {
        return LINE_TOO_LONG;
    }
    ASSERT(message->head_size + take <= message->head_capacity);
    memcpy(message->head + message->head_size, bytes.data, take);
    message->head_size += take;
    return whole ? LINE_WHOLE : LINE_PART;
}

static struct ever_slice gathered_line(const struct http1 *parser)
{
    return slice_of(parser->message->head + parser->line_start,
                    parser->message->head_size - parser->line_start);
}

static void keep_line(struct http1 *parser)
{
    parser->line_start = parser->message->head_size;
}

static void drop_line(struct http1 *parser)
{
    parser->message->head_size = parser->line_start;
}

static struct http1_refusal end_request_line(struct http1 *parser, struct ever_slice line)
{
    struct ever_slice content;
    HTTP1_TRY(http1_guard_line(line, &content));
    if (content.size == 0 && !parser->empty_line_seen) {
        parser->empty_line_seen = true; /* old clients send one behind a body: RFC 9112, 2.2 */
        drop_line(parser);
        return HTTP1_FINE;
    }
    struct http1_message *message = parser->message;
    HTTP1_TRY(http1_guard_request_line(content, parser->limits->target_bytes_max, &message->request,
                                       &message->is_1_0));
    keep_line(parser);
    parser->state = HTTP1_FIELDS;
    if (http1_method_is_newer(message->request.method)) {
        HTTP1_TRY(tell_llhttp(parser, SLICE_LITERAL("POST")));
        line = slice_from(line, message->request.method.size);
    }
    return tell_llhttp(parser, line);
}

static struct http1_refusal begin_body(struct http1 *parser, const struct http1_framing *framing)
{
    if (framing->chunked) {
        parser->state = HTTP1_CHUNK_LINE;
        return HTTP1_FINE;
    }
    parser->state = HTTP1_BODY;
    parser->remaining = parser->llhttp.content_length;
    if (parser->remaining > parser->limits->body_bytes_max) {
        return HTTP1_REFUSE(413, "The body is longer than this server allows.");
    }
    text_reserve(&parser->message->body,
                 parser->remaining < BODY_RESERVE_MAX ? parser->remaining : BODY_RESERVE_MAX);
    return HTTP1_FINE;
}

static struct http1_refusal end_head(struct http1 *parser, struct ever_slice line)
{
    struct http1_framing framing;
    HTTP1_TRY(http1_check_head(parser->message, &framing));
    HTTP1_TRY(tell_llhttp(parser, line));
    bool llhttp_chunked = (parser->llhttp.flags & F_CHUNKED) != 0;
    if (!parser->llhttp_saw_head || llhttp_chunked != framing.chunked) {
        return HTTP1_REFUSE(400, "The head can be read in two ways.");
    }
    keep_line(parser);
    parser->expects_continue = framing.expects_continue;
    if (parser->llhttp_saw_message) {
        parser->state = HTTP1_WHOLE;
        return HTTP1_FINE;
    }
    return begin_body(parser, &framing);
}

/* Counts and checks one field of the head or of the trailer. */
static struct http1_refusal read_field(struct http1 *parser, struct ever_slice content,
                                       struct http_header *out_field)
{
    if (parser->field_count == HTTP1_FIELDS_MAX) {
        return HTTP1_REFUSE(431, "There are more header fields than this server allows.");
    }
    HTTP1_TRY(http1_guard_field(content, out_field));
    parser->field_count++;
    parser->field_bytes += (uint32_t)content.size + 2;
    return HTTP1_FINE;
}

static struct http1_refusal end_field_line(struct http1 *parser, struct ever_slice line)
{
    struct ever_slice content;
    HTTP1_TRY(http1_guard_line(line, &content));
    if (content.size == 0) {
        return end_head(parser, line);
    }
    struct http1_message *message = parser->message;
    HTTP1_TRY(read_field(parser, content, &message->fields[parser->field_count]));
    message->request.header_count = parser->field_count;
    keep_line(parser);
    return tell_llhttp(parser, line);
}

static struct http1_refusal end_trailer_line(struct http1 *parser, struct ever_slice line)
{
    struct ever_slice content;
    HTTP1_TRY(http1_guard_line(line, &content));
    bool is_end = content.size == 0;
    if (!is_end) {
        struct http_header field;
        HTTP1_TRY(read_field(parser, content, &field));
        HTTP1_TRY(http1_guard_trailer(&field));
    }
    HTTP1_TRY(tell_llhttp(parser, line));
    drop_line(parser); /* checked, and of no use to anybody here */
    if (is_end != parser->llhttp_saw_message) {
        return HTTP1_REFUSE(400, "The trailer can be read in two ways.");
    }
    parser->state = is_end ? HTTP1_WHOLE : HTTP1_TRAILERS;
    return HTTP1_FINE;
}

static struct http1_refusal end_chunk_line(struct http1 *parser, struct ever_slice line)
{
    struct ever_slice content;
    size_t extension_bytes = 0;
    HTTP1_TRY(http1_guard_line(line, &content));
    HTTP1_TRY(http1_guard_chunk(content, &extension_bytes));
    /* Extensions mean nothing here; llhttp need not understand them. */
    HTTP1_TRY(tell_llhttp(parser, slice_first(content, content.size - extension_bytes)));
    HTTP1_TRY(tell_llhttp(parser, SLICE_LITERAL("\r\n")));
    drop_line(parser);
    parser->extension_bytes += (uint32_t)extension_bytes;
    if (parser->extension_bytes > parser->limits->header_bytes_max) {
        return HTTP1_REFUSE(400, "The chunks hold more extensions than data is worth.");
    }
    parser->remaining = parser->llhttp.content_length;
    if (parser->remaining > parser->limits->body_bytes_max - parser->message->body.size) {
        return HTTP1_REFUSE(413, "The body is longer than this server allows.");
    }
    parser->state = parser->remaining == 0 ? HTTP1_TRAILERS : HTTP1_CHUNK_DATA;
    return HTTP1_FINE;
}

static struct http1_refusal end_chunk(struct http1 *parser, struct ever_slice line)
{
    if (!slice_is(line, "\r\n")) {
        return HTTP1_REFUSE(400, "A chunk is not followed by CRLF.");
    }
    drop_line(parser);
    parser->state = HTTP1_CHUNK_LINE;
    return tell_llhttp(parser, line);
}

/* The states that read lines: how long a line may be, what is said of a longer one, and what its
 * end means. Indexed by enum http1_state. */
struct line_state {
    struct http1_refusal (*end)(struct http1 *parser, struct ever_slice line);
    struct http1_refusal too_long;
};
static const struct line_state line_states[] = {
    [HTTP1_REQUEST_LINE] = {end_request_line,
                            {414, "The request line is longer than this server allows."}},
    [HTTP1_FIELDS] = {end_field_line, {431, "The header is longer than this server allows."}},
    [HTTP1_CHUNK_LINE] = {end_chunk_line, {400, "The line of a chunk's size is too long."}},
    [HTTP1_CHUNK_END] = {end_chunk, {400, "A chunk is not followed by CRLF."}},
    [HTTP1_TRAILERS] = {end_trailer_line, {431, "The trailer is longer than this server allows."}},
};

static size_t line_bytes_max(const struct http1 *parser)
{
    switch (parser->state) {
    case HTTP1_REQUEST_LINE:
        return REQUEST_LINE_EXTRA + parser->limits->target_bytes_max;
    case HTTP1_CHUNK_LINE:
        return CHUNK_LINE_BYTES_MAX;
    case HTTP1_CHUNK_END:
        return 2;
    default:
        return parser->limits->header_bytes_max - parser->field_bytes;
    }
}

static struct http1_refusal feed_line(struct http1 *parser, struct ever_slice bytes,
                                      size_t *out_used)
{
    const struct line_state *state = &line_states[parser->state];
    switch (gather_line(parser, bytes, line_bytes_max(parser), out_used)) {
    case LINE_TOO_LONG:
        return state->too_long;
    case LINE_WHOLE:
        return state->end(parser, gathered_line(parser));
    default:
        return HTTP1_FINE;
    }
}

/* Bodies */

static struct http1_refusal feed_body(struct http1 *parser, struct ever_slice bytes,
                                      size_t *out_used)
{
    size_t take = bytes.size < parser->remaining ? bytes.size : (size_t)parser->remaining;
    *out_used = take;
    HTTP1_TRY(tell_llhttp(parser, slice_first(bytes, take)));
    parser->remaining -= take;
    if (parser->remaining > 0) {
        return HTTP1_FINE;
    }
    if (parser->state == HTTP1_CHUNK_DATA) {
        parser->state = HTTP1_CHUNK_END;
        return HTTP1_FINE;
    }
    ASSERT(parser->llhttp_saw_message);
    parser->state = HTTP1_WHOLE;
    return HTTP1_FINE;
}

static struct http1_refusal feed_step(struct http1 *parser, struct ever_slice bytes,
                                      size_t *out_used)
{
    bool in_body = parser->state == HTTP1_BODY || parser->state == HTTP1_CHUNK_DATA;
    return in_body ? feed_body(parser, bytes, out_used) : feed_line(parser, bytes, out_used);
}

enum http1_event http1_feed(struct http1 *parser, struct ever_slice bytes, size_t *out_used)
{
    ASSERT(parser->state != HTTP1_WHOLE && parser->state != HTTP1_BROKEN);
    size_t used = 0;
    while (used < bytes.size) {
        size_t step = 0;
        parser->refusal = feed_step(parser, slice_from(bytes, used), &step);
        used += step;
        *out_used = used;
        if (parser->refusal.status != 0) {
            parser->state = HTTP1_BROKEN;
            return HTTP1_REFUSED;
        }
        if (parser->state == HTTP1_WHOLE) {
            parser->message->request.body = text_slice(&parser->message->body);
            return HTTP1_REQUEST;
        }
        bool head_is_over = parser->state == HTTP1_BODY || parser->state == HTTP1_CHUNK_LINE;
        if (parser->expects_continue && head_is_over) {
            parser->expects_continue = false;
            return HTTP1_CONTINUE;
        }
    }
    *out_used = used;
    return HTTP1_MORE;
}
