#include "domain/script/worker/live/value.h"

#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct live live;

/* --- Keeping, comparing ----------------------------------------------------------------------- */

static flow_val keep(flow_val v)
{
    JSValueProtect(live.context, live_js(v));
    return v;
}

static void drop(flow_val v)
{
    JSValueUnprotect(live.context, live_js(v));
}

static bool equal(flow_val a, flow_val b)
{
    return JSValueIsStrictEqual(live.context, live_js(a), live_js(b));
}

static uint64_t mixed(uint64_t bits)
{
    bits ^= bits >> 32;
    bits *= UINT64_C(0xd6e8feb86659fd93);
    return bits ^ bits >> 32;
}

static uint64_t hash_number(double number)
{
    uint64_t bits;
    number += 0.0; /* -0 equals 0 */
    memcpy(&bits, &number, sizeof bits);
    return mixed(bits);
}

static uint64_t hash_string(JSValueRef value)
{
    JSStringRef string = JSValueToStringCopy(live.context, value, NULL);
    const JSChar *chars = JSStringGetCharactersPtr(string);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < JSStringGetLength(string); i++) {
        hash = (hash ^ chars[i]) * UINT64_C(1099511628211);
    }
    JSStringRelease(string);
    return hash;
}

static uint64_t hash(flow_val v)
{
    switch (JSValueGetType(live.context, live_js(v))) {
    case kJSTypeNumber:
        return hash_number(JSValueToNumber(live.context, live_js(v), NULL));
    case kJSTypeString:
        return hash_string(live_js(v));
    default:
        return mixed(v.u); /* an object is itself; undefined, null and booleans have one form */
    }
}

static int order_of_strings(JSValueRef a, JSValueRef b)
{
    JSStringRef strings[2] = {JSValueToStringCopy(live.context, a, NULL),
                              JSValueToStringCopy(live.context, b, NULL)};
    size_t sizes[2] = {JSStringGetLength(strings[0]), JSStringGetLength(strings[1])};
    const JSChar *chars[2] = {JSStringGetCharactersPtr(strings[0]),
                              JSStringGetCharactersPtr(strings[1])};
    int order = (sizes[0] > sizes[1]) - (sizes[0] < sizes[1]);
    for (size_t i = 0; i < sizes[0] && i < sizes[1]; i++) {
        if (chars[0][i] != chars[1][i]) {
            order = chars[0][i] < chars[1][i] ? -1 : 1;
            break;
        }
    }
    JSStringRelease(strings[0]);
    JSStringRelease(strings[1]);
    return order;
}

static int compare(flow_val a, flow_val b)
{
    if (JSValueIsString(live.context, live_js(a)) && JSValueIsString(live.context, live_js(b))) {
        return order_of_strings(live_js(a), live_js(b));
    }
    double left = JSValueToNumber(live.context, live_js(a), NULL);
    double right = JSValueToNumber(live.context, live_js(b), NULL);
    return (left > right) - (left < right);
}

const struct flow_type live_type = {
    .name = "value",
    .retain = keep,
    .release = drop,
    .equal = equal,
    .hash = hash,
    .compare = compare,
};

/* --- Handles ---------------------------------------------------------------------------------- */

/* A held stream keeps its stream alive. The engine collects garbage at any moment, also in the
 * middle of a delivery, and does not say on which thread: what is let go waits for a quiet moment
 * of ours. */
struct held {
    struct flow_stream *stream;
    struct held *after;
};
static _Atomic(struct held *) let_go;

static void on_held_collected(JSObjectRef object)
{
    struct held *held = JSObjectGetPrivate(object);
    held->after = atomic_load(&let_go);
    while (!atomic_compare_exchange_weak(&let_go, &held->after, held)) {
    }
}

void live_release_collected(void)
{
    struct held *held = atomic_exchange(&let_go, NULL);
    while (held != NULL) {
        struct held *after = held->after;
        flow_stream_type.release(flow_ptr(held->stream));
        free(held);
        held = after;
    }
}

static JSClassRef handle_class(void)
{
    static JSClassRef class;
    if (class == NULL) {
        JSClassDefinition definition = kJSClassDefinitionEmpty;
        definition.className = "Handle";
        class = JSClassCreate(&definition);
    }
    return class;
}

static JSClassRef held_class(void)
{
    static JSClassRef class;
    if (class == NULL) {
        JSClassDefinition definition = kJSClassDefinitionEmpty;
        definition.className = "HeldStream";
        definition.finalize = on_held_collected;
        class = JSClassCreate(&definition);
    }
    return class;
}

JSValueRef live_handle(struct flow_stream *stream)
{
    return stream == NULL ? JSValueMakeNull(live.context)
                          : JSObjectMake(live.context, handle_class(), stream);
}

static JSValueRef hold(struct flow_stream *stream)
{
    struct held *held = mem_alloc(sizeof *held);
    (void)flow_stream_type.retain(flow_ptr(stream)); /* the same pointer, referenced once more */
    held->stream = stream;
    return JSObjectMake(live.context, held_class(), held);
}

struct flow_stream *live_stream(JSValueRef value)
{
    if (value != NULL && JSValueIsObjectOfClass(live.context, value, handle_class())) {
        return JSObjectGetPrivate(JSValueToObject(live.context, value, NULL));
    }
    if (value != NULL && JSValueIsObjectOfClass(live.context, value, held_class())) {
        const struct held *held = JSObjectGetPrivate(JSValueToObject(live.context, value, NULL));
        return held->stream;
    }
    return NULL;
}

/* --- What operators make ---------------------------------------------------------------------- */

static flow_val of_number(double number)
{
    return flow_ptr(JSValueMakeNumber(live.context, number));
}

static flow_val number_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the signature of a map */
    (void)ud;
    return of_number((double)v.i);
}

static flow_val bool_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the signature of a map */
    (void)ud;
    return flow_ptr(JSValueMakeBoolean(live.context, v.i != 0));
}

flow_val live_list(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    (void)loop; /* the signature of a combination */
    (void)ud;
    static_assert(sizeof(flow_val) == sizeof(JSValueRef));
    return flow_ptr(JSObjectMakeArray(live.context, count, (const JSValueRef *)v, NULL));
}

static flow_val list_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    return live_list(loop, ud, list->items, list->count);
}

static flow_val lists_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    flow_val *items = flow_alloc(loop, (list->count + 1) * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        items[i] = list_to_js(loop, ud, list->items[i]);
    }
    return live_list(loop, ud, items, list->count);
}

static flow_val timed_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    const flow_val both[2] = {list->items[0], of_number((double)list->items[1].i / 1000)};
    return live_list(loop, ud, both, 2);
}

static void set(JSObjectRef object, const char *name, JSValueRef value)
{
    JSStringRef key = JSStringCreateWithUTF8CString(name);
    JSObjectSetProperty(live.context, object, key, value, kJSPropertyAttributeNone, NULL);
    JSStringRelease(key);
}

static JSValueRef text(const char *utf8)
{
    JSStringRef string = JSStringCreateWithUTF8CString(utf8);
    JSValueRef value = JSValueMakeString(live.context, string);
    JSStringRelease(string);
    return value;
}

static flow_val notification_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    static const char *const kinds[] = {"N", "E", "C"};
    const struct flow_notification *note = v.p;
    JSObjectRef object = JSObjectMake(live.context, NULL, NULL);
    (void)loop; /* the signature of a map */
    (void)ud;
    set(object, "kind", text(kinds[note->kind]));
    if (note->kind == FLOW_KIND_NEXT) {
        set(object, "value", live_js(note->v));
    } else if (note->kind == FLOW_KIND_ERROR) {
        set(object, "error", live_thrown(&note->error));
    }
    return flow_ptr(object);
}

static flow_val error_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the signature of a map */
    (void)ud;
    return flow_ptr(live_thrown(v.p));
}

JSValueRef live_wrap(struct flow_stream *stream, JSValueRef key)
{
    JSValueRef thrown = NULL;
    JSValueRef arguments[2] = {hold(stream), key};
    JSValueRef wrapped = JSObjectCallAsFunction(live.context, live.wrap, NULL, key == NULL ? 1 : 2,
                                                arguments, &thrown);
    if (thrown != NULL) {
        live_fail(live.loop, thrown);
    }
    return wrapped;
}

static flow_val window_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* the signature of a map */
    (void)ud;
    return flow_ptr(live_wrap((struct flow_stream *)(uintptr_t)v.p, NULL));
}

static flow_val group_to_js(struct flow_loop *loop, void *ud, flow_val v)
{
    struct flow_stream *group = (struct flow_stream *)(uintptr_t)v.p;
    (void)loop; /* the signature of a map */
    (void)ud;
    return flow_ptr(live_wrap(group, live_js(flow_group_key(group))));
}

struct flow_stream *live_from_number(struct flow_stream *in)
{
    return flow_map(in, &live_type, number_to_js, NULL);
}

struct flow_stream *live_from_bool(struct flow_stream *in)
{
    return flow_map(in, &live_type, bool_to_js, NULL);
}

struct flow_stream *live_from_list(struct flow_stream *in)
{
    return flow_map(in, &live_type, list_to_js, NULL);
}

struct flow_stream *live_from_lists(struct flow_stream *in)
{
    return flow_map(in, &live_type, lists_to_js, NULL);
}

struct flow_stream *live_from_timed(struct flow_stream *in)
{
    return flow_map(in, &live_type, timed_to_js, NULL);
}

struct flow_stream *live_from_notification(struct flow_stream *in)
{
    return flow_map(in, &live_type, notification_to_js, NULL);
}

struct flow_stream *live_from_window(struct flow_stream *in)
{
    return flow_map(in, &live_type, window_to_js, NULL);
}

struct flow_stream *live_from_group(struct flow_stream *in)
{
    return flow_map(in, &live_type, group_to_js, NULL);
}

struct flow_stream *live_from_error(struct flow_stream *in)
{
    return flow_map(in, &live_type, error_to_js, NULL);
}

/* --- Errors ----------------------------------------------------------------------------------- */

/* An error carries a number and a short text. What was thrown is kept beside, under the number; the
 * oldest goes when there are many: by then nobody has its error any more, but for a replay. */
#define THROWN_MAX 1024
static JSValueRef thrown_kept[THROWN_MAX];
static int thrown_count;

static void describe(JSValueRef thrown, char *out, size_t size)
{
    JSValueRef failed = NULL;
    JSStringRef string = JSValueToStringCopy(live.context, thrown, &failed);
    out[0] = '\0';
    if (string != NULL) {
        size_t size_max = JSStringGetMaximumUTF8CStringSize(string);
        char *utf8 = mem_alloc(size_max);
        (void)JSStringGetUTF8CString(string, utf8, size_max);
        (void)snprintf(out, size, "%s", utf8); /* cut short is good enough: for a report */
        free(utf8);
        JSStringRelease(string);
    }
}

struct flow_error live_error(JSValueRef thrown)
{
    int number = ++thrown_count; /* 0 stands for errors that were not thrown */
    JSValueRef *slot = &thrown_kept[number % THROWN_MAX];
    if (*slot != NULL) {
        JSValueUnprotect(live.context, *slot);
    }
    *slot = thrown;
    JSValueProtect(live.context, thrown);
    struct flow_error error = {.code = FLOW_ERROR_USER + number};
    describe(thrown, error.text, sizeof error.text);
    return error;
}

void live_fail(struct flow_loop *loop, JSValueRef thrown)
{
    struct flow_error error = live_error(thrown);
    (void)flow_fail(loop, error.code, "%s", error.text); /* the caller returns at once */
}

static const char *error_name(int code)
{
    switch (code) {
    case FLOW_ERROR_EMPTY:
        return "EmptyError";
    case FLOW_ERROR_TIMEOUT:
        return "TimeoutError";
    case FLOW_ERROR_NOT_FOUND:
        return "NotFoundError";
    case FLOW_ERROR_SEQUENCE:
        return "SequenceError";
    case FLOW_ERROR_OUT_OF_RANGE:
        return "ArgumentOutOfRangeError";
    case FLOW_ERROR_FULL:
        return "FullError";
    default:
        return "Error";
    }
}

JSValueRef live_thrown(const struct flow_error *error)
{
    int number = error->code - FLOW_ERROR_USER;
    if (number > 0 && number <= thrown_count && number > thrown_count - THROWN_MAX) {
        return thrown_kept[number % THROWN_MAX];
    }
    JSValueRef message = text(error->text);
    JSObjectRef object = JSObjectMakeError(live.context, 1, &message, NULL);
    set(object, "name", text(error_name(error->code)));
    return object;
}
