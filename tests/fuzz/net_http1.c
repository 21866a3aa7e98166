/* Any bytes as a stream of HTTP/1.x requests, read whole, byte by byte, and in pieces: the outcome
 * must be the same, and what is accepted must keep the rules a peer may rely on. */
#include "fuzz.h"

#include "base/assert.h"
#include "base/text.h"
#include "net/http1.h"

#include <stdlib.h>

static const struct http1_limits limits = {
    .target_bytes_max = 64, .header_bytes_max = 512, .body_bytes_max = 256};

struct reader {
    struct http1 parser;
    struct http1_message message;
    bool refused;
    struct text outcome; /* of all requests so far */
};

static void check_no_control_characters(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        ASSERT((c >= 0x20 || c == '\t') && c != 0x7f);
    }
}

static void check_request(const struct http1_message *message)
{
    const struct http_request *request = &message->request;
    ASSERT(http1_is_token(request->method));
    ASSERT(request->target.size > 0 && request->target.size <= limits.target_bytes_max);
    ASSERT(request->path.size > 0);
    ASSERT(request->header_count <= HTTP1_FIELDS_MAX);
    ASSERT(request->body.size <= limits.body_bytes_max);
    check_no_control_characters(request->target);
    for (size_t i = 0; i < request->header_count; i++) {
        ASSERT(http1_is_token(request->headers[i].name));
        check_no_control_characters(request->headers[i].value);
    }
    struct ever_slice length = http_request_header(request, "Content-Length");
    struct ever_slice coding = http_request_header(request, "Transfer-Encoding");
    ASSERT(length.data == NULL || coding.data == NULL);
    ASSERT(length.data != NULL || coding.data != NULL || request->body.size == 0);
    ASSERT(message->is_1_0 || http_request_header(request, "Host").data != NULL);
}

static void note_request(struct text *outcome, const struct http1_message *message)
{
    const struct http_request *request = &message->request;
    text_add(outcome, request->method);
    text_add(outcome, request->target);
    text_add(outcome, request->path);
    text_add_byte(outcome, '?');
    text_add(outcome, request->query);
    text_add_u64(outcome, request->header_count);
    for (size_t i = 0; i < request->header_count; i++) {
        text_add(outcome, request->headers[i].name);
        text_add_byte(outcome, ':');
        text_add(outcome, request->headers[i].value);
    }
    text_add_byte(outcome, message->keep_alive ? '+' : '-');
    text_add(outcome, request->body);
}

static void feed(struct reader *reader, struct ever_slice bytes)
{
    while (bytes.size > 0 && !reader->refused) {
        size_t used = 0;
        enum http1_event event = http1_feed(&reader->parser, bytes, &used);
        ASSERT(used > 0 && used <= bytes.size);
        ASSERT(event != HTTP1_MORE || used == bytes.size);
        bytes = slice_from(bytes, used);
        if (event == HTTP1_CONTINUE) {
            text_add_text(&reader->outcome, "[continue]");
        } else if (event == HTTP1_REFUSED) {
            ASSERT(reader->parser.refusal.status >= 400 && reader->parser.refusal.status < 600);
            text_add_u64(&reader->outcome, reader->parser.refusal.status);
            text_add_text(&reader->outcome, reader->parser.refusal.detail);
            reader->refused = true;
        } else if (event == HTTP1_REQUEST) {
            check_request(&reader->message);
            note_request(&reader->outcome, &reader->message);
            http1_begin(&reader->parser, &limits, &reader->message);
        }
    }
}

static size_t step_of(unsigned way, size_t turn)
{
    static const uint8_t uneven[] = {1, 2, 3, 1, 17, 5, 1, 64, 2, 7};
    return way == 1 ? 1 : uneven[turn % sizeof uneven];
}

static struct text read_in_pieces(struct ever_slice bytes, unsigned way)
{
    struct reader reader = {0};
    http1_begin(&reader.parser, &limits, &reader.message);
    size_t turn = 0;
    while (bytes.size > 0 && !reader.refused) {
        size_t step = way == 0 ? bytes.size : step_of(way, turn++);
        step = step < bytes.size ? step : bytes.size;
        /* A copy of exactly this size: the reader may not look beyond, or back at what it had. */
        char *piece = malloc(step);
        ASSERT(piece != NULL);
        memcpy(piece, bytes.data, step);
        feed(&reader, slice_of(piece, step));
        free(piece);
        bytes = slice_from(bytes, step);
    }
    http1_message_deinit(&reader.message);
    return reader.outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ever_slice bytes = slice_of(data, size);
    struct text whole = read_in_pieces(bytes, 0);
    for (unsigned way = 1; way <= 2; way++) {
        struct text cut = read_in_pieces(bytes, way);
        ASSERT(slice_equal(text_slice(&whole), text_slice(&cut)));
        text_deinit(&cut);
    }
    text_deinit(&whole);
    return 0;
}
