/* op_again.c - what follows an end or an error: catch_error, retry, repeat, retry_when,
 * repeat_when, materialize, dematerialize.
 *
 * Those that subscribe to their source again do it in a loop: a source that ends while it is being
 * subscribed to only leaves word, so that the stack does not grow with the repetitions. */
#include "core.h"

#include <stdlib.h>

struct again {
    struct hub hub;
    struct node *source;
    uint64_t times;
    bool subscribing; /* the loop in again_subscribe() runs */
    bool once_more;   /* left for it */
    bool main_done, notifier_done;
    struct multicast *ends;   /* of the _when operators: errors, or ends */
    struct flow_stream *next; /* catch_error: left for after the source's subscription */
    struct flow_region *next_region;
};

static struct again *again_of(struct node *input)
{
    return (struct again *)hub_of(input);
}

static struct node *again_down(const struct again *again)
{
    return again->hub.txn.node.down;
}

static void again_destroy(struct node *node)
{
    struct again *again = (struct again *)node;
    multicast_unref(again->ends);
    flow_region_free(again->next_region);
}

static const struct node_ops again_ops = {.destroy = again_destroy};

static void again_source_closed(struct node *node)
{
    struct again *again = again_of(node);
    if (again->source == node) {
        again->source = NULL;
    }
}

/* Subscribes to the source, and once more for each time it asks for that meanwhile. */
static void again_subscribe(struct again *again)
{
    const struct flow_stream *stream = again->hub.stream;
    again->subscribing = true;
    do {
        struct event event = event_begin(stream->loop);
        again->once_more = false;
        again->main_done = false;
        struct input *source = input_new(&again->hub, stream->ops, 0);
        if (source != NULL) {
            again->source = &source->node;
            stream_subscribe(stream->in, &source->node);
        }
        if (again->once_more) {
            node_close(again->source);
        }
        event_end(stream->loop, event);
    } while (again->once_more && !again_down(again)->closed);
    again->subscribing = false;
}

static void again_request(struct again *again)
{
    if (again->subscribing) {
        again->once_more = true;
    } else {
        node_close(again->source);
        again_subscribe(again);
    }
}

static void again_start(struct flow_stream *stream, struct node *down)
{
    struct again *again = hub_new(stream, down, &again_ops, sizeof *again);
    if (again != NULL) {
        again_subscribe(again);
    }
}

/* ---- catch_error ---- */

static void catch_go_on(struct again *again)
{
    struct flow_region *region = again->next_region;
    again->next_region = NULL;
    node_close(again->source);
    inner_subscribe(again->next, again_down(again), region);
}

static void catch_handle(struct node *node, const struct flow_error *error)
{
    struct again *again = again_of(node);
    struct flow_stream *stream = again->hub.stream;
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = stream->fn.handle(node->loop, stream->ud, error, stream);
    again->next = inner_end(node->down, made, &region);
    if (again->next == NULL) {
        return;
    }
    again->next_region = region;
    if (!again->subscribing) {
        catch_go_on(again);
    }
}

static const struct node_ops catch_ops = {.error = catch_handle, .closed = again_source_closed};

static void catch_subscribe(struct flow_stream *stream, struct node *down)
{
    struct again *again = hub_new(stream, down, &again_ops, sizeof *again);
    if (again == NULL) {
        return;
    }
    again_subscribe(again);
    if (again->next != NULL && !down->closed) {
        catch_go_on(again);
    }
}

static struct flow_stream *again_stream(struct flow_stream *in, size_t size,
                                        const struct node_ops *source_ops,
                                        void (*subscribe)(struct flow_stream *, struct node *))
{
    struct flow_stream *stream = in == NULL ? NULL : stream_on(in, size, in->type, subscribe);
    if (stream != NULL) {
        stream->ops = source_ops;
    }
    return stream;
}

struct flow_stream *flow_catch_error(struct flow_stream *in, flow_catch_fn *fn, void *ud)
{
    struct flow_stream *stream = again_stream(in, sizeof *stream, &catch_ops, catch_subscribe);
    if (stream != NULL) {
        stream->fn.handle = fn;
        stream->ud = ud;
    }
    return stream;
}

/* ---- retry ---- */

struct retry_stream {
    struct flow_stream base;
    struct flow_retry opts;
    struct flow_stream *delay; /* the timer of opts.delay */
};

static void again_notified(struct node *node, flow_val v)
{
    struct again *again = again_of(node);
    (void)v; /* that it came is enough */
    node_close(node);
    again_request(again);
}

static const struct node_ops again_notifier_ops = {.next = again_notified};

static void again_wait(struct again *again, struct flow_stream *notifier,
                       struct flow_region *region)
{
    struct input *input = input_new(&again->hub, &again_notifier_ops, 0);
    if (input != NULL) {
        inner_subscribe(notifier, &input->node, region);
    }
}

static void retry_next(struct node *node, flow_val v)
{
    struct again *again = again_of(node);
    if (((const struct retry_stream *)again->hub.stream)->opts.reset_on_success) {
        again->times = 0;
    }
    send_next(node->down, v);
}

static void retry_wait(struct again *again, const struct retry_stream *stream,
                       const struct flow_error *error)
{
    struct flow_loop *loop = stream->base.loop;
    if (stream->opts.delay_by == NULL) {
        again_wait(again, stream->delay, NULL);
        return;
    }
    loop->index = (uint32_t)again->times;
    struct flow_region *region = inner_begin(loop);
    struct flow_stream *made = stream->opts.delay_by(loop, stream->opts.ud, error, NULL);
    made = inner_end(again_down(again), made, &region);
    if (made != NULL) {
        again_wait(again, made, region);
    }
}

static void retry_error(struct node *node, const struct flow_error *error)
{
    struct again *again = again_of(node);
    const struct retry_stream *stream = (const struct retry_stream *)again->hub.stream;
    if (again->times >= stream->opts.count) {
        send_error(node->down, error);
        return;
    }
    again->times++;
    if (stream->opts.has_delay || stream->opts.delay_by != NULL) {
        retry_wait(again, stream, error);
    } else {
        again_request(again);
    }
}

static const struct node_ops retry_ops = {
    .next = retry_next,
    .error = retry_error,
    .closed = again_source_closed,
};

struct flow_stream *flow_retry(struct flow_stream *in, const struct flow_retry *opts)
{
    if (in != NULL && opts->count == 0) {
        return in;
    }
    struct retry_stream *stream =
        (struct retry_stream *)again_stream(in, sizeof *stream, &retry_ops, again_start);
    if (stream == NULL) {
        return NULL;
    }
    stream->opts = *opts;
    stream->delay = flow_timer(stream->base.region, opts->delay, FLOW_NEVER);
    return &stream->base;
}

/* ---- repeat ---- */

struct repeat_stream {
    struct flow_stream base;
    struct flow_repeat opts;
    struct flow_stream *delay;
};

static void repeat_complete(struct node *node)
{
    struct again *again = again_of(node);
    const struct repeat_stream *stream = (const struct repeat_stream *)again->hub.stream;
    struct flow_loop *loop = node->loop;
    if (++again->times >= stream->opts.count) {
        send_complete(node->down);
    } else if (stream->opts.delay_by != NULL) {
        struct flow_region *region = inner_begin(loop);
        struct flow_stream *made =
            stream->opts.delay_by(loop, stream->opts.ud, flow_int((int64_t)again->times));
        made = inner_end(node->down, made, &region);
        if (made != NULL) {
            again_wait(again, made, region);
        }
    } else if (stream->opts.has_delay) {
        again_wait(again, stream->delay, NULL);
    } else {
        again_request(again);
    }
}

static const struct node_ops repeat_ops = {
    .complete = repeat_complete,
    .closed = again_source_closed,
};

struct flow_stream *flow_repeat(struct flow_stream *in, const struct flow_repeat *opts)
{
    if (in != NULL && opts->count == 0) {
        return flow_take(in, 0);
    }
    struct repeat_stream *stream =
        (struct repeat_stream *)again_stream(in, sizeof *stream, &repeat_ops, again_start);
    if (stream == NULL) {
        return NULL;
    }
    stream->opts = *opts;
    stream->delay = flow_timer(stream->base.region, opts->delay, FLOW_NEVER);
    return &stream->base;
}

/* ---- retry_when, repeat_when ---- */

static void check_complete(struct again *again)
{
    if (again->main_done && again->notifier_done) {
        send_complete(again_down(again));
    }
}

static void when_notified(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    again_request(again_of(node));
}

static void repeat_when_notifier_complete(struct node *node)
{
    again_of(node)->notifier_done = true;
    check_complete(again_of(node));
}

static const struct node_ops retry_when_notifier_ops = {.next = when_notified};
static const struct node_ops repeat_when_notifier_ops = {
    .next = when_notified,
    .complete = repeat_when_notifier_complete,
};

/* Asks the user's function for the notifier, when the first error or end has come. */
static bool when_open(struct again *again, const struct flow_type *type,
                      const struct node_ops *notifier_ops)
{
    struct node *node = &again->hub.txn.node;
    struct flow_stream *stream = again->hub.stream;
    if (again->ends != NULL) {
        return true;
    }
    again->ends = multicast_new(node->loop, type, NULL);
    if (again->ends == NULL) {
        send_code(node->down, FLOW_ERROR_MEMORY, "no memory to subscribe again");
        return false;
    }
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = stream->fn.with(node->loop, stream->ud, &again->ends->stream);
    made = inner_end(node->down, made, &region);
    struct input *input = made == NULL ? NULL : input_new(&again->hub, notifier_ops, 0);
    if (input == NULL) {
        return false;
    }
    inner_subscribe(made, &input->node, region);
    return true;
}

static void retry_when_error(struct node *node, const struct flow_error *error)
{
    struct again *again = again_of(node);
    if (when_open(again, &flow_error_type, &retry_when_notifier_ops)) {
        multicast_next(again->ends, flow_ptr(error));
    }
}

static const struct node_ops retry_when_ops = {
    .error = retry_when_error,
    .closed = again_source_closed,
};

static void repeat_when_complete(struct node *node)
{
    struct again *again = again_of(node);
    again->main_done = true;
    check_complete(again);
    if (!node->down->closed && when_open(again, &flow_i64, &repeat_when_notifier_ops)) {
        multicast_next(again->ends, flow_int(0));
    }
}

static const struct node_ops repeat_when_ops = {
    .complete = repeat_when_complete,
    .closed = again_source_closed,
};

static struct flow_stream *when_stream(struct flow_stream *in, const struct node_ops *ops,
                                       flow_with_fn *fn, void *ud)
{
    struct flow_stream *stream = again_stream(in, sizeof *stream, ops, again_start);
    if (stream != NULL) {
        stream->fn.with = fn;
        stream->ud = ud;
    }
    return stream;
}

struct flow_stream *flow_retry_when(struct flow_stream *in, flow_with_fn *fn, void *ud)
{
    return when_stream(in, &retry_when_ops, fn, ud);
}

struct flow_stream *flow_repeat_when(struct flow_stream *in, flow_with_fn *fn, void *ud)
{
    return when_stream(in, &repeat_when_ops, fn, ud);
}

static flow_val error_retain(flow_val v)
{
    struct flow_error *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        abort(); /* a kept value cannot be refused */
    }
    *copy = *(const struct flow_error *)v.p;
    return flow_ptr(copy);
}

static void error_release(flow_val v)
{
    free((void *)(uintptr_t)v.p);
}

const struct flow_type flow_error_type = {
    .name = "error",
    .retain = error_retain,
    .release = error_release,
};

/* ---- materialize, dematerialize ---- */

static flow_val notification_retain(flow_val v)
{
    const struct flow_notification *from = v.p;
    struct flow_notification *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        abort(); /* a kept value cannot be refused */
    }
    *copy = *from;
    if (from->kind == FLOW_KIND_NEXT) {
        copy->v = value_keep(from->type, from->v);
    }
    return flow_ptr(copy);
}

static void notification_release(flow_val v)
{
    struct flow_notification *kept = (struct flow_notification *)(uintptr_t)v.p;
    if (kept->kind == FLOW_KIND_NEXT && kept->type->release != NULL) {
        kept->type->release(kept->v);
    }
    free(kept);
}

const struct flow_type flow_notification_type = {
    .name = "notification",
    .retain = notification_retain,
    .release = notification_release,
};

static void materialize_send(struct node *node, enum flow_kind kind, flow_val v,
                             const struct flow_error *error)
{
    struct flow_notification note = {
        .kind = kind,
        .type = op_of(node)->stream->in->type,
        .v = v,
    };
    if (error != NULL) {
        note.error = *error;
    }
    send_next(node->down, flow_ptr(&note));
}

static void materialize_next(struct node *node, flow_val v)
{
    materialize_send(node, FLOW_KIND_NEXT, v, NULL);
}

static void materialize_error(struct node *node, const struct flow_error *error)
{
    materialize_send(node, FLOW_KIND_ERROR, flow_int(0), error);
    send_complete(node->down);
}

static void materialize_complete(struct node *node)
{
    materialize_send(node, FLOW_KIND_COMPLETE, flow_int(0), NULL);
    send_complete(node->down);
}

static const struct node_ops materialize_ops = {
    .next = materialize_next,
    .error = materialize_error,
    .complete = materialize_complete,
};

struct flow_stream *flow_materialize(struct flow_stream *in)
{
    return op_new(in, &flow_notification_type, &materialize_ops);
}

static void dematerialize_next(struct node *node, flow_val v)
{
    const struct flow_notification *note = v.p;
    if (note->kind == FLOW_KIND_NEXT) {
        send_next(node->down, note->v);
    } else if (note->kind == FLOW_KIND_ERROR) {
        send_error(node->down, &note->error);
    } else {
        send_complete(node->down);
    }
}

static const struct node_ops dematerialize_ops = {.next = dematerialize_next};

struct flow_stream *flow_dematerialize(struct flow_stream *in, const struct flow_type *out)
{
    return op_new(in, out, &dematerialize_ops);
}
