/* flow_events.c - the events of the version of a flow that serves: a page, lines, or for ever.
 *
 * A follower stays with the version it began with; when another takes over it is told where to go
 * on, and its answer ends. One that comes again with an id of the old version is told the same. */
#include "gateway/operations/flow_events.h"

#include "base/assert.h"
#include "base/slice.h"
#include "domain/flow/flow_stream.h"
#include "gateway/conditions.h"
#include "gateway/flow/flow_version.h"
#include "gateway/follow/feed.h"
#include "gateway/follow/page.h"
#include "gateway/follow/wait.h"
#include "gateway/gateway_priv.h"
#include "gateway/history.h"
#include "gateway/operations/targets.h"

struct asked_events { /* in the call's arena */
    struct call *call;
    struct flow *flow;
    struct ever_slice side;           /* "late", "errors"; empty: the main stream */
    char version[FLOW_VERSION_BYTES]; /* that serves */
    struct ever_slice stream;
    struct prefer prefer;
    uint64_t min_position; /* 0: none */
    struct wait wait;
    struct feed_limit limit;
};

/* --- What is asked --------------------------------------------------------------------------- */

static bool read_side(struct asked_events *asked)
{
    if (!query_get(&asked->call->query, "side", &asked->side)) {
        return true;
    }
    if (!slice_is(asked->side, "late") && !slice_is(asked->side, "errors")) {
        call_problem(asked->call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                     "The parameter side is late or errors; without it the flow's own events are "
                     "shown.");
        return false;
    }
    return true;
}

static bool read_min_position(struct asked_events *asked)
{
    struct ever_slice value = http_request_header(asked->call->request, "Everfold-Min-Position");
    if (value.data != NULL && !slice_parse_u64(value, &asked->min_position)) {
        call_problem(asked->call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "Everfold-Min-Position is not a whole number.");
        return false;
    }
    return true;
}

/* The version that serves now. False: there is none yet, and the call is answered. */
static bool find_version(struct asked_events *asked, uint64_t *out_position)
{
    const struct flow_info *info = flow_info(asked->flow);
    struct flow_status status;
    *out_position = flow_position(asked->flow); /* before the events are looked at */
    flow_status(asked->flow, &status);
    if (status.serving[0] == '\0') {
        call_header(asked->call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
        call_problem(asked->call, PROBLEM_FLOW_BUILDING, SLICE_NONE,
                     "The flow %s is new and has passed position %llu%s%s.", info->name,
                     (unsigned long long)*out_position,
                     status.state == FLOW_STOPPED ? ", where it has stopped: " : "",
                     status.failure);
        return false;
    }
    static_assert(sizeof status.serving == sizeof asked->version, "a version is a version");
    memcpy(asked->version, status.serving, sizeof asked->version);
    struct text stream = {0};
    flow_stream_write(&stream, info->name, asked->version, asked->side);
    asked->stream = arena_copy(asked->call->arena, text_slice(&stream));
    text_deinit(&stream);
    return true;
}

/* --- Following ------------------------------------------------------------------------------- */

/* A store that cannot be read now is asked again when the flow moves next. */
static bool is_superseded(void *arg, struct text *farewell)
{
    const struct asked_events *asked = arg;
    struct flow_status status;
    flow_status(asked->flow, &status);
    if (strcmp(status.serving, asked->version) == 0) {
        return false;
    }
    struct ever_err err = flow_superseded_write(farewell, asked->call->gateway->parts.store,
                                                flow_info(asked->flow)->name, status.serving,
                                                status.serving_from, asked->side);
    return IS_OK(err);
}

/* Is the event with the id that the client saw last one of another version of this flow? */
static bool comes_from_another_version(const struct asked_events *asked, uint64_t id)
{
    struct ever_cursor *cursor;
    const struct ever_event *event;
    struct ever_slice flow;
    if (!IS_OK(history_event(asked->call->gateway->parts.store, SLICE_NONE, id, &cursor, &event))) {
        return false; /* whoever reads from there says what is wrong */
    }
    bool other = flow_stream_is(event->stream, &flow) &&
                 slice_is(flow, flow_info(asked->flow)->name) &&
                 !slice_equal(event->stream, asked->stream);
    ever_cursor_close(cursor);
    return other;
}

struct farewell { /* in the call's arena */
    struct http_exchange *exchange;
    struct ever_slice bytes;
};

static void say_farewell(void *arg, struct http_exchange *exchange)
{
    struct farewell *farewell = arg;
    (void)http_stream_write(exchange, farewell->bytes); /* the end follows, full or not */
    http_stream_end(exchange);
}

static void nobody_hears_it(void *arg, struct http_exchange *exchange)
{
    (void)arg;      /* the arena goes by itself */
    (void)exchange; /* likewise */
}

static void answer_superseded(struct asked_events *asked)
{
    struct call *call = asked->call;
    struct flow_status status;
    struct text text = {0};
    flow_status(asked->flow, &status);
    struct ever_err err =
        flow_superseded_write(&text, call->gateway->parts.store, flow_info(asked->flow)->name,
                              asked->version, status.serving_from, asked->side);
    if (IS_OK(err)) {
        struct farewell *farewell = arena_alloc_zero(call->arena, sizeof *farewell);
        farewell->bytes = arena_copy(call->arena, text_slice(&text));
        struct http_stream_events events = {
            .ready = say_farewell, .gone = nobody_hears_it, .arg = farewell};
        call_stream(call, MEDIA_SSE, &events);
    } else {
        call_read_failed(call, err);
    }
    text_deinit(&text);
}

static void follow(struct asked_events *asked)
{
    struct call *call = asked->call;
    struct reading reading;
    uint64_t id;
    if (slice_parse_u64(http_request_header(call->request, "Last-Event-ID"), &id) && id > 0 &&
        comes_from_another_version(asked, id)) {
        answer_superseded(asked);
        return;
    }
    if (reading_parse_follow(call, asked->stream, &reading)) {
        asked->limit = (struct feed_limit){.is_over = is_superseded, .arg = asked};
        feed_start_limited(call, &reading, &asked->limit);
    }
}

/* --- A bounded answer ------------------------------------------------------------------------ */

/* What is shown is complete up to where the flow is, but for another version than the one that
 * runs: nobody makes its events any more. */
static void add_position(struct asked_events *asked, uint64_t position)
{
    if (strcmp(asked->version, flow_info(asked->flow)->version) == 0) {
        call_position(asked->call, position);
    }
}

static bool is_known(struct asked_events *asked, const struct reading *reading)
{
    struct ever_slice tag =
        arena_printf(asked->call->arena, "%s-%lld", asked->version, (long long)reading->revision);
    call_header(asked->call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    call_etag_text(asked->call, tag);
    return condition_answers_read(asked->call, tag);
}

static void answer(struct asked_events *asked)
{
    uint64_t position;
    if (!find_version(asked, &position)) {
        return;
    }
    struct call *call = asked->call;
    if (call->gives == MEDIA_SSE) {
        follow(asked);
        return;
    }
    struct reading reading;
    if (!reading_parse(call, asked->stream, &reading)) {
        return;
    }
    add_position(asked, position);
    reading.position = position;
    if (call->gives == MEDIA_NDJSON) {
        feed_start(call, &reading);
    } else if (!is_known(asked, &reading)) {
        page_start(call, &reading);
    }
}

/* --- Waiting --------------------------------------------------------------------------------- */

static void answer_behind(struct asked_events *asked)
{
    struct call *call = asked->call;
    struct flow_status status;
    flow_status(asked->flow, &status);
    struct ever_slice members =
        arena_printf(call->arena, ",\"state\":\"%s\",\"position\":%llu,\"minPosition\":%llu",
                     flow_state_name(status.state), (unsigned long long)status.position,
                     (unsigned long long)asked->min_position);
    call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
    call_problem(call, PROBLEM_FLOW_BEHIND, members, "The flow %s %s at position %llu of %llu%s%s",
                 flow_info(asked->flow)->name,
                 status.state == FLOW_STOPPED    ? "has stopped"
                 : status.state == FLOW_BUILDING ? "is being built and is"
                                                 : "is",
                 (unsigned long long)status.position, (unsigned long long)asked->min_position,
                 status.failure[0] == '\0' ? "." : ": ", status.failure);
}

static void on_waited(void *arg, bool reached)
{
    struct asked_events *asked = arg;
    if (reached || asked->prefer.lenient) {
        answer(asked);
    } else {
        answer_behind(asked);
    }
}

static void wait_for_flow(struct asked_events *asked)
{
    struct call *call = asked->call;
    call_prefer_applied(call, &asked->prefer);
    asked->wait.flow = asked->flow;
    asked->wait.position = asked->min_position;
    asked->wait.done = on_waited;
    asked->wait.arg = asked;
    waits_add(call->gateway->waits, &asked->wait, asked->prefer.wait_seconds);
}

void read_flow_events(struct call *call)
{
    struct asked_events *asked = arena_alloc_zero(call->arena, sizeof *asked);
    asked->call = call;
    if (!flow_find(call, &asked->flow) || !read_side(asked) || !read_min_position(asked) ||
        !call_prefer(call, &asked->prefer)) {
        return;
    }
    if (asked->min_position > 0 && call->gives != MEDIA_SSE) {
        wait_for_flow(asked);
    } else {
        answer(asked);
    }
}
