/* http1_session_priv.h - HTTP/1.x on one connection: requests one after another, answers in order.
 *
 * Requests are handed to the handler as they come, up to options.pipelined_max unanswered ones;
 * then reading pauses. The first unanswered exchange writes to the connection, later ones hold
 * their answers until it is their turn. After an answer that closes, nothing the client sends
 * counts. */
#pragma once
#include "net/http1.h"

struct connection;
struct http_exchange;
struct protocol;

extern const struct protocol http1_protocol;

struct http1_session {
    struct http1 parser;
    struct http_exchange *reading; /* its request is not whole yet; NULL between requests */
    struct http_exchange *first;   /* handed to the handler and not yet sent, in order */
    struct http_exchange *last;
    uint32_t count;       /* of those */
    bool is_deaf;         /* no further request will be read */
    bool continue_is_due; /* "100 Continue" waits for the answers before it */
    struct text unread;   /* came while too many requests were in progress */
    uint64_t since_ms;    /* the beginning of the request in progress, or of idleness */
};

/* The answer of `exchange` is complete: sends what is in order by now. */
void http1_session_advance(struct connection *connection);
