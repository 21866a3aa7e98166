#include "net/http1_session_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "net/connection_priv.h"
#include "net/exchange_priv.h"
#include "net/server_priv.h"

static uint64_t now_of(const struct connection *connection)
{
    return uv_now(connection->server->loop);
}

/* Answers go out */

static void send_continue_if_due(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    if (session->continue_is_due && session->first == NULL) {
        session->continue_is_due = false;
        output_add(&connection->output, &connection->server->blocks,
                   SLICE_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
        connection_need_turn(connection);
    }
}

/* Takes the first exchange out, which is ended, and lets the next one write. */
static void pop(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    struct http_exchange *exchange = session->first;
    session->first = exchange->next;
    if (session->first == NULL) {
        session->last = NULL;
    } else {
        exchange_take_over(session->first);
    }
    session->count--;
    exchange_release(exchange);
}

/* Nobody will be sent the answers that are outstanding. */
static void lose_all(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    struct http_exchange *lost = session->first;
    session->first = NULL;
    session->last = NULL;
    session->count = 0;
    for (struct http_exchange *exchange = lost; exchange != NULL; exchange = exchange->next) {
        exchange->connection = NULL;
    }
    while (lost != NULL) {
        struct http_exchange *exchange = lost;
        lost = exchange->next;
        exchange_lose(exchange);
    }
}

void http1_session_advance(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    connection_need_turn(connection);
    while (session->first != NULL && session->first->state == EXCHANGE_ENDED) {
        bool closes = session->first->closes;
        pop(connection);
        if (closes) {
            session->is_deaf = true;
            connection_finish(connection);
            lose_all(connection); /* those behind a stream that was cut */
            return;
        }
    }
    send_continue_if_due(connection);
}

/* Requests come in */

static void push(struct connection *connection, struct http_exchange *exchange)
{
    struct http1_session *session = &connection->http1;
    if (session->last == NULL) {
        session->first = exchange;
    } else {
        session->last->next = exchange;
    }
    session->last = exchange;
    session->count++;
    session->reading = NULL;
    session->continue_is_due = false;
    exchange->state = EXCHANGE_WAITING;
    exchange->is_mute = slice_is(exchange->message.request.method, "HEAD");
}

static void hand_over(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct http_exchange *exchange = connection->http1.reading;
    exchange->closes = !exchange->message.keep_alive;
    connection->http1.is_deaf = exchange->closes;
    server->stats.requests++;
    push(connection, exchange);
    server->handler(server->arg, exchange);
}

static void refuse(struct connection *connection, struct http1_refusal refusal)
{
    struct http_server *server = connection->server;
    struct http_exchange *exchange = connection->http1.reading;
    exchange->closes = true; /* where the next request would begin is unknown now */
    connection->http1.is_deaf = true;
    server->stats.refused++;
    push(connection, exchange);
    server->refuse(server->arg, exchange, refusal.status, refusal.detail);
}

static bool has_room(const struct connection *connection)
{
    const struct http_options *options = &connection->server->options;
    return connection->http1.count < options->pipelined_max &&
           connection->output.size < options->stream_buffer_bytes;
}

/* Feeds bytes of one request; returns how many. */
static size_t read_request(struct connection *connection, struct ever_slice bytes)
{
    struct http1_session *session = &connection->http1;
    if (session->reading == NULL) {
        session->reading = exchange_acquire(connection->server, connection);
        session->since_ms = now_of(connection);
        http1_begin(&session->parser, &connection->server->http1_limits,
                    &session->reading->message);
    }
    size_t used = 0;
    switch (http1_feed(&session->parser, bytes, &used)) {
    case HTTP1_MORE:
        break;
    case HTTP1_CONTINUE:
        session->continue_is_due = used == bytes.size; /* else the body is here already */
        send_continue_if_due(connection);
        break;
    case HTTP1_REQUEST:
        hand_over(connection);
        break;
    case HTTP1_REFUSED:
        refuse(connection, session->parser.refusal);
        break;
    }
    return used;
}

static void on_bytes(struct connection *connection, struct ever_slice bytes)
{
    struct http1_session *session = &connection->http1;
    while (bytes.size > 0 && !session->is_deaf) {
        if (session->reading == NULL && !has_room(connection)) {
            text_add(&session->unread, bytes);
            connection_read(connection, false);
            return;
        }
        bytes = slice_from(bytes, read_request(connection, bytes));
    }
}

static void resume(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    struct text unread = session->unread;
    session->unread = (struct text){0};
    on_bytes(connection, text_slice(&unread));
    text_deinit(&unread);
    if (session->unread.size == 0) {
        connection_read(connection, true);
    }
}

/* The connection's calls */

static void on_turn(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    if (session->unread.size > 0 && !session->is_deaf && has_room(connection)) {
        resume(connection);
    }
    if (session->first != NULL) {
        exchange_turn(session->first); /* last, since it closes the chunk that is to be sent */
    }
    const struct http_exchange *first = session->first;
    connection->tells_when_sent = first != NULL && first->is_full;
}

/* True when bytes of a request have come. */
static bool is_inside_request(const struct http1_session *session)
{
    return session->reading != NULL &&
           (session->parser.state != HTTP1_REQUEST_LINE || session->reading->message.head_size > 0);
}

static void on_ended(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    if (session->is_deaf) {
        return; /* the last answer will end the connection */
    }
    if (is_inside_request(session)) {
        refuse(connection, HTTP1_REFUSE(400, "The connection ended inside the request."));
        return;
    }
    session->is_deaf = true;
    if (session->last == NULL) {
        connection_finish(connection);
    } else {
        session->last->closes = true;
    }
}

static void on_tick(struct connection *connection, uint64_t now_ms)
{
    struct http1_session *session = &connection->http1;
    const struct http_options *options = &connection->server->options;
    uint64_t passed_ms = now_ms - session->since_ms;
    if (session->is_deaf) {
        return;
    }
    if (is_inside_request(session)) {
        if (passed_ms > options->request_timeout_ms) {
            refuse(connection, HTTP1_REFUSE(408, "The request took too long to arrive."));
        }
    } else if (session->first != NULL || connection->output.size > 0) {
        session->since_ms = now_ms; /* neither side is idle while an answer is on its way */
    } else if (passed_ms > options->idle_timeout_ms) {
        session->is_deaf = true;
        connection_finish(connection);
    }
}

static void on_stop(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    session->is_deaf = true;
    for (struct http_exchange *exchange = session->first; exchange != NULL;
         exchange = exchange->next) {
        exchange_cut(exchange);
    }
    if (session->last == NULL) {
        connection_finish(connection);
        return;
    }
    session->last->closes = true;
    http1_session_advance(connection);
}

static void on_closed(struct connection *connection)
{
    struct http1_session *session = &connection->http1;
    text_deinit(&session->unread);
    if (session->reading != NULL) {
        exchange_release(session->reading);
        session->reading = NULL;
    }
    lose_all(connection);
}

const struct protocol http1_protocol = {
    .bytes = on_bytes,
    .ended = on_ended,
    .turn = on_turn,
    .tick = on_tick,
    .stop = on_stop,
    .closed = on_closed,
};
