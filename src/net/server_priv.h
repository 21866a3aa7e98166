/* server_priv.h - what the connections of one loop share: options, memory pools, the clock's ticks.
 *
 * A server belongs to one loop and shares nothing with another, so that several can run beside each
 * other on loops of their own. */
#pragma once
#include "base/text.h"
#include "net/http1.h"
#include "net/listener_priv.h"
#include "net/output.h"
#include "net/ring.h"

#define SERVER_READ_BYTES 65536u
#define SERVER_DATE_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" */

struct http_server {
    uv_loop_t *loop;
    struct http_options options;
    struct http1_limits http1_limits; /* of the options */
    http_handler_fn *handler;
    http_refuse_fn *refuse;
    void *arg;

    struct listener listener;
    uv_timer_t ticker;    /* one for the deadlines of all connections; runs while there are any */
    uv_prepare_t turning; /* the end of each loop turn, before the loop waits again */
    struct ring connections;
    struct ring in_turn; /* connections to be looked at when this turn ends */

    struct output_pool blocks;
    struct http_exchange *free_exchanges;
    uint32_t free_exchange_count;
    uint32_t exchange_count;        /* in use: read, answered or awaited */
    struct http_exchange *ending;   /* streams whose `gone` is due when this turn ends */
    struct http_exchange *released; /* given back when this turn ends */
    struct text scratch;            /* for one answer's head at a time */
    int64_t date_second;            /* what `date` says, in seconds since 1970 */
    char date[SERVER_DATE_BYTES + 1];
    struct http_stats stats;

    bool is_stopping;
    uint64_t stop_deadline_ms;
    uint32_t open_handles; /* of the server itself */
    void (*stopped)(void *arg);
    void *stopped_arg;

    char read_buffer[SERVER_READ_BYTES];
};

void server_need_ticks(struct http_server *server);
void server_connection_closed(struct http_server *server);
void server_handle_closed(struct http_server *server);
/* The date as HTTP writes it; lent until the next call. */
struct ever_slice server_date(struct http_server *server);
