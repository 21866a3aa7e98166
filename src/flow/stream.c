/* stream.c - descriptions, and the observers at the end of a chain. */
#include "core.h"

#include <stdlib.h>

void *stream_new(struct flow_region *region, size_t size, const struct flow_type *type,
                 void (*subscribe)(struct flow_stream *, struct node *))
{
    struct flow_stream *stream = region == NULL ? NULL : region_alloc(region, size);
    if (stream != NULL) {
        stream->type = type;
        stream->kept = type;
        stream->region = region;
        stream->loop = region->loop;
        stream->subscribe = subscribe;
        stream->bound = region->bound;
    }
    return stream;
}

void *stream_on(struct flow_stream *in, size_t size, const struct flow_type *type,
                void (*subscribe)(struct flow_stream *, struct node *))
{
    if (in == NULL) {
        return NULL;
    }
    /* A group or window belongs to no region; operators on it live where they are made. */
    struct flow_region *region = in->region != NULL ? in->region : flow_here(in->loop);
    struct flow_stream *stream = stream_new(region, size, type, subscribe);
    if (stream != NULL) {
        stream->in = in;
        stream->level = in->level;
        stream->property = in->property;
    }
    return stream;
}

struct flow_stream *op_new(struct flow_stream *in, const struct flow_type *type,
                           const struct node_ops *ops)
{
    struct flow_stream *stream = stream_on(in, sizeof *stream, type, op_subscribe);
    if (stream != NULL) {
        stream->ops = ops;
    }
    return stream;
}

struct value_owner {
    const struct flow_type *type;
    flow_val v;
};

static void value_owner_free(void *data)
{
    struct value_owner *owner = data;
    owner->type->release(owner->v);
    free(owner);
}

flow_val region_keep(struct flow_region *region, const struct flow_type *type, flow_val v)
{
    if (type->retain == NULL) {
        return v;
    }
    struct value_owner *owner = malloc(sizeof *owner);
    if (owner == NULL) {
        region_fail(region, FLOW_ERROR_MEMORY);
        return v;
    }
    *owner = (struct value_owner){.type = type, .v = type->retain(v)};
    flow_own(region, owner, value_owner_free);
    return owner->v;
}

void stream_arg(struct flow_stream *stream, const struct flow_type *type, const flow_val *v)
{
    if (stream != NULL && v != NULL) {
        stream->kept = type;
        stream->arg = region_keep(stream->region, type, *v);
        stream->has_arg = true;
    }
}

const struct flow_type *flow_stream_carries(const struct flow_stream *stream)
{
    return stream->type;
}

/* ---- subscriptions: slots that outlive their node ---- */

struct sub_slot {
    struct node *node;
    uint32_t generation;
    size_t free_after;
};

static bool sub_slots_room(struct flow_loop *loop)
{
    if (loop->subs_free != SIZE_MAX) {
        return true;
    }
    size_t count = loop->subs_count == 0 ? 16 : loop->subs_count * 2;
    struct sub_slot *subs = realloc(loop->subs, count * sizeof *subs);
    if (subs == NULL) {
        return false;
    }
    for (size_t i = loop->subs_count; i < count; i++) {
        subs[i] = (struct sub_slot){.free_after = i + 1 == count ? SIZE_MAX : i + 1};
    }
    loop->subs_free = loop->subs_count;
    loop->subs = subs;
    loop->subs_count = count;
    return true;
}

struct flow_sub sub_make(struct flow_region *region, struct node *node)
{
    struct flow_loop *loop = region->loop;
    node_adopt(node, &region->root);
    if (node->closed || !sub_slots_room(loop)) {
        return (struct flow_sub){0};
    }
    struct sub_slot *slot = &loop->subs[loop->subs_free];
    node->sub = (uint32_t)loop->subs_free + 1;
    loop->subs_free = slot->free_after;
    slot->node = node;
    slot->generation++;
    return (struct flow_sub){
        .loop = loop,
        .slot = node->sub - 1,
        .generation = slot->generation,
    };
}

void sub_forget(struct flow_loop *loop, struct node *node)
{
    struct sub_slot *slot = &loop->subs[node->sub - 1];
    slot->node = NULL;
    slot->free_after = loop->subs_free;
    loop->subs_free = node->sub - 1;
    node->sub = 0;
}

static struct node *sub_node(struct flow_sub sub)
{
    if (sub.loop == NULL || sub.slot >= sub.loop->subs_count ||
        sub.loop->subs[sub.slot].generation != sub.generation) {
        return NULL;
    }
    return sub.loop->subs[sub.slot].node;
}

void flow_unsubscribe(struct flow_sub sub)
{
    struct node *node = sub_node(sub);
    if (node != NULL) {
        loop_enter(sub.loop);
        node_close(node);
        loop_leave(sub.loop);
    }
}

bool flow_subscribed(struct flow_sub sub)
{
    return sub_node(sub) != NULL;
}

/* ---- the observer's node ---- */

struct sink {
    struct node node;
    struct flow_observer observer;
    struct flow_region *region;
};

void loop_report(struct flow_loop *loop, struct flow_region *region, const struct flow_error *error)
{
    if (loop->unhandled != NULL) {
        loop->unhandled(loop->unhandled_ud, error);
    } else {
        region_fail(region, error->code);
    }
}

/* Observers cannot fail: what they reported by flow_fail() is nobody's error but theirs. */
static void sink_check(struct sink *sink)
{
    struct flow_loop *loop = sink->node.loop;
    if (UNLIKELY(loop->failed)) {
        loop->failed = false;
        loop_report(loop, sink->region, &loop->error);
    }
}

static void sink_next(struct node *node, flow_val v)
{
    struct sink *sink = (struct sink *)node;
    if (UNLIKELY(node->stopped)) {
        return;
    }
    if (UNLIKELY(node->loop->initial) && sink->observer.initial != NULL) {
        sink->observer.initial(node->loop, sink->observer.ud, v);
    } else if (sink->observer.next != NULL) {
        sink->observer.next(node->loop, sink->observer.ud, v);
    }
    sink_check(sink);
}

static void sink_block(struct node *node, flow_val *v, size_t count)
{
    struct sink *sink = (struct sink *)node;
    sink->observer.next_block(node->loop, sink->observer.ud, v, count);
    sink_check(sink);
}

static void sink_error(struct node *node, const struct flow_error *error)
{
    struct sink *sink = (struct sink *)node;
    if (sink->observer.error != NULL) {
        sink->observer.error(node->loop, sink->observer.ud, error);
        sink_check(sink);
    } else {
        loop_report(node->loop, sink->region, error);
    }
}

static void sink_fault(struct node *node, const struct flow_error *error)
{
    struct sink *sink = (struct sink *)node;
    if (sink->observer.fault != NULL) {
        sink->observer.fault(node->loop, sink->observer.ud, error);
        sink_check(sink);
    } else {
        loop_report(node->loop, sink->region, error);
    }
}

static void sink_complete(struct node *node)
{
    struct sink *sink = (struct sink *)node;
    if (sink->observer.complete != NULL) {
        sink->observer.complete(node->loop, sink->observer.ud);
        sink_check(sink);
    }
}

#define SINK_OPS                                                                                   \
    .next = sink_next, .error = sink_error, .fault = sink_fault, .complete = sink_complete
static const struct node_ops sink_ops = {SINK_OPS};
static const struct node_ops sink_block_ops = {SINK_OPS, .block = sink_block};

struct flow_sub flow_subscribe_in(struct flow_region *region, struct flow_stream *stream,
                                  const struct flow_observer *observer)
{
    struct flow_sub sub = {0};
    if (region == NULL || stream == NULL) {
        return sub;
    }
    struct flow_loop *loop = region->loop;
    loop_enter(loop);
    const struct node_ops *ops = observer->next_block == NULL ? &sink_ops : &sink_block_ops;
    struct sink *sink = node_root(loop, ops, sizeof *sink);
    if (sink == NULL) {
        region_fail(region, FLOW_ERROR_MEMORY);
    } else {
        sink->observer = *observer;
        sink->region = region;
        sub = sub_make(region, &sink->node);
        stream_subscribe(stream, &sink->node);
    }
    loop_leave(loop);
    return sub;
}

struct flow_sub flow_subscribe(struct flow_stream *stream, const struct flow_observer *observer)
{
    struct flow_region *region = stream == NULL ? NULL : stream->region;
    if (stream != NULL && region == NULL) {
        region = ((struct multicast *)stream)->home;
    }
    return flow_subscribe_in(region, stream, observer);
}
