/* op_flat.c - a stream for each event, several at a time: merge_map and all that is made of it.
 *
 *     outer   -a---b---|       each value makes an inner stream; at most `concurrent` run, the
 *     inner    -1-2|           others wait as values. It ends when the outer and all inner ones
 *     inner        -3-4|       have ended and nothing waits.
 *     out     --1-2-3-4|
 *
 * A waiting value is started by the end of an inner stream, in a loop and not by recursion: streams
 * that end at once do not deepen the stack. */
#include "core.h"

enum flat_kind {
    FLAT_MAP,
    FLAT_EXPAND, /* inner values are emitted when they start, as outer ones */
    FLAT_SCAN,   /* inner values are the new state */
};

struct flat {
    struct hub hub; /* stream n: concurrent; m: enum flat_kind */
    struct ring waiting;
    size_t active;
    uint64_t index;
    flow_val state; /* of FLAT_SCAN */
    bool outer_done;
    bool starting; /* a loop above starts what waits */
};

static void flat_start_waiting(struct flat *flat);

static void flat_check_complete(struct flat *flat)
{
    if (flat->outer_done && flat->active == 0 && flat->waiting.count == 0) {
        send_complete(flat->hub.txn.node.down);
    }
}

static const struct flow_type *flat_waits(const struct flat *flat)
{
    return flat->hub.stream->in->type;
}

static bool flat_is_full(const struct flat *flat)
{
    return flat->active >= flat->hub.stream->n;
}

static void flat_outer_next(struct node *node, flow_val v);

static void flat_inner_next(struct node *node, flow_val v)
{
    struct flat *flat = (struct flat *)hub_of(node);
    const struct flow_stream *stream = flat->hub.stream;
    if (stream->m == FLAT_EXPAND) {
        flat_outer_next(node, v);
        return;
    }
    if (stream->m == FLAT_SCAN) {
        flow_val old = flat->state;
        flat->state = v = value_keep(stream->type, v);
        value_drop(node->loop, stream->type, old);
    }
    send_next(node->down, v);
}

static void flat_inner_complete(struct node *node)
{
    ((struct input *)node)->done = true; /* what follows happens when its source is released */
}

static void flat_inner_closed(struct node *node)
{
    struct flat *flat = (struct flat *)hub_of(node);
    if (((struct input *)node)->done) {
        flat->active--;
        flat_start_waiting(flat);
        if (!flat->starting) {
            flat_check_complete(flat);
        }
    }
}

static const struct node_ops flat_inner_ops = {
    .next = flat_inner_next,
    .complete = flat_inner_complete,
    .closed = flat_inner_closed,
};

static struct flow_stream *flat_call(struct flat *flat, flow_val v)
{
    struct flow_stream *stream = flat->hub.stream;
    struct flow_loop *loop = stream->loop;
    loop->index = (uint32_t)flat->index++;
    if (stream->m == FLAT_SCAN) {
        return stream->fn.fold_project(loop, stream->ud, flat->state, v);
    }
    return stream->fn.project(loop, stream->ud, v);
}

static void flat_start(struct flat *flat, flow_val v)
{
    struct node *down = flat->hub.txn.node.down;
    if (flat->hub.stream->m == FLAT_EXPAND) {
        send_next(down, v);
    }
    flat->active++;
    struct flow_region *region = inner_begin(down->loop);
    struct flow_stream *made = inner_end(down, flat_call(flat, v), &region);
    struct input *inner = made == NULL ? NULL : input_new(&flat->hub, &flat_inner_ops, 0);
    if (inner != NULL) {
        inner_subscribe(made, &inner->node, region);
    }
}

static void flat_start_waiting(struct flat *flat)
{
    struct node *node = &flat->hub.txn.node;
    if (flat->starting) {
        return;
    }
    flat->starting = true;
    while (flat->waiting.count > 0 && !flat_is_full(flat) && !node->closed) {
        struct event event = event_begin(node->loop);
        flat_start(flat, ring_take(&flat->waiting, node->loop, flat_waits(flat)));
        event_end(node->loop, event);
    }
    flat->starting = false;
}

static void flat_outer_next(struct node *node, flow_val v)
{
    struct flat *flat = (struct flat *)hub_of(node);
    /* While something starts, expanding waits its turn: no recursion. */
    bool must_wait = flat_is_full(flat) || (flat->starting && flat->hub.stream->m == FLAT_EXPAND);
    if (must_wait) {
        ring_push(&flat->waiting, flat->hub.stream, flat_waits(flat), v, node->down);
    } else if (flat->hub.stream->m == FLAT_EXPAND) {
        flat->starting = true;
        flat_start(flat, v);
        flat->starting = false;
        flat_start_waiting(flat);
        flat_check_complete(flat);
    } else {
        flat_start(flat, v);
    }
}

static void flat_outer_complete(struct node *node)
{
    struct flat *flat = (struct flat *)hub_of(node);
    flat->outer_done = true;
    flat_check_complete(flat);
}

static void flat_destroy(struct node *node)
{
    struct flat *flat = (struct flat *)node;
    ring_free(&flat->waiting, node->loop, flat_waits(flat));
    if (flat->hub.stream->m == FLAT_SCAN) {
        value_drop(node->loop, flat->hub.stream->type, flat->state);
    }
}

static const struct node_ops flat_ops = {.destroy = flat_destroy};
static const struct node_ops flat_outer_ops = {
    .next = flat_outer_next,
    .complete = flat_outer_complete,
};

static void flat_subscribe(struct flow_stream *stream, struct node *down)
{
    struct flat *flat = hub_new(stream, down, &flat_ops, sizeof *flat);
    if (flat == NULL) {
        return;
    }
    if (stream->m == FLAT_SCAN) {
        flat->state = value_keep(stream->type, stream->arg);
    }
    struct input *outer = input_new(&flat->hub, &flat_outer_ops, 0);
    if (outer != NULL) {
        stream_subscribe(stream->in, &outer->node);
    }
}

static struct flow_stream *flat_stream(struct flow_stream *in, const struct flow_type *out,
                                       size_t concurrent, enum flat_kind kind, void *ud)
{
    struct flow_stream *stream = stream_on(in, sizeof *stream, out, flat_subscribe);
    if (stream != NULL) {
        stream->n = concurrent == 0 ? SIZE_MAX : concurrent;
        stream->m = kind;
        stream->ud = ud;
    }
    return stream;
}

struct flow_stream *flow_merge_map(struct flow_stream *in, const struct flow_type *out,
                                   size_t concurrent, flow_project_fn *fn, void *ud)
{
    struct flow_stream *stream = flat_stream(in, out, concurrent, FLAT_MAP, ud);
    if (stream != NULL) {
        stream->fn.project = fn;
    }
    return stream;
}

struct flow_stream *flow_concat_map(struct flow_stream *in, const struct flow_type *out,
                                    flow_project_fn *fn, void *ud)
{
    return flow_merge_map(in, out, 1, fn, ud);
}

struct flow_stream *flow_expand(struct flow_stream *in, size_t concurrent, flow_project_fn *fn,
                                void *ud)
{
    struct flow_stream *stream =
        in == NULL ? NULL : flat_stream(in, in->type, concurrent, FLAT_EXPAND, ud);
    if (stream != NULL) {
        stream->fn.project = fn;
    }
    return stream;
}

struct flow_stream *flow_merge_scan(struct flow_stream *in, const struct flow_type *out,
                                    size_t concurrent, flow_val seed, flow_fold_project_fn *fn,
                                    void *ud)
{
    struct flow_stream *stream = flat_stream(in, out, concurrent, FLAT_SCAN, ud);
    if (stream != NULL) {
        stream->fn.fold_project = fn;
        stream_arg(stream, out, &seed);
    }
    return stream;
}

/* ---- streams of streams ---- */

static struct flow_stream *itself(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the value is the stream */
    (void)ud;
    return (struct flow_stream *)(uintptr_t)v.p;
}

struct flow_stream *flow_merge_all(struct flow_stream *in, const struct flow_type *out,
                                   size_t concurrent)
{
    return flow_merge_map(in, out, concurrent, itself, NULL);
}

struct flow_stream *flow_concat_all(struct flow_stream *in, const struct flow_type *out)
{
    return flow_merge_map(in, out, 1, itself, NULL);
}

struct flow_stream *flow_switch_all(struct flow_stream *in, const struct flow_type *out)
{
    return flow_switch_map(in, out, itself, NULL);
}

struct flow_stream *flow_exhaust_all(struct flow_stream *in, const struct flow_type *out)
{
    return flow_exhaust_map(in, out, itself, NULL);
}

/* ---- a fixed set of streams ---- */

static struct flow_stream *flat_of(struct flow_region *region, size_t concurrent,
                                   struct flow_stream *const *in, size_t count)
{
    uint32_t level = 0;
    if (region == NULL || count > FLOW_BOUND_DEFAULT) {
        region_fail(region, FLOW_ERROR_INVALID);
        return NULL;
    }
    flow_val *values = region_alloc(region, (count + 1) * sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++) {
        if (in[i] == NULL) {
            return NULL;
        }
        values[i] = flow_ptr(in[i]);
        level = in[i]->level > level ? in[i]->level : level;
    }
    struct flow_stream *streams =
        values == NULL ? NULL : flow_from(region, &flow_stream_type, values, count);
    struct flow_stream *stream =
        flow_merge_all(streams, count > 0 ? in[0]->type : &flow_i64, concurrent);
    if (stream != NULL) {
        stream->level = level;
    }
    return stream;
}

struct flow_stream *flow_merge(struct flow_region *region, size_t concurrent,
                               struct flow_stream *const *in, size_t count)
{
    return flat_of(region, concurrent, in, count);
}

struct flow_stream *flow_concat(struct flow_region *region, struct flow_stream *const *in,
                                size_t count)
{
    return flat_of(region, 1, in, count);
}

static struct flow_region *region_of(struct flow_stream *in)
{
    return in->region != NULL ? in->region : flow_here(in->loop);
}

struct flow_stream *flow_start_with(struct flow_stream *in, const flow_val *v, size_t count)
{
    if (in == NULL) {
        return NULL;
    }
    struct flow_region *region = region_of(in);
    struct flow_stream *both[2] = {flow_from(region, in->type, v, count), in};
    struct flow_stream *stream = flow_concat(region, both, 2);
    if (stream != NULL) {
        stream->type = in->type;
    }
    return stream;
}

struct flow_stream *flow_end_with(struct flow_stream *in, const flow_val *v, size_t count)
{
    if (in == NULL) {
        return NULL;
    }
    struct flow_region *region = region_of(in);
    struct flow_stream *both[2] = {in, flow_from(region, in->type, v, count)};
    return flow_concat(region, both, 2);
}

void flow_partition(struct flow_stream *in, flow_pred_fn *fn, void *ud, struct flow_stream *out[2])
{
    out[0] = flow_filter(in, fn, ud);
    out[1] = filter_not(in, fn, ud);
}
