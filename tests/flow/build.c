/* build.c - from an expression of a case to a stream. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { INPUTS_MAX = 32 };

struct builder {
    struct world *world;
    struct flow_region *region;
    struct flow_stream *in; /* NULL for creation functions */
    const struct jv *args;
};

/* ---- the world's names ---- */

void world_problem(struct world *world, const char *format, const char *what)
{
    if (world->problem.size == 0) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        text_put(&world->problem, format, what);
#pragma GCC diagnostic pop
    }
}

void world_name(struct world *world, const char *name, struct flow_stream *stream)
{
    struct named *named = pool_alloc(world->pool, sizeof *named);
    *named = (struct named){.name = name, .stream = stream, .after = world->names};
    world->names = named;
}

struct flow_stream *world_find(struct world *world, const char *name)
{
    for (struct named *named = world->names; named != NULL; named = named->after) {
        if (strcmp(named->name, name) == 0) {
            return named->stream;
        }
    }
    world_problem(world, "no source %s", name);
    return NULL;
}

/* ---- arguments ---- */

static bool left_out(const struct jv *v)
{
    return v == NULL || v->kind == JV_NULL || v->kind == JV_UNDEF || jv_get(v, "default") != NULL;
}

/* NULL: left out. */
static const struct jv *arg(const struct builder *b, size_t index)
{
    const struct jv *v = jv_at(b->args, index);
    return left_out(v) ? NULL : v;
}

/* A member of the options object at `index`, or NULL. */
static const struct jv *option(const struct builder *b, size_t index, const char *name)
{
    const struct jv *v = jv_get(jv_get(arg(b, index), "cfg"), name);
    return left_out(v) ? NULL : v;
}

static bool has_options(const struct builder *b, size_t index)
{
    return jv_get(arg(b, index), "cfg") != NULL;
}

const struct jv *plain_value(const struct jv *argument)
{
    const struct jv *v = jv_get(argument, "val");
    return v != NULL ? v : argument;
}

static flow_val value(const struct builder *b, size_t index)
{
    const struct jv *v = jv_at(b->args, index);
    return flow_ptr(v == NULL ? &jv_undef : plain_value(v));
}

static double number_or(const struct jv *v, double missing)
{
    return v == NULL || v->kind != JV_NUMBER ? missing : v->number;
}

static double number(const struct builder *b, size_t index, double missing)
{
    return number_or(arg(b, index), missing);
}

flow_time time_of_ms(const struct jv *v)
{
    return v == NULL || v->kind != JV_NUMBER ? FLOW_NEVER : (flow_time)(v->number * 1000);
}

static flow_time time_arg(const struct builder *b, size_t index)
{
    return time_of_ms(arg(b, index));
}

static struct closure *closure_of(const struct builder *b, const struct jv *v)
{
    const struct jv *spec = jv_get(v, "fn");
    return spec == NULL ? NULL : closure_new(b->world, spec);
}

static struct closure *fn(const struct builder *b, size_t index)
{
    return closure_of(b, arg(b, index));
}

struct flow_stream *build_argument(struct world *world, const struct jv *argument)
{
    if (jv_get(argument, "src") != NULL) {
        return world_find(world, jv_get(argument, "src")->text);
    }
    if (jv_get(argument, "expr") != NULL) {
        return build(world, jv_get(argument, "expr"));
    }
    if (argument != NULL && (argument->kind == JV_ARRAY || jv_get(argument, "val") != NULL)) {
        return jv_to_stream(world, plain_value(argument));
    }
    world_problem(world, "no stream in %s", "an argument");
    return NULL;
}

static struct flow_stream *stream(const struct builder *b, size_t index)
{
    return build_argument(b->world, arg(b, index));
}

struct inputs {
    struct flow_stream *streams[INPUTS_MAX];
    size_t count;
    struct closure *fn; /* the last argument, when it is a function */
};

static struct inputs inputs_from(const struct builder *b, size_t first, struct flow_stream *before)
{
    struct inputs inputs = {.count = 0};
    if (before != NULL) {
        inputs.streams[inputs.count++] = before;
    }
    for (size_t i = first; i < b->args->count && inputs.count < INPUTS_MAX; i++) {
        if (fn(b, i) != NULL) {
            inputs.fn = fn(b, i);
        } else {
            inputs.streams[inputs.count++] = stream(b, i);
        }
    }
    return inputs;
}

static struct inputs inputs_of_object(const struct builder *b, const struct jv *object)
{
    struct inputs inputs = {.count = 0};
    for (size_t i = 0; i + 1 < object->count && inputs.count < INPUTS_MAX; i += 2) {
        inputs.streams[inputs.count++] = build_argument(b->world, object->items[i + 1]);
    }
    return inputs;
}

static struct flow_subject_opts connector(const struct jv *v)
{
    const struct jv *spec = jv_get(v, "connector") != NULL ? jv_get(v, "connector") : v;
    struct flow_subject_opts opts = {0};
    const struct jv *first = jv_at(spec, 1);
    if (jv_is(jv_at(spec, 0), "BehaviorSubject")) {
        opts.kind = FLOW_SUBJECT_BEHAVIOR;
        opts.initial = flow_ptr(first);
    } else if (jv_is(jv_at(spec, 0), "ReplaySubject")) {
        opts.kind = FLOW_SUBJECT_REPLAY;
        opts.count = (size_t)number_or(first, 0);
        opts.window = jv_at(spec, 2) == NULL ? 0 : time_of_ms(jv_at(spec, 2));
    } else if (jv_is(jv_at(spec, 0), "AsyncSubject")) {
        opts.kind = FLOW_SUBJECT_ASYNC;
    }
    return opts;
}

/* ---- operators ---- */

typedef struct flow_stream *build_fn(const struct builder *b);
#define OPERATOR(name_, expression_)                                                               \
    static struct flow_stream *op_##name_(const struct builder *b)                                 \
    {                                                                                              \
        return (expression_);                                                                      \
    }
#define IN (b->in)
#define PRED(i_) (fn(b, i_) == NULL ? NULL : call_pred), fn(b, i_)
#define T (&jv_type)

OPERATOR(map, flow_map(IN, T, call_map, fn(b, 0)))
OPERATOR(mapTo, flow_map_to(IN, T, value(b, 0)))
OPERATOR(filter, flow_filter(IN, PRED(0)))
OPERATOR(pairwise, from_list(flow_pairwise(IN)))
OPERATOR(ignoreElements, flow_ignore_elements(IN))
OPERATOR(timestamp, from_pair(flow_timestamp(IN), "timestamp"))
OPERATOR(timeInterval, from_pair(flow_time_interval(IN), "interval"))
OPERATOR(materialize, from_notification(flow_materialize(IN)))
OPERATOR(dematerialize, flow_dematerialize(to_notification(b->world, IN), T))
OPERATOR(finalize, flow_finalize(IN, call_action, fn(b, 0)))
OPERATOR(take, flow_take(IN, (uint64_t)number(b, 0, 0)))
OPERATOR(takeUntil, flow_take_until(IN, stream(b, 0)))
OPERATOR(takeLast, flow_take_last(IN, (size_t)number(b, 0, 0)))
OPERATOR(skip, flow_skip(IN, (uint64_t)number(b, 0, 0)))
OPERATOR(skipWhile, flow_skip_while(IN, PRED(0)))
OPERATOR(skipUntil, flow_skip_until(IN, stream(b, 0)))
OPERATOR(skipLast, flow_skip_last(IN, (size_t)number(b, 0, 0)))
OPERATOR(single, flow_single(IN, PRED(0)))
OPERATOR(find, flow_find(IN, PRED(0), flow_ptr(&jv_undef)))
OPERATOR(findIndex, from_int(flow_find_index(IN, PRED(0))))
OPERATOR(count, from_int(flow_count(IN, PRED(0))))
OPERATOR(min, flow_min(IN, fn(b, 0) == NULL ? NULL : call_compare, fn(b, 0)))
OPERATOR(max, flow_max(IN, fn(b, 0) == NULL ? NULL : call_compare, fn(b, 0)))
OPERATOR(toArray, from_list(flow_to_array(IN)))
OPERATOR(every, from_bool(flow_every(IN, PRED(0))))
OPERATOR(isEmpty, from_bool(flow_is_empty(IN)))
OPERATOR(defaultIfEmpty, flow_default_if_empty(IN, value(b, 0)))
OPERATOR(throwIfEmpty, flow_throw_if_empty(IN, fn(b, 0) == NULL ? NULL : call_action, fn(b, 0)))
OPERATOR(mergeMap, flow_merge_map(IN, T, (size_t)number(b, 1, 0), call_project, fn(b, 0)))
OPERATOR(concatMap, flow_concat_map(IN, T, call_project, fn(b, 0)))
OPERATOR(switchMap, flow_switch_map(IN, T, call_project, fn(b, 0)))
OPERATOR(exhaustMap, flow_exhaust_map(IN, T, call_project, fn(b, 0)))
OPERATOR(mergeAll, flow_merge_all(to_stream(b->world, IN), T, (size_t)number(b, 0, 0)))
OPERATOR(concatAll, flow_concat_all(to_stream(b->world, IN), T))
OPERATOR(switchAll, flow_switch_all(to_stream(b->world, IN), T))
OPERATOR(exhaustAll, flow_exhaust_all(to_stream(b->world, IN), T))
OPERATOR(expand, flow_expand(IN, (size_t)number(b, 1, 0), call_project, fn(b, 0)))
OPERATOR(mergeScan,
         flow_merge_scan(IN, T, (size_t)number(b, 2, 0), value(b, 1), call_fold_project, fn(b, 0)))
OPERATOR(switchScan, flow_switch_scan(IN, T, value(b, 1), call_fold_project, fn(b, 0)))
OPERATOR(bufferCount,
         from_list(flow_buffer_count(IN, (size_t)number(b, 0, 0), (size_t)number(b, 1, 0))))
OPERATOR(buffer, from_list(flow_buffer(IN, stream(b, 0))))
OPERATOR(bufferTime,
         from_list(flow_buffer_time(IN, time_arg(b, 0), time_arg(b, 1), (size_t)number(b, 2, 0))))
OPERATOR(bufferWhen, from_list(flow_buffer_when(IN, call_make, fn(b, 0))))
OPERATOR(bufferToggle, from_list(flow_buffer_toggle(IN, stream(b, 0), call_project, fn(b, 1))))
OPERATOR(window, from_stream(flow_window(IN, stream(b, 0))))
OPERATOR(windowCount,
         from_stream(flow_window_count(IN, (size_t)number(b, 0, 0), (size_t)number(b, 1, 0))))
OPERATOR(windowTime,
         from_stream(flow_window_time(IN, time_arg(b, 0), time_arg(b, 1), (size_t)number(b, 2, 0))))
OPERATOR(windowWhen, from_stream(flow_window_when(IN, call_make, fn(b, 0))))
OPERATOR(windowToggle, from_stream(flow_window_toggle(IN, stream(b, 0), call_project, fn(b, 1))))
OPERATOR(debounceTime, flow_debounce_time(IN, time_arg(b, 0)))
OPERATOR(debounce, flow_debounce(IN, call_project, fn(b, 0)))
OPERATOR(auditTime, flow_audit_time(IN, time_arg(b, 0)))
OPERATOR(audit, flow_audit(IN, call_project, fn(b, 0)))
OPERATOR(sample, flow_sample(IN, stream(b, 0)))
OPERATOR(sampleTime, flow_sample_time(IN, time_arg(b, 0)))
OPERATOR(observeOn, flow_observe_on(IN, (flow_time)(number(b, b->args->count - 1, 0) * 1000)))
OPERATOR(subscribeOn, flow_subscribe_on(IN, (flow_time)(number(b, b->args->count - 1, 0) * 1000)))
OPERATOR(catchError, flow_catch_error(IN, call_catch, fn(b, 0)))
OPERATOR(retryWhen, flow_retry_when(IN, call_with, fn(b, 0)))
OPERATOR(repeatWhen, flow_repeat_when(IN, call_with, fn(b, 0)))
OPERATOR(combineLatestAll,
         fn(b, 0) == NULL
             ? from_list(flow_combine_latest_all(to_stream(b->world, IN), NULL, NULL, NULL))
             : flow_combine_latest_all(to_stream(b->world, IN), T, call_list, fn(b, 0)))
OPERATOR(zipAll, fn(b, 0) == NULL
                     ? from_list(flow_zip_all(to_stream(b->world, IN), NULL, NULL, NULL))
                     : flow_zip_all(to_stream(b->world, IN), T, call_list, fn(b, 0)))
OPERATOR(sequenceEqual,
         from_bool(flow_sequence_equal(IN, stream(b, 0), fn(b, 1) == NULL ? NULL : call_equal,
                                       fn(b, 1))))
OPERATOR(distinct, flow_distinct(IN, T, fn(b, 0) == NULL ? NULL : call_map, fn(b, 0),
                                 arg(b, 1) == NULL ? NULL : stream(b, 1)))

static struct flow_stream *op_scan(const struct builder *b)
{
    flow_val seed = value(b, 1);
    return flow_scan(IN, T, b->args->count > 1 ? &seed : NULL, call_fold, fn(b, 0));
}

static struct flow_stream *op_reduce(const struct builder *b)
{
    flow_val seed = value(b, 1);
    return flow_reduce(IN, T, b->args->count > 1 ? &seed : NULL, call_fold, fn(b, 0));
}

static flow_val get_key(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct jv *member = jv_get(v.p, ud);
    (void)loop; /* nothing to make */
    return flow_ptr(member == NULL ? &jv_undef : member);
}

static struct flow_stream *op_distinctUntilKeyChanged(const struct builder *b)
{
    return flow_distinct_until_key_changed(IN, T, get_key, NULL,
                                           (void *)(uintptr_t)arg(b, 0)->text);
}

struct equal_and_key {
    struct closure *equal, *key;
};

static bool both_equal(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    return call_equal(loop, ((struct equal_and_key *)ud)->equal, a, b);
}

static flow_val both_key(struct flow_loop *loop, void *ud, flow_val v)
{
    return call_map(loop, ((struct equal_and_key *)ud)->key, v);
}

static struct flow_stream *op_distinctUntilChanged(const struct builder *b)
{
    struct equal_and_key *both = pool_alloc(b->world->pool, sizeof *both);
    both->equal = fn(b, 0);
    both->key = fn(b, 1);
    return flow_distinct_until_key_changed(IN, T, both->key == NULL ? NULL : both_key,
                                           both->equal == NULL ? NULL : both_equal, both);
}

static flow_val tap_call(struct flow_loop *loop, void *ud, flow_val v)
{
    return ud == NULL ? v : call_map(loop, ud, v);
}

static struct flow_stream *op_tap(const struct builder *b)
{
    const struct jv *next = has_options(b, 0) ? option(b, 0, "next") : arg(b, 0);
    return flow_tap(IN, &(struct flow_tap){.next = tap_call, .ud = closure_of(b, next)});
}

static struct flow_stream *op_takeWhile(const struct builder *b)
{
    bool inclusive = arg(b, 1) != NULL && jv_truthy(arg(b, 1));
    return inclusive ? flow_take_while_inclusive(IN, PRED(0)) : flow_take_while(IN, PRED(0));
}

static struct flow_stream *op_first(const struct builder *b)
{
    flow_val fallback = value(b, 1);
    return flow_first(IN, PRED(0), b->args->count > 1 ? &fallback : NULL);
}

static struct flow_stream *op_last(const struct builder *b)
{
    flow_val fallback = value(b, 1);
    return flow_last(IN, PRED(0), b->args->count > 1 ? &fallback : NULL);
}

static struct flow_stream *op_elementAt(const struct builder *b)
{
    flow_val fallback = value(b, 1);
    return flow_element_at(IN, (uint64_t)number(b, 0, 0), b->args->count > 1 ? &fallback : NULL);
}

static struct flow_stream *with_values(const struct builder *b, bool start)
{
    flow_val values[INPUTS_MAX];
    size_t count = b->args->count < INPUTS_MAX ? b->args->count : INPUTS_MAX;
    for (size_t i = 0; i < count; i++) {
        values[i] = value(b, i);
    }
    return start ? flow_start_with(IN, values, count) : flow_end_with(IN, values, count);
}
OPERATOR(startWith, with_values(b, true))
OPERATOR(endWith, with_values(b, false))

static struct flow_stream *op_delay(const struct builder *b)
{
    const struct jv *date = jv_get(arg(b, 0), "date");
    return date != NULL ? flow_delay_until(IN, time_of_ms(date)) : flow_delay(IN, time_arg(b, 0));
}

static struct flow_stream *op_delayWhen(const struct builder *b)
{
    return flow_delay_when(IN, call_project, fn(b, 0), arg(b, 1) == NULL ? NULL : stream(b, 1));
}

static enum flow_edges edges(const struct builder *b, size_t index)
{
    const struct jv *leading = option(b, index, "leading");
    const struct jv *trailing = option(b, index, "trailing");
    unsigned bits = leading == NULL || jv_truthy(leading) ? FLOW_LEADING : 0;
    bits |= trailing != NULL && jv_truthy(trailing) ? FLOW_TRAILING : 0;
    return (enum flow_edges)bits;
}

static struct flow_stream *op_throttleTime(const struct builder *b)
{
    return flow_throttle_time(IN, time_arg(b, 0), edges(b, has_options(b, 1) ? 1 : 2));
}
OPERATOR(throttle, flow_throttle(IN, edges(b, 1), call_project, fn(b, 0)))

static flow_time some_time(const struct jv *v)
{
    return v == NULL ? 0 : time_of_ms(jv_get(v, "date") != NULL ? jv_get(v, "date") : v);
}

struct with_stream {
    struct closure *closure;
    struct flow_stream *stream;
};

static struct flow_stream *make_with(struct flow_loop *loop, void *ud)
{
    struct with_stream *with = ud;
    return with->stream != NULL ? with->stream : call_make(loop, with->closure);
}

static struct flow_stream *op_timeout(const struct builder *b)
{
    struct flow_timeout opts = {0};
    const struct jv *first = has_options(b, 0) ? option(b, 0, "first") : NULL;
    const struct jv *with = has_options(b, 0) ? option(b, 0, "with") : NULL;
    if (jv_get(arg(b, 0), "date") != NULL) {
        first = arg(b, 0);
    } else {
        opts.each = some_time(has_options(b, 0) ? option(b, 0, "each") : arg(b, 0));
    }
    opts.first = some_time(first);
    opts.first_at = jv_get(first, "date") != NULL;
    if (with != NULL) {
        struct with_stream *made = pool_alloc(b->world->pool, sizeof *made);
        made->closure = closure_of(b, with);
        made->stream = made->closure == NULL ? build_argument(b->world, with) : NULL;
        opts.with = make_with;
        opts.ud = made;
    }
    return flow_timeout(IN, &opts);
}

static uint64_t times(const struct jv *v)
{
    return v == NULL || v->kind != JV_NUMBER ? UINT64_MAX : (uint64_t)v->number;
}

static struct flow_stream *op_retry(const struct builder *b)
{
    const struct jv *delay = option(b, 0, "delay");
    const struct jv *reset = option(b, 0, "resetOnSuccess");
    struct flow_retry opts = {
        .count = times(has_options(b, 0) ? option(b, 0, "count") : arg(b, 0)),
        .has_delay = delay != NULL,
        .delay = some_time(delay),
        .delay_by = closure_of(b, delay) != NULL ? call_catch : NULL,
        .reset_on_success = reset != NULL && jv_truthy(reset),
        .ud = closure_of(b, delay),
    };
    return flow_retry(IN, &opts);
}

static struct flow_stream *repeat_delay(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct jv *args[2] = {jv_number(loop, (double)v.i), jv_number(loop, (double)v.i)};
    return closure_stream(ud, args, 2);
}

static struct flow_stream *op_repeat(const struct builder *b)
{
    const struct jv *delay = option(b, 0, "delay");
    struct flow_repeat opts = {
        .count = times(has_options(b, 0) ? option(b, 0, "count") : arg(b, 0)),
        .has_delay = delay != NULL,
        .delay = some_time(delay),
        .delay_by = closure_of(b, delay) != NULL ? repeat_delay : NULL,
        .ud = closure_of(b, delay),
    };
    return flow_repeat(IN, &opts);
}

/* ---- sharing ---- */

struct resets {
    struct with_stream error, complete, zero;
};

static struct with_stream reset_of(const struct builder *b, const struct jv *v)
{
    struct with_stream with = {.closure = closure_of(b, v)};
    if (v != NULL && with.closure == NULL && v->kind != JV_BOOL) {
        with.stream = build_argument(b->world, v);
    }
    return with;
}

static bool keeps(const struct jv *v)
{
    return v != NULL && v->kind == JV_BOOL && !jv_truthy(v);
}

static struct flow_stream *reset_call(struct flow_loop *loop, const struct with_stream *with)
{
    return with->stream != NULL ? with->stream : call_make(loop, with->closure);
}

static struct flow_stream *reset_error(struct flow_loop *loop, void *ud,
                                       const struct flow_error *error, struct flow_stream *caught)
{
    (void)error; /* the vocabulary does not look at it */
    (void)caught;
    return reset_call(loop, &((struct resets *)ud)->error);
}

static struct flow_stream *reset_complete(struct flow_loop *loop, void *ud,
                                          const struct flow_error *error,
                                          struct flow_stream *caught)
{
    (void)error; /* there is none */
    (void)caught;
    return reset_call(loop, &((struct resets *)ud)->complete);
}

static struct flow_stream *reset_zero(struct flow_loop *loop, void *ud,
                                      const struct flow_error *error, struct flow_stream *caught)
{
    (void)error; /* there is none */
    (void)caught;
    return reset_call(loop, &((struct resets *)ud)->zero);
}

static bool given(const struct with_stream *with)
{
    return with->stream != NULL || with->closure != NULL;
}

static struct flow_stream *op_share(const struct builder *b)
{
    const struct jv *on_error = option(b, 0, "resetOnError");
    const struct jv *on_complete = option(b, 0, "resetOnComplete");
    const struct jv *on_zero = option(b, 0, "resetOnRefCountZero");
    struct resets *resets = pool_alloc(b->world->pool, sizeof *resets);
    resets->error = reset_of(b, on_error);
    resets->complete = reset_of(b, on_complete);
    resets->zero = reset_of(b, on_zero);
    struct flow_share_opts opts = {
        .connector = connector(option(b, 0, "connector")),
        .keep_on_error = keeps(on_error),
        .keep_on_complete = keeps(on_complete),
        .keep_on_zero = keeps(on_zero),
        .reset_on_error = given(&resets->error) ? reset_error : NULL,
        .reset_on_complete = given(&resets->complete) ? reset_complete : NULL,
        .reset_on_zero = given(&resets->zero) ? reset_zero : NULL,
        .ud = resets,
    };
    return flow_share(IN, &opts);
}

static struct flow_stream *op_shareReplay(const struct builder *b)
{
    bool options = has_options(b, 0);
    const struct jv *window = options ? option(b, 0, "windowTime") : arg(b, 1);
    const struct jv *ref_count = options ? option(b, 0, "refCount") : NULL;
    const struct jv *size = options ? option(b, 0, "bufferSize") : arg(b, 0);
    flow_time span = window == NULL || window->kind != JV_NUMBER ? 0 : time_of_ms(window);
    return flow_share_replay(IN, (size_t)number_or(size, 0), span,
                             ref_count != NULL && jv_truthy(ref_count));
}

static struct flow_stream *op_connect(const struct builder *b)
{
    struct flow_subject_opts opts = connector(option(b, 1, "connector"));
    return flow_connect(IN, T, &opts, call_with, fn(b, 0));
}

struct group_fns {
    struct closure *key, *element, *duration;
    struct flow_stream *duration_stream;
};

static flow_val group_key(struct flow_loop *loop, void *ud, flow_val v)
{
    return call_map(loop, ((struct group_fns *)ud)->key, v);
}

static flow_val group_element(struct flow_loop *loop, void *ud, flow_val v)
{
    return call_map(loop, ((struct group_fns *)ud)->element, v);
}

static struct flow_stream *group_duration(struct flow_loop *loop, void *ud,
                                          struct flow_stream *group)
{
    const struct group_fns *fns = ud;
    return fns->duration_stream != NULL ? fns->duration_stream
                                        : call_with(loop, fns->duration, group);
}

static struct flow_stream *op_groupBy(const struct builder *b)
{
    bool options = has_options(b, 1);
    const struct jv *element = options ? option(b, 1, "element") : arg(b, 1);
    const struct jv *duration = options ? option(b, 1, "duration") : arg(b, 2);
    struct group_fns *fns = pool_alloc(b->world->pool, sizeof *fns);
    fns->key = fn(b, 0);
    fns->element = closure_of(b, element);
    fns->duration = closure_of(b, duration);
    if (duration != NULL && fns->duration == NULL) {
        fns->duration_stream = build_argument(b->world, duration);
    }
    struct flow_group_opts opts = {
        .key_type = T,
        .key = group_key,
        .element_type = T,
        .element = fns->element == NULL ? NULL : group_element,
        .duration = duration == NULL ? NULL : group_duration,
        .connector = connector(options ? option(b, 1, "connector") : arg(b, 3)),
        .ud = fns,
    };
    return from_group(flow_group_by(IN, &opts));
}

/* ---- several streams ---- */

typedef struct flow_stream *join_fn(struct flow_region *region, struct flow_stream *const *in,
                                    size_t count, const struct flow_type *out, flow_list_fn *fn,
                                    void *ud);

static struct flow_stream *joined(const struct builder *b, join_fn *join)
{
    struct inputs inputs = inputs_from(b, 0, IN);
    if (inputs.fn != NULL) {
        return join(b->region, inputs.streams, inputs.count, T, call_list, inputs.fn);
    }
    return from_list(join(b->region, inputs.streams, inputs.count, NULL, NULL, NULL));
}

static struct flow_stream *joined_object(const struct builder *b, join_fn *join)
{
    const struct jv *object = jv_get(arg(b, 0), "cfg");
    struct inputs inputs = inputs_of_object(b, object);
    struct flow_stream *made = join(b->region, inputs.streams, inputs.count, NULL, NULL, NULL);
    return from_keys(b->world, made, object);
}
OPERATOR(combineLatest, joined(b, flow_combine_latest))
OPERATOR(combineLatestObj, joined_object(b, flow_combine_latest))
OPERATOR(zip, joined(b, flow_zip))
OPERATOR(forkJoin, joined(b, flow_fork_join))
OPERATOR(forkJoinObj, joined_object(b, flow_fork_join))

typedef struct flow_stream *choose_fn(struct flow_region *region, struct flow_stream *const *in,
                                      size_t count);

static struct flow_stream *chosen(const struct builder *b, choose_fn *choose)
{
    struct inputs inputs = inputs_from(b, 0, IN);
    if (inputs.count == 0) {
        return flow_empty(b->region, T);
    }
    return choose(b->region, inputs.streams, inputs.count);
}
OPERATOR(concat, chosen(b, flow_concat))
OPERATOR(race, chosen(b, flow_race))
OPERATOR(onErrorResumeNext, chosen(b, flow_on_error_resume_next))

static struct flow_stream *op_merge(const struct builder *b)
{
    struct inputs inputs = inputs_from(b, 0, IN);
    return flow_merge(b->region, 0, inputs.streams, inputs.count);
}

static struct flow_stream *op_mergeN(const struct builder *b)
{
    struct inputs inputs = inputs_from(b, 1, IN);
    return flow_merge(b->region, (size_t)number(b, 0, 0), inputs.streams, inputs.count);
}

static struct flow_stream *op_withLatestFrom(const struct builder *b)
{
    struct inputs inputs = inputs_from(b, 0, NULL);
    if (inputs.fn != NULL) {
        return flow_with_latest_from(IN, inputs.streams, inputs.count, T, call_list, inputs.fn);
    }
    return from_list(flow_with_latest_from(IN, inputs.streams, inputs.count, NULL, NULL, NULL));
}

/* ---- creation ---- */

static struct flow_stream *op_of(const struct builder *b)
{
    flow_val values[INPUTS_MAX];
    size_t count = b->args->count < INPUTS_MAX ? b->args->count : INPUTS_MAX;
    for (size_t i = 0; i < count; i++) {
        values[i] = value(b, i);
    }
    return flow_from(b->region, T, values, count);
}

static struct flow_stream *op_throwError(const struct builder *b)
{
    struct text text = {0};
    if (fn(b, 0) != NULL) {
        text_put(&text, "\"made\"");
    } else {
        text_put_jv(&text, value(b, 0).p);
    }
    struct flow_stream *made = flow_throw(b->region, T, FLOW_ERROR_USER, "%s", text.bytes);
    free(text.bytes);
    return made;
}

static struct flow_stream *op_timer(const struct builder *b)
{
    const struct jv *date = jv_get(arg(b, 0), "date");
    flow_time period = arg(b, 1) == NULL ? FLOW_NEVER : time_arg(b, 1);
    if (date != NULL) {
        return from_int(flow_timer_at(b->region, time_of_ms(date), period));
    }
    return from_int(flow_timer(b->region, arg(b, 0) == NULL ? 0 : time_arg(b, 0), period));
}

static bool constant_test(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)v;
    return ud != NULL;
}

static struct flow_stream *op_iif(const struct builder *b)
{
    if (fn(b, 0) != NULL) {
        return flow_iif(call_pred, fn(b, 0), stream(b, 1), stream(b, 2));
    }
    void *yes = jv_truthy(jv_at(b->args, 0)) ? b->world : NULL;
    return flow_iif(constant_test, yes, stream(b, 1), stream(b, 2));
}

static struct flow_stream *parted(const struct builder *b, size_t which)
{
    struct flow_stream *parts[2];
    flow_partition(stream(b, 0), PRED(1), parts);
    return parts[which];
}

static struct flow_stream *using_open(struct flow_loop *loop, void *ud, void **out_resource)
{
    const struct with_stream *with = ud;
    *out_resource = ud;
    return with->stream != NULL ? with->stream : call_make(loop, with->closure);
}

static void using_close(struct flow_loop *loop, void *ud, void *resource)
{
    (void)loop; /* the resource is the description */
    (void)ud;
    (void)resource;
}

static struct flow_stream *op_using(const struct builder *b)
{
    struct with_stream *with = pool_alloc(b->world->pool, sizeof *with);
    size_t last = b->args->count - 1;
    with->closure = fn(b, last);
    with->stream = with->closure == NULL ? stream(b, last) : NULL;
    return flow_using(b->region, T, using_open, using_close, with);
}

struct generate_fns {
    struct closure *goes_on, *step;
};

static bool generate_goes_on(struct flow_loop *loop, void *ud, flow_val v)
{
    return call_pred(loop, ((struct generate_fns *)ud)->goes_on, v);
}

static flow_val generate_step(struct flow_loop *loop, void *ud, flow_val v)
{
    return call_map(loop, ((struct generate_fns *)ud)->step, v);
}

static struct flow_stream *op_generate(const struct builder *b)
{
    struct generate_fns *fns = pool_alloc(b->world->pool, sizeof *fns);
    fns->goes_on = fn(b, 1);
    fns->step = fn(b, 2);
    return flow_generate(b->region, T, value(b, 0), fns->goes_on == NULL ? NULL : generate_goes_on,
                         generate_step, fns);
}

OPERATOR(empty, flow_empty(b->region, T))
OPERATOR(never, flow_never(b->region, T))
OPERATOR(fromArray, jv_to_stream(b->world, value(b, 0).p))
OPERATOR(interval, from_int(flow_interval(b->region, arg(b, 0) == NULL ? 0 : time_arg(b, 0))))
OPERATOR(range, from_int(b->args->count > 1
                             ? flow_range(b->region, (int64_t)number(b, 0, 0),
                                          number(b, 1, 0) < 0 ? 0 : (uint64_t)number(b, 1, 0))
                             : flow_range(b->region, 0, (uint64_t)number(b, 0, 0))))
OPERATOR(defer, flow_defer(b->region, T, call_make, fn(b, 0)))
OPERATOR(partition0, parted(b, 0))
OPERATOR(partition1, parted(b, 1))

#define ENTRY(name_)                                                                               \
    {                                                                                              \
#name_, op_##name_                                                                         \
    }
static const struct operator_entry {
    const char *name;
    build_fn *build;
} operators[] = {
    ENTRY(audit),
    ENTRY(auditTime),
    ENTRY(buffer),
    ENTRY(bufferCount),
    ENTRY(bufferTime),
    ENTRY(bufferToggle),
    ENTRY(bufferWhen),
    ENTRY(catchError),
    ENTRY(combineLatest),
    ENTRY(combineLatestAll),
    ENTRY(combineLatestObj),
    {"combineLatestWith", op_combineLatest},
    ENTRY(concat),
    ENTRY(concatAll),
    ENTRY(concatMap),
    {"concatWith", op_concat},
    ENTRY(connect),
    ENTRY(count),
    ENTRY(debounce),
    ENTRY(debounceTime),
    ENTRY(defaultIfEmpty),
    ENTRY(defer),
    ENTRY(delay),
    ENTRY(delayWhen),
    ENTRY(dematerialize),
    ENTRY(distinct),
    ENTRY(distinctUntilChanged),
    ENTRY(distinctUntilKeyChanged),
    ENTRY(elementAt),
    ENTRY(empty),
    {"EMPTY", op_empty},
    ENTRY(endWith),
    ENTRY(every),
    ENTRY(exhaustAll),
    ENTRY(exhaustMap),
    ENTRY(expand),
    ENTRY(filter),
    ENTRY(finalize),
    ENTRY(find),
    ENTRY(findIndex),
    ENTRY(first),
    ENTRY(forkJoin),
    ENTRY(forkJoinObj),
    {"from", op_fromArray},
    ENTRY(fromArray),
    ENTRY(generate),
    ENTRY(groupBy),
    ENTRY(ignoreElements),
    ENTRY(iif),
    ENTRY(interval),
    ENTRY(isEmpty),
    ENTRY(last),
    ENTRY(map),
    ENTRY(mapTo),
    ENTRY(materialize),
    ENTRY(max),
    ENTRY(merge),
    ENTRY(mergeAll),
    ENTRY(mergeMap),
    ENTRY(mergeN),
    ENTRY(mergeScan),
    {"mergeWith", op_merge},
    ENTRY(min),
    ENTRY(never),
    {"NEVER", op_never},
    ENTRY(observeOn),
    ENTRY(of),
    ENTRY(onErrorResumeNext),
    {"onErrorResumeNextWith", op_onErrorResumeNext},
    ENTRY(pairwise),
    ENTRY(partition0),
    ENTRY(partition1),
    ENTRY(race),
    {"raceWith", op_race},
    ENTRY(range),
    ENTRY(reduce),
    ENTRY(repeat),
    ENTRY(repeatWhen),
    ENTRY(retry),
    ENTRY(retryWhen),
    ENTRY(sample),
    ENTRY(sampleTime),
    ENTRY(scan),
    ENTRY(sequenceEqual),
    ENTRY(share),
    ENTRY(shareReplay),
    ENTRY(single),
    ENTRY(skip),
    ENTRY(skipLast),
    ENTRY(skipUntil),
    ENTRY(skipWhile),
    ENTRY(startWith),
    ENTRY(subscribeOn),
    ENTRY(switchAll),
    ENTRY(switchMap),
    ENTRY(switchScan),
    ENTRY(take),
    ENTRY(takeLast),
    ENTRY(takeUntil),
    ENTRY(takeWhile),
    ENTRY(tap),
    ENTRY(throttle),
    ENTRY(throttleTime),
    ENTRY(throwError),
    ENTRY(throwIfEmpty),
    ENTRY(timeInterval),
    ENTRY(timeout),
    ENTRY(timer),
    ENTRY(timestamp),
    ENTRY(toArray),
    ENTRY(using),
    ENTRY(window),
    ENTRY(windowCount),
    ENTRY(windowTime),
    ENTRY(windowToggle),
    ENTRY(windowWhen),
    ENTRY(withLatestFrom),
    ENTRY(zip),
    ENTRY(zipAll),
    {"zipWith", op_zip},
};

static struct flow_stream *build_one(struct world *world, const char *name, struct flow_stream *in,
                                     const struct jv *args)
{
    static const struct jv none = {.kind = JV_ARRAY};
    struct builder b = {
        .world = world,
        .region = world->region,
        .in = in,
        .args = args == NULL ? &none : args,
    };
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].name, name) == 0) {
            return operators[i].build(&b);
        }
    }
    world_problem(world, "no operator %s", name);
    return NULL;
}

struct flow_stream *build(struct world *world, const struct jv *expr)
{
    if (expr == NULL) {
        return NULL;
    }
    if (expr->kind == JV_STRING) {
        return world_find(world, expr->text);
    }
    if (jv_get(expr, "create") != NULL) {
        return build_one(world, jv_get(expr, "create")->text, NULL, jv_get(expr, "args"));
    }
    if (jv_get(expr, "in") == NULL) {
        return build_argument(world, expr);
    }
    struct flow_stream *made = build(world, jv_get(expr, "in"));
    const struct jv *pipe = jv_get(expr, "pipe");
    for (size_t i = 0; made != NULL && pipe != NULL && i < pipe->count; i++) {
        const struct jv *step = pipe->items[i];
        made = build_one(world, jv_get(step, "op")->text, made, jv_get(step, "args"));
    }
    return made;
}
