/* live_marble.c - flow-marble for the JavaScript operators: recorded cases as JSON lines on stdin.
 *
 * Usage: live-marble BUNDLE.js [--quiet] <cases.jsonl. The bundle is harness.mjs with what it
 * imports. */
#include "domain/script/worker/live/live.h"
#include "domain/script/worker/live/value.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBSCRIPTIONS_MAX 4096
#define FRAMES_MAX 2000

struct ear {
    JSObjectRef next, error, complete;
};

static struct flow_marble *marble;
static struct flow_sub subscriptions[SUBSCRIPTIONS_MAX];
static size_t subscription_count;

#define NATIVE(name_)                                                                              \
    static JSValueRef name_(JSContextRef context, JSObjectRef function, JSObjectRef this,          \
                            size_t count, const JSValueRef arguments[], JSValueRef *exception)
#define UNUSED_SIGNATURE()                                                                         \
    (void)context, (void)function, (void)this, (void)count, (void)arguments, (void)exception

static double number(JSValueRef value)
{
    return JSValueToNumber(live.context, value, NULL);
}

static JSValueRef member(JSValueRef array, unsigned index)
{
    return JSObjectGetPropertyAtIndex(live.context, JSValueToObject(live.context, array, NULL),
                                      index, NULL);
}

static unsigned length(JSValueRef array)
{
    unsigned size = 0;
    while (!JSValueIsUndefined(live.context, member(array, size))) {
        size++;
    }
    return size;
}

static char *text_of(JSValueRef value)
{
    JSStringRef string = JSValueToStringCopy(live.context, value, NULL);
    size_t size = JSStringGetMaximumUTF8CStringSize(string);
    char *text = malloc(size);
    JSStringGetUTF8CString(string, text, size);
    JSStringRelease(string);
    return text;
}

static JSObjectRef kept_function(JSValueRef value)
{
    JSValueProtect(live.context, value);
    return JSValueToObject(live.context, value, NULL);
}

/* --- What the harness calls ------------------------------------------------------------------- */

/* source(hot, [[frame, letter, value], ...]) */
NATIVE(source)
{
    UNUSED_SIGNATURE();
    unsigned size = length(arguments[1]);
    struct flow_message *messages = calloc(size + 1, sizeof *messages);
    for (unsigned i = 0; i < size; i++) {
        JSValueRef given = member(arguments[1], i);
        char *letter = text_of(member(given, 1));
        messages[i].at = (flow_time)(number(member(given, 0)) * 1000);
        if (*letter == 'N') {
            messages[i].v = flow_ptr(member(given, 2));
        } else if (*letter == 'E') {
            messages[i].kind = FLOW_KIND_ERROR;
            messages[i].text = text_of(member(given, 2)); /* lives as long as the program */
        } else {
            messages[i].kind = FLOW_KIND_COMPLETE;
        }
        free(letter);
    }
    bool hot = JSValueToBoolean(live.context, arguments[0]);
    return live_handle(flow_marble_source(marble, &live_type, hot, messages, size));
}

NATIVE(spans)
{
    UNUSED_SIGNATURE();
    const struct flow_span *all;
    size_t size = flow_marble_spans(live_stream(arguments[0]), &all);
    JSValueRef list[256];
    for (size_t i = 0; i < size; i++) {
        JSValueRef both[2] = {JSValueMakeNumber(live.context, (double)all[i].from / 1000),
                              all[i].to == FLOW_NEVER
                                  ? JSValueMakeNull(live.context)
                                  : JSValueMakeNumber(live.context, (double)all[i].to / 1000)};
        list[i] = JSObjectMakeArray(live.context, 2, both, NULL);
    }
    return JSObjectMakeArray(live.context, size, list, NULL);
}

/* span("^--!"): [from, to] */
NATIVE(span)
{
    UNUSED_SIGNATURE();
    struct flow_span parsed = {.from = 0, .to = FLOW_NEVER};
    char *diagram = text_of(arguments[0]);
    flow_marble_parse_sub(diagram, &parsed);
    free(diagram);
    double ends[2] = {parsed.from == FLOW_NEVER ? INFINITY : (double)parsed.from / 1000,
                      parsed.to == FLOW_NEVER ? INFINITY : (double)parsed.to / 1000};
    JSValueRef both[2] = {JSValueMakeNumber(live.context, ends[0]),
                          JSValueMakeNumber(live.context, ends[1])};
    return JSObjectMakeArray(live.context, 2, both, NULL);
}

static void call(JSObjectRef function, JSValueRef argument)
{
    JSValueRef thrown = NULL;
    JSObjectCallAsFunction(live.context, function, NULL, argument == NULL ? 0 : 1, &argument,
                           &thrown);
    assert(thrown == NULL);
}

static void heard_next(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop;
    call(((struct ear *)ud)->next, live_js(v));
}

static void heard_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)loop;
    call(((struct ear *)ud)->error, live_thrown(error));
}

static void heard_complete(struct flow_loop *loop, void *ud)
{
    (void)loop;
    call(((struct ear *)ud)->complete, NULL);
}

NATIVE(subscribe)
{
    UNUSED_SIGNATURE();
    assert(subscription_count < SUBSCRIPTIONS_MAX);
    struct ear *ear = calloc(1, sizeof *ear); /* lives as long as the program */
    *ear = (struct ear){.next = kept_function(arguments[1]),
                        .error = kept_function(arguments[2]),
                        .complete = kept_function(arguments[3])};
    struct flow_observer observer = {
        .next = heard_next, .error = heard_error, .complete = heard_complete, .ud = ear};
    size_t id = subscription_count++;
    subscriptions[id] = flow_subscribe_in(live.region, live_stream(arguments[0]), &observer);
    return JSValueMakeNumber(live.context, (double)id);
}

NATIVE(unsubscribe)
{
    UNUSED_SIGNATURE();
    flow_unsubscribe(subscriptions[(size_t)number(arguments[0])]);
    return JSValueMakeUndefined(live.context);
}

static void run_action(struct flow_loop *loop, void *ud)
{
    (void)loop;
    call(ud, NULL);
}

NATIVE(at)
{
    UNUSED_SIGNATURE();
    flow_marble_at(marble, (flow_time)(number(arguments[0]) * 1000), run_action,
                   kept_function(arguments[1]));
    return JSValueMakeUndefined(live.context);
}

NATIVE(play)
{
    UNUSED_SIGNATURE();
    flow_marble_start(marble);
    for (int i = 0; i < FRAMES_MAX && flow_next_due(live.loop) < FLOW_MS(1000000); i++) {
        flow_advance(live.loop, flow_next_due(live.loop));
    }
    return JSValueMakeUndefined(live.context);
}

/* --- Running ---------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert(file != NULL);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    assert(fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return text;
}

static JSValueRef string_value(JSContextRef context, const char *text)
{
    JSStringRef string = JSStringCreateWithUTF8CString(text);
    JSValueRef value = JSValueMakeString(context, string);
    JSStringRelease(string);
    return value;
}

static JSObjectRef load(JSContextRef context, const char *path)
{
    char *source_text = read_file(path);
    JSStringRef script = JSStringCreateWithUTF8CString(source_text);
    JSValueRef thrown = NULL;
    JSValueRef function = JSEvaluateScript(context, script, NULL, NULL, 1, &thrown);
    JSStringRelease(script);
    free(source_text);
    live.context = context;
    if (thrown != NULL) {
        fprintf(stderr, "%s: %s\n", path, text_of(thrown));
        exit(2);
    }
    JSValueProtect(context, function);
    return JSValueToObject(context, function, NULL);
}

static JSObjectRef marble_functions(JSContextRef context)
{
    static const JSStaticFunction functions[] = {
        {"source", source, 0}, {"spans", spans, 0},
        {"span", span, 0},     {"subscribe", subscribe, 0},
        {"at", at, 0},         {"unsubscribe", unsubscribe, 0},
        {"play", play, 0},     {0},
    };
    JSClassDefinition definition = kJSClassDefinitionEmpty;
    definition.className = "Marble";
    definition.staticFunctions = functions;
    static JSClassRef class;
    class = class == NULL ? JSClassCreate(&definition) : class;
    return JSObjectMake(context, class, NULL);
}

/* The report; empty: as recorded. */
static char *run_case(JSContextRef context, JSObjectRef run, const char *line)
{
    JSObjectRef native = live_functions(context);
    marble = flow_marble_new(live.region);
    subscription_count = 0;
    JSValueRef thrown = NULL;
    JSValueRef arguments[3] = {native, marble_functions(context), string_value(context, line)};
    JSValueRef result = JSObjectCallAsFunction(context, run, NULL, 3, arguments, &thrown);
    char *report = text_of(thrown != NULL ? thrown : result);
    flow_loop_free(live.loop);
    return report;
}

/* Behind the first "id": of the line. */
static void print_verdict(const char *line, bool passed)
{
    const char *id = strstr(line, "\"id\":\"");
    const char *end = id == NULL ? NULL : strchr(id + 6, '"');
    int size = end == NULL ? 1 : (int)(end - id - 6);
    printf("%s %.*s\n", passed ? "ok" : "not ok", size, end == NULL ? "?" : id + 6);
}

int main(int argc, char **argv)
{
    assert(argc >= 2);
    bool quiet = argc > 2 && strcmp(argv[2], "--quiet") == 0;
    JSGlobalContextRef context = JSGlobalContextCreate(NULL);
    JSObjectRef run = load(context, argv[1]);
    char *line = NULL;
    size_t capacity = 0;
    unsigned passed = 0;
    unsigned failed = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        char *report = run_case(context, run, line);
        bool fine = report[0] == '\0';
        passed += fine;
        failed += !fine;
        if (!fine || !quiet) {
            print_verdict(line, fine);
            fputs(report, stdout);
        }
        free(report);
    }
    free(line);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
