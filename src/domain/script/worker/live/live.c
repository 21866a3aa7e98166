#include "domain/script/worker/live/live.h"

#include "base/assert.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <math.h>

#define SOURCES_MAX 64

static struct flow_subject *sources[SOURCES_MAX];
static size_t source_count;

/* What native.run() was given: functions of js/live.js, which live as long as the process. */
static struct {
    JSObjectRef next, error, complete;
} ear;

#define NATIVE(name_)                                                                              \
    static JSValueRef name_(JSContextRef context, JSObjectRef function, JSObjectRef this,          \
                            size_t count, const JSValueRef arguments[], JSValueRef *exception)
#define UNUSED_SIGNATURE()                                                                         \
    (void)context, (void)function, (void)this, (void)count, (void)arguments, (void)exception

static double number_at(const JSValueRef arguments[], size_t index)
{
    return JSValueToNumber(live.context, arguments[index], NULL);
}

static JSObjectRef function_at(const JSValueRef arguments[], size_t index)
{
    JSObjectRef function = JSValueToObject(live.context, arguments[index], NULL);
    ASSERT(JSObjectIsFunction(live.context, function));
    JSValueProtect(live.context, function);
    return function;
}

/* native.wrapper(fn): fn(held, key) makes a stream for users. */
NATIVE(native_wrapper)
{
    UNUSED_SIGNATURE();
    live.wrap = function_at(arguments, 0);
    return JSValueMakeUndefined(live.context);
}

NATIVE(native_source)
{
    UNUSED_SIGNATURE();
    ASSERT(source_count < SOURCES_MAX); /* js/live.js refuses more */
    struct flow_subject *subject = flow_subject_new(live.region, &live_type, NULL);
    sources[source_count++] = subject;
    return live_handle(flow_subject_stream(subject));
}

NATIVE(native_build)
{
    char name[64];
    UNUSED_SIGNATURE();
    JSStringRef string = JSValueToStringCopy(live.context, arguments[0], NULL);
    (void)JSStringGetUTF8CString(string, name, sizeof name); /* a longer one is found nowhere */
    JSStringRelease(string);
    return live_build(name, arguments + 1, count - 1);
}

/* --- Running ---------------------------------------------------------------------------------- */

/* js/live.js catches what these throw; nothing can be done about it here. */
static void tell(JSObjectRef function, const JSValueRef *arguments, size_t count)
{
    JSValueRef thrown = NULL;
    (void)JSObjectCallAsFunction(live.context, function, NULL, count, arguments, &thrown);
}

static void on_next(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* there is one */
    (void)ud;
    JSValueRef value = live_js(v);
    tell(ear.next, &value, 1);
}

static void on_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)loop; /* there is one */
    (void)ud;
    JSValueRef thrown = live_thrown(error);
    tell(ear.error, &thrown, 1);
}

static void on_complete(struct flow_loop *loop, void *ud)
{
    (void)loop; /* there is one */
    (void)ud;
    tell(ear.complete, NULL, 0);
}

NATIVE(native_run)
{
    UNUSED_SIGNATURE();
    ear.next = function_at(arguments, 1);
    ear.error = function_at(arguments, 2);
    ear.complete = function_at(arguments, 3);
    struct flow_stream *stream = live_stream(arguments[0]);
    (void)flow_subscribe(stream, &(struct flow_observer){.next = on_next,
                                                         .error = on_error,
                                                         .fault = on_error,
                                                         .complete = on_complete});
    return JSValueMakeBoolean(live.context, stream != NULL);
}

/* Whether a bound was met or nobody listens any more is heard by on_error() and on_complete(). */
NATIVE(native_push)
{
    UNUSED_SIGNATURE();
    size_t source = (size_t)number_at(arguments, 0);
    ASSERT(source < source_count);
    live_release_collected();
    (void)flow_next(sources[source], flow_ptr(arguments[1])); /* see above */
    return JSValueMakeUndefined(live.context);
}

NATIVE(native_end)
{
    UNUSED_SIGNATURE();
    size_t source = (size_t)number_at(arguments, 0);
    ASSERT(source < source_count);
    flow_complete(sources[source]);
    return JSValueMakeUndefined(live.context);
}

NATIVE(native_fail)
{
    UNUSED_SIGNATURE();
    size_t source = (size_t)number_at(arguments, 0);
    ASSERT(source < source_count);
    struct flow_error error = live_error(arguments[1]);
    flow_error(sources[source], error.code, "%s", error.text);
    return JSValueMakeUndefined(live.context);
}

NATIVE(native_advance)
{
    UNUSED_SIGNATURE();
    live_release_collected();
    flow_advance(live.loop, (flow_time)(number_at(arguments, 0) * 1000));
    return JSValueMakeUndefined(live.context);
}

NATIVE(native_due)
{
    UNUSED_SIGNATURE();
    flow_time due = flow_next_due(live.loop);
    return JSValueMakeNumber(live.context, due == FLOW_NEVER ? INFINITY : (double)due / 1000);
}

NATIVE(native_now)
{
    UNUSED_SIGNATURE();
    return JSValueMakeNumber(live.context, (double)flow_now(live.loop) / 1000);
}

/* --- The object ------------------------------------------------------------------------------- */

JSObjectRef live_functions(JSContextRef context)
{
    static const JSStaticFunction functions[] = {
        {"wrapper", native_wrapper, kJSPropertyAttributeReadOnly},
        {"source", native_source, kJSPropertyAttributeReadOnly},
        {"build", native_build, kJSPropertyAttributeReadOnly},
        {"run", native_run, kJSPropertyAttributeReadOnly},
        {"push", native_push, kJSPropertyAttributeReadOnly},
        {"end", native_end, kJSPropertyAttributeReadOnly},
        {"fail", native_fail, kJSPropertyAttributeReadOnly},
        {"advance", native_advance, kJSPropertyAttributeReadOnly},
        {"due", native_due, kJSPropertyAttributeReadOnly},
        {"now", native_now, kJSPropertyAttributeReadOnly},
        {0},
    };
    JSClassDefinition definition = kJSClassDefinitionEmpty;
    definition.className = "Native";
    definition.staticFunctions = functions;
    live.context = context;
    live.loop = flow_loop_new();
    live.region = flow_region_new(live.loop);
    ASSERT(live.region != NULL);
    JSClassRef class = JSClassCreate(&definition);
    JSObjectRef native = JSObjectMake(context, class, NULL);
    JSClassRelease(class);
    return native;
}
