/* http1_answer_priv.h - writing the answers of HTTP/1.x: status line, fields, chunks. */
#pragma once
#include "net/exchange_priv.h"

/* How the client learns where the body ends. */
enum http1_length {
    HTTP1_SIZED,       /* Content-Length */
    HTTP1_CHUNKED,     /* Transfer-Encoding: chunked */
    HTTP1_UNTIL_CLOSE, /* HTTP/1.0 streams */
};

/* Adds a head to `output`. `body_size` counts for HTTP1_SIZED. */
void http1_write_head(struct http_exchange *exchange, struct output *output, unsigned status,
                      const struct http_header *headers, size_t header_count,
                      enum http1_length length, size_t body_size);

/* 204, 304 and 1xx never have a body. */
bool http1_status_has_body(unsigned status);

/* Adds to the chunk that is open, or opens one: what is written within one turn is one chunk. Its
 * size is known when it is closed, which must be done before the output is sent. */
void http1_write_chunk(struct http_exchange *exchange, struct output *output,
                       struct ever_slice bytes);
void http1_close_chunk(struct http_exchange *exchange, struct output *output);
void http1_write_last_chunk(struct http_exchange *exchange, struct output *output);
