#include "gateway/operations/reading_answer.h"

#include "base/slice.h"
#include "gateway/conditions.h"
#include "gateway/follow/feed.h"
#include "gateway/follow/page.h"
#include "gateway/gateway_priv.h"
#include "gateway/history.h"
#include "gateway/wire/event_json.h"

static void follow(struct call *call, struct ever_slice stream)
{
    struct reading reading;
    if (reading_parse_follow(call, stream, &reading)) {
        call_position(call, ever_last_position(call->gateway->parts.store));
        feed_start(call, &reading);
    }
}

static void answer_no_stream(struct call *call, const struct reading *reading)
{
    call_position(call, reading->position);
    call_problem(call, PROBLEM_STREAM_NOT_FOUND, SLICE_NONE,
                 "The stream %.*s has no events at position %llu.",
                 SLICE_PRINT(reading->read.stream), (unsigned long long)reading->position);
}

/* A page changes with what it is about: the stream, or the log. */
static bool page_is_known(struct call *call, const struct reading *reading)
{
    uint64_t tag = reading->of_stream ? (uint64_t)reading->revision : reading->position;
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    call_etag(call, tag);
    return condition_answers_read(call, arena_printf(call->arena, "%llu", (unsigned long long)tag));
}

void answer_events(struct call *call, struct ever_slice stream)
{
    if (call->gives == MEDIA_SSE) {
        follow(call, stream);
        return;
    }
    struct reading reading;
    if (!reading_parse(call, stream, &reading) ||
        condition_is_ahead_of_log(call, reading.position)) {
        return;
    }
    if (reading.of_stream && reading.revision == EVER_NO_REVISION) {
        answer_no_stream(call, &reading);
        return;
    }
    call_position(call, reading.position);
    if (call->gives == MEDIA_NDJSON) {
        feed_start(call, &reading);
    } else if (!page_is_known(call, &reading)) {
        page_start(call, &reading);
    }
}

/* --- One event ------------------------------------------------------------------------------- */

static void answer_no_event(struct call *call, struct ever_slice stream, uint64_t number)
{
    call_position(call, ever_last_position(call->gateway->parts.store));
    if (stream.data != NULL) {
        call_problem(call, PROBLEM_EVENT_NOT_FOUND, SLICE_NONE,
                     "The stream %.*s has no event with revision %llu.", SLICE_PRINT(stream),
                     (unsigned long long)number);
    } else {
        call_problem(call, PROBLEM_EVENT_NOT_FOUND, SLICE_NONE,
                     "The log has no event at position %llu.", (unsigned long long)number);
    }
}

/* What is in the log never changes, so it may be kept for ever; private: it may be nobody else's
 * business. */
static void answer_found(struct call *call, const struct ever_event *event)
{
    call_header(call, SLICE_LITERAL("Cache-Control"),
                SLICE_LITERAL("private, max-age=31536000, immutable"));
    call_etag(call, event->position);
    call_position(call, event->position);
    struct ever_slice tag = arena_printf(call->arena, "%llu", (unsigned long long)event->position);
    if (condition_answers_read(call, tag)) {
        return;
    }
    struct text *body = call_text(call);
    event_write(body, event, EVENT_AS_STORED);
    call_answer_text(call, 200, body);
}

void answer_event(struct call *call, struct ever_slice stream, struct ever_slice number_text)
{
    uint64_t number;
    if (!slice_parse_u64(number_text, &number)) {
        call_problem(call, PROBLEM_BAD_NAME, SLICE_NONE, "\"%.*s\" in the path is not a %s.",
                     SLICE_PRINT(number_text), stream.data != NULL ? "revision" : "position");
        return;
    }
    if (stream.data == NULL && number == 0) {
        answer_no_event(call, stream, number); /* the log begins at 1 */
        return;
    }
    struct ever_cursor *cursor;
    const struct ever_event *event;
    struct ever_err err =
        history_event(call->gateway->parts.store, stream, number, &cursor, &event);
    if (err.code == EVER_NOT_FOUND) {
        answer_no_event(call, stream, number);
        return;
    }
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return;
    }
    answer_found(call, event);
    ever_cursor_close(cursor);
}
