/* deciders.c - which deciders there are, and the folded state of one instance. */
#include "base/json.h"
#include "base/slice.h"
#include "gateway/conditions.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/targets.h"
#include "gateway/reading.h"

/* --- The list -------------------------------------------------------------------------------- */

static void write_names(struct text *body, const char *const *names, size_t count)
{
    text_add_byte(body, '[');
    for (size_t i = 0; i < count; i++) {
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        json_write_string(body, slice_of_text(names[i]));
    }
    text_add_byte(body, ']');
}

static void write_decider(struct text *body, const struct decider_info *decider)
{
    text_printf(body, "{\"name\":\"%s\",\"version\":\"%s\",\"commands\":", decider->name,
                decider->version);
    write_names(body, decider->commands, decider->command_count);
    text_add(body, SLICE_LITERAL(",\"eventTypes\":"));
    write_names(body, decider->event_types, decider->event_type_count);
    text_add_byte(body, '}');
}

static void list_deciders(struct call *call)
{
    const struct deciders *deciders = call->gateway->parts.deciders;
    size_t count = deciders == NULL ? 0 : deciders_count(deciders);
    struct text *body = call_text(call);
    text_add_byte(body, '[');
    for (size_t i = 0; i < count; i++) {
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        write_decider(body, deciders_at(deciders, i));
    }
    text_add_byte(body, ']');
    call_answer_text(call, 200, body);
}

/* --- One state ------------------------------------------------------------------------------- */

struct fold { /* in the call's arena */
    struct call *call;
    struct decider_instance instance;
};

static void answer_no_state(struct call *call, const struct decider_state *state)
{
    if (state->err.code == EVER_INVALID) {
        call_problem_as(call, 500, PROBLEM_DECIDER_FAILED, SLICE_NONE, state->message);
    } else if (state->err.code == EVER_BUSY) {
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
        call_problem(call, PROBLEM_BUSY, SLICE_NONE, "Too much is waiting for the deciders.");
    } else if (state->err.code == EVER_TIMEOUT) {
        call_problem_as(call, 500, PROBLEM_DECIDER_TIME_LIMIT, SLICE_NONE, state->message);
    } else if (state->err.code == EVER_CLOSED) {
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("5"));
        call_problem(call, PROBLEM_SHUTTING_DOWN, SLICE_NONE, "The state was not folded.");
    } else {
        call_read_failed(call, state->err);
    }
}

static void write_state(struct text *body, const struct fold *fold,
                        const struct decider_state *state)
{
    text_printf(body, "{\"decider\":\"%s\",\"id\":", fold->instance.decider->name);
    json_write_string(body, fold->instance.id);
    text_add(body, SLICE_LITERAL(",\"stream\":"));
    json_write_string(body, fold->instance.stream);
    if (state->revision == EVER_NO_REVISION) {
        text_add(body, SLICE_LITERAL(",\"revision\":null"));
    } else {
        text_printf(body, ",\"revision\":%lld", (long long)state->revision);
    }
    text_printf(body, ",\"position\":%llu,\"state\":", (unsigned long long)state->position);
    text_add(body, state->state);
    text_add_byte(body, '}');
}

static void on_folded(void *arg, const struct decider_state *state)
{
    struct fold *fold = arg;
    struct call *call = fold->call;
    if (!IS_OK(state->err)) {
        answer_no_state(call, state);
        return;
    }
    call_position(call, state->position);
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    if (state->revision != EVER_NO_REVISION) {
        call_etag(call, (uint64_t)state->revision);
        if (condition_answers_read(call,
                                   arena_printf(call->arena, "%lld", (long long)state->revision))) {
            return;
        }
    }
    struct text *body = call_text(call);
    write_state(body, fold, state);
    call_answer_text(call, 200, body);
}

static void read_state(struct call *call)
{
    struct fold *fold = arena_alloc(call->arena, sizeof *fold);
    fold->call = call;
    bool at_given;
    uint64_t at;
    if (!decider_instance_find(call, &fold->instance) || !reading_parse_at(call, &at_given, &at) ||
        condition_is_ahead_of_log(call, ever_last_position(call->gateway->parts.store))) {
        return;
    }
    struct ever_err err =
        decider_fold(call->gateway->parts.deciders, fold->instance.decider, fold->instance.id,
                     at_given ? at : UINT64_MAX, on_folded, fold);
    if (!IS_OK(err)) {
        const struct decider_state failed = {.err = err};
        answer_no_state(call, &failed);
    }
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/deciders",
        .run = list_deciders,
        .id = "listDeciders",
        .group = "deciders",
        .summary = "List the deciders",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .status = 200,
        .answer_type = "Deciders",
        .answer = "name, version, commands and event types of each",
    },
    {
        .method = METHOD_GET,
        .path = "/deciders/{decider}/{id}",
        .run = read_state,
        .id = "readState",
        .group = "deciders",
        .summary = "Read the folded state of one instance",
        .description = "Without events it is the initial state, with revision null. The ETag is "
                       "the stream's last revision.",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .parameters = PARAMETER_BIT(PARAMETER_AT) | PARAMETER_BIT(PARAMETER_IF_NONE_MATCH) |
                      PARAMETER_BIT(PARAMETER_MIN_POSITION),
        .problems = PROBLEM_BIT(PROBLEM_DECIDER_NOT_FOUND) | PROBLEM_BIT(PROBLEM_BAD_PARAMETER) |
                    PROBLEM_BIT(PROBLEM_POSITION_AHEAD_OF_LOG) |
                    PROBLEM_BIT(PROBLEM_DECIDER_FAILED) | PROBLEM_BIT(PROBLEM_LOG_BEHIND) |
                    PROBLEM_BIT(PROBLEM_DECIDER_TIME_LIMIT) | PROBLEM_BIT(PROBLEM_BUSY),
        .status = 200,
        .answer_type = "State",
        .answer = "the state",
    },
};

const struct operation_group decider_operations = OPERATION_GROUP(rows);
