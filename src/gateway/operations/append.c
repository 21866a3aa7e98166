/* append.c - writing events: to one stream, or to several at once.
 *
 * What is appended stays where it arrived, in the request's memory, until the store is done with it
 * on a thread of its own; that thread sends the append back to the loop as a piece of mail. */
#include "gateway/operations/append.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/json.h"
#include "base/slice.h"
#include "domain/flow/flow_stream.h"
#include "gateway/body_answer.h"
#include "gateway/conditions.h"
#include "gateway/operations/groups.h"
#include "gateway/wire/append_body.h"

struct append { /* in the call's arena */
    struct mail mail;
    struct call *call;
    void (*answer)(struct append *append);
    struct ever_write *writes;
    uint32_t write_count;
    int64_t *revisions;
    struct ever_err err;
    struct ever_result result;
};

/* --- To the store and back ------------------------------------------------------------------- */

static struct append *append_of(struct mail *mail)
{
    return (struct append *)((char *)mail - offsetof(struct append, mail));
}

/* On a thread of the store. */
static void on_done(void *arg, struct ever_err err, const struct ever_result *result,
                    const int64_t *revisions)
{
    struct append *append = arg;
    append->err = err;
    if (IS_OK(err)) {
        append->result = *result;
        memcpy(append->revisions, revisions, append->write_count * sizeof *revisions);
    }
    mailbox_send(&append->call->gateway->completions, &append->mail);
}

static void submit(struct append *append)
{
    append->revisions =
        arena_alloc(append->call->arena, append->write_count * sizeof *append->revisions);
    struct ever_err err = ever_append_async(append->call->gateway->parts.store, append->writes,
                                            append->write_count, on_done, append);
    if (!IS_OK(err)) {
        call_write_failed(append->call, err);
    }
}

static void answer_id_reused(struct append *append)
{
    const struct ever_result *result = &append->result;
    struct ever_slice stream = append->writes[result->write_index].stream;
    call_problem(append->call, PROBLEM_EVENT_ID_REUSED,
                 arena_printf(append->call->arena, ",\"event\":%u", result->event_index),
                 "The id of an event for stream %.*s is in the log already, with %s.",
                 SLICE_PRINT(stream),
                 append->writes->pass_known ? "other content" : "other content or company");
}

static void finish(struct append *append)
{
    if (!IS_OK(append->err)) {
        call_write_failed(append->call, append->err);
    } else if (append->result.outcome == EVER_ID_REUSED) {
        answer_id_reused(append);
    } else {
        append->answer(append);
    }
}

void append_finish_all(struct gateway *gateway)
{
    struct mail *mail = mailbox_take_all(&gateway->completions);
    while (mail != NULL) {
        struct append *append = append_of(mail);
        mail = mail->next; /* it goes with its call */
        finish(append);
    }
}

/* --- One stream ------------------------------------------------------------------------------ */

static void add_location(struct call *call, struct ever_slice stream, uint64_t first_revision)
{
    struct text location = {0};
    text_add(&location, SLICE_LITERAL("/streams/"));
    name_write_encoded(&location, stream);
    text_add_byte(&location, '/');
    text_add_u64(&location, first_revision);
    call_header(call, SLICE_LITERAL("Location"), arena_copy(call->arena, text_slice(&location)));
    text_deinit(&location);
}

static void answer_stream(struct append *append)
{
    struct call *call = append->call;
    const struct ever_result *result = &append->result;
    const struct ever_write *write = append->writes;
    if (result->outcome == EVER_CONFLICT) {
        condition_failed(call, result->revision);
        return;
    }
    bool repeated = result->outcome == EVER_REPEATED;
    uint64_t revision = (uint64_t)append->revisions[0];
    add_location(call, write->stream, revision - write->event_count + 1);
    call_etag(call, revision);
    call_position(call, result->last_position);
    struct text *body = call_text(call);
    text_add(body, SLICE_LITERAL("{\"stream\":"));
    json_write_string(body, write->stream);
    text_add(body, SLICE_LITERAL(",\"revision\":"));
    text_add_u64(body, revision);
    text_add(body, SLICE_LITERAL(",\"firstPosition\":"));
    text_add_u64(body, result->first_position);
    text_add(body, SLICE_LITERAL(",\"position\":"));
    text_add_u64(body, result->last_position);
    text_add(body, repeated ? SLICE_LITERAL(",\"repeated\":true}") : SLICE_LITERAL("}"));
    call_answer_text(call, repeated ? 200 : 201, body);
}

static bool check_writable(struct call *call, struct ever_slice stream)
{
    if (stream.data[0] == '$') {
        call_problem(call, PROBLEM_STREAM_RESERVED, SLICE_NONE,
                     "The stream %.*s begins with $, which only Everfold itself writes to.",
                     SLICE_PRINT(stream));
        return false;
    }
    struct ever_slice flow;
    if (flow_stream_is(stream, &flow)) {
        call_problem(call, PROBLEM_FLOW_STREAM, SLICE_NONE,
                     "The stream %.*s belongs to the flow \"%.*s\"; append to another stream, and "
                     "change the flow in flows/.",
                     SLICE_PRINT(stream), SLICE_PRINT(flow));
        return false;
    }
    return true;
}

static void append_to_stream(struct call *call)
{
    struct ever_slice stream = call->variables[0];
    struct write_condition condition;
    if (!check_writable(call, stream) || !condition_of_write(call, stream, &condition)) {
        return;
    }
    struct ever_write *write = arena_alloc_zero(call->arena, sizeof *write);
    struct body_faults faults = {0};
    if (!append_body_of_events(call->request->body, call->took, call->arena, &faults, write)) {
        answer_bad_body(call, &faults);
        return;
    }
    write->stream = stream;
    write->expect = condition.expect;
    write->revision = condition.revision;
    struct append *append = arena_alloc_zero(call->arena, sizeof *append);
    append->call = call;
    append->answer = answer_stream;
    append->writes = write;
    append->write_count = 1;
    submit(append);
}

/* --- Several streams ------------------------------------------------------------------------- */

static void answer_conflict(struct append *append)
{
    struct call *call = append->call;
    const struct ever_result *result = &append->result;
    struct ever_slice stream = append->writes[result->write_index].stream;
    struct text members = {0};
    text_add(&members, SLICE_LITERAL(",\"conflict\":{\"stream\":"));
    json_write_string(&members, stream);
    if (result->revision == EVER_NO_REVISION) {
        text_add(&members, SLICE_LITERAL(",\"revision\":null}"));
    } else {
        text_printf(&members, ",\"revision\":%lld}", (long long)result->revision);
    }
    struct ever_slice detail =
        arena_printf(call->arena, "What write %u expects of stream %.*s does not hold.",
                     result->write_index, SLICE_PRINT(stream));
    call_problem_as(call, 409, PROBLEM_APPEND_CONDITION_FAILED, text_slice(&members), detail);
    text_deinit(&members);
}

/* Marks the writes that are the first for their stream: an open hash table of write numbers. */
static bool *find_first_of_stream(const struct append *append)
{
    size_t capacity = 2;
    while (capacity < 2 * (size_t)append->write_count) {
        capacity *= 2;
    }
    struct arena *arena = append->call->arena;
    uint32_t *slots = arena_alloc_zero(arena, capacity * sizeof *slots); /* number + 1; 0: free */
    bool *is_first = arena_alloc_zero(arena, append->write_count);
    for (uint32_t i = 0; i < append->write_count; i++) {
        struct ever_slice stream = append->writes[i].stream;
        size_t slot = hash64(stream, 0) & (capacity - 1);
        while (slots[slot] != 0 && !slice_equal(append->writes[slots[slot] - 1].stream, stream)) {
            slot = (slot + 1) & (capacity - 1);
        }
        is_first[i] = slots[slot] == 0;
        slots[slot] = is_first[i] ? i + 1 : slots[slot];
    }
    return is_first;
}

static void write_revisions(struct text *body, const struct append *append)
{
    const bool *is_first = find_first_of_stream(append);
    text_add(body, SLICE_LITERAL(",\"streams\":["));
    for (uint32_t i = 0; i < append->write_count; i++) {
        if (!is_first[i]) {
            continue;
        }
        text_add(body, i == 0 ? SLICE_LITERAL("{\"stream\":") : SLICE_LITERAL(",{\"stream\":"));
        json_write_string(body, append->writes[i].stream);
        text_add(body, SLICE_LITERAL(",\"revision\":"));
        text_add_u64(body, (uint64_t)append->revisions[i]);
        text_add_byte(body, '}');
    }
    text_add_byte(body, ']');
}

static void answer_writes(struct append *append)
{
    struct call *call = append->call;
    if (append->result.outcome == EVER_CONFLICT) {
        answer_conflict(append);
        return;
    }
    bool repeated = append->result.outcome == EVER_REPEATED;
    call_position(call, append->result.last_position);
    struct text *body = call_text(call);
    text_add(body, SLICE_LITERAL("{\"firstPosition\":"));
    text_add_u64(body, append->result.first_position);
    text_add(body, SLICE_LITERAL(",\"position\":"));
    text_add_u64(body, append->result.last_position);
    write_revisions(body, append);
    if (append->writes->pass_known) {
        text_printf(body, ",\"known\":%u", append->result.known_count);
    }
    text_add(body, repeated ? SLICE_LITERAL(",\"repeated\":true}") : SLICE_LITERAL("}"));
    call_answer_text(call, repeated ? 200 : 201, body);
}

/* False: what the query says is none of the words, and the call is answered. */
static bool read_known(struct call *call, bool *out_pass)
{
    struct ever_slice word;
    *out_pass = query_get(&call->query, "known", &word);
    if (*out_pass && !slice_is(word, "pass")) {
        call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE, "known is pass, or is left out.");
        return false;
    }
    return true;
}

static void append_writes(struct call *call)
{
    bool pass_known;
    if (!read_known(call, &pass_known)) {
        return;
    }
    struct body_faults faults = {0};
    struct append_body body;
    if (!append_body_of_writes(call->request->body, call->took, call->arena, &faults, &body)) {
        answer_bad_body(call, &faults);
        return;
    }
    for (uint32_t i = 0; i < body.write_count; i++) {
        body.writes[i].pass_known = pass_known;
    }
    struct append *append = arena_alloc_zero(call->arena, sizeof *append);
    append->call = call;
    append->answer = answer_writes;
    append->writes = body.writes;
    append->write_count = body.write_count;
    submit(append);
}

/* --- The table ------------------------------------------------------------------------------- */

#define WRITE_PROBLEMS                                                                             \
    (PROBLEM_BIT(PROBLEM_MALFORMED_JSON) | PROBLEM_BIT(PROBLEM_BAD_BODY) |                         \
     PROBLEM_BIT(PROBLEM_TOO_LARGE) | PROBLEM_BIT(PROBLEM_UNSUPPORTED_MEDIA_TYPE) |                \
     PROBLEM_BIT(PROBLEM_APPEND_CONDITION_FAILED) | PROBLEM_BIT(PROBLEM_EVENT_ID_REUSED) |         \
     PROBLEM_BIT(PROBLEM_CROSS_SITE_REQUEST) | PROBLEM_BIT(PROBLEM_BUSY) |                         \
     PROBLEM_BIT(PROBLEM_FLOW_STREAM) | PROBLEM_BIT(PROBLEM_WRITING_STOPPED) |                     \
     PROBLEM_BIT(PROBLEM_DISK_FULL) | PROBLEM_BIT(PROBLEM_OUTCOME_UNKNOWN))

static const struct operation rows[] = {
    {
        .method = METHOD_POST,
        .path = "/streams/{stream}",
        .run = append_to_stream,
        .id = "appendToStream",
        .group = "append",
        .summary = "Append events to a stream",
        .description =
            "One event, an array of them, or NDJSON with one on each line: all or none. The "
            "answer comes when they are on disk. Events with ids of the client's may be sent "
            "again: the second time the first answer is given (200, repeated).",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .takes = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON),
        .parameters = PARAMETER_BIT(PARAMETER_IF_MATCH) | PARAMETER_BIT(PARAMETER_IF_NONE_MATCH),
        .problems =
            WRITE_PROBLEMS | PROBLEM_BIT(PROBLEM_STREAM_RESERVED) | PROBLEM_BIT(PROBLEM_BAD_HEADER),
        .body_type = "NewEvents",
        .status = 201,
        .answer_type = "Appended",
        .answer = "the events are durable",
    },
    {
        .method = METHOD_POST,
        .path = "/append",
        .run = append_writes,
        .id = "append",
        .group = "append",
        .summary = "Append events to several streams, atomically",
        .description =
            "Each write may expect something of its stream; if one expectation does not hold, "
            "nothing is written (409). With NDJSON each line is an event that also names its "
            "stream, and they are appended in the order of the lines. With known=pass what is in "
            "the log already is passed over, event by event.",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .takes = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON),
        .parameters = PARAMETER_BIT(PARAMETER_KNOWN),
        .problems = WRITE_PROBLEMS | PROBLEM_BIT(PROBLEM_BAD_PARAMETER),
        .body_type = "Writes",
        .status = 201,
        .answer_type = "AppendedToStreams",
        .answer = "the events are durable",
    },
};

const struct operation_group append_operations = OPERATION_GROUP(rows);
