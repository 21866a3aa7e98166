/* op_combine.c - several streams into one: combine_latest, with_latest_from, zip, fork_join, race,
 * on_error_resume_next, sequence_equal. */
#include "core.h"

#include <stdlib.h>

/* ---- streams of several inputs ---- */

struct join_stream {
    struct flow_stream base; /* fn: list, may be NULL */
    struct flow_stream **inputs;
    const struct flow_type **types;
    size_t count;
};

static struct join_stream *join_stream(struct flow_region *region, struct flow_stream *const *in,
                                       size_t count, const struct flow_type *out, flow_list_fn *fn,
                                       void *ud,
                                       void (*subscribe)(struct flow_stream *, struct node *))
{
    struct join_stream *stream =
        stream_new(region, sizeof *stream, fn == NULL ? &flow_list_type : out, subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->inputs = region_alloc(region, (count + 1) * sizeof(struct flow_stream *));
    stream->types = region_alloc(region, (count + 1) * sizeof(struct flow_type *));
    if (stream->inputs == NULL || stream->types == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (in[i] == NULL) {
            return NULL;
        }
        stream->inputs[i] = in[i];
        stream->types[i] = in[i]->type;
        if (in[i]->level > stream->base.level) {
            stream->base.level = in[i]->level;
        }
    }
    stream->count = count;
    stream->base.fn.list = fn;
    stream->base.ud = ud;
    return stream;
}

/* What the user's function makes of the values, or a list of them. */
static void join_emit(const struct join_stream *stream, struct node *down, const flow_val *values)
{
    struct flow_loop *loop = down->loop;
    flow_val v = stream->base.fn.list != NULL
                     ? stream->base.fn.list(loop, stream->base.ud, values, stream->count)
                     : list_make(loop, NULL, stream->types, values, stream->count);
    if (UNLIKELY(loop->failed)) {
        struct flow_error error = loop->error;
        loop->failed = false;
        send_error(down, &error);
    } else {
        send_next(down, v);
    }
}

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

static const struct join_stream *latest_stream(const struct latest *latest)
{
    return (const struct join_stream *)latest->hub.stream;
}

static void latest_commit(struct node *node)
{
    struct latest *latest = (struct latest *)node;
    const struct join_stream *stream = latest_stream(latest);
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
        join_emit(stream, node->down, latest->values);
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
    const struct join_stream *join = (const struct join_stream *)stream;
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
    struct join_stream *stream = join_stream(region, in, count, out, fn, ud, combine_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.level++;
    return &stream->base;
}

static void initials_subscribe(struct flow_stream *stream, struct node *down)
{
    struct latest *latest = latest_new(stream, down, &latest_ops);
    const struct join_stream *join = (const struct join_stream *)stream;
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
    struct join_stream *stream = join_stream(region, in, count, out, fn, ud, initials_subscribe);
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
    const struct join_stream *join = (const struct join_stream *)stream;
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
    struct join_stream *stream =
        join_stream(region, all, count + 1, out, fn, ud, with_latest_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.level++;
    stream->base.property = in->property;
    return &stream->base;
}

/* ---- zip ---- */

struct zip {
    struct hub hub;
    struct ring *rings;
    bool *completed;
    flow_val *values;
};

static const struct join_stream *zip_stream(const struct zip *zip)
{
    return (const struct join_stream *)zip->hub.stream;
}

static bool zip_has_all(const struct zip *zip)
{
    for (size_t i = 0; i < zip_stream(zip)->count; i++) {
        if (zip->rings[i].count == 0) {
            return false;
        }
    }
    return true;
}

static bool zip_is_over(const struct zip *zip)
{
    for (size_t i = 0; i < zip_stream(zip)->count; i++) {
        if (zip->rings[i].count == 0 && zip->completed[i]) {
            return true;
        }
    }
    return false;
}

static void zip_next(struct node *node, flow_val v)
{
    struct zip *zip = (struct zip *)hub_of(node);
    const struct join_stream *join = zip_stream(zip);
    size_t index = ((struct input *)node)->index;
    if (!ring_push(&zip->rings[index], &join->base, join->types[index], v, node->down) ||
        !zip_has_all(zip)) {
        return;
    }
    for (size_t i = 0; i < join->count; i++) {
        zip->values[i] = ring_take(&zip->rings[i], node->loop, join->types[i]);
    }
    join_emit(join, node->down, zip->values);
    if (zip_is_over(zip)) {
        send_complete(node->down);
    }
}

static void zip_complete(struct node *node)
{
    struct zip *zip = (struct zip *)hub_of(node);
    size_t index = ((struct input *)node)->index;
    zip->completed[index] = true;
    if (zip->rings[index].count == 0) {
        send_complete(node->down);
    }
}

static void zip_destroy(struct node *node)
{
    struct zip *zip = (struct zip *)node;
    for (size_t i = 0; zip->rings != NULL && i < zip_stream(zip)->count; i++) {
        ring_free(&zip->rings[i], node->loop, zip_stream(zip)->types[i]);
    }
    free(zip->rings);
    free(zip->completed);
    free(zip->values);
}

static const struct node_ops zip_ops = {.destroy = zip_destroy};
static const struct node_ops zip_input_ops = {.next = zip_next, .complete = zip_complete};

static void zip_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct join_stream *join = (const struct join_stream *)stream;
    struct zip *zip = hub_new(stream, down, &zip_ops, sizeof *zip);
    if (zip == NULL) {
        return;
    }
    zip->rings = calloc(join->count + 1, sizeof *zip->rings);
    zip->completed = calloc(join->count + 1, sizeof *zip->completed);
    zip->values = calloc(join->count + 1, sizeof *zip->values);
    if (zip->rings == NULL || zip->completed == NULL || zip->values == NULL) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return;
    }
    if (join->count == 0) {
        source_complete(down);
    }
    for (size_t i = 0; i < join->count && !down->closed; i++) {
        struct input *input = input_new(&zip->hub, &zip_input_ops, i);
        if (input != NULL) {
            stream_subscribe(join->inputs[i], &input->node);
        }
    }
}

struct flow_stream *flow_zip(struct flow_region *region, struct flow_stream *const *in,
                             size_t count, const struct flow_type *out, flow_list_fn *fn, void *ud)
{
    struct join_stream *stream = join_stream(region, in, count, out, fn, ud, zip_subscribe);
    return stream == NULL ? NULL : &stream->base;
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
        join_emit(latest_stream(latest), node->down, latest->values);
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
    const struct join_stream *join = (const struct join_stream *)stream;
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
    struct join_stream *stream = join_stream(region, in, count, out, fn, ud, fork_subscribe);
    return stream == NULL ? NULL : &stream->base;
}

/* ---- race ---- */

struct race {
    struct hub hub;
    bool decided;
};

static void race_next(struct node *node, flow_val v)
{
    struct race *race = (struct race *)hub_of(node);
    if (!race->decided) {
        race->decided = true;
        struct node *other = race->hub.txn.node.child_first;
        while (other != NULL) {
            struct node *after = other->sibling_after;
            if (other != node) {
                node_close(other);
            }
            other = after;
        }
    }
    send_next(node->down, v);
}

static const struct node_ops race_ops = {0};
static const struct node_ops race_input_ops = {.next = race_next};

static void race_subscribe(struct flow_stream *stream, struct node *down)
{
    const struct join_stream *join = (const struct join_stream *)stream;
    struct race *race = hub_new(stream, down, &race_ops, sizeof *race);
    if (race != NULL && join->count == 0) {
        source_complete(down);
    }
    for (size_t i = 0; race != NULL && !race->decided && !down->closed && i < join->count; i++) {
        struct input *input = input_new(&race->hub, &race_input_ops, i);
        if (input != NULL) {
            stream_subscribe(join->inputs[i], &input->node);
        }
    }
}

static struct flow_stream *same_type(struct flow_region *region, struct flow_stream *const *in,
                                     size_t count,
                                     void (*subscribe)(struct flow_stream *, struct node *))
{
    struct join_stream *stream = join_stream(region, in, count, NULL, NULL, NULL, subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.type = count > 0 ? in[0]->type : &flow_i64;
    return &stream->base;
}

struct flow_stream *flow_race(struct flow_region *region, struct flow_stream *const *in,
                              size_t count)
{
    return same_type(region, in, count, race_subscribe);
}

/* ---- on_error_resume_next ---- */

struct resume {
    struct hub hub;
    size_t index;
    bool starting; /* the loop below runs: it goes on by itself */
};

static void resume_start(struct resume *resume);

static void resume_closed(struct node *node)
{
    struct resume *resume = (struct resume *)hub_of(node);
    if (!resume->starting) {
        resume_start(resume);
    }
}

static void resume_error(struct node *node, const struct flow_error *error)
{
    (void)node; /* the next one follows when this one is released */
    (void)error;
}

static const struct node_ops resume_ops = {0};
static const struct node_ops resume_input_ops = {
    .error = resume_error,
    .complete = complete_ignore,
    .closed = resume_closed,
};

/* Also runs when the observer unsubscribes, as in RxJS: those still to come are subscribed to with
 * a closed observer, which a source may notice. */
static void resume_start(struct resume *resume)
{
    const struct join_stream *join = (const struct join_stream *)resume->hub.stream;
    bool goes_on = true;
    resume->starting = true;
    while (goes_on && resume->index < join->count) {
        struct input *input = input_new(&resume->hub, &resume_input_ops, resume->index);
        if (input == NULL) {
            return;
        }
        stream_subscribe(join->inputs[resume->index++], &input->node);
        goes_on = input->node.closed;
    }
    resume->starting = false;
    if (goes_on) {
        send_complete(resume->hub.txn.node.down);
    }
}

static void resume_subscribe(struct flow_stream *stream, struct node *down)
{
    struct resume *resume = hub_new(stream, down, &resume_ops, sizeof *resume);
    if (resume != NULL) {
        resume_start(resume);
    }
}

struct flow_stream *flow_on_error_resume_next(struct flow_region *region,
                                              struct flow_stream *const *in, size_t count)
{
    return same_type(region, in, count, resume_subscribe);
}

/* ---- combine_latest_all, zip_all ---- */

typedef struct flow_stream *join_fn(struct flow_region *region, struct flow_stream *const *in,
                                    size_t count, const struct flow_type *out, flow_list_fn *fn,
                                    void *ud);

struct join_all {
    join_fn *join;
    const struct flow_type *out;
    flow_list_fn *fn;
    void *ud;
};

static struct flow_stream *join_all_project(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct join_all *all = ud;
    const struct flow_list *list = v.p;
    struct flow_stream **in = flow_alloc(loop, (list->count + 1) * sizeof *in);
    for (size_t i = 0; in != NULL && i < list->count; i++) {
        in[i] = (struct flow_stream *)(uintptr_t)list->items[i].p;
    }
    return in == NULL ? NULL
                      : all->join(flow_here(loop), in, list->count, all->out, all->fn, all->ud);
}

static struct flow_stream *join_all_stream(struct flow_stream *in, join_fn *join,
                                           const struct flow_type *out, flow_list_fn *fn, void *ud)
{
    const struct flow_type *type = fn == NULL ? &flow_list_type : out;
    struct flow_stream *stream = flow_merge_map(flow_to_array(in), type, 0, join_all_project, NULL);
    struct join_all *all = stream == NULL ? NULL : region_alloc(stream->region, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    *all = (struct join_all){.join = join, .out = out, .fn = fn, .ud = ud};
    stream->ud = all;
    return stream;
}

struct flow_stream *flow_combine_latest_all(struct flow_stream *in, const struct flow_type *out,
                                            flow_list_fn *fn, void *ud)
{
    return join_all_stream(in, flow_combine_latest, out, fn, ud);
}

struct flow_stream *flow_zip_all(struct flow_stream *in, const struct flow_type *out,
                                 flow_list_fn *fn, void *ud)
{
    return join_all_stream(in, flow_zip, out, fn, ud);
}

/* ---- sequence_equal ---- */

struct sequence {
    struct hub hub; /* stream in: the first; fn: equal */
    struct ring rings[2];
    bool completed[2];
};

struct sequence_stream {
    struct flow_stream base;
    struct flow_stream *other;
};

static void sequence_answer(struct node *node, bool equal)
{
    send_next(node->down, flow_int(equal));
    send_complete(node->down);
}

static void sequence_next(struct node *node, flow_val v)
{
    struct sequence *sequence = (struct sequence *)hub_of(node);
    const struct flow_stream *stream = sequence->hub.stream;
    size_t self = ((struct input *)node)->index;
    struct ring *other = &sequence->rings[1 - self];
    if (other->count == 0) {
        if (sequence->completed[1 - self]) {
            sequence_answer(node, false);
        } else {
            ring_push(&sequence->rings[self], stream, stream->in->type, v, node->down);
        }
        return;
    }
    flow_val pair = ring_take(other, node->loop, stream->in->type);
    bool equal = stream->fn.equal == NULL ? value_equal(stream->in->type, v, pair)
                                          : stream->fn.equal(node->loop, stream->ud, v, pair);
    if (node->loop->failed) {
        node_fail(node);
    } else if (!equal) {
        sequence_answer(node, false);
    }
}

static void sequence_complete(struct node *node)
{
    struct sequence *sequence = (struct sequence *)hub_of(node);
    size_t self = ((struct input *)node)->index;
    sequence->completed[self] = true;
    if (sequence->completed[1 - self]) {
        sequence_answer(node, sequence->rings[1 - self].count == 0);
    }
}

static void sequence_destroy(struct node *node)
{
    struct sequence *sequence = (struct sequence *)node;
    for (size_t i = 0; i < 2; i++) {
        ring_free(&sequence->rings[i], node->loop, sequence->hub.stream->in->type);
    }
}

static const struct node_ops sequence_ops = {.destroy = sequence_destroy};
static const struct node_ops sequence_input_ops = {
    .next = sequence_next,
    .complete = sequence_complete,
};

static void sequence_subscribe(struct flow_stream *stream, struct node *down)
{
    struct sequence *sequence = hub_new(stream, down, &sequence_ops, sizeof *sequence);
    for (size_t i = 0; sequence != NULL && i < 2; i++) {
        struct input *input = input_new(&sequence->hub, &sequence_input_ops, i);
        if (input != NULL) {
            stream_subscribe(i == 0 ? stream->in : ((struct sequence_stream *)stream)->other,
                             &input->node);
        }
    }
}

struct flow_stream *flow_sequence_equal(struct flow_stream *a, struct flow_stream *b,
                                        flow_equal_fn *equal, void *ud)
{
    struct sequence_stream *stream =
        a == NULL || b == NULL ? NULL
                               : stream_on(a, sizeof *stream, &flow_bool, sequence_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->other = b;
    stream->base.fn.equal = equal;
    stream->base.ud = ud;
    return &stream->base;
}
