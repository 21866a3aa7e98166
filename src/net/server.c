#include "base/assert.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/slice.h"
#include "net/connection_priv.h"
#include "net/exchange_priv.h"
#include "net/server_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS_MIN 10u
#define TICK_MS_MAX 500u

void http_options_default(struct http_options *options)
{
    *options = (struct http_options){
        .host = "127.0.0.1",
        .port = 2113,
        .connections_max = 4096,
        .header_bytes_max = 16384,
        .target_bytes_max = 8192,
        .body_bytes_max = 4 << 20,
        .request_timeout_ms = 30000,
        .idle_timeout_ms = 60000,
        .pipelined_max = 64,
        .stream_buffer_bytes = 256 << 10,
    };
}

/* Ticks and turns */

static uint64_t tick_ms(const struct http_options *options)
{
    uint32_t shortest = options->request_timeout_ms < options->idle_timeout_ms
                            ? options->request_timeout_ms
                            : options->idle_timeout_ms;
    uint32_t tick = shortest / 4;
    return tick < TICK_MS_MIN ? TICK_MS_MIN : tick > TICK_MS_MAX ? TICK_MS_MAX : tick;
}

static void close_all_connections(struct http_server *server)
{
    for (struct ring *link = server->connections.next; link != &server->connections;
         link = link->next) {
        connection_close(RING_OF(link, struct connection, in_server));
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now_ms = uv_now(server->loop);
    /* Closing frees later, in the loop's closing phase: the ring does not change under us. */
    for (struct ring *link = server->connections.next; link != &server->connections;
         link = link->next) {
        connection_tick(RING_OF(link, struct connection, in_server), now_ms);
    }
    if (server->is_stopping && now_ms >= server->stop_deadline_ms) {
        close_all_connections(server);
    }
    listener_resume(server);
    if (ring_is_empty(&server->connections) && server->listener.is_accepting) {
        uv_timer_stop(&server->ticker);
    }
}

void server_need_ticks(struct http_server *server)
{
    if (!uv_is_active((uv_handle_t *)&server->ticker)) {
        uint64_t every_ms = tick_ms(&server->options);
        int failed = uv_timer_start(&server->ticker, on_tick, every_ms, every_ms);
        ASSERT(failed == 0);
    }
}

static void finish_stop_if_done(struct http_server *server);

static void on_turn_end(uv_prepare_t *prepare)
{
    struct http_server *server = prepare->data;
    exchange_end_ending(server);
    while (!ring_is_empty(&server->in_turn)) {
        connection_end_turn(RING_OF(server->in_turn.next, struct connection, in_turn));
    }
    exchange_recycle_released(server);
    finish_stop_if_done(server);
}

/* The date */

struct ever_slice server_date(struct http_server *server)
{
    struct env *env = env_real();
    int64_t second = env->wall_ns(env) / 1000000000;
    if (second != server->date_second) {
        static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t time = (time_t)second;
        struct tm tm;
        gmtime_r(&time, &tm);
        /* Not strftime(): HTTP's names are English in every locale. */
        int size = snprintf(server->date, sizeof server->date,
                            "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
                            months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
        ASSERT(size == SERVER_DATE_BYTES);
        server->date_second = second;
    }
    return slice_of(server->date, SERVER_DATE_BYTES);
}

/* Starting */

struct ever_err http_server_start(uv_loop_t *loop, const struct http_options *options,
                                  http_handler_fn *handler, http_refuse_fn *refuse, void *arg,
                                  struct http_server **out_server)
{
    ASSERT(options->pipelined_max > 0 && options->connections_max > 0);
    struct http_server *server = mem_alloc_zero(sizeof *server);
    server->loop = loop;
    server->options = *options;
    server->http1_limits = (struct http1_limits){.target_bytes_max = options->target_bytes_max,
                                                 .header_bytes_max = options->header_bytes_max,
                                                 .body_bytes_max = options->body_bytes_max};
    server->handler = handler;
    server->refuse = refuse;
    server->arg = arg;
    ring_init(&server->connections);
    ring_init(&server->in_turn);
    struct ever_err err = listener_open(server);
    if (!IS_OK(err)) {
        free(server);
        return err;
    }
    /* These two cannot fail: they only note themselves in the loop. */
    (void)uv_timer_init(loop, &server->ticker);
    (void)uv_prepare_init(loop, &server->turning);
    (void)uv_prepare_start(&server->turning, on_turn_end);
    server->ticker.data = server;
    server->turning.data = server;
    server->open_handles = 3;
    signal(SIGPIPE, SIG_IGN); /* a client that left is an error of the write, not a signal */
    *out_server = server;
    return ERR_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

void http_server_stats(const struct http_server *server, struct http_stats *out_stats)
{
    *out_stats = server->stats;
}

/* Stopping */

void server_handle_closed(struct http_server *server)
{
    ASSERT(server->open_handles > 0);
    server->open_handles--;
    if (server->open_handles > 0) {
        return;
    }
    exchange_free_all(server);
    output_pool_deinit(&server->blocks);
    text_deinit(&server->scratch);
    void (*stopped)(void *arg) = server->stopped;
    void *stopped_arg = server->stopped_arg;
    free(server);
    stopped(stopped_arg);
}

static void on_own_handle_closed(uv_handle_t *handle)
{
    server_handle_closed(handle->data);
}

static void finish_stop_if_done(struct http_server *server)
{
    if (!server->is_stopping || server->stats.connections > 0 || server->exchange_count > 0 ||
        uv_is_closing((uv_handle_t *)&server->turning)) {
        return;
    }
    uv_close((uv_handle_t *)&server->ticker, on_own_handle_closed);
    uv_close((uv_handle_t *)&server->turning, on_own_handle_closed);
}

void server_connection_closed(struct http_server *server)
{
    ASSERT(server->stats.connections > 0);
    server->stats.connections--;
    listener_resume(server);
}

void http_server_stop(struct http_server *server, uint32_t grace_ms, void (*stopped)(void *arg),
                      void *arg)
{
    ASSERT(!server->is_stopping);
    server->is_stopping = true;
    server->stop_deadline_ms = uv_now(server->loop) + grace_ms;
    server->stopped = stopped;
    server->stopped_arg = arg;
    listener_close(server);
    server_need_ticks(server);
    for (struct ring *link = server->connections.next; link != &server->connections;
         link = link->next) {
        connection_stop(RING_OF(link, struct connection, in_server));
    }
}
