/* op_join.c - join patterns, once for each root event: when, update, group_simultaneous. */
#include "core.h"

#include <stdlib.h>

struct source {
    struct flow_stream *stream;
    struct ring waiting; /* of a stream: events not taken yet; of a property: its latest */
    size_t fresh;        /* of those, how many came with the running root event */
    bool ended;
};

struct pattern {
    const size_t *sources;
    size_t count;
    flow_list_fn *fn;
    flow_update_fn *update;
    void *ud;
};

struct join_stream {
    struct flow_stream base;
    struct flow_stream **inputs; /* each once, whatever the number of patterns it is in */
    size_t input_count;
    struct pattern *patterns;
    size_t pattern_count, values_max;
    bool updates;
    flow_val state; /* of update: outlives connections */
    bool has_state;
};

struct join {
    struct hub hub;
    struct source *sources;
    flow_val *values;
    const struct flow_type **types;
};

static struct join_stream *join_stream_of(const struct join *join)
{
    return (struct join_stream *)join->hub.stream;
}

static bool matches(const struct join *join, const struct pattern *pattern)
{
    size_t fresh = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct source *source = &join->sources[pattern->sources[i]];
        if (source->waiting.count == 0) {
            return false;
        }
        fresh += source->fresh;
    }
    return fresh > 0;
}

static const struct pattern *first_match(const struct join *join)
{
    const struct join_stream *stream = join_stream_of(join);
    for (size_t i = 0; i < stream->pattern_count; i++) {
        if (matches(join, &stream->patterns[i])) {
            return &stream->patterns[i];
        }
    }
    return NULL;
}

static void take_values(struct join *join, const struct pattern *pattern)
{
    struct flow_loop *loop = join->hub.txn.node.loop;
    for (size_t i = 0; i < pattern->count; i++) {
        struct source *source = &join->sources[pattern->sources[i]];
        join->types[i] = source->stream->type;
        if (source->stream->property) {
            join->values[i] = ring_at(&source->waiting, 0);
        } else {
            join->values[i] = ring_take(&source->waiting, loop, source->stream->type);
            source->fresh -= source->fresh > 0;
        }
    }
}

static void state_set(struct join_stream *stream, flow_val v)
{
    flow_val old = stream->state;
    stream->state = value_keep(stream->base.type, v);
    if (stream->has_state) {
        value_drop(stream->base.loop, stream->base.type, old);
    }
    stream->has_state = true;
}

/* False: the user's function failed. */
static bool apply(struct join *join, const struct pattern *pattern)
{
    struct node *node = &join->hub.txn.node;
    struct join_stream *stream = join_stream_of(join);
    flow_val v;
    take_values(join, pattern);
    if (stream->updates) {
        v = pattern->update(node->loop, pattern->ud, stream->state, join->values, pattern->count);
    } else if (pattern->fn != NULL) {
        v = pattern->fn(node->loop, pattern->ud, join->values, pattern->count);
    } else {
        v = list_make(node->loop, NULL, join->types, join->values, pattern->count);
    }
    if (node->loop->failed) {
        node_fail(node);
        return false;
    }
    if (stream->updates) {
        state_set(stream, v);
    } else {
        send_next(node->down, v);
    }
    return true;
}

static bool can_match(const struct join *join, const struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct source *source = &join->sources[pattern->sources[i]];
        if (source->ended && source->waiting.count == 0) {
            return false;
        }
    }
    return true;
}

static void check_end(struct join *join)
{
    const struct join_stream *stream = join_stream_of(join);
    bool over = true;
    for (size_t i = 0; i < stream->pattern_count; i++) {
        over = over && !can_match(join, &stream->patterns[i]);
    }
    if (over && !join->hub.txn.pending) {
        send_complete(join->hub.txn.node.down);
    }
}

static void join_commit(struct node *node)
{
    struct join *join = (struct join *)node;
    struct join_stream *stream = join_stream_of(join);
    const struct pattern *pattern = first_match(join);
    bool matched = pattern != NULL;
    while (pattern != NULL && !node->closed && apply(join, pattern)) {
        pattern = node->closed ? NULL : first_match(join);
    }
    for (size_t i = 0; i < stream->input_count; i++) {
        join->sources[i].fresh = 0;
    }
    if (matched && stream->updates && !node->closed) {
        send_next(node->down, stream->state);
    }
    if (!node->closed) {
        check_end(join);
    }
}

static void join_next(struct node *node, flow_val v)
{
    struct join *join = (struct join *)hub_of(node);
    struct source *source = &join->sources[((struct input *)node)->index];
    const struct flow_type *type = source->stream->type;
    if (source->stream->property) {
        ring_clear(&source->waiting, node->loop, type);
    }
    if (!ring_push(&source->waiting, join->hub.stream, type, v, node->down)) {
        return;
    }
    if (!source->stream->property) {
        source->fresh++;
        txn_touch(&join->hub.txn);
    }
}

static void join_complete(struct node *node)
{
    struct join *join = (struct join *)hub_of(node);
    join->sources[((struct input *)node)->index].ended = true;
    check_end(join);
}

static void join_closed(struct node *node)
{
    txn_forget((struct txn *)node);
}

static void join_destroy(struct node *node)
{
    struct join *join = (struct join *)node;
    for (size_t i = 0; join->sources != NULL && i < join_stream_of(join)->input_count; i++) {
        const struct flow_type *type = join_stream_of(join)->inputs[i]->type;
        ring_free(&join->sources[i].waiting, node->loop, type);
    }
    free(join->sources);
    free(join->values);
    free(join->types);
}

static const struct node_ops join_ops = {
    .commit = join_commit,
    .closed = join_closed,
    .destroy = join_destroy,
};
static const struct node_ops join_input_ops = {.next = join_next, .complete = join_complete};

static void join_inputs(struct join *join, const struct node_ops *ops)
{
    const struct join_stream *stream = join_stream_of(join);
    for (size_t i = 0; i < stream->input_count; i++) {
        struct input *input = input_new(&join->hub, ops, i);
        if (input != NULL) {
            stream_subscribe(stream->inputs[i], &input->node);
        }
    }
}

static void join_open(struct flow_stream *stream, struct node *down, const struct node_ops *ops,
                      const struct node_ops *input_ops)
{
    const struct join_stream *described = (const struct join_stream *)stream;
    struct join *join = hub_new(stream, down, ops, sizeof *join);
    if (join == NULL) {
        return;
    }
    join->sources = calloc(described->input_count + 1, sizeof *join->sources);
    join->values = calloc(described->values_max + 1, sizeof *join->values);
    join->types = calloc(described->values_max + 1, sizeof *join->types);
    if (join->sources == NULL || join->values == NULL || join->types == NULL) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return;
    }
    for (size_t i = 0; i < described->input_count; i++) {
        join->sources[i].stream = described->inputs[i];
    }
    join_inputs(join, input_ops);
}

static void join_subscribe(struct flow_stream *stream, struct node *down)
{
    join_open(stream, down, &join_ops, &join_input_ops);
}

/* ---- descriptions ---- */

/* The place of `in` among the inputs, added when it is new. */
static size_t input_place(struct join_stream *stream, struct flow_stream *in)
{
    for (size_t i = 0; i < stream->input_count; i++) {
        if (stream->inputs[i] == in) {
            return i;
        }
    }
    stream->inputs[stream->input_count] = in;
    if (in->level >= stream->base.level) {
        stream->base.level = in->level + 1;
    }
    return stream->input_count++;
}

/* False: a pattern breaks a rule, or there is no memory. */
static bool pattern_add(struct join_stream *stream, const struct flow_pattern *from)
{
    size_t *places = region_alloc(stream->base.region, (from->count + 1) * sizeof *places);
    bool fires = false;
    if (places == NULL) {
        return false;
    }
    for (size_t i = 0; i < from->count; i++) {
        if (from->in[i] == NULL) {
            return false;
        }
        places[i] = input_place(stream, from->in[i]);
        fires = fires || !from->in[i]->property;
    }
    if (!fires) {
        region_fail(stream->base.region, FLOW_ERROR_INVALID);
        return false;
    }
    stream->patterns[stream->pattern_count++] = (struct pattern){
        .sources = places,
        .count = from->count,
        .fn = from->fn,
        .update = from->update,
        .ud = from->ud,
    };
    if (from->count > stream->values_max) {
        stream->values_max = from->count;
    }
    return true;
}

static struct join_stream *join_new(struct flow_region *region, const struct flow_type *out,
                                    const struct flow_pattern *patterns, size_t count,
                                    void (*subscribe)(struct flow_stream *, struct node *))
{
    struct join_stream *stream = stream_new(region, sizeof *stream, out, subscribe);
    size_t inputs = 1;
    for (size_t i = 0; i < count; i++) {
        inputs += patterns[i].count;
    }
    if (stream == NULL) {
        return NULL;
    }
    stream->inputs = region_alloc(region, inputs * sizeof(struct flow_stream *));
    stream->patterns = region_alloc(region, (count + 1) * sizeof *stream->patterns);
    stream->base.level = 1;
    if (stream->inputs == NULL || stream->patterns == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!pattern_add(stream, &patterns[i])) {
            return NULL;
        }
    }
    return stream;
}

struct flow_stream *flow_when(struct flow_region *region, const struct flow_type *out,
                              const struct flow_pattern *patterns, size_t count)
{
    struct join_stream *stream = join_new(region, out, patterns, count, join_subscribe);
    return stream == NULL ? NULL : &stream->base;
}

static void state_free(void *data)
{
    struct join_stream *stream = data;
    if (stream->base.type->release != NULL) {
        stream->base.type->release(stream->state);
    }
}

struct flow_stream *flow_update(struct flow_region *region, const struct flow_type *type,
                                flow_val initial, const struct flow_pattern *patterns, size_t count)
{
    struct join_stream *stream = join_new(region, type, patterns, count, join_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->updates = true;
    state_set(stream, initial);
    flow_own(region, stream, state_free);
    return flow_to_property(&stream->base, &initial);
}

/* ---- group_simultaneous ---- */

static void simultaneous_commit(struct node *node)
{
    struct join *join = (struct join *)node;
    const struct join_stream *stream = join_stream_of(join);
    bool ended = true;
    for (size_t i = 0; i < stream->input_count; i++) {
        struct source *source = &join->sources[i];
        join->values[i] = list_of_ring(node->loop, source->stream->type, &source->waiting);
        ended = ended && source->ended;
    }
    flow_val v = list_make(node->loop, &flow_list_type, NULL, join->values, stream->input_count);
    for (size_t i = 0; i < stream->input_count; i++) {
        ring_clear(&join->sources[i].waiting, node->loop, join->sources[i].stream->type);
    }
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    send_next(node->down, v);
    if (ended) {
        send_complete(node->down);
    }
}

static void simultaneous_next(struct node *node, flow_val v)
{
    struct join *join = (struct join *)hub_of(node);
    struct source *source = &join->sources[((struct input *)node)->index];
    if (ring_push(&source->waiting, join->hub.stream, source->stream->type, v, node->down)) {
        txn_touch(&join->hub.txn);
    }
}

static void simultaneous_complete(struct node *node)
{
    struct join *join = (struct join *)hub_of(node);
    bool ended = true;
    join->sources[((struct input *)node)->index].ended = true;
    for (size_t i = 0; i < join_stream_of(join)->input_count; i++) {
        ended = ended && join->sources[i].ended;
    }
    if (ended && !join->hub.txn.pending) {
        send_complete(node->down);
    }
}

static const struct node_ops simultaneous_ops = {
    .commit = simultaneous_commit,
    .closed = join_closed,
    .destroy = join_destroy,
};
static const struct node_ops simultaneous_input_ops = {
    .next = simultaneous_next,
    .complete = simultaneous_complete,
};

static void simultaneous_subscribe(struct flow_stream *stream, struct node *down)
{
    join_open(stream, down, &simultaneous_ops, &simultaneous_input_ops);
}

struct flow_stream *flow_group_simultaneous(struct flow_region *region,
                                            struct flow_stream *const *in, size_t count)
{
    struct join_stream *stream = join_new(region, &flow_list_type, NULL, 0, simultaneous_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->inputs = region_alloc(region, (count + 1) * sizeof(struct flow_stream *));
    for (size_t i = 0; stream->inputs != NULL && i < count; i++) {
        if (in[i] == NULL) {
            return NULL;
        }
        stream->inputs[stream->input_count++] = in[i];
        if (in[i]->level >= stream->base.level) {
            stream->base.level = in[i]->level + 1;
        }
    }
    stream->values_max = count;
    return stream->inputs == NULL ? NULL : &stream->base;
}
