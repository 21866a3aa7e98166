/* op_rate.c - fewer events: throttle, audit, debounce, sample.
 *
 * All hold the latest value and wait for another stream, their duration. What differs is when the
 * duration begins, and what its first value does. */
#include "core.h"

struct rate {
    struct hub hub; /* stream fn: project; m: enum flow_edges of throttle */
    flow_val held;
    bool has;
    bool outer_done;
    struct input *running; /* the duration */
};

static struct rate *rate_of(struct node *input)
{
    return (struct rate *)hub_of(input);
}

static void rate_hold(struct rate *rate, flow_val v)
{
    const struct flow_type *type = rate->hub.stream->type;
    flow_val old = rate->held;
    rate->held = value_keep(type, v);
    if (rate->has) {
        value_drop(rate->hub.txn.node.loop, type, old);
    }
    rate->has = true;
}

static flow_val rate_take(struct rate *rate)
{
    rate->has = false;
    value_drop(rate->hub.txn.node.loop, rate->hub.stream->type, rate->held);
    return rate->held;
}

static void rate_stop(struct rate *rate)
{
    if (rate->running != NULL) {
        struct node *running = &rate->running->node;
        rate->running = NULL;
        node_close(running);
    }
}

static void rate_emit(struct rate *rate)
{
    if (rate->has) {
        send_next(rate->hub.txn.node.down, rate_take(rate));
    }
}

static void rate_destroy(struct node *node)
{
    struct rate *rate = (struct rate *)node;
    if (rate->has) {
        rate_take(rate);
    }
}

static const struct node_ops rate_ops = {.destroy = rate_destroy};

static struct rate *rate_open(struct flow_stream *stream, struct node *down,
                              const struct node_ops *outer_ops)
{
    struct rate *rate = hub_new(stream, down, &rate_ops, sizeof *rate);
    struct input *outer = rate == NULL ? NULL : input_new(&rate->hub, outer_ops, 0);
    if (outer == NULL) {
        return NULL;
    }
    stream_subscribe(stream->in, &outer->node);
    return rate;
}

static struct flow_stream *rate_stream(struct flow_stream *in, flow_project_fn *fn, void *ud,
                                       void (*subscribe)(struct flow_stream *, struct node *))
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, subscribe);
    if (stream != NULL) {
        stream->fn.project = fn;
        stream->ud = ud;
    }
    return stream;
}

/* The duration of the operators that end in _time: one description for all events. */
static struct flow_stream *same_stream(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* always the same */
    (void)v;
    return ud;
}

static struct flow_stream *span_stream(struct flow_stream *in, flow_time span)
{
    struct flow_region *region = in == NULL           ? NULL
                                 : in->region != NULL ? in->region
                                                      : flow_here(in->loop);
    return flow_timer(region, span, FLOW_NEVER);
}

/* ---- throttle ---- */

static void throttle_start(struct rate *rate, flow_val v);

static void throttle_send(struct rate *rate)
{
    if (!rate->has) {
        return;
    }
    flow_val v = rate_take(rate);
    send_next(rate->hub.txn.node.down, v);
    if (!rate->outer_done && !rate->hub.txn.node.down->closed) {
        throttle_start(rate, v);
    }
}

static void throttle_end(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    (void)v; /* that it came is enough */
    rate_stop(rate);
    if ((rate->hub.stream->m & FLOW_TRAILING) != 0) {
        throttle_send(rate);
        if (rate->outer_done) {
            send_complete(node->down);
        }
    }
}

static void duration_complete(struct node *node)
{
    struct rate *rate = rate_of(node);
    rate->running = NULL;
    if (rate->outer_done) {
        send_complete(node->down);
    }
}

static const struct node_ops throttle_duration_ops = {
    .next = throttle_end,
    .complete = duration_complete,
};

/* A duration that speaks while it is being subscribed to does not find itself, as in RxJS. */
static void throttle_start(struct rate *rate, flow_val v)
{
    struct input *running = input_project(&rate->hub, &throttle_duration_ops, v, NULL);
    if (running != NULL) {
        rate->running = running->node.closed ? NULL : running;
    }
}

static void throttle_next(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    if (node->loop->initial) {
        send_next(node->down, v);
        return;
    }
    rate_hold(rate, v);
    if (rate->running != NULL) {
        return;
    }
    if ((rate->hub.stream->m & FLOW_LEADING) != 0) {
        throttle_send(rate);
    } else {
        throttle_start(rate, v);
    }
}

static void throttle_complete(struct node *node)
{
    struct rate *rate = rate_of(node);
    bool trailing = (rate->hub.stream->m & FLOW_TRAILING) != 0;
    rate->outer_done = true;
    if (!(trailing && rate->has && rate->running != NULL)) {
        send_complete(node->down);
    }
}

static const struct node_ops throttle_ops = {.next = throttle_next, .complete = throttle_complete};

static void throttle_subscribe(struct flow_stream *stream, struct node *down)
{
    rate_open(stream, down, &throttle_ops);
}

struct flow_stream *flow_throttle(struct flow_stream *in, enum flow_edges edges,
                                  flow_project_fn *fn, void *ud)
{
    struct flow_stream *stream = rate_stream(in, fn, ud, throttle_subscribe);
    if (stream != NULL) {
        stream->m = edges;
    }
    return stream;
}

struct flow_stream *flow_throttle_time(struct flow_stream *in, flow_time span,
                                       enum flow_edges edges)
{
    return flow_throttle(in, edges, same_stream, span_stream(in, span));
}

/* ---- audit ---- */

static void audit_end(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    (void)v; /* that it came is enough */
    rate_stop(rate);
    rate_emit(rate);
    if (rate->outer_done) {
        send_complete(node->down);
    }
}

static const struct node_ops audit_duration_ops = {
    .next = audit_end,
    .complete = duration_complete,
};

static void audit_next(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    if (node->loop->initial) {
        send_next(node->down, v);
        return;
    }
    rate_hold(rate, v);
    if (rate->running == NULL) {
        input_project(&rate->hub, &audit_duration_ops, v, &rate->running);
    }
}

static void audit_complete(struct node *node)
{
    struct rate *rate = rate_of(node);
    rate->outer_done = true;
    if (!rate->has || rate->running == NULL) {
        send_complete(node->down);
    }
}

static const struct node_ops audit_ops = {.next = audit_next, .complete = audit_complete};

static void audit_subscribe(struct flow_stream *stream, struct node *down)
{
    rate_open(stream, down, &audit_ops);
}

struct flow_stream *flow_audit(struct flow_stream *in, flow_project_fn *fn, void *ud)
{
    return rate_stream(in, fn, ud, audit_subscribe);
}

struct flow_stream *flow_audit_time(struct flow_stream *in, flow_time span)
{
    return flow_audit(in, same_stream, span_stream(in, span));
}

/* ---- debounce ---- */

static void debounce_end(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    (void)v; /* that it came is enough */
    rate_stop(rate);
    rate_emit(rate);
}

static void debounce_duration_complete(struct node *node)
{
    rate_of(node)->running = NULL;
}

static const struct node_ops debounce_duration_ops = {
    .next = debounce_end,
    .complete = debounce_duration_complete,
};

static void debounce_next(struct node *node, flow_val v)
{
    struct rate *rate = rate_of(node);
    rate_stop(rate);
    rate_hold(rate, v);
    input_project(&rate->hub, &debounce_duration_ops, v, &rate->running);
}

static void debounce_complete(struct node *node)
{
    struct rate *rate = rate_of(node);
    rate_stop(rate);
    rate_emit(rate);
    send_complete(node->down);
}

static const struct node_ops debounce_ops = {.next = debounce_next, .complete = debounce_complete};

static void debounce_subscribe(struct flow_stream *stream, struct node *down)
{
    rate_open(stream, down, &debounce_ops);
}

struct flow_stream *flow_debounce(struct flow_stream *in, flow_project_fn *fn, void *ud)
{
    return rate_stream(in, fn, ud, debounce_subscribe);
}

/* ---- sample ---- */

static void sample_next(struct node *node, flow_val v)
{
    rate_hold(rate_of(node), v);
}

static void sample_notified(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    rate_emit(rate_of(node));
}

static const struct node_ops sample_ops = {.next = sample_next};
static const struct node_ops sample_notifier_ops = {
    .next = sample_notified,
    .complete = complete_ignore,
};

static void sample_subscribe(struct flow_stream *stream, struct node *down)
{
    struct rate *rate = rate_open(stream, down, &sample_ops);
    struct input *notifier = rate == NULL ? NULL : input_new(&rate->hub, &sample_notifier_ops, 0);
    if (notifier != NULL) {
        stream_subscribe(stream->ud, &notifier->node);
    }
}

struct flow_stream *flow_sample(struct flow_stream *in, struct flow_stream *notifier)
{
    return notifier == NULL ? NULL : rate_stream(in, NULL, notifier, sample_subscribe);
}

struct flow_stream *flow_sample_time(struct flow_stream *in, flow_time period)
{
    struct flow_region *region = in == NULL           ? NULL
                                 : in->region != NULL ? in->region
                                                      : flow_here(in->loop);
    return flow_sample(in, flow_interval(region, period));
}
