/* exchange_priv.h - one request and its answer.
 *
 *     READING --> WAITING --+--> STREAMING --> ENDED --> RELEASED --> the pool
 *                           +----------------> ENDED
 *
 * An exchange may outlive its connection: the handler still has to answer, and does not notice. It
 * goes back to the pool when the loop turn in which it ended is over. */
#pragma once
#include "net/http1.h"
#include "net/output.h"

struct connection;
struct http_server;

enum exchange_state {
    EXCHANGE_READING,   /* the request comes in */
    EXCHANGE_WAITING,   /* the handler has it */
    EXCHANGE_STREAMING, /* the answer's head is written, its body is being written */
    EXCHANGE_ENDED,     /* the answer is written; it may have to wait for earlier ones */
    EXCHANGE_RELEASED
};

struct http_exchange {
    struct http_server *server;
    struct connection *connection; /* NULL: gone */
    struct http_exchange *next;    /* of the connection, in order; or in the pool */
    struct http_exchange *next_ending;
    struct http_exchange *next_released;
    enum exchange_state state;
    bool closes;     /* the connection ends with this answer */
    bool is_chunked; /* the stream is cut into chunks */
    bool is_mute;    /* HEAD: the answer has no body */
    bool is_full;    /* http_stream_write() said: wait for ready */
    bool ready_is_due;
    bool is_ending;     /* in the server's list of those to be told when the turn ends */
    char *chunk_digits; /* of the open chunk, in the output; NULL: none is open */
    size_t chunk_bytes;
    struct output held; /* of the answer, while earlier ones are not complete */
    struct http_stream_events events;
    void (*abandoned)(void *arg);
    void *abandoned_arg;
    struct http1_message message;
    struct arena arena;
};

struct http_exchange *exchange_acquire(struct http_server *server, struct connection *connection);
void exchange_release(struct http_exchange *exchange); /* valid until the turn ends */

/* The connection is lost: calls abandoned or gone, releases what nobody will answer. */
void exchange_lose(struct http_exchange *exchange);
/* It has become the first of its connection: its answer goes out from now on. */
void exchange_take_over(struct http_exchange *exchange);
/* Once a turn, when the exchange is the first of its connection. */
void exchange_turn(struct http_exchange *exchange);
/* The server stops: ends a stream where it is, without a last chunk. */
void exchange_cut(struct http_exchange *exchange);

/* At the end of a turn, in this order. */
void exchange_end_ending(struct http_server *server);
void exchange_recycle_released(struct http_server *server);
void exchange_free_all(struct http_server *server);
