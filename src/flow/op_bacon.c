/* op_bacon.c - what Bacon.js has and RxJS has not, but for properties, patterns and errors. */
#include "core.h"

/* ---- hold_when ---- */

struct holding {
    struct hub hub;
    struct ring waiting;
    bool on_hold;
    bool source_ended, valve_ended;
};

struct holding_stream {
    struct flow_stream base;
    struct flow_stream *valve;
};

static struct holding *holding_of(struct node *input)
{
    return (struct holding *)hub_of(input);
}

static void valve_next(struct node *node, flow_val v)
{
    struct holding *holding = holding_of(node);
    const struct flow_type *type = holding->hub.stream->type;
    holding->on_hold = v.i != 0;
    while (!holding->on_hold && holding->waiting.count > 0 && !node->closed) {
        send_next(node->down, ring_take(&holding->waiting, node->loop, type));
    }
    if (!holding->on_hold && holding->source_ended) {
        send_complete(node->down);
    }
}

static void valve_complete(struct node *node)
{
    struct holding *holding = holding_of(node);
    holding->valve_ended = true;
    if (holding->source_ended) {
        send_complete(node->down);
    }
}

static void held_next(struct node *node, flow_val v)
{
    struct holding *holding = holding_of(node);
    const struct flow_stream *stream = holding->hub.stream;
    if (holding->on_hold) {
        ring_push(&holding->waiting, stream, stream->type, v, node->down);
    } else {
        send_next(node->down, v);
    }
}

static void held_complete(struct node *node)
{
    struct holding *holding = holding_of(node);
    holding->source_ended = true;
    if (holding->waiting.count == 0 || holding->valve_ended) {
        send_complete(node->down);
    }
}

static void holding_destroy(struct node *node)
{
    struct holding *holding = (struct holding *)node;
    ring_free(&holding->waiting, node->loop, holding->hub.stream->type);
}

static const struct node_ops holding_ops = {.destroy = holding_destroy};
static const struct node_ops valve_ops = {.next = valve_next, .complete = valve_complete};
static const struct node_ops held_ops = {.next = held_next, .complete = held_complete};

static void holding_subscribe(struct flow_stream *stream, struct node *down)
{
    struct holding *holding = hub_new(stream, down, &holding_ops, sizeof *holding);
    struct input *valve = holding == NULL ? NULL : input_new(&holding->hub, &valve_ops, 0);
    if (valve == NULL) {
        return;
    }
    stream_subscribe(((const struct holding_stream *)stream)->valve, &valve->node);
    struct input *source = input_new(&holding->hub, &held_ops, 0);
    if (source != NULL) {
        stream_subscribe(stream->in, &source->node);
    }
}

struct flow_stream *flow_hold_when(struct flow_stream *in, struct flow_stream *valve)
{
    struct holding_stream *stream =
        in == NULL || valve == NULL ? NULL
                                    : stream_on(in, sizeof *stream, in->type, holding_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->valve = valve;
    return &stream->base;
}

/* ---- awaiting, sliding_window, diff ---- */

static flow_val second_is_silent(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *lists = v.p;
    const struct flow_list *second = lists->items[1].p;
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(second->count == 0);
}

struct flow_stream *flow_awaiting(struct flow_stream *a, struct flow_stream *b)
{
    if (a == NULL || b == NULL) {
        return NULL;
    }
    struct flow_stream *both[2] = {a, b};
    struct flow_stream *waits = flow_group_simultaneous(a->region, both, 2);
    waits = flow_map(waits, &flow_bool, second_is_silent, NULL);
    waits = flow_to_property(waits, &(flow_val){.i = 0});
    return flow_distinct_until_changed(waits, NULL, NULL);
}

static flow_val window_slide(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    const struct flow_stream *stream = ud;
    const struct flow_list *old = state.p;
    size_t skip = old->count == stream->n ? 1 : 0;
    size_t count = old->count - skip + 1;
    flow_val list = list_make(loop, stream->in->type, NULL, NULL, count);
    struct flow_list *made = (struct flow_list *)(uintptr_t)list.p;
    for (size_t i = 0; made != NULL && i + 1 < count; i++) {
        made->items[i] = old->items[i + skip];
    }
    if (made != NULL && !loop->failed) {
        made->items[count - 1] = v;
    }
    return list;
}

static bool window_is_long(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    return ((const struct flow_list *)v.p)->count >= ((const struct flow_stream *)ud)->m;
}

struct flow_stream *flow_sliding_window(struct flow_stream *in, size_t max, size_t min)
{
    static const struct flow_list empty = {.references = 0, .count = 0, .type = &flow_i64};
    flow_val seed = flow_ptr(&empty);
    struct flow_stream *scan = flow_scan(in, &flow_list_type, &seed, window_slide, NULL);
    if (scan == NULL || max == 0) {
        return NULL;
    }
    scan->ud = scan;
    scan->n = max;
    scan->m = min;
    return flow_filter(flow_to_property(scan, &seed), window_is_long, scan);
}

static void diff_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    flow_val difference = op->fn.fold(node->loop, op->ud, op->held, v);
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    op_hold(op, v);
    send_next(node->down, difference);
}

static const struct node_ops diff_ops = {.next = diff_next, .destroy = op_destroy};

struct flow_stream *flow_diff(struct flow_stream *in, const struct flow_type *out, flow_val start,
                              flow_fold_fn *fn, void *ud)
{
    struct flow_stream *stream = op_new(in, out, &diff_ops);
    if (stream == NULL) {
        return NULL;
    }
    stream->fn.fold = fn;
    stream->ud = ud;
    stream_arg(stream, in->type, &start);
    return flow_to_property(stream, NULL);
}

/* ---- state_machine ---- */

struct machine_stream {
    struct flow_stream base; /* kept: the state's type */
    flow_machine_fn *fn;
};

struct flow_machine {
    struct op op;
};

static void machine_run(struct node *node, enum flow_kind kind, flow_val v,
                        const struct flow_error *error)
{
    struct flow_machine *machine = (struct flow_machine *)node;
    const struct machine_stream *stream = (const struct machine_stream *)machine->op.stream;
    flow_val state = stream->fn(machine, stream->base.ud, machine->op.held, kind, v, error);
    if (node->loop->failed) {
        node_fail(node);
    } else {
        op_hold(&machine->op, state);
    }
}

static void machine_next(struct node *node, flow_val v)
{
    machine_run(node, FLOW_KIND_NEXT, v, NULL);
}

static void machine_fault(struct node *node, const struct flow_error *error)
{
    machine_run(node, FLOW_KIND_ERROR, flow_int(0), error);
}

static void machine_complete(struct node *node)
{
    machine_run(node, FLOW_KIND_COMPLETE, flow_int(0), NULL);
}

static const struct node_ops machine_ops = {
    .next = machine_next,
    .fault = machine_fault,
    .complete = machine_complete,
    .destroy = op_destroy,
};

struct flow_stream *flow_state_machine(struct flow_stream *in, const struct flow_type *out,
                                       const struct flow_type *state, flow_val initial,
                                       flow_machine_fn *fn, void *ud)
{
    struct machine_stream *stream = stream_on(in, sizeof *stream, out, op_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.ops = &machine_ops;
    stream->base.ud = ud;
    stream->fn = fn;
    stream_arg(&stream->base, state, &initial);
    return &stream->base;
}

void flow_machine_emit(struct flow_machine *machine, flow_val v)
{
    if (!machine->op.node.closed) {
        send_next(machine->op.node.down, v);
    }
}

void flow_machine_end(struct flow_machine *machine)
{
    send_complete(machine->op.node.down);
}

struct flow_loop *flow_machine_loop(struct flow_machine *machine)
{
    return machine->op.node.loop;
}

/* ---- time ---- */

/* Each value, then silence, one after the other. */
static struct flow_stream *value_and_silence(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_stream *stream = ud;
    struct flow_region *region = flow_here(loop);
    struct flow_stream *silence =
        flow_ignore_elements(flow_timer(region, stream->arg.i, FLOW_NEVER));
    struct flow_stream *both[2] = {flow_of(region, stream->type, v), silence};
    return flow_concat(region, both, 2);
}

struct flow_stream *flow_buffering_throttle(struct flow_stream *in, flow_time span)
{
    struct flow_stream *stream =
        in == NULL ? NULL : flow_concat_map(in, in->type, value_and_silence, NULL);
    if (stream != NULL) {
        stream->ud = stream;
        stream->arg = flow_int(span);
    }
    return stream;
}

/* ---- buffer_with_time ---- */

struct paced {
    struct op op; /* stream arg: span; n: max */
    struct timer *timer;
    struct ring values;
    bool ended;
};

struct paced_source {
    struct node node;
    struct paced *paced;
};

static void paced_flush(struct paced *paced)
{
    struct node *down = paced->op.node.down;
    const struct flow_type *type = paced->op.stream->in->type;
    timer_stop(paced->timer);
    if (paced->values.count > 0) {
        flow_val list = list_of_ring(down->loop, type, &paced->values);
        ring_clear(&paced->values, down->loop, type);
        if (down->loop->failed) {
            node_fail(&paced->op.node);
            return;
        }
        send_next(down, list);
        if (!paced->ended && !paced->op.node.closed) {
            timer_set(paced->timer, paced->op.stream->arg.i);
        }
    }
    if (paced->ended) {
        send_complete(down);
    }
}

static void paced_run(struct timer *timer)
{
    paced_flush(timer->owner);
}

static void paced_next(struct node *node, flow_val v)
{
    struct paced *paced = ((struct paced_source *)node)->paced;
    const struct flow_stream *stream = paced->op.stream;
    if (!ring_push(&paced->values, stream, stream->in->type, v, node->down)) {
        return;
    }
    if (paced->values.count == stream->n) {
        paced_flush(paced);
    } else if (!timer_waits(paced->timer)) {
        timer_set(paced->timer, stream->arg.i);
    }
}

static void paced_complete(struct node *node)
{
    struct paced *paced = ((struct paced_source *)node)->paced;
    paced->ended = true;
    if (paced->values.count == 0) {
        send_complete(node->down);
    }
}

static void paced_destroy(struct node *node)
{
    struct paced *paced = (struct paced *)node;
    ring_free(&paced->values, node->loop, paced->op.stream->in->type);
}

static const struct node_ops paced_ops = {.destroy = paced_destroy};
static const struct node_ops paced_source_ops = {.next = paced_next, .complete = paced_complete};

static void paced_subscribe(struct flow_stream *stream, struct node *down)
{
    struct paced *paced = node_new(down, down, &paced_ops, sizeof *paced);
    if (paced == NULL) {
        return;
    }
    paced->op.stream = stream;
    paced->timer = timer_new(&paced->op.node, paced_run, paced);
    struct paced_source *source =
        paced->timer == NULL ? NULL
                             : node_new(&paced->op.node, down, &paced_source_ops, sizeof *source);
    if (source != NULL) {
        source->paced = paced;
        stream_subscribe(stream->in, &source->node);
    }
}

struct flow_stream *flow_buffer_with_time(struct flow_stream *in, flow_time span, size_t max)
{
    struct flow_stream *stream = stream_on(in, sizeof *stream, &flow_list_type, paced_subscribe);
    if (stream != NULL) {
        stream->arg = flow_int(span);
        stream->n = max;
    }
    return stream;
}

struct poll {
    flow_poll_fn *fn;
    void *ud;
    const struct flow_type *type;
};

static void poll_next(struct node *node, flow_val v)
{
    struct op *op = op_of(node);
    const struct poll *poll = op->ud;
    if (!poll->fn(node->loop, poll->ud, &v)) {
        send_complete(node->down);
    } else {
        send_next(node->down, v);
    }
}

static const struct node_ops poll_ops = {.next = poll_next};

struct flow_stream *flow_from_poll(struct flow_region *region, const struct flow_type *type,
                                   flow_time every, flow_poll_fn *fn, void *ud)
{
    struct flow_stream *stream = op_new(flow_interval(region, every), type, &poll_ops);
    struct poll *poll = stream == NULL ? NULL : region_alloc(region, sizeof *poll);
    if (poll == NULL) {
        return NULL;
    }
    *poll = (struct poll){.fn = fn, .ud = ud, .type = type};
    stream->ud = poll;
    return stream;
}

struct series {
    struct flow_stream base; /* n: how many; m: 1 when it starts again */
    flow_val *values;
};

static void series_next(struct node *node, flow_val v)
{
    const struct series *series = (const struct series *)op_of(node)->stream;
    size_t index = (size_t)v.i;
    send_next(node->down, series->values[index % series->base.n]);
    if (series->base.m == 0 && index + 1 == series->base.n) {
        send_complete(node->down);
    }
}

static const struct node_ops series_ops = {.next = series_next};

static struct flow_stream *series_new(struct flow_region *region, const struct flow_type *type,
                                      flow_time every, const flow_val *v, size_t count,
                                      bool repeats)
{
    if (count == 0) {
        return flow_empty(region, type);
    }
    struct series *series =
        stream_on(flow_interval(region, every), sizeof *series, type, op_subscribe);
    if (series == NULL) {
        return NULL;
    }
    series->base.ops = &series_ops;
    series->base.n = count;
    series->base.m = repeats;
    series->values = region_alloc(region, count * sizeof *v);
    for (size_t i = 0; series->values != NULL && i < count; i++) {
        series->values[i] = region_keep(region, type, v[i]);
    }
    return series->values == NULL ? NULL : &series->base;
}

struct flow_stream *flow_sequentially(struct flow_region *region, const struct flow_type *type,
                                      flow_time every, const flow_val *v, size_t count)
{
    return series_new(region, type, every, v, count, false);
}

struct flow_stream *flow_repeatedly(struct flow_region *region, const struct flow_type *type,
                                    flow_time every, const flow_val *v, size_t count)
{
    return series_new(region, type, every, v, count, true);
}
