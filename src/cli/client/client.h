/* client.h - a small HTTP/1.1 client that blocks: one connection, kept alive, to one server.
 *
 * Requests may be sent before earlier ones were answered; answers come in order. A failure ends the
 * connection and forgets what was not answered; the next request makes a new one. Every failure
 * leaves a sentence in `report` that names the address, the cause and, where there is one, the way
 * out. One thread at a time. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:2113"
#define CLIENT_ANSWER_BYTES_MAX (64u << 20) /* of an answer that is kept whole */

struct client;

struct client_request {
    const char *method;
    const char *target;       /* "/streams/a?limit=1": already escaped */
    const char *accept;       /* NULL: application/json */
    const char *content_type; /* of the body; NULL: no body */
    struct ever_slice body;
    const char *headers; /* further ones, each line ended by CR LF; NULL: none */
};

struct client_response {
    unsigned status;
    struct text body; /* empty where `each` took it */
};

/* Takes the body of a successful answer piece by piece, lent for the call. False: enough, the
 * connection is closed. */
typedef bool client_body_fn(void *arg, struct ever_slice piece);

/* `url` is "http://host[:port]", also with an IPv6 address in brackets. Does not connect yet. */
struct ever_err client_open(const char *url, struct text *report, struct client **out_client);
void client_close(struct client *client); /* NULL-safe. */
const char *client_url(const struct client *client);

/* EVER_NOT_FOUND: nothing listens there. EVER_IO, EVER_TIMEOUT otherwise. */
struct ever_err client_send(struct client *client, const struct client_request *request,
                            struct text *report);
/* The answer to the oldest request not yet answered. `response` is initialised by the caller with
 * zeros once, then reused. `each` may be NULL. EVER_CLOSED: `each` had enough. */
struct ever_err client_receive(struct client *client, client_body_fn *each, void *arg,
                               struct client_response *response, struct text *report);
void client_response_deinit(struct client_response *response);

/* send and receive. */
struct ever_err client_call(struct client *client, const struct client_request *request,
                            struct client_response *response, struct text *report);

/* The sentence of an answer that is an error: title and detail of a problem document. */
void client_explain(const struct client *client, const struct client_response *response,
                    struct text *out);

/* Appends `part` so that it can stand in a path or query: all but letters, digits and -._~ is
 * percent-encoded. */
void client_escape(struct text *out, struct ever_slice part);
