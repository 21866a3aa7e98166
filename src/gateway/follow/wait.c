#include "gateway/follow/wait.h"

#include "base/assert.h"
#include "base/mem.h"
#include "gateway/gateway_priv.h"

#include <stdlib.h>
#include <string.h>

struct waits {
    struct gateway *gateway;
    struct wait *first;
    uv_timer_t timer; /* set to the nearest deadline */
    void (*closed)(struct gateway *gateway);
};

static bool flow_has_reached(const struct flow *flow, uint64_t position)
{
    struct flow_status status;
    if (flow_position(flow) < position) {
        return false;
    }
    flow_status(flow, &status);
    return strcmp(status.serving, flow_info(flow)->version) == 0;
}

static bool is_reached(const struct wait *wait)
{
    if (wait->flow != NULL && !flow_has_reached(wait->flow, wait->position)) {
        return false;
    }
    for (size_t i = 0; i < wait->view_count; i++) {
        if (view_position(wait->views[i]) < wait->position) {
            return false;
        }
    }
    return true;
}

static bool is_stopped(const struct flow *flow)
{
    struct flow_status status;
    flow_status(flow, &status);
    return status.state == FLOW_STOPPED;
}

/* What has stopped at an event goes on after a restart, if ever. */
static bool is_hopeless(const struct wait *wait)
{
    if (wait->flow != NULL && is_stopped(wait->flow)) {
        return !flow_has_reached(wait->flow, wait->position);
    }
    for (size_t i = 0; i < wait->view_count; i++) {
        struct view_status status;
        view_status(wait->views[i], &status);
        if (status.state == VIEW_STOPPED && view_position(wait->views[i]) < wait->position) {
            return true;
        }
    }
    return false;
}

/* Views that somebody waits for gather no events; a flow needs no telling. */
static void hurry(struct waits *waits, const struct wait *wait, bool begins)
{
    if (wait->view_count > 0) {
        views_hurry(waits->gateway->parts.views, begins);
    }
}

/* Ends those that have reached their position or whose time has run out at `now_ms`. What `done`
 * does may add waits in front, which the walk does not see. */
static void end_due(struct waits *waits, uint64_t now_ms)
{
    struct wait **at = &waits->first;
    struct wait *due = NULL;
    while (*at != NULL) {
        struct wait *wait = *at;
        if (!is_reached(wait) && !is_hopeless(wait) && wait->deadline_ms > now_ms) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        wait->next = due;
        due = wait;
    }
    while (due != NULL) {
        struct wait *wait = due;
        due = wait->next;
        hurry(waits, wait, false);
        wait->done(wait->arg, is_reached(wait));
    }
}

static void on_time(uv_timer_t *timer);

static void set_timer(struct waits *waits, uint64_t now_ms)
{
    uint64_t nearest_ms = UINT64_MAX;
    for (const struct wait *wait = waits->first; wait != NULL; wait = wait->next) {
        nearest_ms = wait->deadline_ms < nearest_ms ? wait->deadline_ms : nearest_ms;
    }
    if (nearest_ms == UINT64_MAX) {
        uv_timer_stop(&waits->timer);
    } else {
        uv_timer_start(&waits->timer, on_time, nearest_ms > now_ms ? nearest_ms - now_ms : 0, 0);
    }
}

static void on_time(uv_timer_t *timer)
{
    struct waits *waits = timer->data;
    uint64_t now_ms = uv_now(waits->gateway->parts.loop);
    end_due(waits, now_ms);
    set_timer(waits, now_ms);
}

void waits_add(struct waits *waits, struct wait *wait, uint32_t seconds)
{
    if (is_reached(wait) || is_hopeless(wait) || seconds == 0 || waits->gateway->stopping) {
        wait->done(wait->arg, is_reached(wait));
        return;
    }
    uint64_t now_ms = uv_now(waits->gateway->parts.loop);
    wait->deadline_ms = now_ms + seconds * UINT64_C(1000);
    wait->next = waits->first;
    waits->first = wait;
    hurry(waits, wait, true);
    set_timer(waits, now_ms);
}

void waits_moved(struct waits *waits)
{
    if (waits->first != NULL) {
        end_due(waits, 0);
    }
}

void waits_end_all(struct waits *waits)
{
    end_due(waits, UINT64_MAX);
    set_timer(waits, 0);
}

struct waits *waits_create(struct gateway *gateway)
{
    struct waits *waits = mem_alloc_zero(sizeof *waits);
    waits->gateway = gateway;
    ASSERT(uv_timer_init(gateway->parts.loop, &waits->timer) == 0);
    waits->timer.data = waits;
    return waits;
}

static void timer_closed(uv_handle_t *handle)
{
    struct waits *waits = handle->data;
    struct gateway *gateway = waits->gateway;
    void (*closed)(struct gateway * gateway) = waits->closed;
    free(waits);
    closed(gateway);
}

void waits_close(struct waits *waits, void (*closed)(struct gateway *gateway))
{
    ASSERT(waits->first == NULL);
    waits->closed = closed;
    uv_close((uv_handle_t *)&waits->timer, timer_closed);
}
