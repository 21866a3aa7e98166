/* op_make.c - streams from nothing: values, timers, functions. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- of, from, empty, never, throw, range, generate ---- */

struct from_stream {
    struct flow_stream base;
    flow_val *values;
    size_t count;
};

static void from_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct from_stream *from = (const struct from_stream *)stream;
    for (size_t i = 0; i < from->count && !down->closed; i++) {
        source_next(down, from->values[i]);
    }
    source_complete(down);
}

struct flow_stream *flow_from(struct flow_region *region, const struct flow_type *type,
                              const flow_val *v, size_t count)
{
    struct from_stream *from = stream_new(region, sizeof *from, type, from_subscribe);
    if (from == NULL) {
        return NULL;
    }
    from->values = region_alloc(region, (count + 1) * sizeof *v);
    if (from->values == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        from->values[i] = region_keep(region, type, v[i]);
    }
    from->count = count;
    return &from->base;
}

struct flow_stream *flow_of(struct flow_region *region, const struct flow_type *type, flow_val v)
{
    return flow_from(region, type, &v, 1);
}

struct flow_stream *flow_empty(struct flow_region *region, const struct flow_type *type)
{
    return flow_from(region, type, NULL, 0);
}

static void never_subscribe(struct flow_stream *stream, struct node *down)
{
    (void)stream; /* has nothing to say */
    (void)down;
}

struct flow_stream *flow_never(struct flow_region *region, const struct flow_type *type)
{
    return stream_new(region, sizeof(struct flow_stream), type, never_subscribe);
}

struct throw_stream {
    struct flow_stream base;
    struct flow_error error;
};

static void throw_subscribe(struct flow_stream *stream, struct node *down)
{
    source_error(down, &((const struct throw_stream *)stream)->error);
}

struct flow_stream *flow_throw(struct flow_region *region, const struct flow_type *type, int code,
                               const char *format, ...)
{
    struct throw_stream *stream = stream_new(region, sizeof *stream, type, throw_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    va_list args;
    va_start(args, format);
    stream->error.code = code;
    vsnprintf(stream->error.text, sizeof stream->error.text, format, args);
    va_end(args);
    return &stream->base;
}

static void range_subscribe(struct flow_stream *stream, struct node *down)
{
    for (uint64_t i = 0; i < stream->n && !down->closed; i++) {
        source_next(down, flow_int((int64_t)(stream->arg.u + i)));
    }
    source_complete(down);
}

struct flow_stream *flow_range(struct flow_region *region, int64_t first, uint64_t count)
{
    struct flow_stream *stream = stream_new(region, sizeof *stream, &flow_i64, range_subscribe);
    if (stream != NULL) {
        stream->arg = flow_int(first);
        stream->n = count;
    }
    return stream;
}

struct generate_stream {
    struct flow_stream base;
    flow_pred_fn *goes_on;
    flow_map_fn *step;
};

/* One value and the step to the next; false: that was the last. */
static bool generate_one(const struct generate_stream *generate, struct node *down, flow_val *state)
{
    struct flow_loop *loop = down->loop;
    bool goes_on = generate->goes_on == NULL || generate->goes_on(loop, generate->base.ud, *state);
    if (goes_on && !loop->failed) {
        send_next(down, *state);
        if (!down->closed) {
            flow_val after = generate->step(loop, generate->base.ud, *state);
            value_drop(loop, generate->base.type, *state);
            *state = value_keep(generate->base.type, after);
        }
    }
    if (loop->failed) {
        struct flow_error error = loop->error;
        loop->failed = false;
        send_error(down, &error);
    }
    return goes_on && !down->closed;
}

static void generate_subscribe(struct flow_stream *stream, struct node *down)
{
    struct flow_loop *loop = stream->loop;
    flow_val state = value_keep(stream->type, stream->arg);
    bool goes_on = true;
    while (goes_on) {
        struct event event = event_begin(loop);
        goes_on = generate_one((const struct generate_stream *)stream, down, &state);
        event_end(loop, event);
    }
    value_drop(loop, stream->type, state);
    source_complete(down);
}

struct flow_stream *flow_generate(struct flow_region *region, const struct flow_type *type,
                                  flow_val first, flow_pred_fn *goes_on, flow_map_fn *step,
                                  void *ud)
{
    struct generate_stream *stream = stream_new(region, sizeof *stream, type, generate_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream_arg(&stream->base, type, &first);
    stream->base.ud = ud;
    stream->goes_on = goes_on;
    stream->step = step;
    return &stream->base;
}

/* ---- timer, interval ---- */

struct ticker {
    struct node node;
    struct timer *timer;
    flow_time period;
    int64_t count;
};

static const struct node_ops ticker_ops = {0};

static void ticker_run(struct timer *timer)
{
    struct ticker *ticker = timer->owner;
    send_next(ticker->node.down, flow_int(ticker->count++));
    if (ticker->period == FLOW_NEVER) {
        send_complete(ticker->node.down);
    } else {
        timer_again(timer, ticker->period);
    }
}

struct timer_stream {
    struct flow_stream base;
    flow_time first, period;
    bool first_at;
};

static void ticker_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct timer_stream *timer = (const struct timer_stream *)stream;
    struct ticker *ticker = node_new(down, down, &ticker_ops, sizeof *ticker);
    if (ticker == NULL) {
        return;
    }
    ticker->period = timer->period;
    ticker->timer = timer_new(&ticker->node, ticker_run, ticker);
    if (ticker->timer != NULL) {
        timer_set(ticker->timer, timer->first_at ? timer->first - stream->loop->now : timer->first);
    }
}

static struct flow_stream *ticker_stream(struct flow_region *region, flow_time first, bool first_at,
                                         flow_time period)
{
    struct timer_stream *stream = stream_new(region, sizeof *stream, &flow_i64, ticker_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->first = first;
    stream->first_at = first_at;
    stream->period = period < 0 ? 0 : period;
    return &stream->base;
}

struct flow_stream *flow_timer(struct flow_region *region, flow_time delay, flow_time period)
{
    return ticker_stream(region, delay, false, period);
}

struct flow_stream *flow_timer_at(struct flow_region *region, flow_time at, flow_time period)
{
    return ticker_stream(region, at, at != FLOW_NEVER, period);
}

struct flow_stream *flow_interval(struct flow_region *region, flow_time period)
{
    return ticker_stream(region, period, false, period);
}

/* ---- defer, iif, using ---- */

static void defer_subscribe(struct flow_stream *stream, struct node *down)
{
    struct flow_region *region = inner_begin(stream->loop);
    struct flow_stream *made = inner_end(down, stream->fn.make(stream->loop, stream->ud), &region);
    if (made != NULL) {
        inner_subscribe(made, down, region);
    }
}

struct flow_stream *flow_defer(struct flow_region *region, const struct flow_type *type,
                               flow_make_fn *make, void *ud)
{
    struct flow_stream *stream = stream_new(region, sizeof *stream, type, defer_subscribe);
    if (stream != NULL) {
        stream->fn.make = make;
        stream->ud = ud;
    }
    return stream;
}

struct iif_stream {
    struct flow_stream base; /* `in`: yes */
    struct flow_stream *no;
};

static void iif_subscribe(struct flow_stream *stream, struct node *down)
{
    struct flow_region *region = inner_begin(stream->loop);
    bool yes = stream->fn.pred(stream->loop, stream->ud, flow_int(0));
    struct flow_stream *chosen = yes ? stream->in : ((const struct iif_stream *)stream)->no;
    chosen = inner_end(down, chosen, &region);
    if (chosen != NULL) {
        inner_subscribe(chosen, down, region);
    }
}

struct flow_stream *flow_iif(flow_pred_fn *test, void *ud, struct flow_stream *yes,
                             struct flow_stream *no)
{
    if (yes == NULL || no == NULL) {
        return NULL;
    }
    struct iif_stream *stream = stream_on(yes, sizeof *stream, yes->type, iif_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->no = no;
    stream->base.fn.pred = test;
    stream->base.ud = ud;
    stream->base.level = yes->level > no->level ? yes->level : no->level;
    return &stream->base;
}

struct using_stream {
    struct flow_stream base;
    flow_open_fn *open;
    flow_close_fn *close;
};

struct using_node {
    struct node node;
    const struct using_stream *stream;
    void *resource;
};

static void using_closed(struct node *node)
{
    struct using_node *using = (struct using_node *)node;
    using->stream->close(node->loop, using->stream->base.ud, using->resource);
}

static const struct node_ops using_ops = {.closed = using_closed};

static void using_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct using_stream *using = (const struct using_stream *)stream;
    void *resource = NULL;
    struct flow_region *region = inner_begin(stream->loop);
    struct flow_stream *made = using->open(stream->loop, stream->ud, &resource);
    made = inner_end(down, made, &region);
    if (made != NULL) {
        inner_subscribe(made, down, region);
    }
    struct using_node *node = node_new(down, down, &using_ops, sizeof *node);
    if (node == NULL || node->node.closed) {
        using->close(stream->loop, stream->ud, resource);
        return;
    }
    node->stream = using;
    node->resource = resource;
}

struct flow_stream *flow_using(struct flow_region *region, const struct flow_type *type,
                               flow_open_fn *open, flow_close_fn *close, void *ud)
{
    struct using_stream *stream = stream_new(region, sizeof *stream, type, using_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.ud = ud;
    stream->open = open;
    stream->close = close;
    return &stream->base;
}

/* ---- create ---- */

struct create_stream {
    struct flow_stream base;
    flow_start_fn *start;
    flow_stop_fn *stop;
};

struct flow_emitter {
    struct node node;
    const struct create_stream *stream;
    struct ring waiting; /* emitted from inside a delivery of this emitter */
    bool emitting;
};

static void emitter_closed(struct node *node)
{
    struct flow_emitter *emitter = (struct flow_emitter *)node;
    if (emitter->stream->stop != NULL) {
        emitter->stream->stop(node->loop, emitter->stream->base.ud, emitter);
    }
}

static void emitter_destroy(struct node *node)
{
    struct flow_emitter *emitter = (struct flow_emitter *)node;
    ring_free(&emitter->waiting, node->loop, emitter->stream->base.type);
}

static const struct node_ops emitter_ops = {.closed = emitter_closed, .destroy = emitter_destroy};

static void create_subscribe(struct flow_stream *stream, struct node *down)
{
    struct flow_emitter *emitter = node_new(down, down, &emitter_ops, sizeof *emitter);
    if (emitter == NULL) {
        return;
    }
    emitter->stream = (const struct create_stream *)stream;
    if (emitter->node.closed) {
        return;
    }
    emitter->stream->start(stream->loop, stream->ud, emitter);
    if (stream->loop->failed) {
        node_fail(&emitter->node);
    }
}

struct flow_stream *flow_create(struct flow_region *region, const struct flow_type *type,
                                flow_start_fn *start, flow_stop_fn *stop, void *ud)
{
    struct create_stream *stream = stream_new(region, sizeof *stream, type, create_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.ud = ud;
    stream->start = start;
    stream->stop = stop;
    return &stream->base;
}

enum flow_status flow_emit(struct flow_emitter *emitter, flow_val v)
{
    const struct flow_stream *stream = &emitter->stream->base;
    struct node *node = &emitter->node;
    if (node->closed) {
        return FLOW_CLOSED;
    }
    if (emitter->emitting) {
        return ring_push(&emitter->waiting, stream, stream->type, v, node->down) ? FLOW_OK
                                                                                 : FLOW_FULL;
    }
    struct flow_loop *loop = node->loop;
    loop_enter(loop);
    loop->full = false;
    emitter->emitting = true;
    source_next(node->down, v);
    while (emitter->waiting.count > 0 && !node->closed) {
        v = ring_shift(&emitter->waiting);
        source_next(node->down, v);
        value_drop(loop, stream->type, v);
    }
    emitter->emitting = false;
    enum flow_status status = node->closed ? FLOW_CLOSED : loop->full ? FLOW_FULL : FLOW_OK;
    loop_leave(loop);
    return status;
}

void flow_emit_error(struct flow_emitter *emitter, int code, const char *format, ...)
{
    struct flow_loop *loop = emitter->node.loop;
    struct flow_error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof error.text, format, args);
    va_end(args);
    loop_enter(loop);
    source_error(emitter->node.down, &error);
    loop_leave(loop);
}

void flow_emit_complete(struct flow_emitter *emitter)
{
    struct flow_loop *loop = emitter->node.loop;
    loop_enter(loop);
    source_complete(emitter->node.down);
    loop_leave(loop);
}
