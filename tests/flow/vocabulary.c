/* vocabulary.c - the functions that recorded cases name. */
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct call {
    struct world *world;
    struct flow_loop *loop;
    const struct jv *spec; /* "name", or ["name", parameters] */
    const struct jv *const *args;
    size_t count;
};

static const struct jv *parameter(const struct call *call, size_t index)
{
    const struct jv *v = jv_at(call->spec, index + 1);
    return v == NULL ? &jv_undef : v;
}

static double number_parameter(const struct call *call, size_t index)
{
    return parameter(call, index)->number;
}

static const struct jv *argument(const struct call *call, size_t index)
{
    return index < call->count ? call->args[index] : &jv_undef;
}

static const struct jv *boom(const struct call *call)
{
    flow_fail(call->loop, FLOW_ERROR_USER, "\"boom\"");
    return &jv_undef;
}

static const struct jv *number(const struct call *call, double value)
{
    return jv_number(call->loop, value);
}

/* ---- values ---- */

static const struct jv *do_id(const struct call *call)
{
    return argument(call, 0);
}
static const struct jv *do_add(const struct call *call)
{
    return number(call, argument(call, 0)->number + number_parameter(call, 0));
}
static const struct jv *do_mul(const struct call *call)
{
    return number(call, argument(call, 0)->number * number_parameter(call, 0));
}
static const struct jv *do_mod(const struct call *call)
{
    return number(call, fmod(argument(call, 0)->number, number_parameter(call, 0)));
}
static const struct jv *do_even(const struct call *call)
{
    return jv_bool(call->loop, fmod(argument(call, 0)->number, 2) == 0);
}
static const struct jv *do_odd(const struct call *call)
{
    return jv_bool(call->loop, fmod(argument(call, 0)->number, 2) != 0);
}
static const struct jv *do_gt(const struct call *call)
{
    return jv_bool(call->loop, argument(call, 0)->number > number_parameter(call, 0));
}
static const struct jv *do_lt(const struct call *call)
{
    return jv_bool(call->loop, argument(call, 0)->number < number_parameter(call, 0));
}
static const struct jv *do_eq(const struct call *call)
{
    return jv_bool(call->loop, jv_equal(argument(call, 0), parameter(call, 0)));
}
static const struct jv *do_const(const struct call *call)
{
    return parameter(call, 0);
}
static const struct jv *do_with_index(const struct call *call)
{
    const struct jv *pair[2] = {argument(call, 0), number(call, (double)flow_index(call->loop))};
    return jv_array(call->loop, pair, 2);
}
static const struct jv *do_index_lt(const struct call *call)
{
    return jv_bool(call->loop, (double)flow_index(call->loop) < number_parameter(call, 0));
}
static const struct jv *do_throw_if(const struct call *call)
{
    if (jv_equal(argument(call, 0), parameter(call, 0))) {
        return boom(call);
    }
    const struct jv *then = jv_at(call->spec, 2);
    struct closure closure = {.world = call->world, .spec = then};
    return then == NULL ? argument(call, 0) : closure_call(&closure, call->args, call->count);
}
static const struct jv *do_throw_always(const struct call *call)
{
    return boom(call);
}
static const struct jv *do_err_new(const struct call *call)
{
    flow_fail(call->loop, FLOW_ERROR_USER, "\"made\"");
    return &jv_undef;
}
static const struct jv *do_sum(const struct call *call)
{
    return number(call, argument(call, 0)->number + argument(call, 1)->number);
}
static const struct jv *do_minus(const struct call *call)
{
    return number(call, argument(call, 0)->number - argument(call, 1)->number);
}
static const struct jv *do_sum_throw(const struct call *call)
{
    return jv_equal(argument(call, 1), parameter(call, 0)) ? boom(call) : do_sum(call);
}
static const struct jv *do_append(const struct call *call)
{
    const struct jv *list = argument(call, 0);
    const struct jv **items = flow_alloc(call->loop, (list->count + 1) * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        items[i] = list->items[i];
    }
    items[list->count] = argument(call, 1);
    return jv_array(call->loop, items, list->count + 1);
}
static const struct jv *do_list(const struct call *call)
{
    return jv_array(call->loop, call->args, call->count);
}
static const struct jv *do_sum_all(const struct call *call)
{
    double total = 0;
    for (size_t i = 0; i < call->count; i++) {
        const struct jv *v = call->args[i];
        for (size_t k = 0; v->kind == JV_ARRAY && k < v->count; k++) {
            total += v->items[k]->number;
        }
        total += v->kind == JV_ARRAY ? 0 : v->number;
    }
    return number(call, total);
}
static const struct jv *do_eq2(const struct call *call)
{
    return jv_bool(call->loop, jv_equal(argument(call, 0), argument(call, 1)));
}
static const struct jv *do_eq_mod2(const struct call *call)
{
    double k = number_parameter(call, 0);
    return jv_bool(call->loop,
                   fmod(argument(call, 0)->number, k) == fmod(argument(call, 1)->number, k));
}
static const struct jv *do_cmp_mod(const struct call *call)
{
    double k = number_parameter(call, 0);
    return number(call, fmod(argument(call, 0)->number, k) - fmod(argument(call, 1)->number, k));
}
static const struct jv *do_not(const struct call *call)
{
    return jv_bool(call->loop, !jv_truthy(argument(call, 0)));
}

static const struct value_fn {
    const char *name;
    const struct jv *(*call)(const struct call *call);
} value_fns[] = {
    {"id", do_id},
    {"add", do_add},
    {"mul", do_mul},
    {"mod", do_mod},
    {"even", do_even},
    {"odd", do_odd},
    {"gt", do_gt},
    {"lt", do_lt},
    {"eq", do_eq},
    {"const", do_const},
    {"withIndex", do_with_index},
    {"indexLt", do_index_lt},
    {"throwIf", do_throw_if},
    {"throwAlways", do_throw_always},
    {"errNew", do_err_new},
    {"sum", do_sum},
    {"minus", do_minus},
    {"sumThrow", do_sum_throw},
    {"append", do_append},
    {"list", do_list},
    {"sumAll", do_sum_all},
    {"eq2", do_eq2},
    {"eqMod2", do_eq_mod2},
    {"cmpMod", do_cmp_mod},
    {"not", do_not},
};

static const char *fn_name(const struct jv *spec)
{
    if (spec != NULL && spec->kind == JV_ARRAY && spec->count > 0) {
        spec = spec->items[0];
    }
    return spec != NULL && spec->kind == JV_STRING ? spec->text : "?";
}

struct closure *closure_new(struct world *world, const struct jv *spec)
{
    struct closure *closure = pool_alloc(world->pool, sizeof *closure);
    *closure = (struct closure){.world = world, .spec = spec};
    return closure;
}

const struct jv *closure_call(const struct closure *closure, const struct jv *const *args,
                              size_t count)
{
    struct world *world = closure->world;
    const char *name = fn_name(closure->spec);
    struct call call = {world, world->loop, closure->spec, args, count};
    for (size_t i = 0; i < sizeof value_fns / sizeof *value_fns; i++) {
        if (strcmp(value_fns[i].name, name) == 0) {
            return value_fns[i].call(&call);
        }
    }
    world_problem(world, "no function %s", name);
    return &jv_undef;
}

/* ---- streams ---- */

static struct flow_stream *of(const struct call *call, const struct jv *v)
{
    return flow_of(flow_here(call->loop), &jv_type, flow_ptr(v));
}

static struct flow_stream *picked(const struct call *call, const struct jv *v)
{
    struct text key = {0};
    const struct jv *choices = parameter(call, 0);
    if (v->kind == JV_STRING) {
        text_put(&key, "%s", v->text);
    } else {
        text_put_jv(&key, v);
    }
    const struct jv *choice = jv_get(choices, key.bytes);
    choice = choice != NULL ? choice : jv_get(choices, "*");
    free(key.bytes);
    return choice == NULL ? NULL : world_find(call->world, choice->text);
}

static struct flow_stream *do_pick(const struct call *call)
{
    return picked(call, argument(call, 0));
}
static struct flow_stream *do_src(const struct call *call)
{
    return world_find(call->world, parameter(call, 0)->text);
}

struct adder {
    struct world *world;
    double base;
};

static flow_val add_base(struct flow_loop *loop, void *ud, flow_val v)
{
    return flow_ptr(jv_number(loop, ((struct adder *)ud)->base + jv_of(v)->number));
}

/* A description that lives in the inner region, though its input belongs to the case. */
static struct flow_stream *here(struct flow_loop *loop, struct flow_stream *in)
{
    return flow_merge(flow_here(loop), 1, &in, 1);
}

static struct flow_stream *do_acc_pick(const struct call *call)
{
    struct flow_stream *chosen = picked(call, argument(call, 1));
    struct adder *adder = pool_alloc(call->world->pool, sizeof *adder);
    adder->base = argument(call, 0)->number;
    return chosen == NULL ? NULL : flow_map(chosen, &jv_type, add_base, adder);
}

static struct flow_stream *do_expand_mul(const struct call *call)
{
    double value = argument(call, 0)->number * number_parameter(call, 0);
    struct flow_region *region = flow_here(call->loop);
    if (value > number_parameter(call, 1)) {
        return flow_empty(region, &jv_type);
    }
    return flow_delay(of(call, number(call, value)), FLOW_MS(1));
}
static struct flow_stream *do_to_of(const struct call *call)
{
    return of(call, argument(call, 0));
}
static struct flow_stream *do_value_of(const struct call *call)
{
    return of(call, parameter(call, 0));
}
static struct flow_stream *do_retry_timer(const struct call *call)
{
    double k = number_parameter(call, 0);
    double i = call->count > 1 ? argument(call, 1)->number : (double)flow_index(call->loop);
    return from_int(flow_timer(flow_here(call->loop), FLOW_MS(k * i), FLOW_NEVER));
}
static struct flow_stream *do_once(const struct call *call)
{
    return of(call, number(call, argument(call, 0)->number * 10));
}
static struct flow_stream *do_later(const struct call *call)
{
    return flow_delay(do_once(call), FLOW_MS(number_parameter(call, 0)));
}

static const struct stream_fn {
    const char *name;
    struct flow_stream *(*call)(const struct call *call);
} stream_fns[] = {
    {"pick", do_pick},
    {"src", do_src},
    {"accPick", do_acc_pick},
    {"expandMul", do_expand_mul},
    {"toOf", do_to_of},
    {"valueOf", do_value_of},
    {"retryTimer", do_retry_timer},
    {"once", do_once},
    {"later", do_later},
};

struct flow_stream *jv_to_stream(struct world *world, const struct jv *v)
{
    if (v->kind == JV_STREAM) {
        return v->stream;
    }
    if (v->kind == JV_OBJECT && jv_get(v, "src") != NULL) {
        return world_find(world, jv_get(v, "src")->text);
    }
    if (v->kind != JV_ARRAY) {
        return NULL;
    }
    flow_val *values = malloc((v->count + 1) * sizeof *values);
    for (size_t i = 0; i < v->count; i++) {
        values[i] = flow_ptr(v->items[i]);
    }
    struct flow_stream *stream = flow_from(world->region, &jv_type, values, v->count);
    free(values);
    return stream;
}

struct flow_stream *closure_stream(const struct closure *closure, const struct jv *const *args,
                                   size_t count)
{
    struct world *world = closure->world;
    const char *name = fn_name(closure->spec);
    struct call call = {world, world->loop, closure->spec, args, count};
    for (size_t i = 0; i < sizeof stream_fns / sizeof *stream_fns; i++) {
        if (strcmp(stream_fns[i].name, name) == 0) {
            return stream_fns[i].call(&call);
        }
    }
    return jv_to_stream(world, closure_call(closure, args, count));
}

/* ---- callbacks ---- */

flow_val call_map(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the world has it */
    const struct jv *args[1] = {v.p};
    return flow_ptr(closure_call(ud, args, 1));
}

bool call_pred(struct flow_loop *loop, void *ud, flow_val v)
{
    return jv_truthy(call_map(loop, ud, v).p);
}

flow_val call_fold(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    (void)loop; /* the world has it */
    const struct jv *args[2] = {state.p, v.p};
    return flow_ptr(closure_call(ud, args, 2));
}

struct flow_stream *call_project(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the world has it */
    const struct jv *args[1] = {v.p};
    return closure_stream(ud, args, 1);
}

struct flow_stream *call_fold_project(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    (void)loop; /* the world has it */
    const struct jv *args[2] = {state.p, v.p};
    return closure_stream(ud, args, 2);
}

bool call_equal(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    return jv_truthy(call_fold(loop, ud, a, b).p);
}

int call_compare(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    double order = jv_of(call_fold(loop, ud, a, b))->number;
    return (order > 0) - (order < 0);
}

flow_val call_list(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    const struct jv **args = flow_alloc(loop, (count + 1) * sizeof *args);
    for (size_t i = 0; i < count; i++) {
        args[i] = v[i].p;
    }
    return flow_ptr(closure_call(ud, args, count));
}

struct flow_stream *call_make(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the world has it */
    return closure_stream(ud, NULL, 0);
}

void call_action(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the world has it */
    closure_call(ud, NULL, 0);
}

struct flow_stream *call_catch(struct flow_loop *loop, void *ud, const struct flow_error *error,
                               struct flow_stream *caught)
{
    const struct closure *closure = ud;
    const char *name = fn_name(closure->spec);
    if (strcmp(name, "caught") == 0) {
        return caught;
    }
    if (strcmp(name, "rethrow") == 0) {
        flow_fail(loop, error->code, "%s", error->text);
        return NULL;
    }
    return closure_stream(closure, NULL, 0);
}

static flow_val times_ten(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_ptr(jv_number(loop, jv_of(v)->number * 10));
}

struct flow_stream *call_with(struct flow_loop *loop, void *ud, struct flow_stream *in)
{
    const struct closure *closure = ud;
    const char *name = fn_name(closure->spec);
    const struct jv *first = jv_at(closure->spec, 1);
    if (strcmp(name, "notifyTake") == 0) {
        return flow_take(in, (uint64_t)first->number);
    }
    if (strcmp(name, "notifyDelay") == 0) {
        return flow_delay(in, FLOW_MS(first->number));
    }
    if (strcmp(name, "pipeConcatSelf") == 0) {
        return flow_concat(flow_here(loop), (struct flow_stream *[]){in, in}, 2);
    }
    if (strcmp(name, "pipeMergeTake") == 0) {
        struct flow_stream *both[2] = {flow_take(in, (uint64_t)first->number),
                                       flow_map(in, &jv_type, times_ten, NULL)};
        return flow_merge(flow_here(loop), 0, both, 2);
    }
    if (strcmp(name, "id") == 0) {
        return here(loop, in);
    }
    return closure_stream(closure, NULL, 0);
}
