/* call.h - one request on its way through the gateway, and how it is answered.
 *
 * A call lives in the arena of its exchange, which the server keeps until the call is answered,
 * even when the client has gone meanwhile. So whatever a call waits for may point into it, and must
 * end in exactly one answer: call_answer(), call_problem() or call_stream(). Its memory stays until
 * the loop's turn is over, of a stream until that ends. Headers are gathered before. All on the
 * loop. */
#pragma once
#include "gateway/gateway.h"
#include "gateway/operation.h"
#include "gateway/wire/name.h"
#include "gateway/wire/prefer.h"
#include "gateway/wire/query.h"

#define CALL_HEADERS_MAX 16

struct call {
    struct gateway *gateway;
    struct http_exchange *exchange;
    const struct http_request *request;
    struct arena *arena;                            /* of the exchange */
    const struct operation *operation;              /* NULL: the request matches none */
    const struct route *route;                      /* NULL: not through routes.js */
    struct ever_slice variables[PATH_SEGMENTS_MAX]; /* the path's {names}, decoded and checked */
    size_t variable_count;
    struct query query;
    enum media gives;    /* what the client wants to see */
    enum media took;     /* what the body is */
    uint64_t started_ns; /* uv_hrtime() */
    struct http_header headers[CALL_HEADERS_MAX];
    size_t header_count;
};

/* Adds a header to the answer. Name and value are borrowed until the call is answered. */
void call_header(struct call *call, struct ever_slice name, struct ever_slice value);
void call_header_u64(struct call *call, struct ever_slice name, uint64_t value);
void call_etag(struct call *call, uint64_t number); /* ETag: "7" */
void call_etag_text(struct call *call, struct ever_slice tag);
void call_position(struct call *call, uint64_t position); /* Everfold-Position */

/* A buffer for building an answer, empty. There is one for the whole gateway: it is good until the
 * handler returns or answers. */
struct text *call_text(struct call *call);

/* The whole answer at once. */
void call_answer(struct call *call, unsigned status, enum media media, struct ever_slice body);
void call_answer_text(struct call *call, unsigned status, const struct text *json);
void call_answer_empty(struct call *call, unsigned status);

/* An error. `members` as problem_write() has it. The status is the table's, or with
 * call_problem_as() another one. */
void call_problem(struct call *call, enum problem problem, struct ever_slice members,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
void call_problem_as(struct call *call, unsigned status, enum problem problem,
                     struct ever_slice members, struct ever_slice detail);

/* What an error of the store means to a client who wanted to write, or to read. */
void call_write_failed(struct call *call, struct ever_err err);
void call_read_failed(struct call *call, struct ever_err err);

/* A long answer: begins it, and the call is answered. None of the events is called within; of HEAD,
 * only `gone`. */
void call_stream(struct call *call, enum media media, const struct http_stream_events *events);

/* The request's header of that name; several lines are joined by commas. data NULL: none. */
struct ever_slice call_request_header(struct call *call, const char *name);

/* Reads Prefer. False: it was malformed, or strict and not understood, and the call is answered. */
bool call_prefer(struct call *call, struct prefer *out_prefer);
/* Says in the answer what of it holds: that it waited, or was lenient. */
void call_prefer_applied(struct call *call, const struct prefer *prefer);

/* Reads a whole number from the query. *out_given tells whether it is there. False: it is not a
 * whole number, and the call is answered. */
bool call_query_u64(struct call *call, const char *name, bool *out_given, uint64_t *out_value);
