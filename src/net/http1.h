/* http1.h - requests of HTTP/1.0 and HTTP/1.1 as a codec: bytes in, whole requests out. No I/O.
 *
 * Two readers must agree on every line: a guard of our own (http1_guard.h), and llhttp behind it,
 * which gets a line only when it is whole and the guard let it pass. In how many pieces the bytes
 * arrive makes no difference to what comes out.
 *
 *     REQUEST_LINE -> FIELDS --+--------------------------> whole
 *                              +-> BODY -------------------> whole
 *                              +-> CHUNK_LINE -> TRAILERS -> whole
 *                                  |      ^
 *                                  v      |
 *                              CHUNK_DATA -> CHUNK_END         any state -> REFUSED, for ever
 *
 * Memory: a message in progress holds its head (up to the limits) and its body as it comes in; the
 * parser itself holds none. */
#pragma once
#include "base/text.h"
#include "net/http1_guard.h"

#include <llhttp.h>

#define HTTP1_FIELDS_MAX HTTP_FIELDS_MAX

struct http1_limits {
    uint32_t target_bytes_max; /* 414 beyond */
    uint32_t header_bytes_max; /* of all fields, those of a trailer too: 431 beyond */
    size_t body_bytes_max;     /* 413 beyond */
};

/* One request. Zero-initialised is empty and valid; its buffers are kept for the next one. */
struct http1_message {
    struct http_request request; /* lends from here; a refused one is filled in as far as read */
    struct http_header fields[HTTP1_FIELDS_MAX];
    char *head; /* never moves while a request is read: the slices above point into it */
    size_t head_size;
    size_t head_capacity;
    struct text body;
    bool is_1_0;
    bool keep_alive; /* the client would send another request on this connection */
};
void http1_message_clear(struct http1_message *message); /* empty again, most memory kept */
void http1_message_deinit(struct http1_message *message);

enum http1_event {
    HTTP1_MORE,     /* all bytes taken, the request is not whole yet */
    HTTP1_CONTINUE, /* the head is whole and asks for "100 Continue" before it sends the body */
    HTTP1_REQUEST,  /* the message is whole; http1_begin() before the next */
    HTTP1_REFUSED   /* no further byte of this connection has a meaning; see `refusal` */
};

enum http1_state {
    HTTP1_REQUEST_LINE,
    HTTP1_FIELDS,
    HTTP1_BODY,
    HTTP1_CHUNK_LINE,
    HTTP1_CHUNK_DATA,
    HTTP1_CHUNK_END,
    HTTP1_TRAILERS,
    HTTP1_WHOLE,
    HTTP1_BROKEN,
};

struct http1 {
    llhttp_t llhttp;
    const struct http1_limits *limits;
    struct http1_message *message;
    struct http1_refusal refusal;
    enum http1_state state;
    bool empty_line_seen;     /* one is allowed before the request line */
    bool chunked;             /* by the head */
    bool expects_continue;    /* by the head */
    bool llhttp_saw_head;     /* llhttp agrees that the head ends here */
    bool llhttp_saw_message;  /* llhttp agrees that the request ends here */
    size_t line_start;        /* in message->head: where the line in progress begins */
    uint32_t field_bytes;     /* lines of the head and of the trailer so far */
    uint32_t field_count;     /* likewise */
    uint32_t extension_bytes; /* of all chunks so far */
    uint64_t remaining;       /* bytes that are still to come of the body or of this chunk */
};

/* Reads the next request into `message`. Borrows both until the next http1_begin(). */
void http1_begin(struct http1 *parser, const struct http1_limits *limits,
                 struct http1_message *message);

/* Goes on until one event or the end of `bytes`; `out_used` says how many of them were taken. Not
 * to be called again after HTTP1_REQUEST or HTTP1_REFUSED, until http1_begin(). */
enum http1_event http1_feed(struct http1 *parser, struct ever_slice bytes, size_t *out_used);
