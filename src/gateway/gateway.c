#include "gateway/gateway_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "gateway/dispatch.h"
#include "gateway/follow/feed.h"
#include "gateway/follow/live_feed.h"
#include "gateway/follow/live_query.h"
#include "gateway/follow/marbles.h"
#include "gateway/follow/wait.h"
#include "gateway/metrics.h"
#include "gateway/operations/append.h"
#include "gateway/routes.h"

#include <stdlib.h>

#define STOP_GRACE_MS 5000

/* --- What other threads tell ----------------------------------------------------------------- */

/* uv_async_send() may be called from any thread, at any time until the handle is closed; every
 * teller is gone before that. */
static void wake_loop(void *arg)
{
    struct gateway *gateway = arg;
    int failed = uv_async_send(&gateway->wake);
    ASSERT(failed == 0);
}

static void on_log_moved(void *arg, uint64_t last_position)
{
    (void)last_position; /* whoever reads asks the store */
    struct gateway *gateway = arg;
    if (!atomic_exchange(&gateway->log_moved, true)) {
        wake_loop(gateway);
    }
}

static void on_views_moved(void *arg)
{
    struct gateway *gateway = arg;
    if (!atomic_exchange(&gateway->views_moved, true)) {
        wake_loop(gateway);
    }
}

static void on_flows_moved(void *arg)
{
    struct gateway *gateway = arg;
    if (!atomic_exchange(&gateway->flows_moved, true)) {
        wake_loop(gateway);
    }
}

/* Answers first, followers after: who waits for an append is blocked, who follows is not. */
static void on_wake(uv_async_t *handle)
{
    struct gateway *gateway = handle->data;
    append_finish_all(gateway);
    if (atomic_exchange(&gateway->log_moved, false)) {
        feeds_log_moved(gateway->feeds);
        live_feeds_log_moved(gateway->live_feeds);
    }
    if (atomic_exchange(&gateway->views_moved, false)) {
        waits_moved(gateway->waits);
        live_queries_views_moved(gateway->live_queries);
    }
    if (atomic_exchange(&gateway->flows_moved, false)) {
        waits_moved(gateway->waits);
        feeds_flows_moved(gateway->feeds);
    }
}

/* --- Start ----------------------------------------------------------------------------------- */

static void add_operations(struct router *router)
{
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *operation = operation_at(i);
        const char *fault =
            router_add(router, operation->method, slice_of_text(operation->path), operation, NULL);
        ASSERT(fault == NULL);
    }
}

static struct gateway *gateway_create(const struct gateway_parts *parts)
{
    struct gateway *gateway = mem_alloc_zero(sizeof *gateway);
    gateway->parts = *parts;
    gateway->env = env_real();
    gateway->router = router_create();
    gateway->metrics = metrics_create();
    add_operations(gateway->router);
    return gateway;
}

static void gateway_destroy(struct gateway *gateway)
{
    router_destroy(gateway->router);
    routes_destroy(gateway->routes);
    metrics_destroy(gateway->metrics);
    text_deinit(&gateway->scratch);
    free(gateway);
}

static void open_handles(struct gateway *gateway)
{
    uv_loop_t *loop = gateway->parts.loop;
    ASSERT(uv_async_init(loop, &gateway->wake, on_wake) == 0);
    gateway->wake.data = gateway;
    mailbox_init(&gateway->completions, wake_loop, gateway);
    turns_init(&gateway->turns, loop);
    gateway->feeds = feeds_create(gateway);
    gateway->live_feeds = live_feeds_create(gateway);
    gateway->live_queries = live_queries_create(gateway);
    gateway->marbles = marbles_create(gateway);
    gateway->waits = waits_create(gateway);
}

static void last_handle_closed(struct gateway *gateway)
{
    mailbox_deinit(&gateway->completions);
    void (*stopped)(void *arg) = gateway->stopped;
    void *arg = gateway->stopped_arg;
    gateway_destroy(gateway);
    if (stopped != NULL) {
        stopped(arg);
    }
}

/* Counts down to the last handle; only then may the memory they stand in go. */
static void handle_closed(struct gateway *gateway)
{
    ASSERT(gateway->open_handles > 0);
    gateway->open_handles--;
    if (gateway->open_handles == 0) {
        last_handle_closed(gateway);
    }
}

static void wake_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void idle_closed(uv_handle_t *handle)
{
    struct turns *turns = handle->data;
    handle_closed((struct gateway *)((char *)turns - offsetof(struct gateway, turns)));
}

static void close_handles(struct gateway *gateway)
{
    ever_unwatch(gateway->watch);
    if (gateway->parts.views != NULL) {
        views_watch(gateway->parts.views, NULL, NULL);
    }
    if (gateway->parts.flows != NULL) {
        flows_watch(gateway->parts.flows, NULL, NULL);
    }
    live_feeds_destroy(gateway->live_feeds);
    gateway->open_handles = 6;
    feeds_close(gateway->feeds, handle_closed);
    live_queries_close(gateway->live_queries, handle_closed);
    marbles_close(gateway->marbles, handle_closed);
    waits_close(gateway->waits, handle_closed);
    turns_close(&gateway->turns, idle_closed);
    uv_close((uv_handle_t *)&gateway->wake, wake_closed);
}

/* A watch fails only for want of memory, which ends this process anyway. */
static void watch(struct gateway *gateway)
{
    struct ever_err err = ever_watch(gateway->parts.store, on_log_moved, gateway, &gateway->watch);
    ASSERT(IS_OK(err));
    if (gateway->parts.views != NULL) {
        views_watch(gateway->parts.views, on_views_moved, gateway);
    }
    if (gateway->parts.flows != NULL) {
        flows_watch(gateway->parts.flows, on_flows_moved, gateway);
    }
}

struct ever_err gateway_start(const struct gateway_parts *parts, struct text *report,
                              struct gateway **out_gateway)
{
    struct gateway *gateway = gateway_create(parts);
    struct ever_err err = routes_compile(gateway, report, &gateway->routes);
    if (IS_OK(err)) {
        err = http_server_start(parts->loop, &parts->http, dispatch_request, dispatch_refused,
                                gateway, &gateway->server);
    }
    if (!IS_OK(err)) {
        gateway_destroy(gateway);
        return err;
    }
    open_handles(gateway); /* nothing arrives before the loop runs */
    watch(gateway);
    *out_gateway = gateway;
    return ERR_OK;
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return http_server_port(gateway->server);
}

/* --- Stop ------------------------------------------------------------------------------------ */

/* The end comes when the server is gone and every call was answered, whichever is later: a call may
 * still stand in the store's queue when its connection is no more. */
static void try_to_end(struct gateway *gateway)
{
    if (gateway->server_gone && gateway->open_work == 0) {
        close_handles(gateway);
    }
}

static void server_stopped(void *arg)
{
    struct gateway *gateway = arg;
    gateway->server_gone = true;
    try_to_end(gateway);
}

void gateway_work_begun(struct gateway *gateway)
{
    gateway->open_work++;
}

void gateway_work_ended(struct gateway *gateway)
{
    ASSERT(gateway->open_work > 0);
    gateway->open_work--;
    try_to_end(gateway);
}

void gateway_stop(struct gateway *gateway, void (*stopped)(void *arg), void *arg)
{
    ASSERT(!gateway->stopping);
    gateway->stopping = true;
    gateway->stopped = stopped;
    gateway->stopped_arg = arg;
    waits_end_all(gateway->waits);
    http_server_stop(gateway->server, STOP_GRACE_MS, server_stopped, gateway);
}
