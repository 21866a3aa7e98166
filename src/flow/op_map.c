/* op_map.c - one value in, one or none out: the hot path.
 *
 * Each operator has next() and, where nobody could see the difference, block(). A user function
 * that fails in the middle of a block lets the values before it through first. */
#include "core.h"

#include <string.h>

/* ---- map ---- */

static void map_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    loop->index = (uint32_t)op->count++;
    v = op->fn.map(loop, op->ud, v);
    if (UNLIKELY(loop->failed)) {
        node_fail(node);
        return;
    }
    node->down->next(node->down, v);
}

static void map_run(struct node *node, flow_val *v, size_t count)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    size_t done = 0;
    for (; done < count && LIKELY(!loop->failed); done++) {
        loop->index = (uint32_t)op->count++;
        v[done] = op->fn.map(loop, op->ud, v[done]);
    }
    bool failed = loop->failed;
    struct flow_error error = {0};
    if (UNLIKELY(failed)) {
        error = loop->error;
        loop->failed = false;
        done--;
    }
    send_block(node->down, v, done);
    if (UNLIKELY(failed)) {
        send_error(node->down, &error);
    }
}

static const struct node_ops map_ops = {.next = map_next, .block = map_run};

struct flow_stream *flow_map(struct flow_stream *in, const struct flow_type *out, flow_map_fn *fn,
                             void *ud)
{
    struct flow_stream *stream = op_new(in, out, &map_ops);
    if (stream != NULL) {
        stream->fn.map = fn;
        stream->ud = ud;
    }
    return stream;
}

static void map_block_run(struct node *node, flow_val *v, size_t count)
{
    struct op *op = op_of(node);
    count = op->fn.block(node->loop, op->ud, v, count);
    if (UNLIKELY(node->loop->failed)) {
        node_fail(node);
    } else if (count > 0) {
        send_block(node->down, v, count);
    }
}

static void map_block_next(struct node *node, flow_val v)
{
    map_block_run(node, &v, 1);
}

static const struct node_ops map_block_ops = {.next = map_block_next, .block = map_block_run};

struct flow_stream *flow_map_block(struct flow_stream *in, const struct flow_type *out,
                                   flow_block_fn *fn, void *ud)
{
    struct flow_stream *stream = op_new(in, out, &map_block_ops);
    if (stream != NULL) {
        stream->fn.block = fn;
        stream->ud = ud;
    }
    return stream;
}

static void map_to_next(struct node *node, flow_val v)
{
    (void)v; /* whatever it is */
    node->down->next(node->down, op_of(node)->held);
}

static const struct node_ops map_to_ops = {.next = map_to_next, .destroy = op_destroy};

struct flow_stream *flow_map_to(struct flow_stream *in, const struct flow_type *out, flow_val v)
{
    struct flow_stream *stream = op_new(in, out, &map_to_ops);
    stream_arg(stream, out, &v);
    return stream;
}

/* ---- filter ---- */

static void filter_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    loop->index = (uint32_t)op->count++;
    bool keep = op->fn.pred(loop, op->ud, v);
    if (UNLIKELY(loop->failed)) {
        node_fail(node);
    } else if (keep) {
        node->down->next(node->down, v);
    }
}

static void filter_run(struct node *node, flow_val *v, size_t count)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    size_t kept = 0;
    for (size_t i = 0; i < count && LIKELY(!loop->failed); i++) {
        loop->index = (uint32_t)op->count++;
        flow_val value = v[i];
        bool keep = op->fn.pred(loop, op->ud, value);
        v[kept] = value; /* without a branch: which values stay is hard to predict */
        kept += keep;
    }
    bool failed = loop->failed;
    struct flow_error error = {0};
    if (UNLIKELY(failed)) {
        error = loop->error;
        loop->failed = false;
    }
    if (kept > 0) {
        send_block(node->down, v, kept);
    }
    if (UNLIKELY(failed)) {
        send_error(node->down, &error);
    }
}

static const struct node_ops filter_ops = {.next = filter_next, .block = filter_run};

struct flow_stream *flow_filter(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = in == NULL ? NULL : op_new(in, in->type, &filter_ops);
    if (stream != NULL) {
        stream->fn.pred = fn;
        stream->ud = ud;
    }
    return stream;
}

static void filter_not_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    node->loop->index = (uint32_t)op->count++;
    bool drop = op->fn.pred(node->loop, op->ud, v);
    if (UNLIKELY(node->loop->failed)) {
        node_fail(node);
    } else if (!drop) {
        send_next(node->down, v);
    }
}

static const struct node_ops filter_not_ops = {.next = filter_not_next};

struct flow_stream *filter_not(struct flow_stream *in, flow_pred_fn *fn, void *ud)
{
    struct flow_stream *stream = flow_filter(in, fn, ud);
    if (stream != NULL) {
        stream->ops = &filter_not_ops;
    }
    return stream;
}

static void ignore_next(struct node *node, flow_val v)
{
    (void)node; /* only the end passes */
    (void)v;
}

static const struct node_ops ignore_ops = {.next = ignore_next};

struct flow_stream *flow_ignore_elements(struct flow_stream *in)
{
    return in == NULL ? NULL : op_new(in, in->type, &ignore_ops);
}

/* ---- scan ---- */

static void scan_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    loop->index = (uint32_t)op->count++;
    if (LIKELY(op->has)) {
        v = op->fn.fold(loop, op->ud, op->held, v);
        if (UNLIKELY(loop->failed)) {
            node_fail(node);
            return;
        }
    }
    op_hold(op, v);
    node->down->next(node->down, op->held);
}

static void scan_plain_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    loop->index = (uint32_t)op->count++;
    v = op->fn.fold(loop, op->ud, op->held, v);
    if (UNLIKELY(loop->failed)) {
        node_fail(node);
        return;
    }
    op->held = v;
    node->down->next(node->down, v);
}

static void scan_plain_run(struct node *node, flow_val *v, size_t count)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    flow_val state = op->held;
    size_t done = 0;
    for (; done < count; done++) {
        loop->index = (uint32_t)op->count++;
        flow_val after = op->fn.fold(loop, op->ud, state, v[done]);
        if (UNLIKELY(loop->failed)) {
            break;
        }
        v[done] = state = after;
    }
    op->held = state;
    struct flow_error error = loop->error;
    bool failed = loop->failed;
    loop->failed = false;
    if (done > 0) {
        send_block(node->down, v, done);
    }
    if (UNLIKELY(failed)) {
        send_error(node->down, &error);
    }
}

/* Scalar states with a seed need no keeping, and can run in blocks. */
static const struct node_ops scan_plain_ops = {.next = scan_plain_next, .block = scan_plain_run};
static const struct node_ops scan_ops = {.next = scan_next, .destroy = op_destroy};

struct flow_stream *flow_scan(struct flow_stream *in, const struct flow_type *out,
                              const flow_val *seed, flow_fold_fn *fn, void *ud)
{
    bool plain = seed != NULL && out->retain == NULL;
    struct flow_stream *stream = op_new(in, out, plain ? &scan_plain_ops : &scan_ops);
    if (stream != NULL) {
        stream->fn.fold = fn;
        stream->ud = ud;
        stream_arg(stream, out, seed);
    }
    return stream;
}

static void scan_block_run(struct node *node, flow_val *v, size_t count)
{
    struct op *op = op_of(node);
    op->fn.scan_block(node->loop, op->ud, &op->held, v, count);
    if (UNLIKELY(node->loop->failed)) {
        node_fail(node);
    } else {
        send_block(node->down, v, count);
    }
}

static void scan_block_next(struct node *node, flow_val v)
{
    scan_block_run(node, &v, 1);
}

static const struct node_ops scan_block_ops = {.next = scan_block_next, .block = scan_block_run};

struct flow_stream *flow_scan_block(struct flow_stream *in, const struct flow_type *out,
                                    flow_val seed, flow_scan_block_fn *fn, void *ud)
{
    if (in != NULL && out->retain != NULL) {
        region_fail(in->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    struct flow_stream *stream = op_new(in, out, &scan_block_ops);
    if (stream != NULL) {
        stream->fn.scan_block = fn;
        stream->ud = ud;
        stream_arg(stream, out, &seed);
    }
    return stream;
}

/* ---- pairwise ---- */

static void pairwise_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    flow_val pair[2] = {op->held, v};
    bool has = op->has;
    op_hold(op, v);
    if (!has) {
        return;
    }
    flow_val list = list_make(node->loop, op->stream->kept, NULL, pair, 2);
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    send_next(node->down, list);
}

static const struct node_ops pairwise_ops = {.next = pairwise_next, .destroy = op_destroy};

struct flow_stream *flow_pairwise(struct flow_stream *in)
{
    struct flow_stream *stream = op_new(in, &flow_list_type, &pairwise_ops);
    if (stream != NULL) {
        stream->kept = in->type;
    }
    return stream;
}

/* ---- distinct until changed ---- */

struct changed_stream {
    struct flow_stream base; /* fn: equal */
    flow_map_fn *key;
};

static void changed_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    struct flow_loop *loop = node->loop;
    flow_map_fn *key_fn = ((const struct changed_stream *)op->stream)->key;
    flow_val key = key_fn == NULL ? v : key_fn(loop, op->ud, v);
    bool same = false;
    if (op->has && !loop->failed) {
        same = op->fn.equal != NULL ? op->fn.equal(loop, op->ud, op->held, key)
                                    : value_equal(op->stream->kept, op->held, key);
    }
    if (UNLIKELY(loop->failed)) {
        node_fail(node);
    } else if (!same) {
        op_hold(op, key);
        send_next(node->down, v);
    }
}

static const struct node_ops changed_ops = {.next = changed_next, .destroy = op_destroy};

struct flow_stream *flow_distinct_until_key_changed(struct flow_stream *in,
                                                    const struct flow_type *key_type,
                                                    flow_map_fn *key, flow_equal_fn *equal,
                                                    void *ud)
{
    struct changed_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, op_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.ops = &changed_ops;
    stream->base.kept = key == NULL ? in->type : key_type;
    stream->base.fn.equal = equal;
    stream->base.ud = ud;
    stream->key = key;
    return &stream->base;
}

struct flow_stream *flow_distinct_until_changed(struct flow_stream *in, flow_equal_fn *equal,
                                                void *ud)
{
    return flow_distinct_until_key_changed(in, NULL, NULL, equal, ud);
}

/* ---- timestamp, time_interval ---- */

static void stamped_next(struct node *node, flow_val v, int64_t stamp)
{
    struct op *op = op_of(node);
    const struct flow_type **types = flow_alloc(node->loop, 2 * sizeof *types);
    flow_val items[2] = {v, flow_int(stamp)};
    if (types == NULL) {
        send_code(node->down, FLOW_ERROR_MEMORY, "no memory for a time stamp");
        return;
    }
    types[0] = op->stream->in->type;
    types[1] = &flow_i64;
    flow_val list = list_make(node->loop, NULL, types, items, 2);
    if (node->loop->failed) {
        node_fail(node);
    } else {
        send_next(node->down, list);
    }
}

static void timestamp_next(struct node *node, flow_val v)
{
    stamped_next(node, v, node->loop->now);
}

static const struct node_ops timestamp_ops = {.next = timestamp_next};

struct flow_stream *flow_timestamp(struct flow_stream *in)
{
    return op_new(in, &flow_list_type, &timestamp_ops);
}

static void time_interval_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    int64_t since = node->loop->now - op->held.i;
    op->held = flow_int(node->loop->now);
    stamped_next(node, v, since);
}

static const struct node_ops time_interval_ops = {.next = time_interval_next};

static void time_interval_subscribe(struct flow_stream *stream, struct node *down)
{
    struct op *op = node_new(down, down, stream->ops, sizeof *op);
    if (op != NULL) {
        op->stream = stream;
        op->held = flow_int(stream->loop->now);
        stream_subscribe(stream->in, &op->node);
    }
}

struct flow_stream *flow_time_interval(struct flow_stream *in)
{
    struct flow_stream *stream = op_new(in, &flow_list_type, &time_interval_ops);
    if (stream != NULL) {
        stream->subscribe = time_interval_subscribe;
    }
    return stream;
}

/* ---- tap, finalize ---- */

struct tap_stream {
    struct flow_stream base;
    struct flow_tap tap;
};

static const struct flow_tap *tap_of(struct node *node)
{
    return &((const struct tap_stream *)op_of(node)->stream)->tap;
}

static void tap_next(struct node *node, flow_val v)
{
    const struct flow_tap *tap = tap_of(node);
    node->loop->index = (uint32_t)op_of(node)->count++;
    if (tap->next != NULL) {
        tap->next(node->loop, tap->ud, v);
    }
    if (UNLIKELY(node->loop->failed)) {
        node_fail(node);
    } else {
        send_next(node->down, v);
    }
}

static void tap_action(struct node *node, flow_action_fn *action)
{
    if (action != NULL) {
        action(node->loop, tap_of(node)->ud);
    }
}

/* The end of the source has been seen: closing is no unsubscription then. */
static void tap_error(struct node *node, const struct flow_error *error)
{
    const struct flow_tap *tap = tap_of(node);
    op_of(node)->has = true;
    if (tap->error != NULL) {
        tap->error(node->loop, tap->ud, error);
    }
    if (node->loop->failed) {
        node_fail(node);
    } else {
        send_error(node->down, error);
    }
}

static void tap_complete(struct node *node)
{
    op_of(node)->has = true;
    tap_action(node, tap_of(node)->complete);
    if (node->loop->failed) {
        node_fail(node);
    } else {
        send_complete(node->down);
    }
}

static void tap_closed(struct node *node)
{
    if (!op_of(node)->has) {
        tap_action(node, tap_of(node)->unsubscribe);
    }
    tap_action(node, tap_of(node)->finalize);
}

static const struct node_ops tap_ops = {
    .next = tap_next,
    .error = tap_error,
    .complete = tap_complete,
    .closed = tap_closed,
};

static void tap_subscribe(struct flow_stream *stream, struct node *down)
{
    struct op *op = node_new(down, down, stream->ops, sizeof *op);
    if (op == NULL) {
        return;
    }
    op->stream = stream;
    tap_action(&op->node, tap_of(&op->node)->subscribe);
    if (stream->loop->failed) {
        node_fail(&op->node);
        return;
    }
    stream_subscribe(stream->in, &op->node);
}

struct flow_stream *flow_tap(struct flow_stream *in, const struct flow_tap *tap)
{
    struct tap_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, tap_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.ops = &tap_ops;
    stream->tap = *tap;
    return &stream->base;
}

struct finalizer {
    struct node node;
    flow_action_fn *action;
    void *ud;
};

static void finalizer_closed(struct node *node)
{
    struct finalizer *finalizer = (struct finalizer *)node;
    finalizer->action(node->loop, finalizer->ud);
}

static const struct node_ops finalizer_ops = {.closed = finalizer_closed};

/* Added after the source, so that the source's own release comes first. */
static void finalize_subscribe(struct flow_stream *stream, struct node *down)
{
    stream_subscribe(stream->in, down);
    struct finalizer *finalizer = node_new(down, down, &finalizer_ops, sizeof *finalizer);
    if (finalizer == NULL || finalizer->node.closed) {
        stream->fn.action(stream->loop, stream->ud);
        return;
    }
    finalizer->action = stream->fn.action;
    finalizer->ud = stream->ud;
}

struct flow_stream *flow_finalize(struct flow_stream *in, flow_action_fn *fn, void *ud)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, finalize_subscribe);
    if (stream != NULL) {
        stream->fn.action = fn;
        stream->ud = ud;
    }
    return stream;
}
