/* op_time.c - later: delay, delay_when, debounce_time, timeout, observe_on, subscribe_on. */
#include "core.h"

/* ---- what waits for its moment, one timer for all ----
 * Each takes its turn when it arrives, so that the order among all timers of the loop is the same
 * as if each had its own. */

struct later {
    struct op op;
    struct timer *timer;
    struct ring values;
    struct ring times; /* due, order and slot of each value */
    bool done;         /* the source has completed */
    bool failed;       /* observe_on: an error waits behind the values */
    struct flow_error error;
};

static const struct flow_stream times_owner = {.bound = {.items = SIZE_MAX}};

static void later_arm(struct later *later)
{
    if (later->times.count > 0 && !timer_waits(later->timer)) {
        struct turn turn = {.order = ring_at(&later->times, 1).u,
                            .slot = ring_at(&later->times, 2).u};
        timer_set_turn(later->timer, ring_at(&later->times, 0).i, turn);
    }
}

static void later_drop_time(struct later *later)
{
    for (int i = 0; i < 3; i++) {
        ring_shift(&later->times);
    }
}

static void later_add_time(struct later *later, flow_time due)
{
    struct node *node = &later->op.node;
    struct turn turn = turn_take(node->loop);
    ring_push(&later->times, &times_owner, &flow_i64, flow_int(due), node->down);
    ring_push(&later->times, &times_owner, &flow_i64, (flow_val){.u = turn.order}, node->down);
    ring_push(&later->times, &times_owner, &flow_i64, (flow_val){.u = turn.slot}, node->down);
    later_arm(later);
}

static void later_add(struct later *later, flow_val v, flow_time due)
{
    const struct flow_stream *stream = later->op.stream;
    size_t before = later->values.count;
    if (!ring_push(&later->values, stream, stream->type, v, later->op.node.down)) {
        return;
    }
    if (later->values.count == before) { /* the bound: the oldest or this one was dropped */
        if (stream->bound.policy == FLOW_OVERFLOW_NEWEST) {
            return;
        }
        timer_stop(later->timer);
        later_drop_time(later);
    }
    later_add_time(later, due);
}

static void later_run(struct timer *timer)
{
    struct later *later = timer->owner;
    struct node *down = later->op.node.down;
    later_drop_time(later);
    if (later->values.count > 0) {
        send_next(down, ring_take(&later->values, timer->node.loop, later->op.stream->type));
    }
    later_arm(later);
    if (later->times.count == 0 && later->failed) {
        send_error(down, &later->error);
    } else if (later->times.count == 0 && later->done) {
        send_complete(down);
    }
}

static void later_destroy(struct node *node)
{
    struct later *later = (struct later *)node;
    ring_free(&later->values, node->loop, later->op.stream->type);
    ring_free(&later->times, node->loop, &flow_i64);
}

/* The source's node: closes at the end of the source, while values still wait in its parent. */
struct later_source {
    struct node node;
    struct later *later;
};

static flow_time later_due(const struct later *later)
{
    const struct flow_stream *stream = later->op.stream;
    if (stream->m == 0) {
        return time_after(stream->loop->now, stream->arg.i);
    }
    return stream->arg.i > stream->loop->now ? stream->arg.i : stream->loop->now;
}

static void later_next(struct node *node, flow_val v)
{
    struct later *later = ((struct later_source *)node)->later;
    if (node->loop->initial) {
        send_next(node->down, v);
        return;
    }
    later_add(later, v, later_due(later));
}

static void delay_complete(struct node *node)
{
    struct later *later = ((struct later_source *)node)->later;
    later->done = true;
    if (later->times.count == 0) {
        send_complete(node->down);
    }
}

static const struct node_ops later_ops = {.destroy = later_destroy};
static const struct node_ops delay_source_ops = {.next = later_next, .complete = delay_complete};

static void observe_error(struct node *node, const struct flow_error *error)
{
    struct later *later = ((struct later_source *)node)->later;
    later->failed = true;
    later->error = *error;
    later_add_time(later, later_due(later));
}

static void observe_complete(struct node *node)
{
    struct later *later = ((struct later_source *)node)->later;
    later->done = true;
    later_add_time(later, later_due(later));
}

static const struct node_ops observe_source_ops = {
    .next = later_next,
    .error = observe_error,
    .complete = observe_complete,
};

static void later_subscribe(struct flow_stream *stream, struct node *down)
{
    struct later *later = node_new(down, down, &later_ops, sizeof *later);
    if (later == NULL) {
        return;
    }
    later->op.stream = stream;
    later->timer = timer_new(&later->op.node, later_run, later);
    struct later_source *source =
        later->timer == NULL ? NULL : node_new(&later->op.node, down, stream->ops, sizeof *source);
    if (source != NULL) {
        source->later = later;
        stream_subscribe(stream->in, &source->node);
    }
}

static struct flow_stream *later_stream(struct flow_stream *in, const struct node_ops *ops,
                                        flow_time time, bool absolute)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, later_subscribe);
    if (stream != NULL) {
        stream->ops = ops;
        stream->arg = flow_int(time);
        stream->m = absolute;
    }
    return stream;
}

struct flow_stream *flow_delay(struct flow_stream *in, flow_time delay)
{
    return later_stream(in, &delay_source_ops, delay, false);
}

struct flow_stream *flow_delay_until(struct flow_stream *in, flow_time at)
{
    return later_stream(in, &delay_source_ops, at, true);
}

struct flow_stream *flow_observe_on(struct flow_stream *in, flow_time delay)
{
    return later_stream(in, &observe_source_ops, delay, false);
}

/* ---- subscribe_on ---- */

static void subscribe_on_run(struct timer *timer)
{
    struct flow_stream *stream = timer->owner;
    stream_subscribe(stream->in, timer->node.down);
}

static void subscribe_on_subscribe(struct flow_stream *stream, struct node *down)
{
    struct timer *timer = timer_new(down, subscribe_on_run, stream);
    if (timer != NULL) {
        timer->node.down = down;
        timer_set(timer, stream->arg.i);
    }
}

struct flow_stream *flow_subscribe_on(struct flow_stream *in, flow_time delay)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, subscribe_on_subscribe);
    if (stream != NULL) {
        stream->arg = flow_int(delay);
    }
    return stream;
}

/* ---- debounce_time ----
 * The timer is not set anew for each value: when it runs too early it sets itself for the rest. */

struct quiet {
    struct op op;
    struct timer *timer;
    flow_time last;
    bool waiting;
};

static void quiet_emit(struct quiet *quiet)
{
    if (quiet->waiting) {
        quiet->waiting = false;
        timer_stop(quiet->timer);
        send_next(quiet->op.node.down, op_take(&quiet->op));
    }
}

static void quiet_run(struct timer *timer)
{
    struct quiet *quiet = timer->owner;
    flow_time now = timer->node.loop->now;
    flow_time target = time_after(quiet->last, quiet->op.stream->arg.i);
    if (now < target) {
        timer_again(timer, target - now);
    } else {
        quiet_emit(quiet);
    }
}

static void quiet_next(struct node *node, flow_val v)
{
    struct quiet *quiet = (struct quiet *)node;
    if (node->loop->initial) {
        send_next(node->down, v);
        return;
    }
    op_hold(&quiet->op, v);
    quiet->last = node->loop->now;
    if (!quiet->waiting) {
        quiet->waiting = true;
        timer_set(quiet->timer, quiet->op.stream->arg.i);
    }
}

static void quiet_complete(struct node *node)
{
    quiet_emit((struct quiet *)node);
    send_complete(node->down);
}

static const struct node_ops quiet_ops = {
    .next = quiet_next,
    .complete = quiet_complete,
    .destroy = op_destroy,
};

static void quiet_subscribe(struct flow_stream *stream, struct node *down)
{
    struct quiet *quiet = node_new(down, down, &quiet_ops, sizeof *quiet);
    if (quiet == NULL) {
        return;
    }
    quiet->op.stream = stream;
    quiet->timer = timer_new(&quiet->op.node, quiet_run, quiet);
    if (quiet->timer != NULL) {
        stream_subscribe(stream->in, &quiet->op.node);
    }
}

struct flow_stream *flow_debounce_time(struct flow_stream *in, flow_time quiet)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, quiet_subscribe);
    if (stream != NULL) {
        stream->arg = flow_int(quiet);
    }
    return stream;
}

/* ---- delay_when ---- */

static void delay_when_notified(struct node *node, flow_val v)
{
    struct input *input = (struct input *)node;
    (void)v; /* that it came is enough */
    if (input->done) {
        return;
    }
    input->done = true; /* the first only */
    send_next(node->down, input->kept);
    send_complete(node);
}

struct delay_when {
    struct hub hub;
    size_t active;
    uint64_t index;
    bool outer_done;
};

static void delay_when_check(struct delay_when *hub)
{
    if (hub->outer_done && hub->active == 0) {
        send_complete(hub->hub.txn.node.down);
    }
}

static void delay_when_ended(struct node *node)
{
    ((struct input *)node)->index = 1; /* by its own end */
}

static void delay_when_closed(struct node *node)
{
    struct delay_when *hub = (struct delay_when *)hub_of(node);
    if (((struct input *)node)->index == 1) {
        hub->active--;
        delay_when_check(hub);
    }
}

static const struct node_ops delay_when_duration_ops = {
    .next = delay_when_notified,
    .complete = delay_when_ended,
    .closed = delay_when_closed,
    .destroy = input_destroy,
};

static void delay_when_next(struct node *node, flow_val v)
{
    struct delay_when *hub = (struct delay_when *)hub_of(node);
    struct flow_stream *stream = hub->hub.stream;
    if (hub->active >= stream->bound.items) {
        bound_met(node->loop);
        if (stream->bound.policy == FLOW_OVERFLOW_ERROR) {
            send_code(node->down, FLOW_ERROR_FULL, "too many values wait here");
        } else if (stream->bound.policy == FLOW_OVERFLOW_OLDEST) {
            struct node *oldest = hub->hub.txn.node.child_first;
            send_complete(oldest == node ? node->sibling_after : oldest);
        }
        if (stream->bound.policy != FLOW_OVERFLOW_OLDEST) {
            return;
        }
    }
    node->loop->index = (uint32_t)hub->index++;
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = stream->fn.project(node->loop, stream->ud, v);
    made = inner_end(node->down, made, &region);
    struct input *input = made == NULL ? NULL : input_new(&hub->hub, &delay_when_duration_ops, 0);
    if (input != NULL) {
        hub->active++;
        input_keep(input, stream->type, v);
        inner_subscribe(made, &input->node, region);
    }
}

static void delay_when_complete(struct node *node)
{
    struct delay_when *hub = (struct delay_when *)hub_of(node);
    hub->outer_done = true;
    delay_when_check(hub);
}

static const struct node_ops delay_when_hub_ops = {0};
static const struct node_ops delay_when_ops = {
    .next = delay_when_next,
    .complete = delay_when_complete,
};

static void delay_when_subscribe(struct flow_stream *stream, struct node *down)
{
    struct delay_when *hub = hub_new(stream, down, &delay_when_hub_ops, sizeof *hub);
    struct input *outer = hub == NULL ? NULL : input_new(&hub->hub, &delay_when_ops, 0);
    if (outer != NULL) {
        stream_subscribe(stream->in, &outer->node);
    }
}

struct flow_stream *flow_delay_when(struct flow_stream *in, flow_project_fn *fn, void *ud,
                                    struct flow_stream *subscription_delay)
{
    struct flow_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, delay_when_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->fn.project = fn;
    stream->ud = ud;
    if (subscription_delay == NULL) {
        return stream;
    }
    struct flow_stream *wait = flow_ignore_elements(flow_take(subscription_delay, 1));
    struct flow_stream *both[2] = {wait, stream};
    stream = flow_concat(stream->region, both, 2);
    if (stream != NULL) {
        stream->type = in->type;
    }
    return stream;
}

/* ---- timeout ---- */

struct timeout_stream {
    struct flow_stream base;
    struct flow_timeout opts;
};

struct timeout {
    struct node node;
    struct node *source;
    struct timer *timer;
    const struct timeout_stream *stream;
    bool seen;
};

struct timeout_source {
    struct node node;
    struct timeout *timeout;
};

static void timeout_run(struct timer *timer)
{
    struct timeout *timeout = timer->owner;
    const struct flow_timeout *opts = &timeout->stream->opts;
    struct node *down = timeout->node.down;
    node_close(timeout->source);
    if (opts->with == NULL) {
        send_code(down, FLOW_ERROR_TIMEOUT, "no value in time");
        return;
    }
    struct flow_region *region = inner_begin(down->loop);
    struct flow_stream *made = inner_end(down, opts->with(down->loop, opts->ud), &region);
    if (made != NULL) {
        inner_subscribe(made, down, region);
    }
}

static void timeout_next(struct node *node, flow_val v)
{
    struct timeout *timeout = ((struct timeout_source *)node)->timeout;
    timer_stop(timeout->timer);
    timeout->seen = true;
    send_next(node->down, v);
    if (timeout->stream->opts.each > 0 && !node->closed) {
        timer_set(timeout->timer, timeout->stream->opts.each);
    }
}

static void timeout_source_closed(struct node *node)
{
    timer_stop(((struct timeout_source *)node)->timeout->timer);
}

static const struct node_ops timeout_ops = {0};
static const struct node_ops timeout_source_ops = {
    .next = timeout_next,
    .closed = timeout_source_closed,
};

static void timeout_first(struct timeout *timeout)
{
    const struct flow_timeout *opts = &timeout->stream->opts;
    if (opts->first_at) {
        timer_set(timeout->timer, opts->first - timeout->node.loop->now);
    } else {
        timer_set(timeout->timer, opts->first > 0 ? opts->first : opts->each);
    }
}

static void timeout_subscribe(struct flow_stream *stream, struct node *down)
{
    struct timeout *timeout = node_new(down, down, &timeout_ops, sizeof *timeout);
    if (timeout == NULL) {
        return;
    }
    timeout->stream = (const struct timeout_stream *)stream;
    timeout->timer = timer_new(&timeout->node, timeout_run, timeout);
    struct timeout_source *source =
        timeout->timer == NULL
            ? NULL
            : node_new(&timeout->node, down, &timeout_source_ops, sizeof *source);
    if (source == NULL) {
        return;
    }
    source->timeout = timeout;
    timeout->source = &source->node;
    stream_subscribe(stream->in, &source->node);
    if (!timeout->seen && !source->node.closed) {
        timeout_first(timeout);
    }
}

struct flow_stream *flow_timeout(struct flow_stream *in, const struct flow_timeout *opts)
{
    if (in != NULL && opts->each <= 0 && opts->first <= 0 && !opts->first_at) {
        region_fail(in->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    struct timeout_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, timeout_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->opts = *opts;
    return &stream->base;
}
