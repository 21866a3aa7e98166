#include "domain/script/worker/live/call.h"

#include <assert.h>

#define ARGUMENTS_MAX 32

static JSValueRef number(double value)
{
    return JSValueMakeNumber(live.context, value);
}

static JSValueRef index_now(const struct flow_loop *loop)
{
    return number((double)flow_index(loop));
}

/* NULL: it threw, and the callback has failed. */
static JSValueRef call(struct flow_loop *loop, void *ud, const JSValueRef *arguments, size_t count)
{
    JSValueRef thrown = NULL;
    JSValueRef result = JSObjectCallAsFunction(live.context, ud, NULL, count, arguments, &thrown);
    if (thrown != NULL) {
        live_fail(loop, thrown);
        return NULL;
    }
    return result;
}

static bool is_true(JSValueRef value)
{
    return value != NULL && JSValueToBoolean(live.context, value);
}

flow_val live_call_map(struct flow_loop *loop, void *ud, flow_val v)
{
    return flow_ptr(call(loop, ud, (JSValueRef[]){live_js(v), index_now(loop)}, 2));
}

bool live_call_pred(struct flow_loop *loop, void *ud, flow_val v)
{
    return is_true(call(loop, ud, (JSValueRef[]){live_js(v), index_now(loop)}, 2));
}

flow_val live_call_fold(struct flow_loop *loop, void *ud, flow_val state, flow_val v)
{
    JSValueRef arguments[] = {live_js(state), live_js(v), index_now(loop)};
    return flow_ptr(call(loop, ud, arguments, 3));
}

bool live_call_equal(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    return is_true(call(loop, ud, (JSValueRef[]){live_js(a), live_js(b)}, 2));
}

int live_call_compare(struct flow_loop *loop, void *ud, flow_val a, flow_val b)
{
    JSValueRef result = call(loop, ud, (JSValueRef[]){live_js(a), live_js(b)}, 2);
    double order = result == NULL ? 0 : JSValueToNumber(live.context, result, NULL);
    return (order > 0) - (order < 0);
}

flow_val live_call_list(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    static_assert(sizeof(flow_val) == sizeof(JSValueRef));
    return flow_ptr(call(loop, ud, (const JSValueRef *)v, count));
}

flow_val live_call_array(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    JSValueRef array = live_js(live_list(loop, NULL, v, count));
    return flow_ptr(call(loop, ud, &array, 1));
}

flow_val live_call_update(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                          size_t count)
{
    JSValueRef arguments[ARGUMENTS_MAX] = {live_js(state)};
    count = count < ARGUMENTS_MAX - 1 ? count : ARGUMENTS_MAX - 1;
    for (size_t i = 0; i < count; i++) {
        arguments[i + 1] = live_js(v[i]);
    }
    return flow_ptr(call(loop, ud, arguments, count + 1));
}

/* --- Streams ---------------------------------------------------------------------------------- */

static struct flow_stream *stream_of(struct flow_loop *loop, JSValueRef value)
{
    struct flow_stream *stream = live_stream(value);
    if (stream == NULL && value != NULL) {
        (void)flow_fail(loop, FLOW_ERROR_INVALID, "the function gave no stream");
    }
    return stream;
}

struct flow_stream *live_call_project(struct flow_loop *loop, void *ud, flow_val v)
{
    return stream_of(loop, call(loop, ud, (JSValueRef[]){live_js(v), index_now(loop)}, 2));
}

struct flow_stream *live_call_count(struct flow_loop *loop, void *ud, flow_val v)
{
    JSValueRef count = number((double)v.i);
    return stream_of(loop, call(loop, ud, &count, 1));
}

struct flow_stream *live_call_fold_project(struct flow_loop *loop, void *ud, flow_val state,
                                           flow_val v)
{
    JSValueRef arguments[] = {live_js(state), live_js(v), index_now(loop)};
    return stream_of(loop, call(loop, ud, arguments, 3));
}

struct flow_stream *live_call_make(struct flow_loop *loop, void *ud)
{
    return stream_of(loop, call(loop, ud, NULL, 0));
}

/* `caught` is not handed on: js/live.js has its description. */
struct flow_stream *live_call_catch(struct flow_loop *loop, void *ud,
                                    const struct flow_error *error, struct flow_stream *caught)
{
    JSValueRef undefined = JSValueMakeUndefined(live.context);
    JSValueRef what = error == NULL ? undefined : live_thrown(error);
    (void)caught; /* see above */
    return stream_of(loop, call(loop, ud, (JSValueRef[]){what, index_now(loop)}, 2));
}

struct flow_stream *live_call_with(struct flow_loop *loop, void *ud, struct flow_stream *in)
{
    JSValueRef wrapped = live_wrap(in, NULL);
    return wrapped == NULL ? NULL : stream_of(loop, call(loop, ud, &wrapped, 1));
}

/* --- The rest --------------------------------------------------------------------------------- */

void live_call_action(struct flow_loop *loop, void *ud)
{
    (void)call(loop, ud, NULL, 0); /* asked for what it does */
}

void live_call_throw(struct flow_loop *loop, void *ud)
{
    JSValueRef made = call(loop, ud, NULL, 0);
    if (made != NULL) {
        live_fail(loop, made);
    }
}

flow_val live_call_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    JSValueRef what = live_thrown(error);
    return flow_ptr(call(loop, ud, &what, 1));
}

bool live_call_poll(struct flow_loop *loop, void *ud, flow_val *out_v)
{
    JSValueRef result = call(loop, ud, NULL, 0);
    *out_v = flow_ptr(result);
    return result != NULL && !JSValueIsUndefined(live.context, result);
}
