#include "gateway/command_answer.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "gateway/conditions.h"
#include "gateway/wire/event_json.h"

void command_add_location(struct call *call, struct ever_uuid id)
{
    static const char prefix[] = "/commands/";
    const size_t prefix_size = sizeof prefix - 1;
    char *location = arena_alloc(call->arena, prefix_size + UUID_TEXT_BYTES);
    memcpy(location, prefix, prefix_size);
    uuid_format(id, location + prefix_size);
    call_header(call, SLICE_LITERAL("Location"), slice_of(location, prefix_size + UUID_TEXT_BYTES));
}

static void add_headers(struct call *call, struct ever_uuid id, const struct decider_answer *answer)
{
    command_add_location(call, id);
    if (answer->revision != EVER_NO_REVISION) {
        call_etag(call, (uint64_t)answer->revision);
    }
    call_position(call, answer->last_position);
    if (answer->repeated) {
        call_header(call, SLICE_LITERAL("Idempotency-Replayed"), SLICE_LITERAL("true"));
    }
}

static void write_views_behind(struct text *body, const struct command_story *story)
{
    if (story->views_behind_count == 0) {
        return;
    }
    text_add(body, SLICE_LITERAL(",\"viewsBehind\":["));
    for (size_t i = 0; i < story->views_behind_count; i++) {
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        json_write_string(body, slice_of_text(story->views_behind[i]));
    }
    text_add_byte(body, ']');
}

static void write_revision(struct text *body, int64_t revision)
{
    text_add(body, SLICE_LITERAL(",\"revision\":"));
    if (revision == EVER_NO_REVISION) {
        text_add(body, SLICE_LITERAL("null"));
    } else {
        text_add_u64(body, (uint64_t)revision);
    }
}

void command_answer_accepted(struct call *call, const struct command_story *story)
{
    ASSERT(story->answer.outcome == DECIDER_ACCEPTED);
    add_headers(call, story->id, &story->answer);
    struct text *body = call_text(call);
    text_add(body, SLICE_LITERAL("{\"command\":\""));
    uuid_write(body, story->id);
    text_add(body, SLICE_LITERAL("\",\"status\":\"done\",\"stream\":"));
    json_write_string(body, story->stream);
    write_revision(body, story->answer.revision);
    text_add(body, SLICE_LITERAL(",\"events\":"));
    event_list_write(body, &story->events);
    text_add(body, SLICE_LITERAL(",\"position\":"));
    text_add_u64(body, story->answer.last_position);
    write_views_behind(body, story);
    text_add_byte(body, '}');
    call_answer_text(call, 202, body);
}

/* --- Refusals -------------------------------------------------------------------------------- */

static bool is_standard_member(struct ever_slice name)
{
    static const char *const names[] = {"type", "title", "status", "detail", "instance", "code"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* The decider's own members follow; it cannot replace those every problem has. */
void command_write_rejection(struct text *out, const struct decider_answer *answer)
{
    text_add(out, SLICE_LITERAL(",\"code\":"));
    json_write_string(out, answer->code);
    if (answer->details.size == 0) {
        return;
    }
    struct json_value details = json_value_of(answer->details);
    if (details.kind != JSON_OBJECT) {
        return;
    }
    struct arena arena;
    arena_init(&arena);
    for (struct json_iter i = json_iter(details); json_next(&i);) {
        if (!is_standard_member(json_string(i.key, &arena))) {
            text_add_byte(out, ',');
            text_add(out, i.key.text);
            text_add_byte(out, ':');
            text_add(out, i.value.text);
        }
    }
    arena_deinit(&arena);
}

void command_write_problem(struct text *out, const struct decider_answer *answer)
{
    const struct problem_info *info = problem_info(PROBLEM_COMMAND_REJECTED);
    struct text members = {0};
    command_write_rejection(&members, answer);
    problem_write(out, info, info->status, answer->message, SLICE_NONE, text_slice(&members));
    text_deinit(&members);
}

static void answer_rejected(struct call *call, struct ever_uuid id,
                            const struct decider_answer *answer)
{
    add_headers(call, id, answer);
    struct text members = {0};
    command_write_rejection(&members, answer);
    call_problem_as(call, problem_info(PROBLEM_COMMAND_REJECTED)->status, PROBLEM_COMMAND_REJECTED,
                    text_slice(&members), answer->message);
    text_deinit(&members);
}

static void answer_failed(struct call *call, enum problem problem,
                          const struct decider_answer *answer)
{
    call_problem_as(call, problem_info(problem)->status, problem, SLICE_NONE, answer->message);
}

void command_answer_refused(struct call *call, struct ever_uuid id, struct ever_slice stream,
                            const struct decider_answer *answer)
{
    switch (answer->outcome) {
    case DECIDER_REJECTED:
        answer_rejected(call, id, answer);
        return;
    case DECIDER_CONFLICT:
        condition_failed(call, answer->revision);
        return;
    case DECIDER_OTHER:
        call_problem(call, PROBLEM_IDEMPOTENCY_KEY_REUSED, SLICE_NONE,
                     "The key belongs to another command of %.*s.", SLICE_PRINT(stream));
        return;
    case DECIDER_UNKNOWN_COMMAND:
        answer_failed(call, PROBLEM_COMMAND_NOT_FOUND, answer);
        return;
    case DECIDER_THREW:
        answer_failed(call, PROBLEM_DECIDER_FAILED, answer);
        return;
    case DECIDER_TIME_LIMIT:
        answer_failed(call, PROBLEM_DECIDER_TIME_LIMIT, answer);
        return;
    case DECIDER_MEMORY_LIMIT:
        answer_failed(call, PROBLEM_DECIDER_MEMORY_LIMIT, answer);
        return;
    case DECIDER_UNAVAILABLE:
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("5"));
        answer_failed(call, PROBLEM_WORKER_UNAVAILABLE, answer);
        return;
    case DECIDER_OVERTAKEN:
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
        call_problem(call, PROBLEM_OVERTAKEN, SLICE_NONE, "The stream is %.*s.",
                     SLICE_PRINT(stream));
        return;
    case DECIDER_STORE_FAILED:
        call_write_failed(call, answer->err);
        return;
    case DECIDER_CLOSED:
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("5"));
        call_problem(call, PROBLEM_SHUTTING_DOWN, SLICE_NONE, "The command was not decided.");
        return;
    case DECIDER_ACCEPTED:
        break;
    }
    ASSERT(answer->outcome != DECIDER_ACCEPTED);
}
