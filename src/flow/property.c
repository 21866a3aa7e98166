/* property.c - streams with a current value.
 *
 * A property is a multicast that remembers: the first observer connects it, the last one leaves it
 * stale. What is *initial* about a value is not in the value but in the loop: loop->initial is true
 * while one is delivered. */
#include "core.h"

struct property {
    struct flow_stream base;
    struct multicast *cast;
    flow_val current;
    bool has;
    bool ended;
    bool initial_due; /* connecting: the current value has not been told yet */
    struct node *connection;
    size_t observers;
    uint64_t changed; /* the root event that set `current` */
};

static void property_set(struct property *property, flow_val v)
{
    struct flow_loop *loop = property->base.loop;
    flow_val old = property->current;
    property->current = value_keep(property->base.type, v);
    property->changed = loop->event_id;
    if (property->has) {
        value_drop(loop, property->base.type, old);
    }
    property->has = true;
}

/* The current value to one node, as initial. */
static void initial_to(struct node *down, flow_val v)
{
    struct flow_loop *loop = down->loop;
    bool outer = loop->initial;
    struct event event = event_begin(loop);
    loop->initial = true;
    send_next(down, v);
    loop->initial = outer;
    event_end(loop, event);
}

static void property_tell_initial(struct property *property)
{
    struct flow_loop *loop = property->base.loop;
    if (!property->initial_due) {
        return;
    }
    property->initial_due = false;
    bool outer = loop->initial;
    struct event event = event_begin(loop);
    loop->initial = true;
    multicast_next(property->cast, property->current);
    loop->initial = outer;
    event_end(loop, event);
}

/* ---- the connection to the source ---- */

struct property_connection {
    struct spreader spreader;
    struct property *property;
};

static struct property *connected_to(struct node *node)
{
    return ((struct property_connection *)node)->property;
}

static void property_next(struct node *node, flow_val v)
{
    struct property *property = connected_to(node);
    if (node->loop->initial) {
        property->initial_due = false;
    } else {
        property_tell_initial(property);
    }
    property_set(property, v);
    multicast_next(property->cast, property->current);
}

static void property_error(struct node *node, const struct flow_error *error)
{
    struct property *property = connected_to(node);
    property_tell_initial(property);
    property->ended = true;
    multicast_error(property->cast, error);
}

static void property_fault(struct node *node, const struct flow_error *error)
{
    property_tell_initial(connected_to(node));
    multicast_fault(connected_to(node)->cast, error);
}

static void property_complete(struct node *node)
{
    struct property *property = connected_to(node);
    property_tell_initial(property);
    property->ended = true;
    multicast_complete(property->cast);
}

static void property_closed(struct node *node)
{
    if (connected_to(node)->connection == node) {
        connected_to(node)->connection = NULL;
    }
}

static void property_connection_destroy(struct node *node)
{
    multicast_unref(((struct spreader *)node)->cast);
}

static const struct node_ops property_ops = {
    .next = property_next,
    .error = property_error,
    .fault = property_fault,
    .complete = property_complete,
    .closed = property_closed,
    .destroy = property_connection_destroy,
    .spreads = true,
};

static void property_connect(struct property *property)
{
    struct property_connection *connection =
        node_root(property->base.loop, &property_ops, sizeof *connection);
    if (connection == NULL) {
        region_fail(property->base.region, FLOW_ERROR_MEMORY);
        return;
    }
    connection->property = property;
    connection->spreader.cast = property->cast;
    multicast_ref(property->cast);
    property->connection = &connection->spreader.node;
    property->initial_due = property->has;
    node_adopt(property->connection, &property->base.region->root);
    stream_subscribe(property->base.in, &connection->spreader.node);
    property_tell_initial(property);
}

/* ---- observers ---- */

struct property_observer {
    struct node node;
    struct property *property;
};

static void property_left(struct node *node)
{
    struct property *property = ((struct property_observer *)node)->property;
    if (--property->observers == 0) {
        node_close(property->connection);
    }
}

static const struct node_ops property_observer_ops = {.closed = property_left};

/* Somebody who comes in the middle of a root event that may still change the value: waits for its
 * turn, then hears the value, unless it heard the change meanwhile. */
struct latecomer {
    struct txn txn;
    struct property *property;
    uint64_t changed;
};

static void latecomer_commit(struct node *node)
{
    struct latecomer *latecomer = (struct latecomer *)node;
    if (latecomer->property->changed == latecomer->changed) {
        initial_to(node->down, latecomer->property->current);
    }
    node_close(node);
}

static void latecomer_closed(struct node *node)
{
    txn_forget((struct txn *)node);
}

static const struct node_ops latecomer_ops = {
    .commit = latecomer_commit,
    .closed = latecomer_closed,
};

static void property_catch_up(struct property *property, struct node *down)
{
    struct flow_loop *loop = down->loop;
    if (loop->fanout == 0 || property->changed == loop->event_id) {
        initial_to(down, property->current);
        return;
    }
    struct latecomer *latecomer = node_new(down, down, &latecomer_ops, sizeof *latecomer);
    if (latecomer != NULL && !latecomer->txn.node.closed) {
        latecomer->property = property;
        latecomer->changed = property->changed;
        latecomer->txn.level = property->base.level + 1;
        txn_touch(&latecomer->txn);
    }
}

static void property_subscribe(struct flow_stream *stream, struct node *down)
{
    struct property *property = (struct property *)stream;
    bool first = property->observers == 0;
    if ((property->ended || !first) && property->has) {
        property_catch_up(property, down);
    }
    if (property->ended) {
        multicast_subscribe(&property->cast->stream, down);
        return;
    }
    struct property_observer *observer =
        node_new(down, down, &property_observer_ops, sizeof *observer);
    if (observer == NULL || observer->node.closed) {
        return;
    }
    observer->property = property;
    property->observers++;
    multicast_subscribe(&property->cast->stream, down);
    if (property->connection == NULL && !property->ended && property->observers > 0) {
        property_connect(property);
    }
}

static void property_free(void *data)
{
    struct property *property = data;
    multicast_unref(property->cast);
    if (property->has && property->base.type->release != NULL) {
        property->base.type->release(property->current);
    }
}

struct flow_stream *flow_to_property(struct flow_stream *in, const flow_val *initial)
{
    struct property *property =
        in == NULL ? NULL : stream_on(in, sizeof *property, in->type, property_subscribe);
    if (property == NULL) {
        return NULL;
    }
    property->base.property = true;
    property->cast = multicast_new(in->loop, in->type, NULL);
    if (property->cast == NULL) {
        region_fail(property->base.region, FLOW_ERROR_MEMORY);
        return NULL;
    }
    if (initial != NULL) {
        property->current = value_keep(in->type, *initial);
        property->has = true;
    }
    flow_own(property->base.region, property, property_free);
    return &property->base;
}

bool flow_is_property(const struct flow_stream *stream)
{
    return stream != NULL && stream->property;
}

struct flow_stream *flow_constant(struct flow_region *region, const struct flow_type *type,
                                  flow_val v)
{
    return flow_to_property(flow_empty(region, type), &v);
}

struct flow_stream *flow_keep(struct flow_stream *stream)
{
    if (stream == NULL) {
        return NULL;
    }
    if (stream->subscribe != property_subscribe) {
        region_fail(stream->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    struct property *property = (struct property *)stream;
    loop_enter(stream->loop);
    property->observers++; /* one that never leaves */
    if (property->connection == NULL && !property->ended) {
        property_connect(property);
    }
    loop_leave(stream->loop);
    return stream;
}

/* ---- changes ---- */

static void changes_next(struct node *node, flow_val v)
{
    if (!node->loop->initial) {
        send_next(node->down, v);
    }
}

static const struct node_ops changes_ops = {.next = changes_next};

struct flow_stream *flow_changes(struct flow_stream *property)
{
    struct flow_stream *stream =
        property == NULL ? NULL : op_new(property, property->type, &changes_ops);
    if (stream != NULL) {
        stream->property = false;
    }
    return stream;
}

/* ---- combine ---- */

struct flow_stream *flow_combine(struct flow_region *region, struct flow_stream *const *in,
                                 size_t count, const struct flow_type *out, flow_list_fn *fn,
                                 void *ud)
{
    return flow_to_property(combine_initials(region, in, count, out, fn, ud), NULL);
}

struct flow_stream *flow_combine_template(struct flow_region *region,
                                          const struct flow_member *members, size_t count)
{
    struct flow_stream **in =
        region == NULL ? NULL : region_alloc(region, (count + 1) * sizeof *in);
    for (size_t i = 0; in != NULL && i < count; i++) {
        in[i] = members[i].stream != NULL
                    ? members[i].stream
                    : flow_constant(region, members[i].type, members[i].constant);
    }
    return in == NULL ? NULL : flow_combine(region, in, count, NULL, NULL, NULL);
}

struct flow_stream *flow_sampled_by(struct flow_stream *property, struct flow_stream *sampler,
                                    const struct flow_type *out, flow_list_fn *fn, void *ud)
{
    if (property == NULL || sampler == NULL) {
        return NULL;
    }
    return sample_latest(sampler, property, fn == NULL ? property->type : out, fn, ud);
}
