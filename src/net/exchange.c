#include "net/exchange_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "net/connection_priv.h"
#include "net/http1_answer_priv.h"
#include "net/server_priv.h"

#include <stdlib.h>

#define POOLED_MAX 256u

/* From the pool and back */

struct http_exchange *exchange_acquire(struct http_server *server, struct connection *connection)
{
    struct http_exchange *exchange = server->free_exchanges;
    if (exchange == NULL) {
        exchange = mem_alloc_zero(sizeof *exchange);
        exchange->server = server;
        arena_init(&exchange->arena);
    } else {
        server->free_exchanges = exchange->next;
        server->free_exchange_count--;
    }
    server->exchange_count++;
    exchange->connection = connection;
    exchange->next = NULL;
    exchange->state = EXCHANGE_READING;
    exchange->closes = false;
    exchange->is_chunked = false;
    exchange->is_mute = false;
    exchange->is_full = false;
    exchange->ready_is_due = false;
    exchange->is_ending = false;
    exchange->chunk_digits = NULL;
    exchange->chunk_bytes = 0;
    exchange->abandoned = NULL;
    return exchange;
}

void exchange_release(struct http_exchange *exchange)
{
    ASSERT(exchange->state != EXCHANGE_RELEASED);
    struct http_server *server = exchange->server;
    exchange->state = EXCHANGE_RELEASED;
    exchange->connection = NULL;
    output_drop(&exchange->held, &server->blocks, exchange->held.size);
    exchange->next_released = server->released;
    server->released = exchange;
}

static void free_exchange(struct http_exchange *exchange)
{
    arena_deinit(&exchange->arena);
    http1_message_deinit(&exchange->message);
    free(exchange);
}

void exchange_recycle_released(struct http_server *server)
{
    while (server->released != NULL) {
        struct http_exchange *exchange = server->released;
        server->released = exchange->next_released;
        ASSERT(server->exchange_count > 0);
        server->exchange_count--;
        if (server->free_exchange_count == POOLED_MAX) {
            free_exchange(exchange);
            continue;
        }
        arena_reset(&exchange->arena);
        http1_message_clear(&exchange->message);
        exchange->next = server->free_exchanges;
        server->free_exchanges = exchange;
        server->free_exchange_count++;
    }
}

void exchange_free_all(struct http_server *server)
{
    ASSERT(server->exchange_count == 0 && server->released == NULL);
    while (server->free_exchanges != NULL) {
        struct http_exchange *exchange = server->free_exchanges;
        server->free_exchanges = exchange->next;
        free_exchange(exchange);
    }
}

/* What the handler sees of it */

const struct http_request *http_request(const struct http_exchange *exchange)
{
    return &exchange->message.request;
}

struct arena *http_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

/* To be told when the turn ends: that a HEAD has no body, that the client was gone before. Not at
 * once, within the call that would have to know it: the caller's own state is not ready for that.
 */
static void end_soon(struct http_exchange *exchange)
{
    if (!exchange->is_ending) {
        exchange->is_ending = true;
        exchange->next_ending = exchange->server->ending;
        exchange->server->ending = exchange;
    }
}

/* At most once. */
static void abandon(struct http_exchange *exchange)
{
    void (*abandoned)(void *arg) = exchange->abandoned;
    exchange->abandoned = NULL;
    if (exchange->state == EXCHANGE_WAITING && abandoned != NULL) {
        abandoned(exchange->abandoned_arg);
    }
}

void http_on_abandoned(struct http_exchange *exchange, void (*fn)(void *arg), void *arg)
{
    ASSERT(exchange->state == EXCHANGE_WAITING);
    exchange->abandoned = fn;
    exchange->abandoned_arg = arg;
    if (exchange->connection == NULL) {
        end_soon(exchange);
    }
}

/* Answers */

/* Where the answer's bytes go now. */
static struct output *output_of(struct http_exchange *exchange)
{
    struct connection *connection = exchange->connection;
    return connection->http1.first == exchange ? &connection->output : &exchange->held;
}

static void end(struct http_exchange *exchange)
{
    exchange->state = EXCHANGE_ENDED;
    exchange->abandoned = NULL;
    http1_session_advance(exchange->connection);
}

void http_respond(struct http_exchange *exchange, unsigned status,
                  const struct http_header *headers, size_t header_count, struct ever_slice body)
{
    ASSERT(exchange->state == EXCHANGE_WAITING);
    if (exchange->connection == NULL) {
        exchange_release(exchange);
        return;
    }
    struct output *output = output_of(exchange);
    http1_write_head(exchange, output, status, headers, header_count, HTTP1_SIZED, body.size);
    if (http1_status_has_body(status) && !exchange->is_mute) {
        output_add(output, &exchange->server->blocks, body);
    }
    end(exchange);
}

/* Streams */

void http_stream_begin(struct http_exchange *exchange, unsigned status,
                       const struct http_header *headers, size_t header_count,
                       const struct http_stream_events *events)
{
    ASSERT(exchange->state == EXCHANGE_WAITING);
    exchange->state = EXCHANGE_STREAMING;
    exchange->events = *events;
    exchange->abandoned = NULL;
    if (exchange->connection == NULL) {
        end_soon(exchange);
        return;
    }
    exchange->is_chunked = !exchange->message.is_1_0;
    exchange->closes = exchange->closes || !exchange->is_chunked;
    http1_write_head(exchange, output_of(exchange), status, headers, header_count,
                     exchange->is_chunked ? HTTP1_CHUNKED : HTTP1_UNTIL_CLOSE, 0);
    if (exchange->is_mute) {
        end_soon(exchange);
    } else {
        exchange->ready_is_due = true;
    }
    connection_need_turn(exchange->connection);
}

static void end_unread_stream(struct http_exchange *exchange)
{
    if (exchange->connection == NULL) {
        exchange_release(exchange);
    } else {
        end(exchange);
    }
    exchange->events.gone(exchange->events.arg, exchange); /* last: it may even stop the server */
}

void exchange_end_ending(struct http_server *server)
{
    while (server->ending != NULL) {
        struct http_exchange *exchange = server->ending;
        server->ending = exchange->next_ending;
        exchange->is_ending = false;
        if (exchange->state == EXCHANGE_STREAMING) {
            end_unread_stream(exchange);
        } else {
            abandon(exchange); /* which does nothing once it was answered */
        }
    }
}

size_t http_stream_unsent(const struct http_exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    if (connection == NULL) {
        return 0;
    }
    return connection->http1.first == exchange ? connection_unsent(connection)
                                               : exchange->held.size;
}

bool http_stream_write(struct http_exchange *exchange, struct ever_slice bytes)
{
    ASSERT(exchange->state == EXCHANGE_STREAMING);
    struct connection *connection = exchange->connection;
    if (connection == NULL || exchange->is_mute) {
        return false; /* there is nothing to come but `gone` */
    }
    if (bytes.size == 0) {
        return !exchange->is_full;
    }
    struct output *output = output_of(exchange);
    if (exchange->is_chunked) {
        http1_write_chunk(exchange, output, bytes);
    } else {
        output_add(output, &exchange->server->blocks, bytes);
    }
    if (http_stream_unsent(exchange) >= exchange->server->options.stream_buffer_bytes) {
        exchange->is_full = true;
    }
    connection_need_turn(connection);
    return !exchange->is_full;
}

void http_stream_end(struct http_exchange *exchange)
{
    ASSERT(exchange->state == EXCHANGE_STREAMING);
    if (exchange->connection == NULL) {
        exchange_release(exchange);
        return;
    }
    if (exchange->is_chunked && !exchange->is_mute) {
        http1_write_last_chunk(exchange, output_of(exchange));
    }
    end(exchange);
}

void exchange_take_over(struct http_exchange *exchange)
{
    http1_close_chunk(exchange, &exchange->held);
    output_append(&exchange->connection->output, &exchange->held);
}

void exchange_turn(struct http_exchange *exchange)
{
    struct connection *connection = exchange->connection;
    ASSERT(connection->http1.first == exchange);
    if (exchange->state != EXCHANGE_STREAMING) {
        return;
    }
    size_t limit = exchange->server->options.stream_buffer_bytes;
    if (exchange->is_full && connection_unsent(connection) <= limit / 2) {
        exchange->is_full = false;
        exchange->ready_is_due = true;
    }
    if (exchange->ready_is_due) {
        exchange->ready_is_due = false;
        exchange->events.ready(exchange->events.arg, exchange);
    }
    if (exchange->state == EXCHANGE_STREAMING) {
        http1_close_chunk(exchange, &connection->output);
    }
}

/* Losses */

void exchange_lose(struct http_exchange *exchange)
{
    ASSERT(exchange->connection == NULL);
    switch (exchange->state) {
    case EXCHANGE_WAITING:
        abandon(exchange); /* and is released when the handler answers */
        return;
    case EXCHANGE_STREAMING:
        exchange->state = EXCHANGE_ENDED;
        exchange->events.gone(exchange->events.arg, exchange);
        exchange_release(exchange);
        return;
    case EXCHANGE_READING:
    case EXCHANGE_ENDED:
        exchange_release(exchange);
        return;
    case EXCHANGE_RELEASED:
        return; /* ended by what an earlier one's callback did */
    }
}

void exchange_cut(struct http_exchange *exchange)
{
    if (exchange->state == EXCHANGE_STREAMING) {
        http1_close_chunk(exchange, output_of(exchange));
        exchange->state = EXCHANGE_ENDED;
        exchange->closes = true;
        exchange->events.gone(exchange->events.arg, exchange);
    }
}
