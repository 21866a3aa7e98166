/* op_cut.c - which part of a stream passes: take, skip, first, last, single, find. */
#include "core.h"

/* ---- take ---- */

static void take_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    uint64_t seen = ++op->count; /* counted before it is emitted: nothing gets in between */
    if (seen <= op->stream->n) {
        send_next(node->down, v);
        if (seen == op->stream->n) {
            send_complete(node->down);
        }
    }
}

static const struct node_ops take_ops = {.next = take_next};

struct flow_stream *flow_take(struct flow_stream *in, uint64_t count)
{
    if (in != NULL && count == 0) {
        return flow_empty(in->region != NULL ? in->region : flow_here(in->loop), in->type);
    }
    struct flow_stream *stream = in == NULL ? NULL : op_new(in, in->type, &take_ops);
    if (stream != NULL) {
        stream->n = count;
    }
    return stream;
}

/* n: 1 when the value that ends it passes, too. */
static void take_while_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    node->loop->index = (uint32_t)op->count++;
    bool goes_on = op->fn.pred(node->loop, op->ud, v);
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    if (goes_on || op->stream->n == 1) {
        send_next(node->down, v);
    }
    if (!goes_on) {
        send_complete(node->down);
    }
}

static const struct node_ops take_while_ops = {.next = take_while_next};

static struct flow_stream *pred_stream(struct flow_stream *in, const struct flow_type *type,
                                       const struct node_ops *ops, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = op_new(in, type, ops);
    if (stream != NULL) {
        stream->fn.pred = fn;
        stream->ud = ud;
        stream->kept = in->type;
    }
    return stream;
}

struct flow_stream *flow_take_while(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    return in == NULL ? NULL : pred_stream(in, in->type, &take_while_ops, fn, ud);
}

struct flow_stream *flow_take_while_inclusive(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = flow_take_while(in, fn, ud);
    if (stream != NULL) {
        stream->n = 1;
    }
    return stream;
}

/* ---- take_until, skip_until: a second stream decides ---- */

struct until_stream {
    struct flow_stream base;
    struct flow_stream *notifier;
};

static struct flow_stream *until_stream(struct flow_stream *in, struct flow_stream *notifier,
                                        void (*subscribe)(struct flow_stream *, struct node *))
{
    struct until_stream *stream =
        in == NULL || notifier == NULL ? NULL : stream_on(in, sizeof *stream, in->type, subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->notifier = notifier;
    return &stream->base;
}

static void take_until_next(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    send_complete(node->down);
}

static const struct node_ops take_until_ops = {
    .next = take_until_next,
    .complete = complete_ignore,
};

static void take_until_subscribe(struct flow_stream *stream, struct node *down)
{
    struct node *notifier = node_new(down, down, &take_until_ops, sizeof *notifier);
    if (notifier == NULL) {
        return;
    }
    stream_subscribe(((const struct until_stream *)stream)->notifier, notifier);
    if (!down->closed) {
        stream_subscribe(stream->in, down);
    }
}

struct flow_stream *flow_take_until(struct flow_stream *in, struct flow_stream *notifier)
{
    return until_stream(in, notifier, take_until_subscribe);
}

struct skip_until {
    struct hub hub;
    bool open;
};

static void skip_until_notified(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    ((struct skip_until *)hub_of(node))->open = true;
    node_close(node);
}

static void skip_until_next(struct node *node, flow_val v)
{
    if (((struct skip_until *)hub_of(node))->open) {
        send_next(node->down, v);
    }
}

static const struct node_ops skip_until_notifier_ops = {
    .next = skip_until_notified,
    .complete = complete_ignore,
};
static const struct node_ops skip_until_ops = {.next = skip_until_next};
static const struct node_ops plain_hub_ops = {0};

static void skip_until_subscribe(struct flow_stream *stream, struct node *down)
{
    struct skip_until *skip = hub_new(stream, down, &plain_hub_ops, sizeof *skip);
    struct input *notifier =
        skip == NULL ? NULL : input_new(&skip->hub, &skip_until_notifier_ops, 0);
    if (notifier == NULL) {
        return;
    }
    stream_subscribe(((const struct until_stream *)stream)->notifier, &notifier->node);
    struct input *source = input_new(&skip->hub, &skip_until_ops, 0);
    if (source != NULL) {
        stream_subscribe(stream->in, &source->node);
    }
}

struct flow_stream *flow_skip_until(struct flow_stream *in, struct flow_stream *notifier)
{
    return until_stream(in, notifier, skip_until_subscribe);
}

/* ---- skip, skip_while, skip_last ---- */

static void skip_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    if (op->count >= op->stream->n) {
        send_next(node->down, v);
    } else {
        op->count++;
    }
}

static const struct node_ops skip_ops = {.next = skip_next};

struct flow_stream *flow_skip(struct flow_stream *in, uint64_t count)
{
    struct flow_stream *stream = in == NULL ? NULL : op_new(in, in->type, &skip_ops);
    if (stream != NULL) {
        stream->n = count;
    }
    return stream;
}

static void skip_while_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    if (op->count != UINT64_MAX) {
        node->loop->index = (uint32_t)op->count++;
        bool skips = op->fn.pred(node->loop, op->ud, v);
        if (node->loop->failed) {
            node_fail(node);
            return;
        }
        if (skips) {
            return;
        }
        op->count = UINT64_MAX; /* from now on all pass */
    }
    send_next(node->down, v);
}

static const struct node_ops skip_while_ops = {.next = skip_while_next};

struct flow_stream *flow_skip_while(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    return in == NULL ? NULL : pred_stream(in, in->type, &skip_while_ops, fn, ud);
}

/* take_last, skip_last and to_array keep the last values in a ring. */
struct ring_op {
    struct op op;
    struct ring ring;
};

static void ring_op_destroy(struct node *node)
{
    struct ring_op *op = (struct ring_op *)node;
    ring_free(&op->ring, node->loop, op->op.stream->kept);
}

static void ring_op_subscribe(struct flow_stream *stream, struct node *down)
{
    struct ring_op *op = node_new(down, down, stream->ops, sizeof *op);
    if (op != NULL) {
        op->op.stream = stream;
        stream_subscribe(stream->in, &op->op.node);
    }
}

static struct flow_stream *ring_op_stream(struct flow_stream *in, const struct flow_type *type,
                                          const struct node_ops *ops, size_t count)
{
    struct flow_stream *stream = op_new(in, type, ops);
    if (stream != NULL) {
        stream->subscribe = ring_op_subscribe;
        stream->kept = in->type;
        stream->n = count;
    }
    return stream;
}

static void skip_last_next(struct node *node, flow_val v)
{
    struct ring_op *op = (struct ring_op *)node;
    const struct flow_stream *stream = op->op.stream;
    if (ring_push(&op->ring, stream, stream->kept, v, node->down) && op->ring.count > stream->n) {
        send_next(node->down, ring_take(&op->ring, node->loop, stream->kept));
    }
}

static const struct node_ops skip_last_ops = {.next = skip_last_next, .destroy = ring_op_destroy};

struct flow_stream *flow_skip_last(struct flow_stream *in, size_t count)
{
    return in == NULL || count == 0 ? in : ring_op_stream(in, in->type, &skip_last_ops, count);
}

static void take_last_next(struct node *node, flow_val v)
{
    struct ring_op *op = (struct ring_op *)node;
    const struct flow_stream *stream = op->op.stream;
    if (op->ring.count == stream->n) {
        ring_take(&op->ring, node->loop, stream->kept);
    }
    ring_push(&op->ring, stream, stream->kept, v, node->down);
}

static void take_last_complete(struct node *node)
{
    struct ring_op *op = (struct ring_op *)node;
    while (op->ring.count > 0 && !node->down->closed) {
        send_next(node->down, ring_take(&op->ring, node->loop, op->op.stream->kept));
    }
    send_complete(node->down);
}

static const struct node_ops take_last_ops = {
    .next = take_last_next,
    .complete = take_last_complete,
    .destroy = ring_op_destroy,
};

struct flow_stream *flow_take_last(struct flow_stream *in, size_t count)
{
    if (count == 0) {
        return flow_take(in, 0);
    }
    return in == NULL ? NULL : ring_op_stream(in, in->type, &take_last_ops, count);
}

static void to_array_next(struct node *node, flow_val v)
{
    struct ring_op *op = (struct ring_op *)node;
    ring_push(&op->ring, op->op.stream, op->op.stream->kept, v, node->down);
}

static void to_array_complete(struct node *node)
{
    struct ring_op *op = (struct ring_op *)node;
    flow_val list = list_of_ring(node->loop, op->op.stream->kept, &op->ring);
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    send_next(node->down, list);
    send_complete(node->down);
}

static const struct node_ops to_array_ops = {
    .next = to_array_next,
    .complete = to_array_complete,
    .destroy = ring_op_destroy,
};

struct flow_stream *flow_to_array(struct flow_stream *in)
{
    return ring_op_stream(in, &flow_list_type, &to_array_ops, 0);
}

/* ---- what to say when there was nothing ---- */

static void pass_next(struct node *node, flow_val v)
{
    op_of(node)->count = 1;
    send_next(node->down, v);
}

static void default_complete(struct node *node)
{
    struct op *op = op_of(node);
    if (op->count == 0) {
        send_next(node->down, op->held);
    }
    send_complete(node->down);
}

static const struct node_ops default_ops = {
    .next = pass_next,
    .complete = default_complete,
    .destroy = op_destroy,
};

struct flow_stream *flow_default_if_empty(struct flow_stream *in, flow_val v)
{
    struct flow_stream *stream = in == NULL ? NULL : op_new(in, in->type, &default_ops);
    if (stream != NULL) {
        stream_arg(stream, in->type, &v);
    }
    return stream;
}

static void throw_complete(struct node *node)
{
    struct op *op = op_of(node);
    if (op->count == 1) {
        send_complete(node->down);
        return;
    }
    if (op->fn.action != NULL) {
        op->fn.action(node->loop, op->ud);
    }
    if (node->loop->failed) {
        node_fail(node);
    } else {
        send_code(node->down, (int)op->stream->n, "no value came");
    }
}

static const struct node_ops throw_ops = {.next = pass_next, .complete = throw_complete};

struct flow_stream *flow_throw_if_empty(struct flow_stream *in, flow_action_fn *make, void *ud)
{
    struct flow_stream *stream = in == NULL ? NULL : op_new(in, in->type, &throw_ops);
    if (stream != NULL) {
        stream->fn.action = make;
        stream->ud = ud;
        stream->n = FLOW_ERROR_EMPTY;
    }
    return stream;
}

/* ---- first, last, element_at ---- */

static struct flow_stream *or_else(struct flow_stream *in, const flow_val *fallback, int code)
{
    if (fallback != NULL) {
        return flow_default_if_empty(in, *fallback);
    }
    struct flow_stream *stream = flow_throw_if_empty(in, NULL, NULL);
    if (stream != NULL) {
        stream->n = (uint64_t)code;
    }
    return stream;
}

struct flow_stream *flow_first(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                               const flow_val *fallback)
{
    in = fn == NULL ? in : flow_filter(in, fn, ud);
    return or_else(flow_take(in, 1), fallback, FLOW_ERROR_EMPTY);
}

struct flow_stream *flow_last(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                              const flow_val *fallback)
{
    in = fn == NULL ? in : flow_filter(in, fn, ud);
    return or_else(flow_take_last(in, 1), fallback, FLOW_ERROR_EMPTY);
}

struct flow_stream *flow_element_at(struct flow_stream *in, uint64_t index,
                                    const flow_val *fallback)
{
    return or_else(flow_take(flow_skip(in, index), 1), fallback, FLOW_ERROR_OUT_OF_RANGE);
}

/* ---- tests of values ---- */

/* False: the function failed, and `down` has been told. */
static bool pred_call(struct node *node, flow_val v, bool *out_yes)
{
    struct op *op = op_of(node);
    node->loop->index = (uint32_t)op->count++;
    *out_yes = op->fn.pred == NULL || op->fn.pred(node->loop, op->ud, v);
    if (node->loop->failed) {
        node_fail(node);
        return false;
    }
    return true;
}

static void answer(struct node *node, flow_val v)
{
    send_next(node->down, v);
    send_complete(node->down);
}

static void every_next(struct node *node, flow_val v)
{
    bool yes;
    if (pred_call(node, v, &yes) && !yes) {
        answer(node, flow_int(0));
    }
}

static void answer_true(struct node *node)
{
    answer(node, flow_int(1));
}

static const struct node_ops every_ops = {.next = every_next, .complete = answer_true};

struct flow_stream *flow_every(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    return pred_stream(in, &flow_bool, &every_ops, fn, ud);
}

static void is_empty_next(struct node *node, flow_val v)
{
    (void)v; /* there is one */
    answer(node, flow_int(0));
}

static const struct node_ops is_empty_ops = {.next = is_empty_next, .complete = answer_true};

struct flow_stream *flow_is_empty(struct flow_stream *in)
{
    return op_new(in, &flow_bool, &is_empty_ops);
}

static void find_next(struct node *node, flow_val v)
{
    bool yes;
    if (pred_call(node, v, &yes) && yes) {
        answer(node, v);
    }
}

static void find_complete(struct node *node)
{
    answer(node, op_of(node)->held);
}

static const struct node_ops find_ops = {
    .next = find_next,
    .complete = find_complete,
    .destroy = op_destroy,
};

struct flow_stream *flow_find(struct flow_stream *in, flow_pred_fn *fn, void *ud, flow_val none)
{
    struct flow_stream *stream = in == NULL ? NULL : pred_stream(in, in->type, &find_ops, fn, ud);
    if (stream != NULL) {
        stream_arg(stream, in->type, &none);
    }
    return stream;
}

static void find_index_next(struct node *node, flow_val v)
{
    bool yes;
    if (pred_call(node, v, &yes) && yes) {
        answer(node, flow_int((int64_t)op_of(node)->count - 1));
    }
}

static const struct node_ops find_index_ops = {.next = find_index_next, .complete = find_complete};

struct flow_stream *flow_find_index(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = pred_stream(in, &flow_i64, &find_index_ops, fn, ud);
    stream_arg(stream, &flow_i64, &(flow_val){.i = -1});
    return stream;
}

/* `count` says whether any value came. */
static void single_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    bool yes;
    if (!pred_call(node, v, &yes) || !yes) {
        return;
    }
    if (op->has) {
        send_code(node->down, FLOW_ERROR_SEQUENCE, "more than one value");
    } else {
        op_hold(op, v);
    }
}

static void single_complete(struct node *node)
{
    struct op *op = op_of(node);
    if (op->has) {
        answer(node, op->held);
    } else if (op->count > 0) {
        send_code(node->down, FLOW_ERROR_NOT_FOUND, "no value is the right one");
    } else {
        send_code(node->down, FLOW_ERROR_EMPTY, "no value came");
    }
}

static const struct node_ops single_ops = {
    .next = single_next,
    .complete = single_complete,
    .destroy = op_destroy,
};

struct flow_stream *flow_single(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    return in == NULL ? NULL : pred_stream(in, in->type, &single_ops, fn, ud);
}
