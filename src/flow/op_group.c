/* op_group.c - by key: group_by, distinct. */
#include "core.h"

/* ---- distinct ---- */

struct distinct {
    struct hub hub; /* stream fn: key, may be NULL; kept: its type; ud of it */
    struct table keys;
};

struct distinct_stream {
    struct flow_stream base;
    struct flow_stream *flush;
};

static struct distinct *distinct_of(struct node *input)
{
    return (struct distinct *)hub_of(input);
}

/* False: no room; `down` has been told when that is an error. */
static bool table_room(struct table *table, const struct flow_stream *stream, struct node *down)
{
    if (table->count < stream->bound.items) {
        return true;
    }
    bound_met(down->loop);
    if (stream->bound.policy == FLOW_OVERFLOW_OLDEST) {
        table_remove(table, table->first, down->loop);
        return true;
    }
    if (stream->bound.policy == FLOW_OVERFLOW_ERROR) {
        send_code(down, FLOW_ERROR_FULL, "too many keys");
    }
    return false;
}

static void distinct_next(struct node *node, flow_val v)
{
    struct distinct *distinct = distinct_of(node);
    const struct flow_stream *stream = distinct->hub.stream;
    flow_val key = stream->fn.map == NULL ? v : stream->fn.map(node->loop, stream->ud, v);
    if (node->loop->failed) {
        node_fail(node);
        return;
    }
    if (table_find(&distinct->keys, key) != NULL ||
        !table_room(&distinct->keys, stream, node->down)) {
        return;
    }
    if (table_add(&distinct->keys, key) == NULL) {
        send_code(node->down, FLOW_ERROR_MEMORY, "no memory for a key");
        return;
    }
    send_next(node->down, v);
}

static void distinct_flush(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    table_free(&distinct_of(node)->keys, node->loop);
}

static void distinct_destroy(struct node *node)
{
    table_free(&((struct distinct *)node)->keys, node->loop);
}

static const struct node_ops distinct_ops = {.destroy = distinct_destroy};
static const struct node_ops distinct_source_ops = {.next = distinct_next};
static const struct node_ops distinct_flush_ops = {
    .next = distinct_flush,
    .complete = complete_ignore,
};

static void distinct_subscribe(struct flow_stream *stream, struct node *down)
{
    struct distinct *distinct = hub_new(stream, down, &distinct_ops, sizeof *distinct);
    struct flow_stream *flush = ((const struct distinct_stream *)stream)->flush;
    if (distinct == NULL) {
        return;
    }
    distinct->keys.type = stream->kept;
    struct input *source = input_new(&distinct->hub, &distinct_source_ops, 0);
    if (source != NULL) {
        stream_subscribe(stream->in, &source->node);
    }
    struct input *flushes =
        flush == NULL ? NULL : input_new(&distinct->hub, &distinct_flush_ops, 0);
    if (flushes != NULL) {
        stream_subscribe(flush, &flushes->node);
    }
}

struct flow_stream *flow_distinct(struct flow_stream *in, const struct flow_type *key_type,
                                  flow_map_fn *key, void *ud, struct flow_stream *flush)
{
    struct distinct_stream *stream =
        in == NULL ? NULL : stream_on(in, sizeof *stream, in->type, distinct_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->base.kept = key == NULL ? in->type : key_type;
    stream->base.fn.map = key;
    stream->base.ud = ud;
    stream->flush = flush;
    return &stream->base;
}

/* ---- group_by ----
 * The source goes on for the groups' observers when the observer of the groups has gone. So the hub
 * is no child of `down` but of the region, and a guard under `down` tells it. */

struct group_stream {
    struct flow_stream base;
    struct flow_group_opts opts;
};

struct grouping {
    struct hub hub;
    struct table groups;
    size_t observers; /* of all groups */
    bool guard_gone;  /* nobody hears of new groups */
    struct node nobody;
};

struct guard {
    struct node node;
    struct grouping *grouping;
};

static struct grouping *grouping_of(struct node *input)
{
    return (struct grouping *)hub_of(input);
}

static const struct flow_group_opts *group_opts(const struct grouping *grouping)
{
    return &((const struct group_stream *)grouping->hub.stream)->opts;
}

static void grouping_check(struct grouping *grouping)
{
    if (grouping->guard_gone && grouping->observers == 0) {
        node_close(&grouping->hub.txn.node);
    }
}

static void nobody_next(struct node *node, flow_val v)
{
    (void)node; /* it has unsubscribed */
    (void)v;
}

static const struct node_ops nobody_ops = {.next = nobody_next};

static void guard_closed(struct node *node)
{
    struct grouping *grouping = ((struct guard *)node)->grouping;
    if (grouping == NULL) {
        return;
    }
    grouping->guard_gone = true;
    for (struct node *child = grouping->hub.txn.node.child_first; child != NULL;
         child = child->sibling_after) {
        child->down = &grouping->nobody;
    }
    grouping->hub.txn.node.down = &grouping->nobody;
    grouping_check(grouping);
}

static const struct node_ops guard_ops = {.closed = guard_closed};

/* ---- observers of a group are counted ---- */

struct counted {
    struct node node;
    struct multicast *cast;
};

static void counted_closed(struct node *node)
{
    struct grouping *grouping = ((struct counted *)node)->cast->owner;
    if (grouping != NULL) {
        grouping->observers--;
        grouping_check(grouping);
    }
}

static void counted_destroy(struct node *node)
{
    multicast_unref(((struct counted *)node)->cast);
}

static const struct node_ops counted_ops = {.closed = counted_closed, .destroy = counted_destroy};

static void group_subscribe(struct flow_stream *stream, struct node *down)
{
    struct multicast *cast = (struct multicast *)stream;
    struct grouping *grouping = cast->owner;
    multicast_subscribe(stream, down);
    if (grouping == NULL || down->closed) {
        return;
    }
    struct counted *counted = node_new(down, down, &counted_ops, sizeof *counted);
    if (counted != NULL) {
        counted->cast = cast;
        multicast_ref(cast);
        grouping->observers++;
    }
}

/* ---- groups ---- */

static void group_forget(struct grouping *grouping, struct table_entry *entry)
{
    struct multicast *cast = entry->data;
    if (cast->owner == grouping) {
        cast->owner = NULL;
    }
    multicast_unref(cast);
    table_remove(&grouping->groups, entry, grouping->hub.txn.node.loop);
}

/* Those who still listen to a forgotten group need the source no more: it has ended for them. */
static void group_end(struct grouping *grouping, struct table_entry *entry,
                      const struct flow_error *error)
{
    struct multicast *cast = entry->data;
    if (error != NULL) {
        multicast_error(cast, error);
    } else {
        multicast_complete(cast);
    }
    (void)grouping; /* the table keeps it until its duration or the source is released */
}

static void groups_end(struct node *node, const struct flow_error *error)
{
    struct grouping *grouping = grouping_of(node);
    for (struct table_entry *entry = grouping->groups.first; entry != NULL; entry = entry->after) {
        group_end(grouping, entry, error);
    }
    if (error != NULL) {
        send_error(node->down, error);
    } else {
        send_complete(node->down);
    }
    grouping->guard_gone = true;
    node_close(&grouping->hub.txn.node);
}

static void group_source_error(struct node *node, const struct flow_error *error)
{
    groups_end(node, error);
}

static void group_source_complete(struct node *node)
{
    groups_end(node, NULL);
}

static void group_fail(struct node *node)
{
    struct flow_error error = node->loop->error;
    node->loop->failed = false;
    groups_end(node, &error);
}

/* ---- duration ---- */

struct duration {
    struct node node;
    struct grouping *grouping;
    struct multicast *cast;
};

static void duration_next(struct node *node, flow_val v)
{
    (void)v; /* that it came is enough */
    multicast_complete(((struct duration *)node)->cast);
    node_close(node);
}

static void duration_error(struct node *node, const struct flow_error *error)
{
    multicast_error(((struct duration *)node)->cast, error);
}

static void duration_complete(struct node *node)
{
    multicast_complete(((struct duration *)node)->cast);
}

static void duration_closed(struct node *node)
{
    struct duration *duration = (struct duration *)node;
    struct table *groups = &duration->grouping->groups;
    struct table_entry *entry = table_find(groups, duration->cast->key);
    if (entry != NULL && entry->data == duration->cast) {
        group_forget(duration->grouping, entry);
    }
}

static void duration_destroy(struct node *node)
{
    multicast_unref(((struct duration *)node)->cast);
}

static const struct node_ops duration_ops = {
    .next = duration_next,
    .error = duration_error,
    .complete = duration_complete,
    .closed = duration_closed,
    .destroy = duration_destroy,
};

/* False: the function failed, and everybody has been told. */
static bool duration_start(struct node *node, struct multicast *cast)
{
    struct grouping *grouping = grouping_of(node);
    const struct flow_group_opts *opts = group_opts(grouping);
    struct flow_loop *loop = node->loop;
    struct flow_region *region = inner_begin(loop);
    struct flow_stream *made = opts->duration(loop, opts->ud, &cast->stream);
    if (loop->failed) {
        group_fail(node);
        made = NULL;
    }
    made = inner_end(node->down, made, &region);
    struct duration *duration = made == NULL ? NULL
                                             : node_new(&grouping->hub.txn.node, node->down,
                                                        &duration_ops, sizeof *duration);
    if (duration == NULL) {
        return false;
    }
    duration->grouping = grouping;
    duration->cast = cast;
    multicast_ref(cast);
    inner_subscribe(made, &duration->node, region);
    return true;
}

static struct multicast *group_new(struct grouping *grouping, flow_val key)
{
    const struct flow_group_opts *opts = group_opts(grouping);
    const struct flow_stream *stream = grouping->hub.stream;
    struct flow_loop *loop = stream->loop;
    struct table_entry *entry = table_add(&grouping->groups, key);
    struct multicast *cast =
        entry == NULL
            ? NULL
            : multicast_new(loop, opts->element != NULL ? opts->element_type : stream->in->type,
                            &opts->connector);
    if (cast == NULL) {
        return NULL;
    }
    entry->data = cast;
    cast->key = value_keep(opts->key_type, key);
    cast->key_type = opts->key_type;
    cast->owner = grouping;
    cast->home = stream->region;
    cast->stream.subscribe = group_subscribe;
    return cast;
}

static struct multicast *group_add(struct node *node, flow_val key)
{
    struct grouping *grouping = grouping_of(node);
    const struct flow_stream *stream = grouping->hub.stream;
    if (grouping->groups.count >= stream->bound.items) {
        struct flow_error error = {FLOW_ERROR_FULL, "too many groups"};
        bound_met(node->loop);
        if (stream->bound.policy == FLOW_OVERFLOW_ERROR) {
            groups_end(node, &error);
        }
        if (stream->bound.policy != FLOW_OVERFLOW_OLDEST) {
            return NULL;
        }
        group_end(grouping, grouping->groups.first, NULL);
        group_forget(grouping, grouping->groups.first);
    }
    struct multicast *cast = group_new(grouping, key);
    if (cast == NULL) {
        send_code(node->down, FLOW_ERROR_MEMORY, "no memory for a group");
        return NULL;
    }
    multicast_ref(cast);
    send_next(node->down, flow_ptr(&cast->stream));
    if (group_opts(grouping)->duration != NULL && !duration_start(node, cast)) {
        multicast_unref(cast);
        return NULL;
    }
    multicast_unref(cast);
    return cast;
}

static void group_next(struct node *node, flow_val v)
{
    struct grouping *grouping = grouping_of(node);
    const struct flow_group_opts *opts = group_opts(grouping);
    flow_val key = opts->key(node->loop, opts->ud, v);
    if (node->loop->failed) {
        group_fail(node);
        return;
    }
    struct table_entry *entry = table_find(&grouping->groups, key);
    struct multicast *cast = entry != NULL ? entry->data : group_add(node, key);
    if (cast == NULL) {
        return;
    }
    v = opts->element != NULL ? opts->element(node->loop, opts->ud, v) : v;
    if (node->loop->failed) {
        group_fail(node);
    } else {
        multicast_next(cast, v);
    }
}

static void grouping_destroy(struct node *node)
{
    struct grouping *grouping = (struct grouping *)node;
    while (grouping->groups.first != NULL) {
        group_forget(grouping, grouping->groups.first);
    }
    table_free(&grouping->groups, node->loop);
}

static void grouping_closed(struct node *node)
{
    struct grouping *grouping = (struct grouping *)node;
    for (struct table_entry *entry = grouping->groups.first; entry != NULL; entry = entry->after) {
        ((struct multicast *)entry->data)->owner = NULL;
    }
}

static const struct node_ops grouping_ops = {
    .closed = grouping_closed,
    .destroy = grouping_destroy,
};
static const struct node_ops group_source_ops = {
    .next = group_next,
    .error = group_source_error,
    .complete = group_source_complete,
};

static void grouping_subscribe(struct flow_stream *stream, struct node *down)
{
    struct grouping *grouping =
        node_new(&stream->region->root, down, &grouping_ops, sizeof *grouping);
    if (grouping == NULL) {
        return;
    }
    grouping->hub.stream = stream;
    grouping->groups.type = group_opts(grouping)->key_type;
    grouping->nobody = (struct node){
        .next = nobody_next,
        .ops = &nobody_ops,
        .loop = stream->loop,
        .stopped = true,
        .closed = true,
    };
    struct guard *guard = node_new(down, down, &guard_ops, sizeof *guard);
    if (guard == NULL) {
        return;
    }
    guard->grouping = grouping;
    if (guard->node.closed) {
        guard_closed(&guard->node);
        return;
    }
    struct input *source = input_new(&grouping->hub, &group_source_ops, 0);
    if (source != NULL) {
        stream_subscribe(stream->in, &source->node);
    }
}

struct flow_stream *flow_group_by(struct flow_stream *in, const struct flow_group_opts *opts)
{
    struct group_stream *stream =
        stream_on(in, sizeof *stream, &flow_stream_type, grouping_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->opts = *opts;
    return &stream->base;
}

flow_val flow_group_key(const struct flow_stream *group)
{
    return ((const struct multicast *)group)->key;
}
