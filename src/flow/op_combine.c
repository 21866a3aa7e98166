/* op_combine.c - the latest of each input: combine_latest, with_latest_from, fork_join. */
#include "many.h"

#include <stdlib.h>

/* ---- the latest of each: combine_latest, with_latest_from ---- */

struct latest {
    struct hub hub;
    flow_val *values; /* kept */
    uint64_t *rounds; /* in which each input fired last; 0: never */
    uint64_t round;   /* of the emission to come */
    size_t missing, active;
    bool plain;      /* no value needs keeping */
    bool collecting; /* combine_initials() is subscribing */
    bool all_initial;
};

static const struct many_stream *latest_stream(const struct latest *latest)
{
    return (const struct many_stream *)latest->hub.stream;
}

static void latest_commit(struct node *node)
{
    struct latest *latest = (struct latest *)node;
    const struct many_stream *stream = latest_stream(latest);
    struct flow_loop *loop = node->loop;
    latest->round++;
    if (UNLIKELY(latest->missing > 0)) {
        return;
    }
    if (LIKELY(stream->base.fn.list != NULL)) {
        flow_val v = stream->base.fn.list(loop, stream->base.ud, latest->values, stream->count);
        if (LIKELY(!loop->failed)) {
            send_next(node->down, v);
        } else {
            node_fail(node);
        }
    } else {
        many_emit(stream, node->down, latest->values);
    }
}

/* What waits goes out now. */
static void latest_flush(struct latest *latest)
{
    if (latest->hub.txn.pending) {
        txn_forget(&latest->hub.txn);
        latest_commit(&latest->hub.txn.node);
    }
}

static inline void latest_store(struct latest *latest, size_t index, flow_val v)
{
    uint64_t round = latest->rounds[index];
    latest->rounds[index] = latest->round;
    if (UNLIKELY(round == 0)) {
        latest->missing--;
    }
    if (LIKELY(latest->plain)) {
        latest->values[index] = v;
        return;
    }
    const struct flow_type *type = latest_stream(latest)->types[index];
    flow_val old = latest->values[index];
    latest->values[index] = value_keep(type, v);
    if (round != 0) {
        value_drop(latest->hub.txn.node.loop, type, old);
    }
}

/* An input that fires twice within one root event is two events, not a glitch. */
static void combine_next(struct node *node, flow_val v)
{
    struct latest *latest = (struct latest *)hub_of(node);
    size_t index = ((struct input *)node)->index;
    if (UNLIKELY(latest->rounds[index] == latest->round)) {
        latest_flush(latest);
    }
    latest_store(latest, index, v);
    if (UNLIKELY(latest->collecting)) {
        latest->all_initial = latest->all_initial && node->loop->initial;
    } else if (LIKELY(latest->missing == 0)) {
        txn_touch(&latest->hub.txn);
    }
}

static void combine_error(struct node *node, const struct flow_error *error)
{
    struct latest *latest = (struct latest *)hub_of(node);
    if (latest->rounds[((struct input *)node)->index] == latest->round) {
        latest_flush(latest);
    }
    send_error(node->down, error);
}

static void combine_complete(struct node *node)
{
    struct latest *latest = (struct latest *)hub_of(node);
    if (--latest->active == 0 && !latest->collecting) {
        latest_flush(latest);
        send_complete(node->down);
    }
}

static void latest_closed(struct node *node)
{
    txn_forget((struct txn *)node);
}

static void latest_destroy(struct node *node)
{
    struct latest *latest = (struct latest *)node;
    for (size_t i = 0; i < latest_stream(latest)->count; i++) {
        if (latest->rounds != NULL && latest->rounds[i] != 0) {
            value_drop(node->loop, latest_stream(latest)->types[i], latest->values[i]);
        }
    }
    free(latest->values);
    free(latest->rounds);
}

static const struct node_ops latest_ops = {
    .closed = latest_closed,
    .destroy = latest_destroy,
    .commit = latest_commit,
};
static const struct node_ops combine_input_ops = {
    .next = combine_next,
    .error = combine_error,
    .complete = combine_complete,
};

static struct latest *latest_new(struct flow_stream *stream, struct node *down,
                                 const struct node_ops *ops)
{
    struct latest *latest = hub_new(stream, down, ops, sizeof *latest);
    if (latest == NULL) {
        return NULL;
    }
    size_t count = latest_stream(latest)->count;
    latest->values = calloc(count + 1, sizeof(flow_val));
    latest->rounds = calloc(count + 1, sizeof(uint64_t));
    latest->missing = latest->active = count;
    latest->round = 1;
    latest->plain = true;
    for (size_t i = 0; i < count; i++) {
        latest->plain = latest->plain && latest_stream(latest)->types[i]->retain == NULL;
    }
    if (latest->values == NULL || latest->rounds == NULL) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return NULL;
    }
    return latest;
}

static void combine_subscribe(struct flow_stream *stream, struct node *down)
{
    struct latest *latest = latest_new(stream, down, &latest_ops);
    const struct many_stream *join = (const struct many_stream *)stream;
    if (latest != NULL && join->count == 0) {
        source_complete(down);
    }
    for (size_t i = 0; latest != NULL && i < join->count; i++) {
        struct input *input = input_new(&latest->hub, &combine_input_ops, i);
        if (input != NULL) {
            stream_subscribe(join->inputs[i], &input->node);
        }
    }
}

struct flow_stream *flow_combine_latest(struct flow_region *region, struct flow_stream *const *in,
                                        size_t count, const struct flow_type *out, flow_list_fn *fn,
                                        void *ud)
{
    struct many_stream *stream = many_stream_new(region, in, count, out, fn, ud, combine_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.level++;
    return &stream->base;
}

static void initials_subscribe(struct flow_stream *stream, struct node *down)
{
    struct latest *latest = latest_new(stream, down, &latest_ops);
    const struct many_stream *join = (const struct many_stream *)stream;
    struct flow_loop *loop = stream->loop;
    if (latest == NULL) {
        return;
    }
    latest->collecting = latest->all_initial = true;
    for (size_t i = 0; i < join->count; i++) {
        struct input *input = input_new(&latest->hub, &combine_input_ops, i);
        if (input != NULL) {
            stream_subscribe(join->inputs[i], &input->node);
        }
    }
    latest->collecting = false;
    if (latest->missing == 0 && !down->closed) {
        bool outer = loop->initial;
        struct event event = event_begin(loop);
        loop->initial = latest->all_initial;
        latest_commit(&latest->hub.txn.node);
        loop->initial = outer;
        event_end(loop, event);
    }
    if (latest->active == 0) {
        source_complete(down);
    }
}

struct flow_stream *combine_initials(struct flow_region *region, struct flow_stream *const *in,
                                     size_t count, const struct flow_type *out, flow_list_fn *fn,
                                     void *ud)
{
    struct many_stream *stream =
        many_stream_new(region, in, count, out, fn, ud, initials_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.level++;
    return &stream->base;
}

/* Input 0 is the one that speaks; its value is dropped after each emission. */
static void with_latest_next(struct node *node, flow_val v)
{
    struct latest *latest = (struct latest *)hub_of(node);
    latest_flush(latest);
    if (latest->rounds[0] == 0) {
        latest->missing--;
        latest->rounds[0] = UINT64_MAX;
        latest->values[0] = value_keep(latest_stream(latest)->types[0], v);
    } else {
        flow_val old = latest->values[0];
        latest->values[0] = value_keep(latest_stream(latest)->types[0], v);
        value_drop(node->loop, latest_stream(latest)->types[0], old);
    }
    txn_touch(&latest->hub.txn);
}

static void with_latest_error(struct node *node, const struct flow_error *error)
{
    latest_flush((struct latest *)hub_of(node));
    send_error(node->down, error);
}

static void with_latest_complete(struct node *node)
{
    latest_flush((struct latest *)hub_of(node));
    send_complete(node->down);
}

static void with_latest_other(struct node *node, flow_val v)
{
    latest_store((struct latest *)hub_of(node), ((struct input *)node)->index, v);
}

static const struct node_ops with_latest_ops = {
    .next = with_latest_next,
    .error = with_latest_error,
    .complete = with_latest_complete,
};
static const struct node_ops with_latest_other_ops = {
    .next = with_latest_other,
    .complete = complete_ignore,
};

static void with_latest_subscribe(struct flow_stream *stream, struct node *down)
{
    struct latest *latest = latest_new(stream, down, &latest_ops);
    const struct many_stream *join = (const struct many_stream *)stream;
    for (size_t i = 1; latest != NULL && i < join->count; i++) {
        struct input *other = input_new(&latest->hub, &with_latest_other_ops, i);
        if (other != NULL) {
            stream_subscribe(join->inputs[i], &other->node);
        }
    }
    struct input *input = latest == NULL ? NULL : input_new(&latest->hub, &with_latest_ops, 0);
    if (input != NULL) {
        stream_subscribe(join->inputs[0], &input->node);
    }
}

struct sampling {
    flow_list_fn *fn;
    void *ud;
};

static flow_val sample_turned(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    const struct sampling *sampling = ud;
    flow_val turned[2] = {v[1], v[0]};
    return sampling->fn == NULL ? v[1] : sampling->fn(loop, sampling->ud, turned, count);
}

struct flow_stream *sample_latest(struct flow_stream *sampler, struct flow_stream *latest,
                                  const struct flow_type *out, flow_list_fn *fn, void *ud)
{
    struct flow_stream *stream =
        flow_with_latest_from(sampler, &latest, 1, out, sample_turned, NULL);
    struct sampling *sampling =
        stream == NULL ? NULL : region_alloc(stream->region, sizeof *sampling);
    if (sampling == NULL) {
        return NULL;
    }
    *sampling = (struct sampling){.fn = fn, .ud = ud};
    stream->ud = sampling;
    return stream;
}

struct flow_stream *flow_with_latest_from(struct flow_stream *in, struct flow_stream *const *others,
                                          size_t count, const struct flow_type *out,
                                          flow_list_fn *fn, void *ud)
{
    struct flow_region *region = in == NULL           ? NULL
                                 : in->region != NULL ? in->region
                                                      : flow_here(in->loop);
    struct flow_stream **all =
        region == NULL ? NULL : region_alloc(region, (count + 1) * sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    all[0] = in;
    for (size_t i = 0; i < count; i++) {
        all[i + 1] = others[i];
    }
    struct many_stream *stream =
        many_stream_new(region, all, count + 1, out, fn, ud, with_latest_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.level++;
    stream->base.property = in->property;
    return &stream->base;
}

/* ---- fork_join ---- */

static void fork_next(struct node *node, flow_val v)
{
    latest_store((struct latest *)hub_of(node), ((struct input *)node)->index, v);
}

static void fork_complete(struct node *node)
{
    ((struct latest *)hub_of(node))->active--;
    ((struct input *)node)->done = true;
}

static void fork_closed(struct node *node)
{
    struct latest *latest = (struct latest *)hub_of(node);
    bool silent = latest->rounds[((struct input *)node)->index] == 0;
    if (node->down->closed || (latest->active > 0 && !silent)) {
        return;
    }
    if (latest->missing == 0) {
        many_emit(latest_stream(latest), node->down, latest->values);
    }
    send_complete(node->down);
}

static const struct node_ops fork_input_ops = {
    .next = fork_next,
    .complete = fork_complete,
    .closed = fork_closed,
};

static void fork_subscribe(struct flow_stream *stream, struct node *down)
{
    struct latest *latest = latest_new(stream, down, &latest_ops);
    const struct many_stream *join = (const struct many_stream *)stream;
    if (latest != NULL && join->count == 0) {
        source_complete(down);
    }
    for (size_t i = 0; latest != NULL && i < join->count; i++) {
        struct input *input = input_new(&latest->hub, &fork_input_ops, i);
        if (input != NULL) {
            stream_subscribe(join->inputs[i], &input->node);
        }
    }
}

struct flow_stream *flow_fork_join(struct flow_region *region, struct flow_stream *const *in,
                                   size_t count, const struct flow_type *out, flow_list_fn *fn,
                                   void *ud)
{
    struct many_stream *stream = many_stream_new(region, in, count, out, fn, ud, fork_subscribe);
    return stream == NULL ? NULL : &stream->base;
}
