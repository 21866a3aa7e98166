/* loop.c - entering and leaving, the queue of root events, what waits for their end, time. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_CHUNK = 16 * 1024,
    ARENA_ALIGN = 16,
};

enum {
    QUEUED_NEXT,
    QUEUED_ERROR,
    QUEUED_FAULT,
    QUEUED_COMPLETE,
};

struct posted {
    struct posted *after;
    struct multicast *cast;
    flow_val v;
};

struct flow_loop *flow_loop_new(void)
{
    struct flow_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    loop->queue_bound = FLOW_BOUND_DEFAULT;
    loop->subs_free = SIZE_MAX;
    return loop;
}

static void arena_free(struct flow_loop *loop)
{
    while (loop->arena != NULL) {
        struct arena_chunk *chunk = loop->arena;
        loop->arena = chunk->before;
        free(chunk);
    }
}

void flow_loop_free(struct flow_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    FLOW_ASSERT(loop->depth == 0);
    loop_posted_discard(loop);
    while (loop->regions != NULL) {
        flow_region_free(loop->regions);
    }
    FLOW_ASSERT(loop->by_slot.count == 0 && loop->pending == NULL && loop->queue_count == 0);
    arena_free(loop);
    free(loop->by_slot.items);
    free(loop->by_order.items);
    free(loop->dropped);
    free(loop->queue);
    free(loop->subs);
    free(loop);
}

void flow_loop_unhandled(struct flow_loop *loop, flow_unhandled_fn *fn, void *ud)
{
    loop->unhandled = fn;
    loop->unhandled_ud = ud;
}

void flow_loop_bound(struct flow_loop *loop, size_t events)
{
    loop->queue_bound = events;
}

void flow_loop_wake(struct flow_loop *loop, flow_wake_fn *fn, void *ud)
{
    loop->wake = fn;
    loop->wake_ud = ud;
}

flow_time flow_now(const struct flow_loop *loop)
{
    return loop->now;
}

size_t flow_index(const struct flow_loop *loop)
{
    return loop->index;
}

flow_val flow_fail(struct flow_loop *loop, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    loop->failed = true;
    loop->error.code = code;
    vsnprintf(loop->error.text, sizeof loop->error.text, format, args);
    va_end(args);
    return flow_int(0);
}

struct flow_region *flow_here(struct flow_loop *loop)
{
    if (loop->inner == NULL && loop->inner_calls > 0) {
        loop->inner = flow_region_new(loop);
    }
    return loop->inner;
}

/* ---- the arena of the running event ---- */

static bool arena_grow(struct flow_loop *loop, size_t size)
{
    size_t room = size > ARENA_CHUNK ? size : ARENA_CHUNK;
    struct arena_chunk *chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL) {
        return false;
    }
    chunk->before = loop->arena;
    chunk->size = room;
    loop->arena = chunk;
    loop->arena_used = 0;
    return true;
}

void *flow_alloc(struct flow_loop *loop, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (loop->arena == NULL || loop->arena->size - loop->arena_used < size) {
        if (!arena_grow(loop, size)) {
            return NULL;
        }
    }
    void *p = loop->arena->bytes + loop->arena_used;
    loop->arena_used += size;
    loop->unsettled = true;
    return p;
}

void arena_rewind(struct flow_loop *loop, struct event event)
{
    if (loop->arena == NULL) {
        return;
    }
    while (loop->arena != event.arena_chunk && loop->arena->before != NULL) {
        struct arena_chunk *chunk = loop->arena;
        loop->arena = chunk->before;
        free(chunk);
    }
    /* The first chunk stays: it serves the next event without an allocation. */
    loop->arena_used = loop->arena == event.arena_chunk ? event.arena_used : 0;
#ifdef EVERFOLD_SLOW_ASSERTS
    memset(loop->arena->bytes + loop->arena_used, 0xdd, loop->arena->size - loop->arena_used);
#endif
}

/* ---- values let go while an event is running ---- */

void value_drop_late(struct flow_loop *loop, const struct flow_type *type, flow_val v)
{
    if (loop->emitting == 0) {
        type->release(v);
        return;
    }
    if (loop->dropped_count == loop->dropped_capacity) {
        size_t capacity = loop->dropped_capacity == 0 ? 64 : loop->dropped_capacity * 2;
        struct dropped *dropped = realloc(loop->dropped, capacity * sizeof *dropped);
        if (dropped == NULL) {
            return; /* leaks one value rather than free it under somebody's eyes */
        }
        loop->dropped = dropped;
        loop->dropped_capacity = capacity;
    }
    loop->dropped[loop->dropped_count++] = (struct dropped){.type = type, .v = v};
    loop->unsettled = true;
}

static void dropped_release(struct flow_loop *loop)
{
    for (size_t i = 0; i < loop->dropped_count; i++) {
        loop->dropped[i].type->release(loop->dropped[i].v);
    }
    loop->dropped_count = 0;
}

/* No event is running: release what was let go, then run what was queued, which may let go more. */
void loop_settle(struct flow_loop *loop)
{
    while (loop->emitting == 0 && loop->unsettled) {
        loop->unsettled = false;
        dropped_release(loop);
        if (loop->queue_count > 0) {
            loop_queue_run(loop);
            loop->unsettled = true;
        }
    }
}

/* ---- root events that wait ---- */

static bool queue_room(struct flow_loop *loop)
{
    if (loop->queue_count >= loop->queue_bound) {
        return false;
    }
    if (loop->queue_count < loop->queue_capacity) {
        return true;
    }
    size_t capacity = loop->queue_capacity == 0 ? 16 : loop->queue_capacity * 2;
    struct queued *queue = malloc(capacity * sizeof *queue);
    if (queue == NULL) {
        return false;
    }
    for (size_t i = 0; i < loop->queue_count; i++) {
        queue[i] = loop->queue[(loop->queue_first + i) & (loop->queue_capacity - 1)];
    }
    free(loop->queue);
    loop->queue = queue;
    loop->queue_first = 0;
    loop->queue_capacity = capacity;
    return true;
}

static bool queue_push(struct multicast *cast, int kind, flow_val v, const struct flow_error *error)
{
    struct flow_loop *loop = cast->stream.loop;
    struct flow_error *copy = NULL;
    if (!queue_room(loop)) {
        return false;
    }
    if (error != NULL) {
        copy = malloc(sizeof *copy);
        if (copy == NULL) {
            return false;
        }
        *copy = *error;
    }
    size_t place = (loop->queue_first + loop->queue_count++) & (loop->queue_capacity - 1);
    loop->queue[place] = (struct queued){
        .cast = cast,
        .kind = kind,
        .v = kind == QUEUED_NEXT ? value_keep(cast->stream.type, v) : flow_int(0),
        .error = copy,
    };
    multicast_ref(cast);
    loop->unsettled = true;
    return true;
}

static void event_run(struct multicast *cast, int kind, flow_val v, const struct flow_error *error)
{
    struct flow_loop *loop = cast->stream.loop;
    loop->event_id++;
    struct event event = event_begin(loop);
    if (kind == QUEUED_NEXT) {
        multicast_next(cast, v);
    } else if (kind == QUEUED_ERROR) {
        multicast_error(cast, error);
    } else if (kind == QUEUED_FAULT) {
        multicast_fault(cast, error);
    } else {
        multicast_complete(cast);
    }
    event_end(loop, event);
}

void loop_queue_run(struct flow_loop *loop)
{
    while (loop->queue_count > 0) {
        struct queued queued = loop->queue[loop->queue_first];
        loop->queue_first = (loop->queue_first + 1) & (loop->queue_capacity - 1);
        loop->queue_count--;
        loop_enter(loop);
        loop->emitting++; /* so that the event's end does not come back here */
        event_run(queued.cast, queued.kind, queued.v, queued.error);
        loop->emitting--;
        if (queued.kind == QUEUED_NEXT) {
            value_drop(loop, queued.cast->stream.type, queued.v);
        }
        free(queued.error);
        multicast_unref(queued.cast);
        dropped_release(loop);
        loop_leave(loop);
    }
}

enum flow_status loop_event(struct multicast *cast, int kind, flow_val v,
                            const struct flow_error *error)
{
    struct flow_loop *loop = cast->stream.loop;
    if (UNLIKELY(cast->stopped)) {
        return FLOW_CLOSED;
    }
    if (UNLIKELY(loop->emitting > 0)) {
        return queue_push(cast, kind, v, error) ? FLOW_OK : FLOW_FULL;
    }
    loop_enter(loop);
    loop->full = false;
    event_run(cast, kind, v, error);
    enum flow_status status = loop_status(cast);
    loop_leave(loop);
    return status;
}

enum flow_status loop_next(struct multicast *cast, flow_val v)
{
    return loop_event(cast, QUEUED_NEXT, v, NULL);
}

enum flow_status loop_block(struct multicast *cast, const flow_val *v, size_t count)
{
    struct flow_loop *loop = cast->stream.loop;
    FLOW_ASSERT(loop->emitting == 0 && count <= FLOW_BLOCK_MAX);
    if (cast->stopped) {
        return FLOW_CLOSED;
    }
    loop_enter(loop);
    loop->full = false;
    memcpy(loop->block, v, count * sizeof *v);
    struct event event = event_begin(loop);
    loop->event_id++;
    multicast_block(cast, loop->block, count);
    event_end(loop, event);
    enum flow_status status = loop_status(cast);
    loop_leave(loop);
    return status;
}

void loop_error(struct multicast *cast, const struct flow_error *error)
{
    loop_event(cast, QUEUED_ERROR, flow_int(0), error);
}

void loop_fault(struct multicast *cast, const struct flow_error *error)
{
    loop_event(cast, QUEUED_FAULT, flow_int(0), error);
}

void loop_complete(struct multicast *cast)
{
    loop_event(cast, QUEUED_COMPLETE, flow_int(0), NULL);
}

void source_next(struct node *down, flow_val v)
{
    struct flow_loop *loop = down->loop;
    bool initial = loop->initial;
    struct event event = event_begin(loop);
    loop->event_id++;
    loop->initial = false;
    down->next(down, v);
    loop->initial = initial;
    event_end(loop, event);
}

void source_complete(struct node *down)
{
    struct event event = event_begin(down->loop);
    send_complete(down);
    event_end(down->loop, event);
}

void source_error(struct node *down, const struct flow_error *error)
{
    struct event event = event_begin(down->loop);
    send_error(down, error);
    event_end(down->loop, event);
}

/* ---- the end of the outermost call ---- */

/* All let go before any is freed: a node may look at its parent. */
static void dead_destroy(struct node *node)
{
    for (; node != NULL; node = node->sibling_after) {
        if (node->ops->destroy != NULL) {
            node->ops->destroy(node);
        }
    }
}

static void dead_free(struct node *node)
{
    while (node != NULL) {
        struct node *after = node->sibling_after;
        free(node);
        node = after;
    }
}

void loop_leave_last(struct flow_loop *loop)
{
    arena_rewind(loop, (struct event){0});
    while (loop->dead != NULL || loop->dead_regions != NULL) {
        struct node *dead = loop->dead;
        loop->dead = NULL;
        dead_destroy(dead);
        dead_free(dead);
        struct flow_region *region = loop->dead_regions;
        if (region != NULL) {
            loop->dead_regions = region->sibling_after;
            region_destroy(region);
        }
    }
}

/* ---- other threads ---- */

enum flow_status flow_post(struct flow_subject *subject, flow_val v)
{
    struct multicast *cast = subject_cast(subject);
    struct flow_loop *loop = cast->stream.loop;
    if (atomic_fetch_add(&loop->posted_count, 1) >= loop->queue_bound) {
        atomic_fetch_sub(&loop->posted_count, 1);
        return FLOW_FULL;
    }
    struct posted *posted = malloc(sizeof *posted);
    if (posted == NULL) {
        atomic_fetch_sub(&loop->posted_count, 1);
        return FLOW_FULL;
    }
    posted->cast = cast;
    posted->v = v;
    posted->after = atomic_load(&loop->posted);
    while (!atomic_compare_exchange_weak(&loop->posted, &posted->after, posted)) {
    }
    if (loop->wake != NULL) {
        loop->wake(loop->wake_ud);
    }
    return FLOW_OK;
}

/* All that was posted so far, the first first. */
static struct posted *posted_take(struct flow_loop *loop)
{
    struct posted *newest = atomic_exchange(&loop->posted, NULL);
    struct posted *oldest = NULL;
    while (newest != NULL) {
        struct posted *after = newest->after;
        newest->after = oldest;
        oldest = newest;
        newest = after;
    }
    return oldest;
}

static void posted_run(struct flow_loop *loop, bool deliver)
{
    struct posted *posted = posted_take(loop);
    while (posted != NULL) {
        struct posted *done = posted;
        posted = posted->after;
        atomic_fetch_sub(&loop->posted_count, 1);
        if (deliver) {
            loop_next(done->cast, done->v);
        }
        value_drop(loop, done->cast->stream.type, done->v);
        free(done);
    }
}

void loop_posted_discard(struct flow_loop *loop)
{
    posted_run(loop, false);
}

void flow_advance(struct flow_loop *loop, flow_time to)
{
    if (loop->depth > 0) {
        return;
    }
    posted_run(loop, true);
    timers_run_until(loop, to);
}
