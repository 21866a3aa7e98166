#include "domain/script/worker/engine.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/script/worker/limits.h"
#include "domain/script/worker/live/live.h"
#include "domain/script/worker/scripts.h"

#include <JavaScriptCore/JavaScript.h>

#define SHED_NS_MIN INT64_C(100000000)
#define LOAD_TIME_LIMIT_NS INT64_C(10000000000) /* compiling, and the files' top level */

/* Exported by the engine for a decade, but without an installed header. */
void JSGlobalContextSetEvalEnabled(JSGlobalContextRef context, bool enabled, JSStringRef message);
void JSSynchronousGarbageCollectForDebugging(JSContextRef context);

struct engine {
    JSContextGroupRef group;
    struct limits limits;
    struct engine_options options;
    int64_t shed_ns;        /* when states were dropped last; monotonic */
    JSGlobalContextRef app; /* runs user code; NULL before engine_load() */
    JSObjectRef step;       /* functions of runtime.js */
    JSObjectRef flow;
    JSObjectRef live;
    JSObjectRef shed;
};

static void allow_memory(struct engine *engine)
{
    limits_allow_memory(&engine->limits, (uint64_t)engine->options.memory_limit_mb << 20);
}

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = mem_alloc_zero(sizeof *engine);
    engine->options = *options;
    engine->group = JSContextGroupCreate();
    limits_init(&engine->limits, engine->group);
    allow_memory(engine);
    return engine;
}

uint64_t engine_memory_bytes_max(const struct engine *engine)
{
    return engine->limits.memory_bytes_max;
}

static void add_string(struct text *out, JSStringRef string)
{
    size_t size_max = JSStringGetMaximumUTF8CStringSize(string); /* its NUL included */
    char *end = text_reserve(out, size_max);
    out->size += JSStringGetUTF8CString(string, end, size_max) - 1;
    text_seal(out);
}

/* `value` as text. An exception that cannot be shown adds nothing. */
static void add_value(JSContextRef context, JSValueRef value, struct text *out)
{
    JSValueRef exception = NULL;
    JSStringRef string = JSValueToStringCopy(context, value, &exception);
    if (string != NULL) {
        add_string(out, string);
        JSStringRelease(string);
    }
}

static JSValueRef evaluate(JSContextRef context, const char *source, const char *name,
                           JSValueRef *exception)
{
    JSStringRef script = JSStringCreateWithUTF8CString(source);
    JSStringRef url = JSStringCreateWithUTF8CString(name);
    JSValueRef value = JSEvaluateScript(context, script, NULL, url, 1, exception);
    JSStringRelease(script);
    JSStringRelease(url);
    return value;
}

static JSObjectRef member(JSContextRef context, JSObjectRef object, const char *name)
{
    JSStringRef key = JSStringCreateWithUTF8CString(name);
    JSValueRef exception = NULL;
    JSValueRef value = JSObjectGetProperty(context, object, key, &exception);
    JSStringRelease(key);
    ASSERT(exception == NULL && JSValueIsObject(context, value));
    return JSValueToObject(context, value, NULL);
}

/* Calls function(request) under the limits; its result is a text. */
static enum engine_result run(struct engine *engine, JSContextRef context, JSObjectRef function,
                              int64_t time_limit_ns, const char *request, struct text *out)
{
    JSStringRef string = JSStringCreateWithUTF8CString(request);
    JSValueRef argument = JSValueMakeString(context, string);
    JSStringRelease(string);
    JSValueRef exception = NULL;
    limits_begin(&engine->limits, time_limit_ns);
    JSValueRef result = JSObjectCallAsFunction(context, function, NULL, 1, &argument, &exception);
    switch (limits_end(&engine->limits)) {
    case LIMIT_TIME:
        return ENGINE_TIME_LIMIT;
    case LIMIT_MEMORY:
        return ENGINE_MEMORY_LIMIT;
    case LIMIT_WORN_OUT:
        return ENGINE_WORN_OUT;
    case LIMIT_NONE:
        break;
    }
    add_value(context, exception == NULL ? result : exception, out);
    return exception == NULL ? ENGINE_ANSWERED : ENGINE_FAULT;
}

/* --- Compiling ------------------------------------------------------------------------------- */

enum engine_result engine_compile(struct engine *engine, const char *request, struct text *out)
{
    JSGlobalContextRef context = JSGlobalContextCreateInGroup(engine->group, NULL);
    JSValueRef exception = NULL;
    evaluate(context, script_compiler, "everfold:compiler.js", &exception);
    enum engine_result result = ENGINE_FAULT;
    if (exception != NULL) {
        add_value(context, exception, out);
    } else {
        JSObjectRef compile = member(context, JSContextGetGlobalObject(context), "compile");
        result = run(engine, context, compile, LOAD_TIME_LIMIT_NS, request, out);
    }
    JSGlobalContextRelease(context);
    return result;
}

/* --- Running user code ----------------------------------------------------------------------- */

/* evaluate(code, path), for runtime.js: user code gets neither eval nor this. */
static JSValueRef evaluate_module(JSContextRef context, JSObjectRef function, JSObjectRef this,
                                  size_t count, const JSValueRef arguments[], JSValueRef *exception)
{
    (void)function; /* the engine's signature */
    (void)this;
    ASSERT(count == 2);
    JSStringRef code = JSValueToStringCopy(context, arguments[0], exception);
    JSStringRef path = JSValueToStringCopy(context, arguments[1], exception);
    ASSERT(code != NULL && path != NULL);
    JSValueRef value = JSEvaluateScript(context, code, NULL, path, 1, exception);
    JSStringRelease(code);
    JSStringRelease(path);
    return value;
}

/* A Uint8Array of one byte, limits.is_late: a look at it costs a script next to nothing. */
static JSValueRef make_is_late(struct engine *engine, JSValueRef *exception)
{
    return JSObjectMakeTypedArrayWithBytesNoCopy(engine->app, kJSTypedArrayTypeUint8Array,
                                                 &engine->limits.is_late, 1, NULL, NULL, exception);
}

/* makeNative(), for live.js: a process that runs no live expression needs no loop. */
static JSValueRef make_native(JSContextRef context, JSObjectRef function, JSObjectRef this,
                              size_t count, const JSValueRef arguments[], JSValueRef *exception)
{
    (void)function; /* the engine's signature */
    (void)this;
    (void)count;
    (void)arguments;
    (void)exception;
    return live_functions(context);
}

static JSObjectRef make_runtime(struct engine *engine, JSValueRef *exception)
{
    JSContextRef context = engine->app;
    JSValueRef world = evaluate(context, script_lockdown, "everfold:lockdown.js", exception);
    if (*exception != NULL) {
        return NULL;
    }
    JSValueRef make = evaluate(context, script_runtime, "everfold:runtime.js", exception);
    if (*exception != NULL) {
        return NULL;
    }
    JSValueRef arguments[] = {
        JSObjectMakeFunctionWithCallback(context, NULL, evaluate_module),
        JSValueMakeNumber(context, engine->options.states_max),
        world,
        make_is_late(engine, exception),
        JSObjectMakeFunctionWithCallback(context, NULL, make_native),
    };
    JSObjectRef function = JSValueToObject(context, make, NULL);
    JSValueRef runtime = JSObjectCallAsFunction(context, function, NULL, 5, arguments, exception);
    return *exception == NULL ? JSValueToObject(context, runtime, NULL) : NULL;
}

static void close_eval(JSGlobalContextRef context)
{
    JSStringRef message = JSStringCreateWithUTF8CString(
        "eval and new Function are closed: write the code in a file and import it");
    JSGlobalContextSetEvalEnabled(context, false, message);
    JSStringRelease(message);
}

static JSObjectRef keep(struct engine *engine, JSObjectRef runtime, const char *name)
{
    JSObjectRef function = member(engine->app, runtime, name);
    JSValueProtect(engine->app, function);
    return function;
}

enum engine_result engine_load(struct engine *engine, const char *request, struct text *out)
{
    if (engine->app != NULL) {
        text_add_text(out, "a worker loads once");
        return ENGINE_FAULT;
    }
    engine->app = JSGlobalContextCreateInGroup(engine->group, NULL);
    JSValueRef exception = NULL;
    JSObjectRef runtime = make_runtime(engine, &exception);
    if (exception != NULL) {
        add_value(engine->app, exception, out);
        return ENGINE_FAULT;
    }
    close_eval(engine->app);
    allow_memory(engine);
    engine->step = keep(engine, runtime, "step");
    engine->flow = keep(engine, runtime, "flow");
    engine->live = keep(engine, runtime, "live");
    engine->shed = keep(engine, runtime, "shed");
    enum engine_result result = run(engine, engine->app, member(engine->app, runtime, "load"),
                                    LOAD_TIME_LIMIT_NS, request, out);
    if (result == ENGINE_TIME_LIMIT || result == ENGINE_MEMORY_LIMIT) {
        (void)run(engine, engine->app, member(engine->app, runtime, "loading"), LOAD_TIME_LIMIT_NS,
                  "", out); /* names the file if it can */
    }
    return result;
}

static enum engine_result run_loaded(struct engine *engine, JSObjectRef function,
                                     const char *request, struct text *out)
{
    if (function == NULL) {
        text_add_text(out, "no APP is loaded");
        return ENGINE_FAULT;
    }
    int64_t time_limit_ns = (int64_t)engine->options.time_limit_ms * 1000000;
    return run(engine, engine->app, function, time_limit_ns, request, out);
}

enum engine_result engine_step(struct engine *engine, const char *request, struct text *out)
{
    return run_loaded(engine, engine->step, request, out);
}

enum engine_result engine_flow(struct engine *engine, const char *request, struct text *out)
{
    return run_loaded(engine, engine->flow, request, out);
}

enum engine_result engine_live(struct engine *engine, const char *request, struct text *out)
{
    return run_loaded(engine, engine->live, request, out);
}

/* Not at every call: what is freed takes a while to leave the process. */
static void shed_states(struct engine *engine)
{
    int64_t now_ns = engine->limits.memory_seen_ns;
    if (engine->shed == NULL || now_ns - engine->shed_ns < SHED_NS_MIN) {
        return;
    }
    engine->shed_ns = now_ns;
    struct text ignored = {0};
    (void)run(engine, engine->app, engine->shed, LOAD_TIME_LIMIT_NS, "", &ignored); /* if it can */
    text_deinit(&ignored);
    /* The public function leaves it to a run loop, which there is none of. */
    JSSynchronousGarbageCollectForDebugging(engine->app);
}

bool engine_tidy(struct engine *engine)
{
    const struct limits *limits = &engine->limits;
    if (limits->memory_bytes > limits->memory_bytes_high) {
        shed_states(engine);
    }
    return limits->memory_bytes <= limits->memory_bytes_max;
}
