/* op_switch.c - a stream for each event, one at a time: switch_map, exhaust_map, switch_scan. */
#include "core.h"

enum switch_kind {
    SWITCH_LATEST,
    SWITCH_EXHAUST, /* the running one wins */
    SWITCH_SCAN,    /* inner values are the new state */
};

struct switching {
    struct hub hub; /* stream m: enum switch_kind */
    struct input *inner;
    uint64_t index;
    flow_val state;
    bool outer_done;
};

static void inner_next(struct node *node, flow_val v)
{
    struct switching *switching = (struct switching *)hub_of(node);
    const struct flow_stream *stream = switching->hub.stream;
    if (stream->m == SWITCH_SCAN) {
        flow_val old = switching->state;
        switching->state = v = value_keep(stream->type, v);
        value_drop(node->loop, stream->type, old);
    }
    send_next(node->down, v);
}

static void inner_complete(struct node *node)
{
    struct switching *switching = (struct switching *)hub_of(node);
    switching->inner = NULL;
    if (switching->outer_done) {
        send_complete(node->down);
    }
}

static const struct node_ops inner_ops = {.next = inner_next, .complete = inner_complete};

static struct flow_stream *switch_call(struct switching *switching, flow_val v)
{
    struct flow_stream *stream = switching->hub.stream;
    stream->loop->index = (uint32_t)switching->index++;
    if (stream->m == SWITCH_SCAN) {
        return stream->fn.fold_project(stream->loop, stream->ud, switching->state, v);
    }
    return stream->fn.project(stream->loop, stream->ud, v);
}

static void outer_next(struct node *node, flow_val v)
{
    struct switching *switching = (struct switching *)hub_of(node);
    if (switching->inner != NULL) {
        if (switching->hub.stream->m == SWITCH_EXHAUST) {
            return;
        }
        node_close(&switching->inner->node);
        switching->inner = NULL;
    }
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = inner_end(node->down, switch_call(switching, v), &region);
    struct input *inner = made == NULL ? NULL : input_new(&switching->hub, &inner_ops, 0);
    if (inner != NULL) {
        switching->inner = inner;
        inner_subscribe(made, &inner->node, region);
    }
}

static void outer_complete(struct node *node)
{
    struct switching *switching = (struct switching *)hub_of(node);
    switching->outer_done = true;
    if (switching->inner == NULL) {
        send_complete(node->down);
    }
}

static void switching_destroy(struct node *node)
{
    struct switching *switching = (struct switching *)node;
    if (switching->hub.stream->m == SWITCH_SCAN) {
        value_drop(node->loop, switching->hub.stream->type, switching->state);
    }
}

static const struct node_ops switching_ops = {.destroy = switching_destroy};
static const struct node_ops outer_ops = {.next = outer_next, .complete = outer_complete};

static void switch_subscribe(struct flow_stream *stream, struct node *down)
{
    struct switching *switching = hub_new(stream, down, &switching_ops, sizeof *switching);
    if (switching == NULL) {
        return;
    }
    if (stream->m == SWITCH_SCAN) {
        switching->state = value_keep(stream->type, stream->arg);
    }
    struct input *outer = input_new(&switching->hub, &outer_ops, 0);
    if (outer != NULL) {
        stream_subscribe(stream->in, &outer->node);
    }
}

static struct flow_stream *switch_stream(struct flow_stream *in, const struct flow_type *out,
                                         enum switch_kind kind, void *ud)
{
    struct flow_stream *stream = stream_on(in, sizeof *stream, out, switch_subscribe);
    if (stream != NULL) {
        stream->m = kind;
        stream->ud = ud;
    }
    return stream;
}

struct flow_stream *flow_switch_map(struct flow_stream *in, const struct flow_type *out,
                                    flow_project_fn *fn, void *ud)
{
    struct flow_stream *stream = switch_stream(in, out, SWITCH_LATEST, ud);
    if (stream != NULL) {
        stream->fn.project = fn;
    }
    return stream;
}

struct flow_stream *flow_exhaust_map(struct flow_stream *in, const struct flow_type *out,
                                     flow_project_fn *fn, void *ud)
{
    struct flow_stream *stream = switch_stream(in, out, SWITCH_EXHAUST, ud);
    if (stream != NULL) {
        stream->fn.project = fn;
    }
    return stream;
}

struct flow_stream *flow_switch_scan(struct flow_stream *in, const struct flow_type *out,
                                     flow_val seed, flow_fold_project_fn *fn, void *ud)
{
    struct flow_stream *stream = switch_stream(in, out, SWITCH_SCAN, ud);
    if (stream != NULL) {
        stream->fn.fold_project = fn;
        stream_arg(stream, out, &seed);
    }
    return stream;
}
