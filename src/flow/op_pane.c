/* op_pane.c - when buffers and windows open and close: by notifier, count, time, when, toggle. */
#include "pane.h"

struct pane_stream {
    struct flow_stream base; /* m: 1 for windows */
    struct flow_stream *other;
    size_t size, every, max;
    flow_time span, period;
};

static const struct pane_stream *stream_of(const struct panes *panes)
{
    return (const struct pane_stream *)panes->hub.stream;
}

static bool are_windows(const struct panes *panes)
{
    return panes->hub.stream->m == 1;
}

static struct pane_stream *pane_stream(struct flow_stream *in, bool windows,
                                       void (*subscribe)(struct flow_stream *, struct node *))
{
    const struct flow_type *type = windows ? &flow_stream_type : &flow_list_type;
    struct pane_stream *stream = stream_on(in, sizeof *stream, type, subscribe);
    if (stream != NULL) {
        stream->base.m = windows;
        stream->base.property = false;
    }
    return stream;
}

static void panes_source_next(struct node *node, flow_val v)
{
    panes_add(panes_of(node), v);
}

static const struct node_ops source_ops = {
    .next = panes_source_next,
    .error = panes_source_error,
    .complete = panes_source_complete,
};

static void subscribe_source(struct panes *panes, const struct node_ops *ops)
{
    struct input *input = input_new(&panes->hub, ops, 0);
    if (input != NULL) {
        stream_subscribe(panes->hub.stream->in, &input->node);
    }
}

/* ---- by a notifier ---- */

/* A buffer is replaced before it is emitted, a window after. */
static void notifier_next(struct node *node, flow_val v)
{
    struct panes *panes = panes_of(node);
    struct pane *old = panes->first;
    (void)v; /* that it came is enough */
    if (are_windows(panes)) {
        pane_finish(old);
    }
    struct pane *pane = node->closed ? NULL : pane_open(panes);
    if (pane != NULL) {
        pane_announce(pane);
    }
    if (!are_windows(panes)) {
        pane_finish(old);
    }
}

static const struct node_ops notifier_ops = {
    .next = notifier_next,
    .error = panes_source_error,
    .complete = complete_ignore,
};

static void notified_subscribe(struct flow_stream *stream, struct node *down)
{
    struct panes *panes = panes_new(stream, down);
    struct pane *pane = panes == NULL ? NULL : pane_open(panes);
    if (pane == NULL) {
        return;
    }
    pane_announce(pane);
    subscribe_source(panes, &source_ops);
    struct input *notifier = input_new(&panes->hub, &notifier_ops, 0);
    if (notifier != NULL) {
        stream_subscribe(stream_of(panes)->other, &notifier->node);
    }
}

static struct flow_stream *notified(struct flow_stream *in, struct flow_stream *notifier,
                                    bool windows)
{
    struct pane_stream *stream =
        notifier == NULL ? NULL : pane_stream(in, windows, notified_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->other = notifier;
    return &stream->base;
}

struct flow_stream *flow_buffer(struct flow_stream *in, struct flow_stream *notifier)
{
    return notified(in, notifier, false);
}

struct flow_stream *flow_window(struct flow_stream *in, struct flow_stream *notifier)
{
    return notified(in, notifier, true);
}

/* ---- by count ---- */

static void buffer_count_next(struct node *node, flow_val v)
{
    struct panes *panes = panes_of(node);
    const struct pane_stream *stream = stream_of(panes);
    if (panes->count++ % stream->every == 0) {
        pane_open(panes);
    }
    panes_add(panes, v);
    while (panes->first != NULL && panes->first->seen >= stream->size && !node->closed) {
        pane_finish(panes->first);
    }
}

static void window_count_next(struct node *node, flow_val v)
{
    struct panes *panes = panes_of(node);
    const struct pane_stream *stream = stream_of(panes);
    panes_add(panes, v);
    uint64_t seen = panes->count + 1;
    bool one_is_full = seen >= stream->size && (seen - stream->size) % stream->every == 0;
    if (one_is_full && panes->first != NULL) {
        pane_finish(panes->first);
    }
    if (++panes->count % stream->every == 0 && !node->closed) {
        struct pane *pane = pane_open(panes);
        if (pane != NULL) {
            pane_announce(pane);
        }
    }
}

static const struct node_ops buffer_count_ops = {
    .next = buffer_count_next,
    .complete = panes_source_complete,
};
static const struct node_ops window_count_ops = {
    .next = window_count_next,
    .error = panes_source_error,
    .complete = panes_source_complete,
};

static void counted_subscribe(struct flow_stream *stream, struct node *down)
{
    struct panes *panes = panes_new(stream, down);
    if (panes == NULL) {
        return;
    }
    if (are_windows(panes)) {
        struct pane *pane = pane_open(panes);
        if (pane != NULL) {
            pane_announce(pane);
        }
    }
    subscribe_source(panes, are_windows(panes) ? &window_count_ops : &buffer_count_ops);
}

static struct flow_stream *counted(struct flow_stream *in, size_t size, size_t every, bool windows)
{
    struct pane_stream *stream = pane_stream(in, windows, counted_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    if (size == 0) {
        region_fail(in->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    stream->size = size;
    stream->every = every == 0 ? size : every;
    return &stream->base;
}

struct flow_stream *flow_buffer_count(struct flow_stream *in, size_t size, size_t every)
{
    return counted(in, size, every, false);
}

struct flow_stream *flow_window_count(struct flow_stream *in, size_t size, size_t every)
{
    return counted(in, size, every, true);
}

/* ---- by time ---- */

static void timed_start(struct panes *panes);

static void timed_finish(struct pane *pane)
{
    struct panes *panes = pane->panes;
    pane_finish(pane);
    if (panes->restart && !panes->hub.txn.node.closed) {
        timed_start(panes);
    }
}

static void timed_pane_run(struct timer *timer)
{
    timed_finish(timer->owner);
}

static void timed_start(struct panes *panes)
{
    struct pane *pane = pane_open(panes);
    if (pane == NULL) {
        return;
    }
    pane_announce(pane);
    struct timer *timer = timer_new(&pane->node, timed_pane_run, pane);
    if (timer != NULL) {
        timer_set(timer, stream_of(panes)->span);
    }
}

static void timed_period_run(struct timer *timer)
{
    struct panes *panes = timer->owner;
    timed_start(panes);
    timer_again(timer, stream_of(panes)->period);
}

static void timed_next(struct node *node, flow_val v)
{
    struct panes *panes = panes_of(node);
    size_t max = stream_of(panes)->max;
    struct pane *last = panes->last;
    for (struct pane *pane = panes->first; pane != NULL; pane = pane->after) {
        if (!pane->node.closed) {
            pane_add(pane, v);
            if (pane->seen >= max && !pane->node.closed) {
                timed_finish(pane);
            }
        }
        if (pane == last) {
            break;
        }
    }
}

static const struct node_ops timed_ops = {
    .next = timed_next,
    .error = panes_source_error,
    .complete = panes_source_complete,
};

static void timed_subscribe(struct flow_stream *stream, struct node *down)
{
    struct panes *panes = panes_new(stream, down);
    if (panes == NULL) {
        return;
    }
    flow_time period = stream_of(panes)->period;
    panes->restart = period == FLOW_NEVER;
    if (period != FLOW_NEVER) {
        struct timer *timer = timer_new(&panes->hub.txn.node, timed_period_run, panes);
        if (timer != NULL) {
            timer_set(timer, period);
        }
    }
    timed_start(panes);
    subscribe_source(panes, &timed_ops);
}

static struct flow_stream *timed(struct flow_stream *in, flow_time span, flow_time every,
                                 size_t max, bool windows)
{
    struct pane_stream *stream = pane_stream(in, windows, timed_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->span = span;
    stream->period = every;
    stream->max = max == 0 ? SIZE_MAX : max;
    return &stream->base;
}

struct flow_stream *flow_buffer_time(struct flow_stream *in, flow_time span, flow_time every,
                                     size_t max)
{
    return timed(in, span, every, max, false);
}

struct flow_stream *flow_window_time(struct flow_stream *in, flow_time span, flow_time every,
                                     size_t max)
{
    return timed(in, span, every, max, true);
}

/* ---- when: a stream made for each one says when it ends ---- */

static void when_open(struct panes *panes);

static void when_closes(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    when_open(panes_of(node));
}

static void when_closing_complete(struct node *node)
{
    struct panes *panes = panes_of(node);
    if (panes->closing == node) {
        panes->closing = NULL;
    }
    if (are_windows(panes)) {
        when_open(panes);
    }
}

static const struct node_ops when_closing_ops = {
    .next = when_closes,
    .error = panes_source_error,
    .complete = when_closing_complete,
};

static void when_replace(struct panes *panes)
{
    struct pane *old = panes->first;
    if (old != NULL && are_windows(panes)) {
        pane_finish(old);
        old = NULL;
    }
    struct pane *pane = pane_open(panes);
    if (pane != NULL) {
        pane_announce(pane);
    }
    if (old != NULL) {
        pane_finish(old);
    }
}

static void when_open(struct panes *panes)
{
    struct node *hub = &panes->hub.txn.node;
    struct flow_loop *loop = hub->loop;
    struct node *closing = panes->closing;
    panes->closing = NULL;
    node_close(closing);
    when_replace(panes);
    struct flow_region *region = inner_begin(loop);
    struct flow_stream *made = panes->hub.stream->fn.make(loop, panes->hub.stream->ud);
    if (loop->failed) { /* the open window errs, too */
        struct flow_error error = loop->error;
        panes_fail(panes, &error);
    }
    made = inner_end(hub->down, made, &region);
    struct input *input = made == NULL ? NULL : input_new(&panes->hub, &when_closing_ops, 0);
    if (input != NULL) {
        panes->closing = &input->node;
        inner_subscribe(made, &input->node, region);
    }
}

static void when_subscribe(struct flow_stream *stream, struct node *down)
{
    struct panes *panes = panes_new(stream, down);
    if (panes != NULL) {
        when_open(panes);
        subscribe_source(panes, &source_ops);
    }
}

static struct flow_stream *when(struct flow_stream *in, flow_make_fn *fn, void *ud, bool windows)
{
    struct pane_stream *stream = pane_stream(in, windows, when_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.fn.make = fn;
    stream->base.ud = ud;
    return &stream->base;
}

struct flow_stream *flow_buffer_when(struct flow_stream *in, flow_make_fn *fn, void *ud)
{
    return when(in, fn, ud, false);
}

struct flow_stream *flow_window_when(struct flow_stream *in, flow_make_fn *fn, void *ud)
{
    return when(in, fn, ud, true);
}

/* ---- toggle: openings, and a stream for each that closes it ---- */

struct toggle_closing {
    struct node node;
    struct pane *pane;
};

static void toggle_closes(struct node *node, flow_val v)
{
    struct pane *pane = ((struct toggle_closing *)node)->pane;
    (void)v; /* that it came is enough */
    if (!pane->node.closed) {
        pane_finish(pane);
    }
}

static void toggle_closing_error(struct node *node, const struct flow_error *error)
{
    panes_fail(((struct toggle_closing *)node)->pane->panes, error);
}

static const struct node_ops toggle_closing_ops = {
    .next = toggle_closes,
    .error = toggle_closing_error,
    .complete = complete_ignore,
};

static void toggle_opens(struct node *node, flow_val v)
{
    struct panes *panes = panes_of(node);
    struct flow_loop *loop = node->loop;
    struct flow_region *region = inner_begin(loop);
    struct flow_stream *made = panes->hub.stream->fn.project(loop, panes->hub.stream->ud, v);
    if (loop->failed) { /* open windows err, too */
        struct flow_error error = loop->error;
        panes_fail(panes, &error);
    }
    made = inner_end(node->down, made, &region);
    struct pane *pane = made == NULL ? NULL : pane_open(panes);
    if (pane == NULL) {
        return;
    }
    pane_announce(pane);
    struct toggle_closing *closing =
        node_new(&pane->node, node->down, &toggle_closing_ops, sizeof *closing);
    if (closing != NULL) {
        closing->pane = pane;
        inner_subscribe(made, &closing->node, region);
    }
}

static const struct node_ops toggle_openings_ops = {
    .next = toggle_opens,
    .complete = complete_ignore,
};

static void toggle_subscribe(struct flow_stream *stream, struct node *down)
{
    struct panes *panes = panes_new(stream, down);
    struct input *openings = panes == NULL ? NULL : input_new(&panes->hub, &toggle_openings_ops, 0);
    if (openings != NULL) {
        stream_subscribe(stream_of(panes)->other, &openings->node);
        subscribe_source(panes, &source_ops);
    }
}

static struct flow_stream *toggle(struct flow_stream *in, struct flow_stream *openings,
                                  flow_project_fn *fn, void *ud, bool windows)
{
    struct pane_stream *stream =
        openings == NULL ? NULL : pane_stream(in, windows, toggle_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->other = openings;
    stream->base.fn.project = fn;
    stream->base.ud = ud;
    return &stream->base;
}

struct flow_stream *flow_buffer_toggle(struct flow_stream *in, struct flow_stream *openings,
                                       flow_project_fn *fn, void *ud)
{
    return toggle(in, openings, fn, ud, false);
}

struct flow_stream *flow_window_toggle(struct flow_stream *in, struct flow_stream *openings,
                                       flow_project_fn *fn, void *ud)
{
    return toggle(in, openings, fn, ud, true);
}
