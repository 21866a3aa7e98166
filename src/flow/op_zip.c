/* op_zip.c - input by input: zip, race, on_error_resume_next, combine_latest_all, zip_all. */
#include "many.h"

#include <stdlib.h>

/* ---- zip ---- */

struct zip {
    struct hub hub;
    struct ring *rings;
    bool *completed;
    flow_val *values;
};

static const struct many_stream *zip_stream(const struct zip *zip)
{
    return (const struct many_stream *)zip->hub.stream;
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
    const struct many_stream *join = zip_stream(zip);
    size_t index = ((struct input *)node)->index;
    if (!ring_push(&zip->rings[index], &join->base, join->types[index], v, node->down) ||
        !zip_has_all(zip)) {
        return;
    }
    for (size_t i = 0; i < join->count; i++) {
        zip->values[i] = ring_take(&zip->rings[i], node->loop, join->types[i]);
    }
    many_emit(join, node->down, zip->values);
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
    const struct many_stream *join = (const struct many_stream *)stream;
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
    struct many_stream *stream = many_stream_new(region, in, count, out, fn, ud, zip_subscribe);
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
    const struct many_stream *join = (const struct many_stream *)stream;
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
    struct many_stream *stream = many_stream_new(region, in, count, NULL, NULL, NULL, subscribe);
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
    const struct many_stream *join = (const struct many_stream *)resume->hub.stream;
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
