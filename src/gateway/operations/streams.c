/* streams.c - reading the events of one stream. */
#include "gateway/operations/groups.h"
#include "gateway/operations/reading_answer.h"

static void read_stream(struct call *call)
{
    answer_events(call, call->variables[0]);
}

static void read_stream_event(struct call *call)
{
    answer_event(call, call->variables[0], call->variables[1]);
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/streams/{stream}",
        .run = read_stream,
        .id = "readStream",
        .group = "streams",
        .summary = "Read the events of a stream",
        .description =
            "JSON shows a page; NDJSON all events, one on each line, and a last line "
            "{\"end\":true}, without which something was cut off, a line {\"damaged\":...} where "
            "events cannot be read; text/event-stream what there "
            "is and then what comes, for ever. The ETag is the last revision: send it back as "
            "If-Match to append only if nothing has changed.",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON) | MEDIA_BIT(MEDIA_SSE),
        .parameters = PARAMETER_BIT(PARAMETER_FROM_REVISION) | PARAMETER_BIT(PARAMETER_AFTER) |
                      PARAMETER_BIT(PARAMETER_LIMIT) | PARAMETER_BIT(PARAMETER_DIRECTION) |
                      PARAMETER_BIT(PARAMETER_AT) | PARAMETER_BIT(PARAMETER_IF_NONE_MATCH) |
                      PARAMETER_BIT(PARAMETER_MIN_POSITION) |
                      PARAMETER_BIT(PARAMETER_LAST_EVENT_ID),
        .problems = PROBLEM_BIT(PROBLEM_BAD_PARAMETER) | PROBLEM_BIT(PROBLEM_STREAM_NOT_FOUND) |
                    PROBLEM_BIT(PROBLEM_POSITION_AHEAD_OF_LOG) | PROBLEM_BIT(PROBLEM_LOG_BEHIND),
        .status = 200,
        .answer_type = "StreamPage",
        .answer = "events of the stream",
    },
    {
        .method = METHOD_GET,
        .path = "/streams/{stream}/{revision}",
        .run = read_stream_event,
        .id = "readStreamEvent",
        .group = "streams",
        .summary = "Read one event of a stream",
        .description = "It never changes: caches may keep it for ever.",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .parameters = PARAMETER_BIT(PARAMETER_IF_NONE_MATCH),
        .problems = PROBLEM_BIT(PROBLEM_EVENT_NOT_FOUND),
        .status = 200,
        .answer_type = "Event",
        .answer = "the event",
    },
};

const struct operation_group stream_operations = OPERATION_GROUP(rows);
