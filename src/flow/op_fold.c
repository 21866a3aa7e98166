/* op_fold.c - one value at the end: reduce and what is made of it. */
#include "core.h"

static void reduce_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    node->loop->index = (uint32_t)op->count++;
    if (op->has) {
        v = op->fn.fold(node->loop, op->ud, op->held, v);
        if (node->loop->failed) {
            node_fail(node);
            return;
        }
    }
    op_hold(op, v);
}

static void reduce_complete(struct node *node)
{
    if (op_of(node)->has) {
        send_next(node->down, op_of(node)->held);
    }
    send_complete(node->down);
}

static const struct node_ops reduce_ops = {
    .next = reduce_next,
    .complete = reduce_complete,
    .destroy = op_destroy,
};

struct flow_stream *flow_reduce(struct flow_stream *in, const struct flow_type *out,
                                const flow_val *seed, flow_fold_fn *fn, void *ud)
{
    struct flow_stream *stream = op_new(in, out, &reduce_ops);
    if (stream != NULL) {
        stream->fn.fold = fn;
        stream->ud = ud;
        stream_arg(stream, out, seed);
    }
    return stream;
}

/* The user's function inside a fold of ours. */
struct folding {
    flow_pred_fn *pred;
    flow_compare_fn *compare;
    const struct flow_type *type;
    void *ud;
    int sign; /* of the comparison that keeps the first */
};

static flow_val count_fold(struct flow_loop *loop, void *ud, flow_val total, flow_val v)
{
    const struct folding *folding = ud;
    bool counts = folding->pred == NULL || folding->pred(loop, folding->ud, v);
    return flow_int(total.i + counts);
}

struct flow_stream *flow_count(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = flow_reduce(in, &flow_i64, &(flow_val){.i = 0}, count_fold, NULL);
    struct folding *folding = stream == NULL ? NULL : region_alloc(stream->region, sizeof *folding);
    if (folding == NULL) {
        return NULL;
    }
    *folding = (struct folding){.pred = fn, .ud = ud};
    stream->ud = folding;
    return stream;
}

static int fold_compare(struct flow_loop *loop, const struct folding *folding, flow_val a,
                        flow_val b)
{
    if (folding->compare != NULL) {
        return folding->compare(loop, folding->ud, a, b);
    }
    if (folding->type->compare != NULL) {
        return folding->type->compare(a, b);
    }
    return (a.i > b.i) - (a.i < b.i);
}

/* Equal ones: the later, as RxJS does. */
static flow_val extreme_fold(struct flow_loop *loop, void *ud, flow_val best, flow_val v)
{
    const struct folding *folding = ud;
    int order = fold_compare(loop, folding, best, v);
    return folding->sign * order > 0 ? best : v;
}

static struct flow_stream *extreme(struct flow_stream *in, flow_compare_fn *fn, void *ud, int sign)
{
    struct flow_stream *stream =
        in == NULL ? NULL : flow_reduce(in, in->type, NULL, extreme_fold, NULL);
    struct folding *folding = stream == NULL ? NULL : region_alloc(stream->region, sizeof *folding);
    if (folding == NULL) {
        return NULL;
    }
    *folding = (struct folding){.compare = fn, .type = in->type, .ud = ud, .sign = sign};
    stream->ud = folding;
    return stream;
}

struct flow_stream *flow_max(struct flow_stream *in, flow_compare_fn *fn, void *ud)
{
    return extreme(in, fn, ud, 1);
}

struct flow_stream *flow_min(struct flow_stream *in, flow_compare_fn *fn, void *ud)
{
    return extreme(in, fn, ud, -1);
}
