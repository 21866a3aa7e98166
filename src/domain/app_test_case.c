/* app_test_case.c - takes a test apart, lets a worker decide, compares. */
#include "domain/app_test_case.h"

#include "base/slice.h"

#define TEST_NOW "2026-01-01T00:00:00.000000Z"
#define TEST_SEED "00000000000000000000000000000000"
#define TEST_COMMAND_ID "00000000-0000-4000-8000-000000000000"
#define DEFAULT_STREAM "test-1"

/* A test, its members not yet looked into; text NULL: not given. */
struct parts {
    struct json_value decider;
    struct json_value id;
    struct json_value given;
    struct json_value when;
    struct json_value then;
    struct json_value view;
};

struct test_case {
    const struct app_test_bench *bench;
    struct text *message;
    struct arena arena;
    struct parts parts;
    struct ever_slice decider;
    struct ever_slice id;
    struct ever_slice stream;
    struct text happened; /* a JSON array: given, and what was decided, each with its stream */
    uint32_t own_count;   /* given events of the test's own stream */
};

static bool is_given(struct json_value part)
{
    return part.text.data != NULL;
}

/* False, for the caller to return. */
static bool say(struct test_case *test, const char *what)
{
    text_add_text(test->message, what);
    return false;
}

static bool say_difference(struct test_case *test, struct ever_slice expected,
                           struct ever_slice actual)
{
    text_add_text(test->message, "expected ");
    text_add(test->message, expected);
    text_add_text(test->message, "\nbut got  ");
    text_add(test->message, actual);
    return false;
}

/* --- Taking the test apart ------------------------------------------------------------------- */

static bool read_parts(struct test_case *test, struct json_value object)
{
    const struct {
        const char *name;
        struct json_value *part;
        enum json_kind kind;
    } members[] = {
        {"decider", &test->parts.decider, JSON_STRING}, {"id", &test->parts.id, JSON_STRING},
        {"given", &test->parts.given, JSON_ARRAY},      {"when", &test->parts.when, JSON_OBJECT},
        {"then", &test->parts.then, JSON_NULL},         {"view", &test->parts.view, JSON_OBJECT},
    };
    const size_t count = sizeof members / sizeof members[0];
    if (object.kind != JSON_OBJECT) {
        return say(test, "a test is an object with given, when, then, view");
    }
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        struct ever_slice name = json_string(i.key, &test->arena);
        size_t at = 0;
        while (at < count && !slice_is(name, members[at].name)) {
            at++;
        }
        if (at == count) {
            text_printf(test->message,
                        "%.*s is unknown: a test has decider, id, given, when, then, view",
                        SLICE_PRINT(name));
            return false;
        }
        if (members[at].kind != JSON_NULL && i.value.kind != members[at].kind) {
            text_printf(test->message, "%s is of the wrong type", members[at].name);
            return false;
        }
        *members[at].part = i.value;
    }
    return true;
}

static bool read_stream(struct test_case *test)
{
    const struct parts *parts = &test->parts;
    if (!is_given(parts->decider) && !is_given(parts->id) && !is_given(parts->when)) {
        test->stream = SLICE_LITERAL(DEFAULT_STREAM);
        return true;
    }
    if (!is_given(parts->decider) || !is_given(parts->id)) {
        return say(test, "decider and id are missing: the test needs both");
    }
    test->decider = json_string(parts->decider, &test->arena);
    test->id = json_string(parts->id, &test->arena);
    test->stream =
        arena_printf(&test->arena, "%.*s-%.*s", SLICE_PRINT(test->decider), SLICE_PRINT(test->id));
    return true;
}

/* Adds an event with its stream and with data to what happened. */
static bool happen(struct test_case *test, struct json_value event, bool *out_is_own)
{
    struct json_value type;
    struct json_value stream;
    struct json_value data;
    if (!json_member(event, SLICE_LITERAL("type"), &type) || type.kind != JSON_STRING) {
        return say(test, "an event of given has no type: { type, data, stream? }");
    }
    struct ever_slice name = test->stream;
    if (json_member(event, SLICE_LITERAL("stream"), &stream) && stream.kind == JSON_STRING) {
        name = json_string(stream, &test->arena);
    }
    *out_is_own = slice_equal(name, test->stream);
    bool has_data = json_member(event, SLICE_LITERAL("data"), &data);
    text_add_text(&test->happened, test->happened.size == 1 ? "{\"stream\":" : ",{\"stream\":");
    json_write_string(&test->happened, name);
    text_add_text(&test->happened, ",\"type\":");
    text_add(&test->happened, type.text);
    text_add_text(&test->happened, ",\"data\":");
    text_add(&test->happened, has_data ? data.text : SLICE_LITERAL("{}"));
    text_add_byte(&test->happened, '}');
    return true;
}

/* `out_own`: the given events of the test's own stream, as runtime.js folds them. */
static bool read_given(struct test_case *test, struct text *out_own)
{
    text_add_byte(&test->happened, '[');
    text_add_byte(out_own, '[');
    if (!is_given(test->parts.given)) {
        text_add_byte(out_own, ']');
        return true;
    }
    for (struct json_iter i = json_iter(test->parts.given); json_next(&i);) {
        size_t start = test->happened.size;
        bool is_own;
        if (!happen(test, i.value, &is_own)) {
            return false;
        }
        if (is_own) {
            struct ever_slice event = slice_from(text_slice(&test->happened), start);
            bool comma = start > 1;
            text_add_text(out_own, test->own_count++ == 0 ? "" : ",");
            text_add(out_own, slice_from(event, comma ? 1 : 0));
        }
    }
    text_add_byte(out_own, ']');
    return true;
}

/* --- Deciding -------------------------------------------------------------------------------- */

static bool read_command(struct test_case *test, struct ever_slice *out_name,
                         struct json_value *out_data)
{
    struct json_iter command = json_iter(test->parts.when);
    if (!json_next(&command)) {
        return say(test, "when is empty: it holds one command, { Name: data }");
    }
    *out_name = json_string(command.key, &test->arena);
    *out_data = command.value;
    return !json_next(&command) || say(test, "when holds several commands: a test gives one");
}

static bool has_text(struct json_value array, struct ever_slice text, struct arena *arena)
{
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        if (slice_equal(json_string(i.value, arena), text)) {
            return true;
        }
    }
    return false;
}

static bool check_command_exists(struct test_case *test, struct ever_slice name)
{
    for (struct json_iter i = json_iter(test->bench->deciders); json_next(&i);) {
        struct json_value decider;
        struct json_value commands;
        if (!json_member(i.value, SLICE_LITERAL("name"), &decider) ||
            !json_member(i.value, SLICE_LITERAL("commands"), &commands) ||
            !slice_equal(json_string(decider, &test->arena), test->decider)) {
            continue;
        }
        if (has_text(commands, name, &test->arena)) {
            return true;
        }
        text_printf(test->message, "decider %.*s has no command %.*s", SLICE_PRINT(test->decider),
                    SLICE_PRINT(name));
        return false;
    }
    text_printf(test->message, "there is no decider %.*s", SLICE_PRINT(test->decider));
    return false;
}

static void write_request(struct test_case *test, struct ever_slice own, struct ever_slice name,
                          struct json_value data, struct text *out)
{
    text_add_text(out, "{\"once\":true,\"decider\":");
    json_write_string(out, test->decider);
    text_add_text(out, ",\"id\":");
    json_write_string(out, test->id);
    text_add_text(out, ",\"stream\":");
    json_write_string(out, test->stream);
    text_printf(out, ",\"revision\":%lld,\"from\":0,\"events\":", (long long)test->own_count - 1);
    text_add(out, own);
    text_add_text(out, ",\"command\":{\"id\":\"" TEST_COMMAND_ID "\",\"now\":\"" TEST_NOW
                       "\",\"seed\":\"" TEST_SEED "\",\"name\":");
    json_write_string(out, name);
    text_add_text(out, ",\"data\":");
    text_add(out, data.text);
    text_add_text(out, "}}");
}

struct asked {
    struct script_request request; /* first: the pool gives it back */
    bool done;
    enum script_outcome outcome;
    struct text *answer;
};

static void on_done(struct script_request *request, const struct script_reply *reply)
{
    struct asked *asked = (struct asked *)request;
    asked->done = true;
    asked->outcome = reply->outcome;
    text_add(asked->answer, reply->text);
}

static bool ask(struct test_case *test, struct ever_slice request, struct text *out_answer)
{
    struct asked asked = {.request = {.body = request, .done = on_done}, .answer = out_answer};
    script_pool_send(test->bench->pool, &asked.request);
    while (!asked.done) {
        uv_run(test->bench->loop, UV_RUN_ONCE);
    }
    if (asked.outcome == SCRIPT_TIME_LIMIT) {
        text_printf(test->message, "it ran longer than the time limit, %u ms",
                    test->bench->options->time_limit_ms);
        return false;
    }
    if (asked.outcome == SCRIPT_MEMORY_LIMIT) {
        return say(test, "it took too much memory");
    }
    if (asked.outcome != SCRIPT_ANSWERED) {
        text_add(test->message, text_slice(out_answer));
        return false;
    }
    return json_check(text_slice(out_answer), NULL) ||
           say(test, "what was returned cannot be kept as JSON");
}

/* --- Holding the answer against `then` ------------------------------------------------------- */

/* Every member that is expected is there and the same. */
static bool covers(struct json_value expected, struct json_value actual, struct arena *arena)
{
    for (struct json_iter i = json_iter(expected); json_next(&i);) {
        struct json_value value;
        if (!json_member(actual, json_string(i.key, arena), &value) ||
            !app_test_equal(i.value, value)) {
            return false;
        }
    }
    return true;
}

static bool same_event(struct json_value expected, struct json_value actual, struct arena *arena)
{
    struct json_value wanted;
    struct json_value data;
    if (expected.kind != JSON_OBJECT || !covers(expected, actual, arena)) {
        return false;
    }
    bool names_data = json_member(expected, SLICE_LITERAL("data"), &wanted);
    return names_data ||
           (json_member(actual, SLICE_LITERAL("data"), &data) && slice_is(data.text, "{}"));
}

static bool same_events(struct json_value expected, struct json_value actual, struct arena *arena)
{
    struct json_iter left = json_iter(expected);
    struct json_iter right = json_iter(actual);
    for (;;) {
        bool more = json_next(&left);
        if (more != json_next(&right)) {
            return false;
        }
        if (!more || !same_event(left.value, right.value, arena)) {
            return !more;
        }
    }
}

/* then: { rejected: code, message?, details? } */
static bool same_rejection(struct json_value expected, struct json_value actual,
                           struct arena *arena)
{
    for (struct json_iter i = json_iter(expected); json_next(&i);) {
        struct ever_slice name = json_string(i.key, arena);
        struct json_value value;
        if (!json_member(actual, slice_is(name, "rejected") ? SLICE_LITERAL("code") : name,
                         &value) ||
            !app_test_equal(i.value, value)) {
            return false;
        }
    }
    return true;
}

static bool add_decided(struct test_case *test, struct json_value events)
{
    for (struct json_iter i = json_iter(events); json_next(&i);) {
        bool is_own;
        if (!happen(test, i.value, &is_own)) {
            return false;
        }
    }
    return true;
}

static bool check_then(struct test_case *test, struct json_value answer)
{
    struct json_value expected = test->parts.then;
    struct json_value actual;
    struct json_value rejected;
    if (json_member(answer, SLICE_LITERAL("threw"), &actual)) {
        text_add(test->message, json_string(actual, &test->arena));
        return false;
    }
    bool wants_rejection = json_member(expected, SLICE_LITERAL("rejected"), &rejected);
    if (expected.kind != JSON_ARRAY && !wants_rejection) {
        return say(test, "then is an array of events or { rejected: code }");
    }
    if (json_member(answer, SLICE_LITERAL("rejected"), &actual)) {
        return (wants_rejection && same_rejection(expected, actual, &test->arena)) ||
               say_difference(test, expected.text, answer.text);
    }
    if (!json_member(answer, SLICE_LITERAL("events"), &actual)) {
        return say(test, "the worker's answer makes no sense");
    }
    if (wants_rejection || !same_events(expected, actual, &test->arena)) {
        return say_difference(test, expected.text, actual.text);
    }
    return add_decided(test, actual);
}

static bool decide(struct test_case *test, struct ever_slice own)
{
    struct ever_slice name;
    struct json_value data;
    if (!is_given(test->parts.when)) {
        return !is_given(test->parts.then) || say(test, "then needs a when: the command");
    }
    if (!is_given(test->parts.then)) {
        return say(test, "when needs a then: events, or { rejected: code }");
    }
    if (!read_command(test, &name, &data) || !check_command_exists(test, name)) {
        return false;
    }
    CLEANUP(text_deinit) struct text request = {0};
    CLEANUP(text_deinit) struct text answer = {0};
    write_request(test, own, name, data, &request);
    return ask(test, text_slice(&request), &answer) &&
           check_then(test, json_value_of(text_slice(&answer)));
}

void app_test_case_run(const struct app_test_bench *bench, struct json_value object,
                       struct text *message)
{
    struct test_case test = {.bench = bench, .message = message};
    CLEANUP(text_deinit) struct text own = {0};
    arena_init(&test.arena);
    if (read_parts(&test, object) && read_stream(&test) && read_given(&test, &own) &&
        decide(&test, text_slice(&own)) && is_given(test.parts.view)) {
        text_add_byte(&test.happened, ']');
        app_test_views_run(bench, test.parts.view, text_slice(&test.happened), &test.arena,
                           message);
    }
    text_deinit(&test.happened);
    arena_deinit(&test.arena);
}
