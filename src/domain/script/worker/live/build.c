#include "domain/script/worker/live/build.h"

#include "base/assert.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Reading arguments ------------------------------------------------------------------------ */

/* The next place of each kind. */
struct cursor {
    struct live_args *args;
    size_t functions;
    size_t numbers;
    size_t times;
    size_t flags;
};

static double number_of(JSValueRef value)
{
    return JSValueToNumber(live.context, value, NULL);
}

static JSValueRef member_at(JSValueRef array, unsigned index)
{
    return JSObjectGetPropertyAtIndex(live.context, JSValueToObject(live.context, array, NULL),
                                      index, NULL);
}

static size_t length_of(JSValueRef array)
{
    JSStringRef name = JSStringCreateWithUTF8CString("length");
    JSObjectRef object = JSValueToObject(live.context, array, NULL);
    JSValueRef length = JSObjectGetProperty(live.context, object, name, NULL);
    JSStringRelease(name);
    return (size_t)number_of(length);
}

static flow_time time_of(JSValueRef value)
{
    double ms = number_of(value);
    return ms < (double)(FLOW_NEVER / 1000) ? (flow_time)(ms * 1000) : FLOW_NEVER;
}

static void drop_function(void *function)
{
    JSValueUnprotect(live.context, function);
}

void live_own(struct flow_region *region, JSObjectRef function)
{
    ASSERT(JSObjectIsFunction(live.context, function));
    JSValueProtect(live.context, function);
    flow_own(region, function, drop_function);
}

static void *function_of(struct live_args *args, JSValueRef value)
{
    if (JSValueIsNull(live.context, value)) {
        return NULL;
    }
    JSObjectRef function = JSValueToObject(live.context, value, NULL);
    live_own(args->region, function);
    return function;
}

static struct flow_subject_opts subject_of(JSValueRef value)
{
    struct flow_subject_opts opts = {0};
    if (JSValueIsNull(live.context, value)) {
        return opts;
    }
    opts.kind = (enum flow_subject_kind)number_of(member_at(value, 0));
    if (opts.kind == FLOW_SUBJECT_BEHAVIOR) {
        opts.initial = flow_ptr(member_at(value, 1));
    } else if (opts.kind == FLOW_SUBJECT_REPLAY) {
        double count = number_of(member_at(value, 1));
        opts.count = isfinite(count) ? (size_t)count : 0;
        flow_time window = time_of(member_at(value, 2));
        opts.window = window == FLOW_NEVER ? 0 : window;
    }
    return opts;
}

static void read_streams(struct live_args *args, JSValueRef array)
{
    args->stream_count = length_of(array);
    args->streams = mem_alloc((args->stream_count + 1) * sizeof args->streams[0]);
    for (size_t i = 0; i < args->stream_count; i++) {
        args->streams[i] = live_stream(member_at(array, (unsigned)i));
    }
}

/* The array is an argument of the running call, which keeps its members. */
static void read_values(struct live_args *args, JSValueRef array)
{
    args->value_count = length_of(array);
    flow_val *values = mem_alloc((args->value_count + 1) * sizeof values[0]);
    for (size_t i = 0; i < args->value_count; i++) {
        values[i] = flow_ptr(member_at(array, (unsigned)i));
    }
    args->values = values;
}

static void read_stream(struct live_args *args, JSValueRef value)
{
    struct flow_stream **place = args->in == NULL ? &args->in : &args->other;
    *place = live_stream(value);
}

static void read_number(struct cursor *cursor, JSValueRef value)
{
    ASSERT(cursor->numbers < LIVE_NUMBERS_MAX);
    double number = number_of(value);
    cursor->args->raw[cursor->numbers] = number;
    bool counts = number > 0 && number < (double)SIZE_MAX;
    cursor->args->number[cursor->numbers++] = counts ? (size_t)number : 0;
}

static void read_one(struct cursor *cursor, char kind, JSValueRef value)
{
    struct live_args *args = cursor->args;
    switch (kind) {
    case 's':
        read_stream(args, value);
        break;
    case 'S':
        read_streams(args, value);
        break;
    case 'f':
        args->fn[cursor->functions++] = function_of(args, value);
        break;
    case 'n':
        read_number(cursor, value);
        break;
    case 't':
        args->time[cursor->times++] = time_of(value);
        break;
    case 'b':
        args->flag[cursor->flags++] = JSValueToBoolean(live.context, value);
        break;
    case 'v':
        args->has_value = !JSValueIsUndefined(live.context, value);
        args->value = flow_ptr(value);
        break;
    case 'V':
        read_values(args, value);
        break;
    default:
        ASSERT(kind == 'o'); /* build.h names no other */
        args->subject = subject_of(value);
    }
}

/* --- By name ---------------------------------------------------------------------------------- */

static const struct live_operator *find(const char *name)
{
    static const struct live_operator *const tables[] = {
        live_operators_one,   live_operators_many, live_operators_inner, live_operators_time,
        live_operators_again, live_operators_make, live_operators_bacon,
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct live_operator *row = tables[i]; row->name != NULL; row++) {
            if (strcmp(row->name, name) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

JSValueRef live_build(const char *name, const JSValueRef arguments[], size_t count)
{
    const struct live_operator *row = find(name);
    ASSERT(row != NULL);
    ASSERT(count == strlen(row->arguments));
    struct flow_region *inner =
        flow_here(live.loop); /* NULL: no callback that makes streams runs */
    struct live_args args = {.region = inner == NULL ? live.region : inner};
    struct cursor cursor = {.args = &args};
    for (size_t i = 0; i < count; i++) {
        read_one(&cursor, row->arguments[i], arguments[i]);
    }
    struct flow_stream *made = row->build(&args);
    free(args.streams);
    free((void *)args.values);
    return live_handle(made);
}
