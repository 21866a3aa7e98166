/* op_share.c - one subscription for many observers: share, share_replay, connect, connectable. */
#include "core.h"

#include <stdlib.h>

/* ---- the node that feeds a multicast ---- */

static void feed_next(struct node *node, flow_val v)
{
    multicast_next(((struct spreader *)node)->cast, v);
}

static void feed_block(struct node *node, flow_val *v, size_t count)
{
    multicast_block(((struct spreader *)node)->cast, v, count);
}

static void feed_fault(struct node *node, const struct flow_error *error)
{
    multicast_fault(((struct spreader *)node)->cast, error);
}

static void feed_error(struct node *node, const struct flow_error *error)
{
    multicast_error(((struct spreader *)node)->cast, error);
}

static void feed_complete(struct node *node)
{
    multicast_complete(((struct spreader *)node)->cast);
}

static void feed_destroy(struct node *node)
{
    multicast_unref(((struct spreader *)node)->cast);
}

/* ---- share ---- */

struct share_stream {
    struct flow_stream base;
    struct flow_share_opts opts;
    struct multicast *cast;
    struct node *connection; /* NULL when it has closed */
    struct node *reset;      /* waits to reset */
    size_t observers;
    bool connected; /* since the last reset */
    bool completed, errored;
};

struct connection {
    struct spreader spreader;
    struct share_stream *share;
};

static void share_cancel_reset(struct share_stream *share)
{
    struct node *reset = share->reset;
    share->reset = NULL;
    node_close(reset);
}

static void share_reset(struct share_stream *share)
{
    struct multicast *cast = share->cast;
    share_cancel_reset(share);
    share->cast = NULL;
    share->connection = NULL;
    share->connected = share->completed = share->errored = false;
    multicast_unref(cast);
}

static void share_reset_and_close(struct share_stream *share)
{
    struct node *connection = share->connection;
    share_reset(share);
    node_close(connection);
}

struct resetter {
    struct node node;
    struct share_stream *share;
    bool closes; /* the connection, too */
};

static void resetter_next(struct node *node, flow_val v)
{
    struct resetter *resetter = (struct resetter *)node;
    (void)v; /* that it came is enough */
    node_close(node);
    if (resetter->closes) {
        share_reset_and_close(resetter->share);
    } else {
        share_reset(resetter->share);
    }
}

static void resetter_error(struct node *node, const struct flow_error *error)
{
    loop_report(node->loop, ((struct resetter *)node)->share->base.region, error);
}

static void resetter_closed(struct node *node)
{
    struct share_stream *share = ((struct resetter *)node)->share;
    if (share->reset == node) {
        share->reset = NULL;
    }
}

static const struct node_ops resetter_ops = {
    .next = resetter_next,
    .error = resetter_error,
    .complete = complete_ignore,
    .closed = resetter_closed,
};

/* Now, never, or when the stream given by fn() speaks. */
static void share_reset_by(struct share_stream *share, bool keep, flow_catch_fn *fn,
                           const struct flow_error *error, bool closes)
{
    struct flow_loop *loop = share->base.loop;
    if (fn == NULL) {
        if (!keep && closes) {
            share_reset_and_close(share);
        } else if (!keep) {
            share_reset(share);
        }
        return;
    }
    struct resetter *resetter = node_root(loop, &resetter_ops, sizeof *resetter);
    if (resetter == NULL) {
        region_fail(share->base.region, FLOW_ERROR_MEMORY);
        return;
    }
    resetter->share = share;
    resetter->closes = closes;
    node_adopt(&resetter->node, &share->base.region->root);
    struct flow_region *region = inner_begin(loop);
    struct flow_stream *made = fn(loop, share->opts.ud, error, NULL);
    made = inner_end(&resetter->node, made, &region);
    if (made != NULL) {
        share->reset = &resetter->node;
        inner_subscribe(made, &resetter->node, region);
    }
}

static void connection_error(struct node *node, const struct flow_error *error)
{
    struct share_stream *share = ((struct connection *)node)->share;
    share->errored = true;
    share_cancel_reset(share);
    share_reset_by(share, share->opts.keep_on_error, share->opts.reset_on_error, error, false);
    feed_error(node, error);
}

static void connection_complete(struct node *node)
{
    struct share_stream *share = ((struct connection *)node)->share;
    share->completed = true;
    share_cancel_reset(share);
    share_reset_by(share, share->opts.keep_on_complete, share->opts.reset_on_complete, NULL, false);
    feed_complete(node);
}

static void connection_closed(struct node *node)
{
    struct share_stream *share = ((struct connection *)node)->share;
    if (share->connection == node) {
        share->connection = NULL;
    }
}

static const struct node_ops connection_ops = {
    .next = feed_next,
    .block = feed_block,
    .error = connection_error,
    .fault = feed_fault,
    .complete = connection_complete,
    .closed = connection_closed,
    .destroy = feed_destroy,
    .spreads = true,
};

static void share_connect(struct share_stream *share)
{
    struct connection *connection =
        node_root(share->base.loop, &connection_ops, sizeof *connection);
    if (connection == NULL) {
        region_fail(share->base.region, FLOW_ERROR_MEMORY);
        return;
    }
    connection->share = share;
    connection->spreader.cast = share->cast;
    multicast_ref(share->cast);
    share->connection = &connection->spreader.node;
    share->connected = true;
    node_adopt(share->connection, &share->base.region->root);
    stream_subscribe(share->base.in, &connection->spreader.node);
}

/* An observer's place in the count. */
struct sharer {
    struct node node;
    struct share_stream *share;
};

static void share_leave(struct share_stream *share)
{
    if (--share->observers == 0 && !share->errored && !share->completed) {
        share_reset_by(share, share->opts.keep_on_zero, share->opts.reset_on_zero, NULL, true);
    }
}

static void sharer_closed(struct node *node)
{
    share_leave(((struct sharer *)node)->share);
}

static const struct node_ops sharer_ops = {.closed = sharer_closed};

static bool share_join(struct share_stream *share, struct node *down)
{
    share->observers++;
    if (!share->errored && !share->completed) {
        share_cancel_reset(share);
    }
    if (share->cast == NULL) {
        share->cast = multicast_new(share->base.loop, share->base.type, &share->opts.connector);
    }
    struct sharer *sharer =
        share->cast == NULL ? NULL : node_new(down, down, &sharer_ops, sizeof *sharer);
    if (sharer == NULL) {
        region_fail(share->base.region, FLOW_ERROR_MEMORY);
        share->observers--;
        return false;
    }
    sharer->share = share;
    if (sharer->node.closed) {
        share_leave(share);
    }
    return true;
}

static void share_subscribe(struct flow_stream *stream, struct node *down)
{
    struct share_stream *share = (struct share_stream *)stream;
    if (!share_join(share, down)) {
        return;
    }
    struct multicast *cast = share->cast;
    if (cast != NULL) {
        multicast_subscribe(&cast->stream, down);
    }
    if (!share->connected && share->observers > 0 && share->cast != NULL) {
        share_connect(share);
    }
}

static void share_free(void *data)
{
    multicast_unref(((struct share_stream *)data)->cast);
}

struct flow_stream *flow_share(struct flow_stream *in, const struct flow_share_opts *opts)
{
    struct share_stream *share =
        in == NULL ? NULL : stream_on(in, sizeof *share, in->type, share_subscribe);
    if (share == NULL) {
        return NULL;
    }
    if (opts != NULL) {
        share->opts = *opts;
    }
    share->base.property = false;
    flow_own(share->base.region, share, share_free);
    return &share->base;
}

struct flow_stream *flow_share_replay(struct flow_stream *in, size_t count, flow_time window,
                                      bool ref_count)
{
    struct flow_share_opts opts = {
        .connector = {.kind = FLOW_SUBJECT_REPLAY, .count = count, .window = window},
        .keep_on_complete = true,
        .keep_on_zero = !ref_count,
    };
    return flow_share(in, &opts);
}

/* ---- connect, connectable ---- */

static const struct node_ops feed_ops = {
    .next = feed_next,
    .block = feed_block,
    .error = feed_error,
    .fault = feed_fault,
    .complete = feed_complete,
    .destroy = feed_destroy,
    .spreads = true,
};

struct connect_stream {
    struct flow_stream base; /* fn: with */
    struct flow_subject_opts connector;
    struct multicast *cast; /* of connectable */
    struct node *connection;
};

static void connect_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct connect_stream *connect = (const struct connect_stream *)stream;
    struct multicast *cast = multicast_new(stream->loop, stream->in->type, &connect->connector);
    if (cast == NULL) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return;
    }
    struct flow_region *region = inner_begin(stream->loop);
    struct flow_stream *made = stream->fn.with(stream->loop, stream->ud, &cast->stream);
    made = inner_end(down, made, &region);
    if (made != NULL) {
        inner_subscribe(made, down, region);
    }
    struct spreader *feed = made == NULL ? NULL : node_new(down, down, &feed_ops, sizeof *feed);
    if (feed == NULL) {
        multicast_unref(cast);
        return;
    }
    feed->cast = cast;
    stream_subscribe(stream->in, &feed->node);
}

struct flow_stream *flow_connect(struct flow_stream *in, const struct flow_type *out,
                                 const struct flow_subject_opts *connector, flow_with_fn *fn,
                                 void *ud)
{
    struct connect_stream *stream = stream_on(in, sizeof *stream, out, connect_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    if (connector != NULL) {
        stream->connector = *connector;
    }
    stream->base.fn.with = fn;
    stream->base.ud = ud;
    return &stream->base;
}

static bool connectable_ready(struct connect_stream *stream)
{
    if (stream->cast == NULL) {
        stream->cast = multicast_new(stream->base.loop, stream->base.type, &stream->connector);
    }
    return stream->cast != NULL;
}

static void connectable_subscribe(struct flow_stream *stream, struct node *down)
{
    struct connect_stream *connectable = (struct connect_stream *)stream;
    if (connectable_ready(connectable)) {
        multicast_subscribe(&connectable->cast->stream, down);
    } else {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
    }
}

static void connectable_free(void *data)
{
    multicast_unref(((struct connect_stream *)data)->cast);
}

struct connected {
    struct spreader spreader;
    struct connect_stream *stream;
};

/* The next connection has a new subject. */
static void connected_closed(struct node *node)
{
    struct connect_stream *stream = ((struct connected *)node)->stream;
    struct multicast *cast = stream->cast;
    stream->connection = NULL;
    stream->cast = NULL;
    multicast_unref(cast);
}

static const struct node_ops connected_ops = {
    .next = feed_next,
    .block = feed_block,
    .error = feed_error,
    .fault = feed_fault,
    .complete = feed_complete,
    .closed = connected_closed,
    .destroy = feed_destroy,
    .spreads = true,
};

struct flow_stream *flow_connectable(struct flow_stream *in,
                                     const struct flow_subject_opts *connector)
{
    struct connect_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, connectable_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    if (connector != NULL) {
        stream->connector = *connector;
    }
    flow_own(stream->base.region, stream, connectable_free);
    return &stream->base;
}

struct flow_sub flow_connect_now(struct flow_stream *connectable)
{
    struct connect_stream *stream = (struct connect_stream *)connectable;
    struct flow_sub sub = {0};
    if (stream == NULL || stream->base.subscribe != connectable_subscribe ||
        stream->connection != NULL) {
        return sub;
    }
    struct flow_loop *loop = stream->base.loop;
    loop_enter(loop);
    struct connected *node =
        connectable_ready(stream) ? node_root(loop, &connected_ops, sizeof *node) : NULL;
    if (node == NULL) {
        region_fail(stream->base.region, FLOW_ERROR_MEMORY);
    } else {
        node->stream = stream;
        node->spreader.cast = stream->cast;
        multicast_ref(stream->cast);
        stream->connection = &node->spreader.node;
        sub = sub_make(stream->base.region, stream->connection);
        stream_subscribe(stream->base.in, &node->spreader.node);
    }
    loop_leave(loop);
    return sub;
}
