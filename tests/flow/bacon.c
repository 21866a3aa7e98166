/* bacon.c - graphs of Bacon.js: nodes, steps, and what each observer hears.
 *
 * Every node of Bacon is shared by its observers; so each stream is wrapped in share, each property
 * in to_property. Errors are faults. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 16 };

struct graph {
    struct world world;
    struct bus *buses;
    const struct jv *react;
    struct listener *listeners;
    struct text log;
};

struct bus {
    const char *name;
    struct flow_subject *subject;
    struct bus *after;
};

struct listener {
    struct graph *graph;
    const char *name;
    struct flow_sub sub;
    struct listener *after;
};

struct node { /* being built */
    struct graph *graph;
    struct flow_region *region;
    struct flow_stream *in; /* NULL: made from nothing */
    const struct jv *args;
};

/* ---- arguments ---- */

static const struct jv *arg(const struct node *n, size_t index)
{
    const struct jv *v = jv_at(n->args, index);
    return v == NULL ? &jv_undef : v;
}

static struct flow_stream *stream(const struct node *n, size_t index)
{
    const struct jv *name = jv_get(arg(n, index), "node");
    if (name == NULL) {
        world_problem(&n->graph->world, "no node in %s", "an argument");
        return NULL;
    }
    return world_find(&n->graph->world, name->text);
}

static struct closure *fn(const struct node *n, size_t index)
{
    const struct jv *spec = jv_get(arg(n, index), "fn");
    return spec == NULL ? NULL : closure_new(&n->graph->world, spec);
}

static flow_time ms(const struct node *n, size_t index)
{
    return time_of_ms(arg(n, index));
}

static size_t number(const struct node *n, size_t index)
{
    return (size_t)arg(n, index)->number;
}

static flow_val value(const struct node *n, size_t index)
{
    return flow_ptr(plain_value(arg(n, index)));
}

struct streams {
    struct flow_stream *all[ARGS_MAX];
    size_t count;
};

static void add_streams(const struct node *n, const struct jv *list, struct streams *streams)
{
    for (size_t i = 0; i < list->count && streams->count < ARGS_MAX; i++) {
        const struct jv *name = jv_get(list->items[i], "node");
        if (name != NULL) {
            streams->all[streams->count++] = world_find(&n->graph->world, name->text);
        } else if (list->items[i]->kind == JV_ARRAY) {
            add_streams(n, list->items[i], streams);
        }
    }
}

static struct streams streams_of(const struct node *n, bool with_in)
{
    struct streams streams = {.count = 0};
    if (with_in) {
        streams.all[streams.count++] = n->in;
    }
    if (n->args != NULL) {
        add_streams(n, n->args, &streams);
    }
    return streams;
}

static struct closure *any_fn(const struct node *n)
{
    for (size_t i = 0; n->args != NULL && i < n->args->count; i++) {
        if (fn(n, i) != NULL) {
            return fn(n, i);
        }
    }
    return NULL;
}

/* ---- nodes ---- */

#define T (&jv_type)
#define IN (n->in)
typedef struct flow_stream *make_fn(const struct node *n);
#define MAKE(name_, expression_)                                                                   \
    static struct flow_stream *make_##name_(const struct node *n)                                  \
    {                                                                                              \
        return (expression_);                                                                      \
    }

static struct flow_stream *property(struct flow_stream *in)
{
    return flow_is_property(in) ? in : flow_to_property(in, NULL);
}

static struct flow_stream *combined(const struct node *n, bool with_in)
{
    struct streams in = streams_of(n, with_in);
    struct closure *closure = any_fn(n);
    if (closure != NULL) {
        return flow_combine(n->region, in.all, in.count, T, call_list, closure);
    }
    return from_list(flow_combine(n->region, in.all, in.count, NULL, NULL, NULL));
}

static struct flow_stream *sampled(struct flow_stream *what, struct flow_stream *by,
                                   struct closure *closure)
{
    return flow_sampled_by(what, by, T, closure == NULL ? NULL : call_list, closure);
}

static flow_val error_value(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    const struct node *n = ud;
    struct jv_pool *pool = n->graph->world.pool;
    const struct jv *args[1] = {jv_parse(pool, error->text)};
    const struct jv *given = jv_at(n->args, 0);
    (void)loop; /* the world has it */
    return flow_ptr(fn(n, 0) == NULL ? given : closure_call(fn(n, 0), args, 1));
}

static struct flow_stream *error_stream(struct flow_loop *loop, void *ud,
                                        const struct flow_error *error, struct flow_stream *in)
{
    const struct node *n = ud;
    const struct jv *args[1] = {jv_parse(n->graph->world.pool, error->text)};
    (void)loop; /* the world has it */
    (void)in;
    return closure_stream(fn(n, 0), args, 1);
}

static flow_val last_item(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    (void)loop; /* nothing to make */
    (void)ud;
    return list->items[list->count - 1];
}

static struct flow_stream *later_of(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct node *n = ud;
    return flow_delay(flow_of(flow_here(loop), T, v), ms(n, 0));
}

static struct flow_stream *now_and_silence(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct node *n = ud;
    struct flow_region *region = flow_here(loop);
    struct flow_stream *silence = flow_ignore_elements(flow_timer(region, ms(n, 0), FLOW_NEVER));
    return flow_concat(region, (struct flow_stream *[]){flow_of(region, T, v), silence}, 2);
}

/* A node whose arguments callbacks need as long as the graph lives. */
static struct node *kept(const struct node *n)
{
    struct node *copy = pool_alloc(n->graph->world.pool, sizeof *copy);
    *copy = *n;
    return copy;
}

static bool list_has_both(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return count == 2 && jv_truthy(v[0].p) && jv_truthy(v[1].p);
}

static flow_val both(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    return list_has_both(loop, ud, v, count) ? v[1] : jv_truthy(v[0].p) ? v[1] : v[0];
}

static flow_val either(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    (void)loop; /* nothing to make */
    (void)ud;
    (void)count;
    return jv_truthy(v[0].p) ? v[0] : v[1];
}

static flow_val negated(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_ptr(jv_bool(loop, !jv_truthy(v.p)));
}

static flow_val truth(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_int(jv_truthy(v.p));
}

static flow_val lists_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *lists = v.p;
    const struct jv **rows = flow_alloc(loop, (lists->count + 1) * sizeof *rows);
    (void)ud; /* none */
    for (size_t i = 0; i < lists->count; i++) {
        const struct flow_list *row = lists->items[i].p;
        const struct jv **items = flow_alloc(loop, (row->count + 1) * sizeof *items);
        for (size_t k = 0; k < row->count; k++) {
            items[k] = row->items[k].p;
        }
        rows[i] = jv_array(loop, items, row->count);
    }
    return flow_ptr(jv_array(loop, rows, lists->count));
}

static struct flow_stream *make_map(const struct node *n)
{
    if (jv_get(arg(n, 0), "node") != NULL) {
        return sampled(stream(n, 0), IN, NULL);
    }
    return fn(n, 0) != NULL ? flow_map(IN, T, call_map, fn(n, 0)) : flow_map_to(IN, T, value(n, 0));
}

static flow_val keep_if(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    const struct jv *pair[2] = {v[0].p, v[1].p};
    (void)ud; /* none */
    return flow_ptr(jv_array(loop, pair, count));
}

static bool first_is_true(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return jv_truthy(jv_at(v.p, 0));
}

static flow_val second_of(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return flow_ptr(jv_at(v.p, 1));
}

static struct flow_stream *make_filter(const struct node *n)
{
    if (jv_get(arg(n, 0), "node") == NULL) {
        return flow_filter(IN, call_pred, fn(n, 0));
    }
    struct flow_stream *pairs = flow_sampled_by(stream(n, 0), IN, T, keep_if, NULL);
    return flow_map(flow_filter(pairs, first_is_true, NULL), T, second_of, NULL);
}

static flow_val update_call(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                            size_t count)
{
    const struct jv *args[ARGS_MAX + 1] = {state.p};
    (void)loop; /* the world has it */
    for (size_t i = 0; i < count && i < ARGS_MAX; i++) {
        args[i + 1] = v[i].p;
    }
    return flow_ptr(closure_call(ud, args, count + 1));
}

/* Either [streams..., fn] lists, or [streams] and fn in turn. */
static size_t patterns_from(const struct node *n, size_t first, struct flow_pattern *patterns)
{
    size_t count = 0;
    for (size_t i = first; i < n->args->count && count < ARGS_MAX; i++) {
        struct streams *in = pool_alloc(n->graph->world.pool, sizeof *in);
        const struct jv *one = arg(n, i);
        const struct jv *last =
            one->kind == JV_ARRAY && one->count > 0 ? one->items[one->count - 1] : NULL;
        const struct jv *spec = jv_get(last, "fn");
        if (one->kind == JV_ARRAY) {
            add_streams(n, one, in);
        } else {
            in->all[in->count++] = stream(n, i);
        }
        if (spec == NULL) {
            spec = jv_get(arg(n, ++i), "fn");
        }
        patterns[count++] = (struct flow_pattern){
            .in = in->all,
            .count = in->count,
            .fn = call_list,
            .update = update_call,
            .ud = closure_new(&n->graph->world, spec),
        };
    }
    return count;
}

static struct flow_stream *make_when(const struct node *n)
{
    struct flow_pattern patterns[ARGS_MAX];
    size_t count = patterns_from(n, 0, patterns);
    return flow_when(n->region, T, patterns, count);
}

static struct flow_stream *make_update(const struct node *n)
{
    struct flow_pattern patterns[ARGS_MAX];
    size_t count = patterns_from(n, 1, patterns);
    return flow_update(n->region, T, value(n, 0), patterns, count);
}

static flow_val fold_first(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                           size_t count)
{
    (void)count; /* one */
    return call_fold(loop, ud, state, v[0]);
}

static struct flow_stream *make_scan(const struct node *n)
{
    struct flow_pattern pattern = {
        .in = &n->in,
        .count = 1,
        .update = fold_first,
        .ud = fn(n, 1),
    };
    if (flow_is_property(IN)) {
        return property(flow_scan(IN, T, &(flow_val){.p = value(n, 0).p}, call_fold, fn(n, 1)));
    }
    return flow_update(n->region, T, value(n, 0), &pattern, 1);
}

static struct flow_stream *make_to_property(const struct node *n)
{
    flow_val initial = value(n, 0);
    return flow_to_property(IN, n->args != NULL && n->args->count > 0 ? &initial : NULL);
}

static struct flow_stream *make_values(const struct node *n)
{
    return jv_to_stream(&n->graph->world, value(n, 0).p);
}

static struct flow_stream *make_series(const struct node *n, bool repeats)
{
    const struct jv *list = value(n, 1).p;
    flow_val values[ARGS_MAX];
    size_t count = list->count < ARGS_MAX ? list->count : ARGS_MAX;
    for (size_t i = 0; i < count; i++) {
        values[i] = flow_ptr(list->items[i]);
    }
    return repeats ? flow_repeatedly(n->region, T, ms(n, 0), values, count)
                   : flow_sequentially(n->region, T, ms(n, 0), values, count);
}

static struct flow_stream *make_start_with(const struct node *n)
{
    flow_val v = value(n, 0);
    return flow_is_property(IN) ? flow_to_property(IN, &v) : flow_start_with(IN, &v, 1);
}

static struct flow_stream *make_skip_duplicates(const struct node *n)
{
    return flow_distinct_until_changed(IN, fn(n, 0) == NULL ? NULL : call_equal, fn(n, 0));
}

static struct flow_stream *make_error(const struct node *n)
{
    struct text text = {0};
    text_put_jv(&text, value(n, 0).p);
    struct flow_stream *made = flow_throw(n->region, T, FLOW_ERROR_USER, "%s", text.bytes);
    free(text.bytes);
    return flow_to_faults(made);
}

static const struct jv *template_fill(struct flow_loop *loop, const struct jv *tmpl,
                                      const flow_val *v, size_t *index)
{
    if (jv_get(tmpl, "node") != NULL) {
        return v[(*index)++].p;
    }
    if (tmpl->kind != JV_OBJECT && tmpl->kind != JV_ARRAY) {
        return tmpl;
    }
    const struct jv **items = flow_alloc(loop, (tmpl->count + 1) * sizeof *items);
    for (size_t i = 0; i < tmpl->count; i++) {
        bool is_key = tmpl->kind == JV_OBJECT && i % 2 == 0;
        items[i] = is_key ? tmpl->items[i] : template_fill(loop, tmpl->items[i], v, index);
    }
    return tmpl->kind == JV_OBJECT ? jv_object(loop, items, tmpl->count)
                                   : jv_array(loop, items, tmpl->count);
}

static flow_val template_value(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    size_t index = 0;
    (void)count; /* as many as the template has nodes */
    return flow_ptr(template_fill(loop, ud, v, &index));
}

static void template_streams(const struct node *n, const struct jv *tmpl, struct streams *streams)
{
    const struct jv *name = jv_get(tmpl, "node");
    if (name != NULL) {
        streams->all[streams->count++] = world_find(&n->graph->world, name->text);
        return;
    }
    bool nested = tmpl->kind == JV_OBJECT || tmpl->kind == JV_ARRAY;
    for (size_t i = 0; nested && i < tmpl->count && streams->count < ARGS_MAX; i++) {
        if (tmpl->kind == JV_ARRAY || i % 2 == 1) {
            template_streams(n, tmpl->items[i], streams);
        }
    }
}

static struct flow_stream *make_template(const struct node *n)
{
    const struct jv *tmpl = jv_get(arg(n, 0), "tmpl");
    struct streams in = {.count = 0};
    if (tmpl == NULL) {
        return NULL;
    }
    template_streams(n, tmpl, &in);
    return flow_combine(n->region, in.all, in.count, T, template_value, (void *)(uintptr_t)tmpl);
}

static struct flow_stream *make_zipped(const struct node *n, bool with_in)
{
    struct streams in = streams_of(n, with_in);
    struct closure *closure = any_fn(n);
    if (closure != NULL) {
        return flow_zip(n->region, in.all, in.count, T, call_list, closure);
    }
    return from_list(flow_zip(n->region, in.all, in.count, NULL, NULL, NULL));
}

static struct flow_stream *make_merged(const struct node *n, bool with_in)
{
    struct streams in = streams_of(n, with_in);
    return flow_merge(n->region, 0, in.all, in.count);
}

static struct flow_stream *make_chain(const struct node *n, bool with_in)
{
    struct streams in = streams_of(n, with_in);
    return flow_concat(n->region, in.all, in.count);
}

static struct flow_stream *make_simultaneous(const struct node *n)
{
    struct streams in = streams_of(n, false);
    return flow_map(flow_group_simultaneous(n->region, in.all, in.count), T, lists_to_jv, NULL);
}

MAKE(constant, flow_constant(n->region, T, value(n, 0)))
MAKE(once, flow_of(n->region, T, value(n, 0)))
MAKE(never, flow_empty(n->region, T))
MAKE(later, flow_delay(flow_of(n->region, T, value(n, 1)), ms(n, 0)))
MAKE(interval, flow_map_to(flow_interval(n->region, ms(n, 0)), T, value(n, 1)))
MAKE(sequentially, make_series(n, false))
MAKE(repeatedly, make_series(n, true))
MAKE(combineWith, combined(n, false))
MAKE(combine, combined(n, true))
MAKE(mergeAll, make_merged(n, false))
MAKE(merge, make_merged(n, true))
MAKE(concatAll, make_chain(n, false))
MAKE(concat, make_chain(n, true))
MAKE(zipWith, make_zipped(n, false))
MAKE(zip, make_zipped(n, true))
MAKE(take, flow_take(IN, number(n, 0)))
MAKE(first, flow_take(IN, 1))
MAKE(last, flow_take_last(IN, 1))
MAKE(takeWhile, flow_take_while(IN, call_pred, fn(n, 0)))
MAKE(takeUntil, flow_take_until(IN, stream(n, 0)))
MAKE(skip, flow_skip(IN, number(n, 0)))
MAKE(skipWhile, flow_skip_while(IN, call_pred, fn(n, 0)))
MAKE(skipUntil, flow_skip_until(IN, stream(n, 0)))
MAKE(diff, flow_diff(IN, T, value(n, 0), call_fold, fn(n, 1)))
MAKE(fold, property(flow_reduce(IN, T, &(flow_val){.p = value(n, 0).p}, call_fold, fn(n, 1))))
MAKE(mapError, flow_map_error(IN, error_value, kept(n)))
MAKE(mapEnd, flow_map_end(IN, value(n, 0)))
MAKE(errors, flow_errors(IN))
MAKE(skipErrors, flow_skip_errors(IN))
MAKE(endOnError, flow_end_on_error(IN))
MAKE(flatMap, flow_merge_map(IN, T, 0, call_project, fn(n, 0)))
MAKE(flatMapLatest, flow_switch_map(IN, T, call_project, fn(n, 0)))
MAKE(flatMapFirst, flow_exhaust_map(IN, T, call_project, fn(n, 0)))
MAKE(flatMapConcat, flow_concat_map(IN, T, call_project, fn(n, 0)))
MAKE(flatMapLimit, flow_merge_map(IN, T, number(n, 0), call_project, fn(n, 1)))
MAKE(flatMapError, flow_flat_map_error(IN, error_stream, kept(n)))
MAKE(flatScan, flow_merge_scan(IN, T, 1, value(n, 0), call_fold_project, fn(n, 1)))
MAKE(delay, flow_delay(IN, ms(n, 0)))
MAKE(debounce, flow_switch_map(IN, T, later_of, kept(n)))
MAKE(debounceImmediate, flow_exhaust_map(IN, T, now_and_silence, kept(n)))
MAKE(throttle, flow_map(flow_buffer_with_time(IN, ms(n, 0), 0), T, last_item, NULL))
MAKE(bufferingThrottle, flow_buffering_throttle(IN, ms(n, 0)))
MAKE(bufferWithTime, from_list(flow_buffer_with_time(IN, ms(n, 0), 0)))
MAKE(bufferWithCount, from_list(flow_buffer_count(IN, number(n, 0), 0)))
MAKE(bufferWithTimeOrCount, from_list(flow_buffer_with_time(IN, ms(n, 0), number(n, 1))))
MAKE(changes, flow_changes(IN))
MAKE(sampledBy, sampled(IN, stream(n, 0), fn(n, 1)))
MAKE(sample, sampled(IN, flow_interval(n->region, ms(n, 0)), NULL))
MAKE(withLatestFrom,
     flow_with_latest_from(IN, (struct flow_stream *[]){stream(n, 0)}, 1, T, call_list, fn(n, 1)))
MAKE(and, flow_combine(n->region, (struct flow_stream *[]){IN, stream(n, 0)}, 2, T, both, NULL))
MAKE(or, flow_combine(n->region, (struct flow_stream *[]){IN, stream(n, 0)}, 2, T, either, NULL))
MAKE(not, flow_map(IN, T, negated, NULL))
MAKE(slidingWindow, from_list(flow_sliding_window(IN, number(n, 0), number(n, 1))))
MAKE(awaiting, from_bool(flow_awaiting(IN, stream(n, 0))))
MAKE(holdWhen, flow_hold_when(IN, flow_map(stream(n, 0), &flow_bool, truth, NULL)))
MAKE(itself, IN)

static const struct maker {
    const char *name;
    make_fn *make;
} makers[] = {
    {"constant", make_constant},
    {"once", make_once},
    {"never", make_never},
    {"later", make_later},
    {"interval", make_interval},
    {"fromArray", make_values},
    {"sequentially", make_sequentially},
    {"repeatedly", make_repeatedly},
    {"error", make_error},
    {"combineWith", make_combineWith},
    {"combineAsArray", make_combineWith},
    {"combineTemplate", make_template},
    {"mergeAll", make_mergeAll},
    {"concatAll", make_concatAll},
    {"zipAsArray", make_zipWith},
    {"zipWith", make_zipWith},
    {"when", make_when},
    {"update", make_update},
    {"groupSimultaneous", make_simultaneous},
    {"map", make_map},
    {"filter", make_filter},
    {"scan", make_scan},
    {"toProperty", make_to_property},
    {"startWith", make_start_with},
    {"skipDuplicates", make_skip_duplicates},
    {"combine", make_combine},
    {"merge", make_merge},
    {"concat", make_concat},
    {"zip", make_zip},
    {"take", make_take},
    {"first", make_first},
    {"last", make_last},
    {"takeWhile", make_takeWhile},
    {"takeUntil", make_takeUntil},
    {"skip", make_skip},
    {"skipWhile", make_skipWhile},
    {"skipUntil", make_skipUntil},
    {"diff", make_diff},
    {"fold", make_fold},
    {"reduce", make_fold},
    {"mapError", make_mapError},
    {"mapEnd", make_mapEnd},
    {"errors", make_errors},
    {"skipErrors", make_skipErrors},
    {"endOnError", make_endOnError},
    {"flatMap", make_flatMap},
    {"flatMapLatest", make_flatMapLatest},
    {"flatMapFirst", make_flatMapFirst},
    {"flatMapConcat", make_flatMapConcat},
    {"flatMapWithConcurrencyLimit", make_flatMapLimit},
    {"flatMapError", make_flatMapError},
    {"flatScan", make_flatScan},
    {"delay", make_delay},
    {"debounce", make_debounce},
    {"debounceImmediate", make_debounceImmediate},
    {"throttle", make_throttle},
    {"bufferingThrottle", make_bufferingThrottle},
    {"bufferWithTime", make_bufferWithTime},
    {"bufferWithCount", make_bufferWithCount},
    {"bufferWithTimeOrCount", make_bufferWithTimeOrCount},
    {"changes", make_changes},
    {"toEventStream", make_itself},
    {"sampledBy", make_sampledBy},
    {"sample", make_sample},
    {"withLatestFrom", make_withLatestFrom},
    {"and", make_and},
    {"or", make_or},
    {"not", make_not},
    {"slidingWindow", make_slidingWindow},
    {"awaiting", make_awaiting},
    {"holdWhen", make_holdWhen},
    {"doAction", make_itself},
    {"log", make_itself},
    {"name", make_itself},
    {"withDescription", make_itself},
};

static struct flow_stream *shared(struct flow_stream *made)
{
    if (made == NULL || flow_is_property(made)) {
        return made;
    }
    return flow_share(made, &(struct flow_share_opts){.keep_on_complete = true});
}

static struct flow_stream *make_node(struct node *n, const char *name)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (strcmp(makers[i].name, name) == 0) {
            struct flow_stream *made = makers[i].make(n);
            if (made == n->in) {
                return made;
            }
            return flow_is_property(made) ? flow_to_property(made, NULL) : shared(made);
        }
    }
    world_problem(&n->graph->world, "no method %s", name);
    return NULL;
}

static void node_from(struct graph *graph, const char *name, const struct jv *spec)
{
    struct world *world = &graph->world;
    const struct jv *make = jv_get(spec, "make");
    const struct jv *of = jv_get(spec, "of");
    struct node n = {.graph = graph, .region = world->region, .args = jv_get(spec, "args")};
    if (jv_is(make, "bus")) {
        struct bus *bus = pool_alloc(world->pool, sizeof *bus);
        *bus = (struct bus){.name = name, .after = graph->buses};
        bus->subject = flow_subject_new(world->region, &jv_type, NULL);
        graph->buses = bus;
        world_name(world, name, flow_subject_stream(bus->subject));
        return;
    }
    n.in = of == NULL ? NULL : world_find(world, of->text);
    world_name(world, name, make_node(&n, make != NULL ? make->text : jv_get(spec, "op")->text));
}

/* ---- observers ---- */

static void step(struct graph *graph, const struct jv *what);

static void react(struct listener *listener, const char *event, const struct jv *v)
{
    const struct jv *all = listener->graph->react;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const struct jv *wanted = jv_get(all->items[i], "value");
        const struct jv *steps = jv_get(all->items[i], "do");
        bool same = jv_is(jv_get(all->items[i], "who"), listener->name) &&
                    jv_is(jv_get(all->items[i], "on"), event) &&
                    (wanted == NULL || (v != NULL && jv_equal(wanted, v)));
        for (size_t k = 0; same && k < steps->count; k++) {
            step(listener->graph, steps->items[k]);
        }
    }
}

static void log_event(struct listener *listener, const char *event, const char *json)
{
    struct text *log = &listener->graph->log;
    text_put(log, "%s[%.15g,\"%s\",\"%s\"%s%s]", log->size == 1 ? "" : ",",
             (double)flow_now(listener->graph->world.loop) / 1000, listener->name, event,
             json == NULL ? "" : ",", json == NULL ? "" : json);
}

static void heard_value(struct listener *listener, const char *event, flow_val v)
{
    struct text text = {0};
    text_put_jv(&text, v.p);
    log_event(listener, event, text.bytes);
    free(text.bytes);
    react(listener, event, v.p);
}

static void heard_next(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the world has it */
    heard_value(ud, "Next", v);
}

static void heard_initial(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the world has it */
    heard_value(ud, "Initial", v);
}

static void heard_fault(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)loop; /* the world has it */
    log_event(ud, "Error", error_json(error));
    react(ud, "Error", NULL);
}

static void heard_end(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the world has it */
    log_event(ud, "End", NULL);
    react(ud, "End", NULL);
}

static void subscribe(struct graph *graph, const char *who, const char *node)
{
    struct listener *listener = pool_alloc(graph->world.pool, sizeof *listener);
    *listener = (struct listener){.graph = graph, .name = who, .after = graph->listeners};
    graph->listeners = listener;
    struct flow_observer observer = {
        .next = heard_next,
        .initial = heard_initial,
        .fault = heard_fault,
        .error = heard_fault,
        .complete = heard_end,
        .ud = listener,
    };
    listener->sub =
        flow_subscribe_in(graph->world.region, world_find(&graph->world, node), &observer);
}

static struct flow_subject *bus_named(struct graph *graph, const char *name)
{
    struct bus *bus = graph->buses;
    while (bus != NULL && strcmp(bus->name, name) != 0) {
        bus = bus->after;
    }
    return bus == NULL ? NULL : bus->subject;
}

static void unsubscribe(struct graph *graph, const char *name)
{
    for (struct listener *at = graph->listeners; at != NULL; at = at->after) {
        if (strcmp(at->name, name) == 0 && flow_subscribed(at->sub)) {
            flow_unsubscribe(at->sub);
            return;
        }
    }
}

static void step(struct graph *graph, const struct jv *what)
{
    const struct jv *verb = jv_at(what, 0);
    const struct jv *first = jv_at(what, 1);
    const struct jv *second = jv_at(what, 2);
    struct flow_subject *bus =
        first != NULL && first->kind == JV_STRING ? bus_named(graph, first->text) : NULL;
    if (jv_is(verb, "sub")) {
        subscribe(graph, first->text, second->text);
    } else if (jv_is(verb, "unsub")) {
        unsubscribe(graph, first->text);
    } else if (jv_is(verb, "push")) {
        flow_next(bus, flow_ptr(second == NULL ? &jv_undef : second));
    } else if (jv_is(verb, "error")) {
        struct text text = {0};
        text_put_jv(&text, second);
        flow_fault(bus, FLOW_ERROR_USER, "%s", text.bytes);
        free(text.bytes);
    } else if (jv_is(verb, "end")) {
        flow_complete(bus);
    } else if (jv_is(verb, "plug")) {
        flow_plug(bus, world_find(&graph->world, second->text));
    } else if (jv_is(verb, "at")) {
        flow_advance(graph->world.loop, time_of_ms(first));
    } else {
        world_problem(&graph->world, "no step %s", verb == NULL ? "?" : verb->text);
    }
}

static void judge(struct graph *graph, const struct jv *line, bool *inout_same, struct text *report)
{
    const struct jv *got = jv_parse(graph->world.pool, graph->log.bytes);
    *inout_same =
        got != NULL && graph->world.problem.size == 0 && jv_equal(got, jv_get(line, "log"));
    if (!*inout_same) {
        text_put(report, "  log wanted ");
        text_put_jv(report, jv_get(line, "log"));
        text_put(report, "\n  log got    %s\n  %s\n", graph->log.bytes,
                 graph->world.problem.size > 0 ? graph->world.problem.bytes : "");
    }
}

bool run_bacon(const struct jv *line, const struct settings *settings, struct text *report)
{
    struct jv_pool pool = {0};
    struct graph graph = {.world = {.loop = flow_loop_new(), .pool = &pool}};
    const struct jv *nodes = jv_get(line, "nodes");
    const struct jv *steps = jv_get(line, "steps");
    long live = jv_live;
    bool same;
    (void)settings; /* the steps of a graph come one by one */
    graph.world.region = flow_region_new(graph.world.loop);
    graph.react = jv_get(line, "react");
    for (size_t i = 0; i + 1 < nodes->count; i += 2) {
        node_from(&graph, nodes->items[i]->text, nodes->items[i + 1]);
    }
    text_put(&graph.log, "[");
    for (size_t i = 0; graph.world.problem.size == 0 && i < steps->count; i++) {
        step(&graph, steps->items[i]);
    }
    text_put(&graph.log, "]");
    flow_region_free(graph.world.region);
    flow_loop_free(graph.world.loop);
    judge(&graph, line, &same, report);
    if (jv_live != live) {
        text_put(report, "  %ld values were kept and not let go\n", jv_live - live);
        same = false;
    }
    free(graph.log.bytes);
    free(graph.world.problem.bytes);
    pool_free(&pool);
    return same;
}
