/* multicast.c - a table of observers that may change while an event is being handed to them.
 *
 * Each observer has a slot; its link, a child node, empties the slot when the observer closes.
 * Slots keep their order and do not move while a delivery runs; a delivery visits those that were
 * there when it began, so a newcomer hears from the next event on, and one that was removed hears
 * nothing more. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

struct link {
    struct node node;
    struct multicast *cast;
    uint32_t slot;
};

static void multicast_free(flow_val v)
{
    struct multicast *cast = (struct multicast *)(uintptr_t)v.p;
    FLOW_ASSERT(cast->live == 0);
    if (cast->replay != NULL) {
        replay_free(cast->replay, cast);
    }
    if (cast->key_type != NULL && cast->key_type->release != NULL) {
        cast->key_type->release(cast->key);
    }
    ring_free(&cast->waiting, cast->stream.loop, cast->stream.type);
    free(cast->error);
    free(cast->slots);
    free(cast);
}

static const struct flow_type multicast_type = {.release = multicast_free};

static flow_val stream_retain(flow_val v)
{
    struct flow_stream *stream = (struct flow_stream *)(uintptr_t)v.p;
    if (stream->region == NULL) {
        multicast_ref((struct multicast *)stream);
    }
    return v;
}

static void stream_release(flow_val v)
{
    struct flow_stream *stream = (struct flow_stream *)(uintptr_t)v.p;
    if (stream->region == NULL) {
        multicast_unref((struct multicast *)stream);
    }
}

const struct flow_type flow_stream_type = {
    .name = "stream",
    .retain = stream_retain,
    .release = stream_release,
};

struct multicast *multicast_new(struct flow_loop *loop, const struct flow_type *type,
                                const struct flow_subject_opts *opts)
{
    struct multicast *cast = calloc(1, sizeof *cast);
    if (cast == NULL) {
        return NULL;
    }
    cast->stream.type = type;
    cast->stream.loop = loop;
    cast->stream.subscribe = multicast_subscribe;
    cast->stream.bound = (struct bound){.items = FLOW_BOUND_DEFAULT};
    cast->refs = 1;
    if (opts != NULL && opts->kind != FLOW_SUBJECT) {
        cast->replay = replay_new(type, opts);
        if (cast->replay == NULL) {
            free(cast);
            return NULL;
        }
    }
    return cast;
}

void multicast_ref(struct multicast *cast)
{
    cast->refs++;
}

void multicast_unref(struct multicast *cast)
{
    if (cast != NULL && --cast->refs == 0) {
        value_drop(cast->stream.loop, &multicast_type, flow_ptr(cast));
    }
}

/* ---- observers come and go ---- */

static void slots_compact(struct multicast *cast)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cast->count; i++) {
        if (cast->slots[i].target != NULL) {
            cast->slots[kept] = cast->slots[i];
            cast->slots[kept].link->slot = kept;
            kept++;
        }
    }
    cast->count = kept;
}

static void link_closed(struct node *node)
{
    struct link *link = (struct link *)node;
    struct multicast *cast = link->cast;
    cast->slots[link->slot].target = NULL;
    cast->live--;
    if (cast->emitting == 0 && cast->count >= 2 * cast->live) {
        slots_compact(cast);
    }
}

static void link_destroy(struct node *node)
{
    multicast_unref(((struct link *)node)->cast);
}

static const struct node_ops link_ops = {.closed = link_closed, .destroy = link_destroy};

static bool slots_room(struct multicast *cast)
{
    if (cast->count < cast->capacity) {
        return true;
    }
    uint32_t capacity = cast->capacity == 0 ? 2 : cast->capacity * 2;
    struct slot *slots = realloc(cast->slots, capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    cast->slots = slots;
    cast->capacity = capacity;
    return true;
}

void multicast_add(struct multicast *cast, struct node *down)
{
    if (!slots_room(cast)) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return;
    }
    struct link *link = node_new(down, down, &link_ops, sizeof *link);
    if (link == NULL) {
        return;
    }
    link->cast = cast;
    multicast_ref(cast);
    if (link->node.closed) {
        return;
    }
    link->slot = cast->count;
    cast->slots[cast->count++] = (struct slot){.target = down, .link = link};
    cast->live++;
    if (cast->stream.level > 0) {
        txn_raise(down, cast->stream.level);
    }
}

void multicast_subscribe(struct flow_stream *stream, struct node *down)
{
    struct multicast *cast = (struct multicast *)stream;
    if (cast->replay != NULL) {
        replay_subscribe(cast, down);
    } else if (cast->failed) {
        source_error(down, cast->error);
    } else if (cast->stopped) {
        source_complete(down);
    } else {
        multicast_add(cast, down);
    }
}

/* ---- deliveries ---- */

static void deliver_begin(struct multicast *cast)
{
    cast->emitting++;
    cast->stream.loop->fanout++;
}

static void deliver_end(struct multicast *cast)
{
    struct flow_loop *loop = cast->stream.loop;
    cast->emitting--;
    if (--loop->fanout == 0 && loop->pending != NULL) {
        txn_commit_all(loop);
    }
}

void multicast_deliver_all(struct multicast *cast, flow_val v)
{
    struct flow_loop *loop = cast->stream.loop;
    uint32_t count = cast->count;
    uint32_t fanout = loop->fanout;
    cast->emitting++;
    loop->fanout = fanout + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct node *target = cast->slots[i].target;
        if (LIKELY(target != NULL)) {
            target->next(target, v);
        }
    }
    cast->emitting--;
    loop->fanout = fanout;
    if (fanout == 0 && loop->pending != NULL) {
        txn_commit_all(loop);
    }
}

void multicast_settle(struct multicast *cast)
{
    while (cast->emitting == 0 && (cast->count != cast->live || cast->waiting.count > 0)) {
        if (cast->count != cast->live) {
            slots_compact(cast);
        }
        if (cast->waiting.count > 0) {
            struct flow_loop *loop = cast->stream.loop;
            multicast_next(cast, ring_take(&cast->waiting, loop, cast->stream.type));
        }
    }
}

/* From inside a delivery of the same table: the running one first. */
static void deliver_later(struct multicast *cast, flow_val v)
{
    cast->stream.loop->unsettled = true;
    for (uint32_t i = 0; i < cast->count; i++) {
        if (cast->slots[i].target != NULL) {
            ring_push(&cast->waiting, &cast->stream, cast->stream.type, v, cast->slots[i].target);
            return;
        }
    }
}

void multicast_next(struct multicast *cast, flow_val v)
{
    if (UNLIKELY(cast->stopped)) {
        return;
    }
    if (UNLIKELY(cast->emitting > 0)) {
        deliver_later(cast, v);
        return;
    }
    if (UNLIKELY(cast->replay != NULL)) {
        replay_store(cast, v);
        if (replay_swallows(cast)) {
            return;
        }
    }
    multicast_deliver(cast, v);
}

/* The way down has one observer at each point, and all work in blocks: nobody can see whether a
 * callback ran between two values, for instance one that subscribes to the same source. */
static bool block_is_unseen(const struct node *node)
{
    while (node != NULL && node->ops->block != NULL) {
        if (node->ops->spreads) {
            const struct multicast *cast = ((const struct spreader *)node)->cast;
            bool single = cast->count == 1 && cast->replay == NULL && cast->emitting == 0;
            node = single ? cast->slots[0].target : NULL;
        } else if (node->down == NULL) {
            return true;
        } else {
            node = node->down;
        }
    }
    return false;
}

void multicast_block(struct multicast *cast, flow_val *v, size_t count)
{
    if (cast->count == 1 && cast->replay == NULL && cast->emitting == 0 && !cast->stopped &&
        block_is_unseen(cast->slots[0].target)) {
        struct node *target = cast->slots[0].target;
        cast->emitting++;
        if (target != NULL) {
            send_block(target, v, count);
        }
        cast->emitting--;
        multicast_settle(cast);
        return;
    }
    struct flow_loop *loop = cast->stream.loop;
    for (size_t i = 0; i < count; i++) {
        struct event event = event_begin(loop);
        loop->event_id++;
        multicast_next(cast, v[i]);
        event_end(loop, event);
    }
}

void multicast_fault(struct multicast *cast, const struct flow_error *error)
{
    uint32_t count = cast->count;
    if (cast->stopped) {
        return;
    }
    deliver_begin(cast);
    for (uint32_t i = 0; i < count; i++) {
        if (cast->slots[i].target != NULL) {
            send_fault(cast->slots[i].target, error);
        }
    }
    deliver_end(cast);
    multicast_settle(cast);
}

/* Observers that come while the end is being delivered get it from multicast_subscribe(). */
static void deliver_end_of_stream(struct multicast *cast)
{
    deliver_begin(cast);
    for (uint32_t i = 0; i < cast->count; i++) {
        struct node *target = cast->slots[i].target;
        if (target != NULL && cast->failed) {
            send_error(target, cast->error);
        } else if (target != NULL) {
            send_complete(target);
        }
    }
    deliver_end(cast);
    ring_clear(&cast->waiting, cast->stream.loop, cast->stream.type);
}

void multicast_error(struct multicast *cast, const struct flow_error *error)
{
    static struct flow_error no_memory = {FLOW_ERROR_MEMORY, "no memory to keep an error"};
    if (cast->stopped) {
        return;
    }
    cast->stopped = cast->failed = true;
    cast->error = malloc(sizeof *cast->error);
    if (cast->error == NULL) {
        cast->stopped = cast->failed = false;
        multicast_fault(cast, &no_memory);
        return;
    }
    *cast->error = *error;
    deliver_end_of_stream(cast);
}

void multicast_complete(struct multicast *cast)
{
    if (cast->stopped) {
        return;
    }
    if (cast->replay != NULL && replay_swallows(cast)) {
        flow_val last;
        if (replay_last(cast, &last)) {
            multicast_deliver(cast, last);
        }
    }
    cast->stopped = true;
    deliver_end_of_stream(cast);
}
