#include "gateway/operation.h"

#include "base/assert.h"
#include "base/slice.h"
#include "gateway/operations/groups.h"

static const char *const method_names[METHOD_COUNT] = {
    [METHOD_GET] = "GET",     [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",
    [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
};

const char *method_name(enum method method)
{
    ASSERT(method < METHOD_COUNT);
    return method_names[method];
}

bool method_parse(struct ever_slice text, enum method *out_method)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (slice_is(text, method_names[i])) {
            *out_method = (enum method)i;
            return true;
        }
    }
    return false;
}

#define WHOLE_NUMBER "{\"type\":\"integer\",\"minimum\":0}"
#define TEXT "{\"type\":\"string\"}"
#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

static const struct parameter_info parameters[PARAMETER_COUNT] = {
    [PARAMETER_FROM_REVISION] = {"from", "query", WHOLE_NUMBER,
                                 "First revision to show; backward: the highest. Default: the "
                                 "first event, backward the last.",
                                 false},
    [PARAMETER_FROM_POSITION] = {"from", "query", WHOLE_NUMBER,
                                 "First position to show; backward: the highest. Default: the "
                                 "first event, backward the last.",
                                 false},
    [PARAMETER_AFTER] = {"after", "query", WHOLE_NUMBER,
                         "Begin behind this one: the same as from with the number after it.",
                         false},
    [PARAMETER_EXPRESSION] = {"expression", "query", TEXT,
                              "The expression, as from('account').map(e => e.data). Required.",
                              false},
    [PARAMETER_LIMIT] = {"limit", "query",
                         "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
                         "At most so many events. NDJSON has no limit unless one is given, and "
                         "then any.",
                         false},
    [PARAMETER_DIRECTION] = {"direction", "query",
                             "{\"type\":\"string\",\"enum\":[\"forward\",\"backward\"],"
                             "\"default\":\"forward\"}",
                             "forward: oldest first. backward: newest first.", false},
    [PARAMETER_AT] = {"at", "query", TEXT,
                      "Show things as they were at this moment: a position, or a time as "
                      "2026-11-23T23:31:00Z (RFC 3339).",
                      false},
    [PARAMETER_TYPE] = {"type", "query", TEXTS, "Events of these types only: A,B or type=A&type=B.",
                        true},
    [PARAMETER_CATEGORY] = {"category", "query", TEXT, "Events of streams named CATEGORY-... only.",
                            false},
    [PARAMETER_PREFIX] = {"prefix", "query", TEXT, "Events of streams whose name begins so only.",
                          false},
    [PARAMETER_TAG] = {"tag", "query", TEXTS,
                       "Events with this tag only; given several times: with all of them.", true},
    [PARAMETER_SIDE] = {"side", "query", "{\"type\":\"string\",\"enum\":[\"late\",\"errors\"]}",
                        "late: what came too late for its window. errors: what failed and was "
                        "passed over.",
                        false},
    [PARAMETER_KNOWN] = {"known", "query", "{\"type\":\"string\",\"enum\":[\"pass\"]}",
                         "pass: events whose id is in the log already, with the same content, are "
                         "passed over and counted (known); the others are appended.",
                         false},
    [PARAMETER_IF_MATCH] = {"If-Match", "header", TEXT,
                            "\"3\": the stream's last revision must be 3. *: it must exist. "
                            "Else 412.",
                            false},
    [PARAMETER_IF_NONE_MATCH] = {"If-None-Match", "header", TEXT,
                                 "On writes *: the stream must not exist, else 412. On reads an "
                                 "ETag: 304 when nothing has changed.",
                                 false},
    [PARAMETER_IDEMPOTENCY_KEY] = {"Idempotency-Key", "header", TEXT,
                                   "A quoted string. The same key for the same decider and id is "
                                   "one command, for ever; the first answer is given again, with "
                                   "Idempotency-Replayed: true.",
                                   false},
    [PARAMETER_PREFER] = {"Prefer", "header", TEXT,
                          "wait=N: wait up to N seconds (at most 30) for the views. "
                          "handling=strict: refuse unknown preferences. handling=lenient: show "
                          "what there is rather than 503.",
                          false},
    [PARAMETER_MIN_POSITION] = {"Everfold-Min-Position", "header", WHOLE_NUMBER,
                                "The answer must reflect at least this position, else 503.", false},
    [PARAMETER_LAST_EVENT_ID] = {"Last-Event-ID", "header", WHOLE_NUMBER,
                                 "Of an event stream that broke off: the id of the last event "
                                 "seen. Goes before from and after.",
                                 false},
};

const struct parameter_info *parameter_info(enum parameter parameter)
{
    ASSERT(parameter < PARAMETER_COUNT);
    return &parameters[parameter];
}

static const struct operation_group *const groups[] = {
    &stream_operations,         &append_operations,      &event_operations, &decider_operations,
    &command_giving_operations, &command_operations,     &view_operations,  &query_operations,
    &flow_operations,           &live_operations,        &asset_operations, &health_operations,
    &metric_operations,         &description_operations,
};

size_t operation_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        count += groups[i]->count;
    }
    return count;
}

const struct operation *operation_at(size_t index)
{
    size_t group = 0;
    while (index >= groups[group]->count) {
        index -= groups[group]->count;
        group++;
        ASSERT(group < sizeof groups / sizeof groups[0]);
    }
    return &groups[group]->operations[index];
}
