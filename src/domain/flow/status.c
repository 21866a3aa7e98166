/* status.c - what others see of the flows: status, watcher, taps. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flow_tap {
    struct flow *flow;
    flow_tap_fn *fn;
    void *arg;
    struct flow_tap *next;
};

/* --- Publishing ------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from); /* may be cut */
}

static void fill_failure(const struct flow_part *part, struct ever_err err,
                         struct flow_status *status)
{
    if (part->stop.is_set) {
        status->failed_position = part->stop.position;
        copy_text(status->failed_node, sizeof status->failed_node, part->stop.node);
        copy_text(status->failure, sizeof status->failure, part->stop.why);
    } else if (!IS_OK(err)) {
        (void)snprintf(status->failure, sizeof status->failure, "waits for the disk: %s",
                       err.sys_errno != 0 ? strerror(err.sys_errno)
                                          : ever_code_name((enum ever_code)err.code));
    }
}

static uint64_t in_log(const struct flow_side_stream *side)
{
    return side->count < side->logged ? side->count : side->logged;
}

static struct flow_status status_of(const struct flow_run *run, size_t index, bool is_live,
                                    struct ever_err err)
{
    const struct flow_part *part = &run->parts[index];
    const struct flow_serving *serving = &run->flows[index]->serving;
    struct derive_flow_status engine;
    derive_flow_status(run->program, index, &engine);
    struct flow_status status = {
        .state = part->stop.is_set ? FLOW_STOPPED
                 : is_live         ? FLOW_LIVE
                                   : FLOW_BUILDING,
        .position = run->durable,
        .watermark_us = engine.has_watermark ? engine.watermark_us : FLOW_NO_WATERMARK,
        .roots = engine.in,
        .events = in_log(&part->sides[FLOW_MAIN]),
        .late = in_log(&part->sides[FLOW_LATE]),
        .errors = in_log(&part->sides[FLOW_ERRORS]),
        .keys = engine.keys,
        .bytes = engine.bytes,
        .serving_from = serving->position,
    };
    if (part->stop.is_set && part->stop.position > 0 && part->stop.position <= status.position) {
        status.position = part->stop.position - 1;
    }
    copy_text(status.serving, sizeof status.serving, serving->version);
    (void)snprintf(status.hash, sizeof status.hash, "%016llx", (unsigned long long)part->hash);
    fill_failure(part, err, &status);
    return status;
}

static void publish_nodes(const struct flow_run *run, size_t index)
{
    struct flow *flow = run->flows[index];
    for (size_t i = 0; i < flow->info.node_count; i++) {
        struct derive_node_status node;
        derive_node_status(run->program, index, i, &node);
        flow->nodes[i] = (struct flow_node_status){
            .in = node.in, .out = node.out, .keys = node.keys, .bytes = node.bytes};
    }
}

static bool has_moved(const struct flow_status *before, const struct flow_status *after)
{
    return before->state != after->state || before->position != after->position ||
           strcmp(before->failure, after->failure) != 0;
}

static bool publish_flow(struct flows *flows, const struct flow_run *run, size_t index,
                         struct ever_err err)
{
    struct flow *flow = run->flows[index];
    struct flow_status status = status_of(run, index, run == flows->live, err);
    (void)pthread_mutex_lock(&flows->lock);
    bool moved = has_moved(&flow->status, &status);
    flow->status = status;
    publish_nodes(run, index);
    (void)pthread_mutex_unlock(&flows->lock);
    atomic_store(&flow->position, status.position);
    return moved;
}

static void call_watch(struct flows *flows)
{
    (void)pthread_mutex_lock(&flows->watch_lock);
    if (flows->watch != NULL) {
        flows->watch(flows->watch_arg);
    }
    (void)pthread_mutex_unlock(&flows->watch_lock);
}

void flow_status_publish(struct flows *flows, struct ever_err err)
{
    bool moved = false;
    struct flow_run *const runs[] = {flows->live, flows->building};
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; runs[r] != NULL && i < runs[r]->count; i++) {
            if (runs[r]->parts[i].is_written) {
                moved |= publish_flow(flows, runs[r], i, err);
            }
        }
    }
    if (moved) {
        call_watch(flows);
    }
}

/* --- Asking ----------------------------------------------------------------------------------- */

const struct flow_info *flow_info(const struct flow *flow)
{
    return &flow->info;
}

const char *flow_state_name(enum flow_state state)
{
    static const char *const names[] = {
        [FLOW_BUILDING] = "building", [FLOW_LIVE] = "live", [FLOW_STOPPED] = "stopped"};
    return names[state];
}

void flow_status(const struct flow *flow, struct flow_status *out_status)
{
    struct flows *flows = flow->flows;
    (void)pthread_mutex_lock(&flows->lock);
    *out_status = flow->status;
    (void)pthread_mutex_unlock(&flows->lock);
    uint64_t last = ever_last_position(flows->store);
    out_status->lag = last > out_status->position ? last - out_status->position : 0;
}

uint64_t flow_position(const struct flow *flow)
{
    return atomic_load(&flow->position);
}

void flow_node_status(const struct flow *flow, size_t index, struct flow_node_status *out_status)
{
    ASSERT(index < flow->info.node_count);
    struct flows *flows = flow->flows;
    (void)pthread_mutex_lock(&flows->lock);
    *out_status = flow->nodes[index];
    (void)pthread_mutex_unlock(&flows->lock);
}

void flows_watch(struct flows *flows, flows_watch_fn *fn, void *arg)
{
    (void)pthread_mutex_lock(&flows->watch_lock);
    flows->watch = fn;
    flows->watch_arg = arg;
    (void)pthread_mutex_unlock(&flows->watch_lock);
}

/* --- Taps ------------------------------------------------------------------------------------- */

struct flow_tap *flow_tap(struct flow *flow, flow_tap_fn *fn, void *arg)
{
    struct flow_tap *tap = mem_alloc(sizeof *tap);
    *tap = (struct flow_tap){.flow = flow, .fn = fn, .arg = arg};
    (void)pthread_mutex_lock(&flow->flows->tap_lock);
    tap->next = flow->taps;
    flow->taps = tap;
    atomic_fetch_add(&flow->tap_count, 1);
    (void)pthread_mutex_unlock(&flow->flows->tap_lock);
    return tap;
}

void flow_untap(struct flow_tap *tap)
{
    if (tap == NULL) {
        return;
    }
    struct flow *flow = tap->flow;
    (void)pthread_mutex_lock(&flow->flows->tap_lock);
    struct flow_tap **at = &flow->taps;
    while (*at != tap) {
        at = &(*at)->next;
    }
    *at = tap->next;
    atomic_fetch_sub(&flow->tap_count, 1);
    (void)pthread_mutex_unlock(&flow->flows->tap_lock);
    free(tap);
}

static void show(void *arg, const struct derive_tap_item *item)
{
    struct flow *flow = arg;
    struct flow_mark mark = {.node = item->node,
                             .position = item->position,
                             .time_us = item->time_us,
                             .key = item->key,
                             .value = item->value};
    (void)pthread_mutex_lock(&flow->flows->tap_lock);
    for (struct flow_tap *tap = flow->taps; tap != NULL; tap = tap->next) {
        tap->fn(tap->arg, &mark);
    }
    (void)pthread_mutex_unlock(&flow->flows->tap_lock);
}

void flow_status_tap_run(struct flow_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct flow *flow = run->flows[i];
        bool wanted = run->parts[i].is_written && atomic_load(&flow->tap_count) > 0;
        derive_flow_tap(run->program, i, wanted ? show : NULL, flow);
    }
}
