/* events.c - reading the whole log. */
#include "base/slice.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/reading_answer.h"

static void read_events(struct call *call)
{
    answer_events(call, SLICE_NONE);
}

static void read_event(struct call *call)
{
    answer_event(call, SLICE_NONE, call->variables[0]);
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/events",
        .run = read_events,
        .id = "readEvents",
        .group = "events",
        .summary = "Read the log: the events of all streams in their order",
        .description =
            "In the same three forms as a stream. Filters must all hold. position is the last "
            "position of the log that the answer knows of.",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON) | MEDIA_BIT(MEDIA_SSE),
        .parameters = PARAMETER_BIT(PARAMETER_FROM_POSITION) | PARAMETER_BIT(PARAMETER_AFTER) |
                      PARAMETER_BIT(PARAMETER_LIMIT) | PARAMETER_BIT(PARAMETER_DIRECTION) |
                      PARAMETER_BIT(PARAMETER_AT) | PARAMETER_BIT(PARAMETER_TYPE) |
                      PARAMETER_BIT(PARAMETER_CATEGORY) | PARAMETER_BIT(PARAMETER_PREFIX) |
                      PARAMETER_BIT(PARAMETER_TAG) | PARAMETER_BIT(PARAMETER_IF_NONE_MATCH) |
                      PARAMETER_BIT(PARAMETER_MIN_POSITION) |
                      PARAMETER_BIT(PARAMETER_LAST_EVENT_ID),
        .problems = PROBLEM_BIT(PROBLEM_BAD_PARAMETER) |
                    PROBLEM_BIT(PROBLEM_POSITION_AHEAD_OF_LOG) | PROBLEM_BIT(PROBLEM_LOG_BEHIND),
        .status = 200,
        .answer_type = "LogPage",
        .answer = "events of the log",
    },
    {
        .method = METHOD_GET,
        .path = "/events/{position}",
        .run = read_event,
        .id = "readEvent",
        .group = "events",
        .summary = "Read one event of the log",
        .description = "It never changes: caches may keep it for ever.",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .parameters = PARAMETER_BIT(PARAMETER_IF_NONE_MATCH),
        .problems = PROBLEM_BIT(PROBLEM_EVENT_NOT_FOUND),
        .status = 200,
        .answer_type = "Event",
        .answer = "the event",
    },
};

const struct operation_group event_operations = OPERATION_GROUP(rows);
