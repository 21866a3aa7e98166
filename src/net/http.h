/* http.h - an HTTP server on a libuv loop: connections, limits, requests in, responses out.
 *
 * Knows nothing of events. A whole request (its body included, up to the limit) is handed to the
 * handler as an exchange, which the handler answers now or later: at once with http_respond(), or
 * bit by bit with http_stream_begin(). Requests of one connection may be in progress together
 * (pipelining); answers leave in order. Errors before the handler (400, 408, 413, 414, 417, 431,
 * 501, 505) are answered through `refuse`, so that they look like all others; the connection ends
 * with them. TLS and HTTP/2, which have answers of their own kind, get those and are never seen
 * above.
 *
 * Threads:  one loop thread owns a server, its connections and exchanges.
 * Memory:   an idle connection costs about 900 bytes; buffers and requests come from pools. Between
 *           the turns of the loop nothing of a request outlives its answer.
 * Signals:  starting a server sets SIGPIPE to be ignored in the process. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <uv.h>

struct http_server;
struct http_exchange;

struct http_header {
    struct ever_slice name;  /* as sent */
    struct ever_slice value; /* trimmed */
};

struct http_request {         /* lent until the exchange has ended */
    struct ever_slice method; /* as sent: "GET" */
    struct ever_slice target; /* as sent: "/streams/a%20b?from=3" */
    struct ever_slice path;   /* of the target, still percent-encoded; "*" for OPTIONS only */
    struct ever_slice query;  /* behind the "?", still percent-encoded; may be empty */
    const struct http_header *headers;
    size_t header_count;
    struct ever_slice body;
};

/* The first header of that name, ignoring case; SLICE_NONE (data NULL) when there is none. */
struct ever_slice http_request_header(const struct http_request *request, const char *name);

#define HTTP_FIELDS_MAX 64 /* of one request, those of a trailer too: 431 beyond */

struct http_options {
    const char *host;
    uint16_t port;               /* 0: the system picks one */
    uint32_t connections_max;    /* beyond: accepted later */
    uint32_t header_bytes_max;   /* 431 beyond */
    uint32_t target_bytes_max;   /* 414 beyond */
    size_t body_bytes_max;       /* 413 beyond */
    uint32_t request_timeout_ms; /* from first byte to last: 408 */
    uint32_t idle_timeout_ms;    /* between requests; taking none of its answer: closed */
    uint32_t pipelined_max;      /* exchanges in progress on one connection; then reading pauses */
    size_t stream_buffer_bytes;  /* unsent bytes of a stream before http_stream_write() says wait */
};
/* 127.0.0.1:2113, 4096 connections, 16 KiB of header, 8 KiB of target, 4 MiB of body, 30 s, 60 s,
 * 64 pipelined, 256 KiB. */
void http_options_default(struct http_options *options);

/* A client goes away when its connection is reset, or when it takes nothing for idle_timeout_ms.
 * One that has only shut its side is served on, since it may be waiting for its answer; after as
 * long without a byte to send it, it counts as gone, too: it may as well have left. */

/* The handler must answer every exchange once. Called on the loop. */
typedef void http_handler_fn(void *arg, struct http_exchange *exchange);
/* Answers a request that never became one: `status` and a sentence that names the cause. Of the
 * request, what was not read is empty. */
typedef void http_refuse_fn(void *arg, struct http_exchange *exchange, unsigned status,
                            const char *detail);

/* Listens. Errors: EVER_BUSY when the port is taken, EVER_INVALID for a host that is no address. */
struct ever_err http_server_start(uv_loop_t *loop, const struct http_options *options,
                                  http_handler_fn *handler, http_refuse_fn *refuse, void *arg,
                                  struct http_server **out_server);
uint16_t http_server_port(const struct http_server *server);
/* Stops listening; lets running answers finish for up to `grace_ms`, then closes all connections.
 * Streams are cut at once: `gone`, and no last chunk, so that clients can tell. Calls `stopped`
 * when every exchange was answered, those too that were abandoned; then the server is gone. */
void http_server_stop(struct http_server *server, uint32_t grace_ms, void (*stopped)(void *arg),
                      void *arg);

const struct http_request *http_request(const struct http_exchange *exchange);
struct arena *http_arena(struct http_exchange *exchange); /* freed when the exchange ends */

/* One complete answer; copies everything. Content-Length, Date and Connection are added here; HEAD,
 * 204 and 304 get no body. The exchange has ended; what it lends stays valid until the loop's turn
 * is over. Control characters in a header's value become blanks. */
void http_respond(struct http_exchange *exchange, unsigned status,
                  const struct http_header *headers, size_t header_count, struct ever_slice body);

/* A long answer: chunked on HTTP/1.1, up to the end of the connection on 1.0. After begin, `ready`
 * is called on the loop whenever there is room again, and once at first, when earlier answers are
 * out; `gone` once, when the client went away or the server stops: no further call on the exchange
 * is allowed then. Neither is called within http_stream_begin(). A HEAD has no body: `gone` follows
 * at once. */
struct http_stream_events {
    void (*ready)(void *arg, struct http_exchange *exchange);
    void (*gone)(void *arg, struct http_exchange *exchange);
    void *arg;
};
void http_stream_begin(struct http_exchange *exchange, unsigned status,
                       const struct http_header *headers, size_t header_count,
                       const struct http_stream_events *events);
/* Copies. False: enough for now, wait for `ready`. */
bool http_stream_write(struct http_exchange *exchange, struct ever_slice bytes);
size_t http_stream_unsent(const struct http_exchange *exchange);
void http_stream_end(struct http_exchange *exchange); /* `gone` is not called after it */

/* For exchanges that wait (a decider, a view): called once if the client goes away before the
 * answer; the exchange must still be answered, which then does nothing. NULL fn: no call. */
void http_on_abandoned(struct http_exchange *exchange, void (*fn)(void *arg), void *arg);

struct http_stats {
    uint32_t connections;
    uint64_t accepted;
    uint64_t requests;
    uint64_t refused; /* answered through `refuse` */
};
void http_server_stats(const struct http_server *server, struct http_stats *out_stats);

/* Helpers on text, without I/O. */

/* Percent-decodes once into `arena`. False: a bad escape, a NUL, or no UTF-8. */
bool http_percent_decode(struct ever_slice text, struct arena *arena, struct ever_slice *out_text);

/* Whether a Host header, or an address to listen on, names this machine and no other: localhost,
 * 127.0.0.0/8 or ::1, in brackets or not, with any port. */
bool http_is_loopback(struct ever_slice host);

/* How much a client likes `type` ("application/json") by its Accept header, 0 to 1000; a missing
 * header is 1000 for all. */
unsigned http_accept_quality(struct ever_slice accept, const char *type);
