/* op_fault.c - errors as events, which do not end a stream (Bacon.js), and map_end. */
#include "core.h"

static struct flow_stream *same(struct flow_stream *in, const struct node_ops *ops)
{
    return in == NULL ? NULL : op_new(in, in->type, ops);
}

static void map_error_fault(struct node *node, const struct flow_error *error)
{
    struct op *op = op_of(node);
    flow_val v = op->fn.error_map(node->loop, op->ud, error);
    if (node->loop->failed) {
        node_fail(node);
    } else {
        send_next(node->down, v);
    }
}

static void map_error_error(struct node *node, const struct flow_error *error)
{
    map_error_fault(node, error);
    send_complete(node->down);
}

static const struct node_ops map_error_ops = {.fault = map_error_fault, .error = map_error_error};

struct flow_stream *flow_map_error(struct flow_stream *in, flow_error_map_fn *fn, void *ud)
{
    struct flow_stream *stream = same(in, &map_error_ops);
    if (stream != NULL) {
        stream->fn.error_map = fn;
        stream->ud = ud;
    }
    return stream;
}

static void skip_fault(struct node *node, const struct flow_error *error)
{
    (void)node; /* that is what it is for */
    (void)error;
}

static void skip_error(struct node *node, const struct flow_error *error)
{
    (void)error; /* that is what it is for */
    send_complete(node->down);
}

static const struct node_ops skip_errors_ops = {.fault = skip_fault, .error = skip_error};

struct flow_stream *flow_skip_errors(struct flow_stream *in)
{
    return same(in, &skip_errors_ops);
}

struct flow_stream *flow_errors(struct flow_stream *in)
{
    return flow_ignore_elements(in);
}

static void end_on_fault(struct node *node, const struct flow_error *error)
{
    send_fault(node->down, error);
    send_complete(node->down);
}

static const struct node_ops end_on_error_ops = {.fault = end_on_fault};

struct flow_stream *flow_end_on_error(struct flow_stream *in)
{
    return same(in, &end_on_error_ops);
}

static const struct node_ops to_faults_ops = {.error = end_on_fault};

struct flow_stream *flow_to_faults(struct flow_stream *in)
{
    return same(in, &to_faults_ops);
}

static void map_end_complete(struct node *node)
{
    send_next(node->down, op_of(node)->held);
    send_complete(node->down);
}

static const struct node_ops map_end_ops = {.complete = map_end_complete, .destroy = op_destroy};

struct flow_stream *flow_map_end(struct flow_stream *in, flow_val v)
{
    struct flow_stream *stream = same(in, &map_end_ops);
    if (stream != NULL) {
        stream_arg(stream, in->type, &v);
    }
    return stream;
}

/* ---- flat_map_error ---- */

struct rescue {
    struct hub hub;
    size_t active;
    bool outer_done;
};

static void rescue_check(struct rescue *rescue)
{
    if (rescue->outer_done && rescue->active == 0) {
        send_complete(rescue->hub.txn.node.down);
    }
}

static void rescue_inner_complete(struct node *node)
{
    struct rescue *rescue = (struct rescue *)hub_of(node);
    rescue->active--;
    rescue_check(rescue);
}

static const struct node_ops rescue_inner_ops = {.complete = rescue_inner_complete};

static void rescue_fault(struct node *node, const struct flow_error *error)
{
    struct rescue *rescue = (struct rescue *)hub_of(node);
    struct flow_stream *stream = rescue->hub.stream;
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = stream->fn.handle(node->loop, stream->ud, error, stream);
    made = inner_end(node->down, made, &region);
    struct input *inner = made == NULL ? NULL : input_new(&rescue->hub, &rescue_inner_ops, 0);
    if (inner != NULL) {
        rescue->active++;
        inner_subscribe(made, &inner->node, region);
    }
}

static void rescue_complete(struct node *node)
{
    struct rescue *rescue = (struct rescue *)hub_of(node);
    rescue->outer_done = true;
    rescue_check(rescue);
}

static void rescue_error(struct node *node, const struct flow_error *error)
{
    rescue_fault(node, error);
    rescue_complete(node);
}

static const struct node_ops rescue_ops = {0};
static const struct node_ops rescue_outer_ops = {
    .fault = rescue_fault,
    .error = rescue_error,
    .complete = rescue_complete,
};

static void rescue_subscribe(struct flow_stream *stream, struct node *down)
{
    struct rescue *rescue = hub_new(stream, down, &rescue_ops, sizeof *rescue);
    struct input *outer = rescue == NULL ? NULL : input_new(&rescue->hub, &rescue_outer_ops, 0);
    if (outer != NULL) {
        stream_subscribe(stream->in, &outer->node);
    }
}

struct flow_stream *flow_flat_map_error(struct flow_stream *in, flow_catch_fn *fn, void *ud)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, rescue_subscribe);
    if (stream != NULL) {
        stream->fn.handle = fn;
        stream->ud = ud;
    }
    return stream;
}
