/* commands.c - giving commands, and what became of them. */
#include "gateway/operations/commands.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "gateway/body_answer.h"
#include "gateway/command_answer.h"
#include "gateway/conditions.h"
#include "gateway/follow/wait.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/targets.h"
#include "gateway/routes.h"
#include "gateway/wire/command_id.h"
#include "gateway/wire/event_json.h"

#define NUMBER_SHOWN_BYTES_MAX 40

/* A command on its way, in the call's arena; in the gateway's list until it is decided. */
struct running_command {
    struct running_command *next;
    struct running_command **previous;
    struct call *call;
    struct decider_command command;
    struct ever_slice stream;
    struct prefer prefer;
    struct command_story story; /* once accepted */
    struct wait wait;
};

/* --- Giving one ------------------------------------------------------------------------------ */

static void list_add(struct running_command *running)
{
    struct gateway *gateway = running->call->gateway;
    running->next = gateway->running_commands;
    running->previous = &gateway->running_commands;
    if (running->next != NULL) {
        running->next->previous = &running->next;
    }
    gateway->running_commands = running;
}

static void list_remove(struct running_command *running)
{
    *running->previous = running->next;
    if (running->next != NULL) {
        running->next->previous = running->previous;
    }
}

/* Which views handle any of the events? They are what `wait` waits for. */
static void find_views(struct running_command *running)
{
    struct views *views = running->call->gateway->parts.views;
    const struct event_list *events = &running->story.events;
    size_t count = views == NULL ? 0 : views_count(views);
    running->wait.views = arena_alloc(running->call->arena, (count + 1) * sizeof(struct view *));
    for (size_t i = 0; i < count; i++) {
        struct view *view = views_at(views, i);
        bool handles = false;
        for (uint32_t k = 0; k < events->count && !handles; k++) {
            handles = view_handles(view, events->types[k]);
        }
        if (handles) {
            running->wait.views[running->wait.view_count++] = view;
        }
    }
}

static void note_views_behind(struct running_command *running)
{
    const struct wait *wait = &running->wait;
    const char **names = arena_alloc(running->call->arena, (wait->view_count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < wait->view_count; i++) {
        if (view_position(wait->views[i]) < wait->position) {
            names[count++] = view_name(wait->views[i]);
        }
    }
    running->story.views_behind = names;
    running->story.views_behind_count = count;
}

static void on_waited(void *arg, bool reached)
{
    struct running_command *running = arg;
    if (!reached) {
        note_views_behind(running);
    }
    command_answer_accepted(running->call, &running->story);
}

static void wait_for_views(struct running_command *running)
{
    struct call *call = running->call;
    call_header(call, SLICE_LITERAL("Preference-Applied"),
                arena_printf(call->arena, "wait=%u", running->prefer.wait_seconds));
    find_views(running);
    running->wait.position = running->story.answer.last_position;
    running->wait.done = on_waited;
    running->wait.arg = running;
    waits_add(call->gateway->waits, &running->wait, running->prefer.wait_seconds);
}

/* Of a command decided just now the events are at hand; those of a repeat stand in the log. */
static struct ever_err find_events(struct running_command *running,
                                   const struct decider_answer *answer)
{
    struct call *call = running->call;
    struct event_list *events = &running->story.events;
    if (answer->events != NULL) {
        event_list_of(answer->events, answer->event_count, answer->first_position, call->arena,
                      events);
        return ERR_OK;
    }
    return event_list_read(call->gateway->parts.store, running->stream, answer->revision,
                           answer->first_position, answer->event_count, call->arena, events);
}

static void accepted(struct running_command *running, const struct decider_answer *answer)
{
    running->story.id = running->command.command_id;
    running->story.stream = running->stream;
    running->story.answer = *answer; /* its numbers are used from now on, what it lends is not */
    struct ever_err err = find_events(running, answer);
    if (!IS_OK(err)) {
        call_read_failed(running->call, err);
    } else if (running->prefer.wait_given) {
        wait_for_views(running);
    } else {
        command_answer_accepted(running->call, &running->story);
    }
}

static void on_decided(void *arg, const struct decider_answer *answer)
{
    struct running_command *running = arg;
    list_remove(running);
    if (answer->outcome == DECIDER_ACCEPTED) {
        accepted(running, answer);
    } else {
        command_answer_refused(running->call, running->command.command_id, running->stream, answer);
    }
}

static void submit(struct running_command *running)
{
    struct call *call = running->call;
    list_add(running);
    struct ever_err err =
        decider_submit(call->gateway->parts.deciders, &running->command, on_decided, running);
    if (IS_OK(err)) {
        return;
    }
    list_remove(running);
    if (err.code == EVER_BUSY) {
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
        call_problem(call, PROBLEM_BUSY, SLICE_NONE, "Too many commands are waiting.");
    } else {
        call_write_failed(call, err);
    }
}

/* --- Reading the request --------------------------------------------------------------------- */

static bool read_id(struct running_command *running)
{
    struct call *call = running->call;
    struct decider_command *command = &running->command;
    struct ever_slice header = http_request_header(call->request, "Idempotency-Key");
    if (header.data == NULL) {
        command->command_id = command_id_new(call->gateway->env);
        return true;
    }
    struct ever_slice key;
    const char *fault = idempotency_key_parse(header, call->arena, &key);
    if (fault != NULL) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE, "%s", fault);
        return false;
    }
    command->command_id =
        command_id_of_key(slice_of_text(command->decider->name), command->id, key, call->arena);
    command->may_be_repeat = true;
    return true;
}

/* What the decider will see must be what was sent. */
static void check_data(struct json_value value, struct body_faults *faults)
{
    struct ever_slice number;
    if (value.kind != JSON_OBJECT) {
        body_fault(faults, NULL, "A command's data is an object, not %s.",
                   body_kind_name(value.kind));
    } else if (json_beyond_double(value, &number)) {
        bool is_long = number.size > NUMBER_SHOWN_BYTES_MAX;
        body_fault(faults, NULL, "The number %.*s%s is beyond what JavaScript can hold, 1.8e308.",
                   is_long ? NUMBER_SHOWN_BYTES_MAX : (int)number.size, number.data,
                   is_long ? "..." : "");
    }
}

static bool read_data(struct running_command *running)
{
    struct call *call = running->call;
    running->command.data = SLICE_LITERAL("{}");
    if (call->request->body.size == 0) {
        return true;
    }
    struct body_faults faults = {0};
    struct json_value value;
    if (body_json(call->request->body, call->request->body, &faults, &value)) {
        check_data(value, &faults);
    }
    if (!body_is_fine(&faults)) {
        answer_bad_body(call, &faults);
        return false;
    }
    running->command.data = value.text;
    return true;
}

static bool read_condition(struct running_command *running)
{
    struct write_condition condition;
    if (!condition_of_write(running->call, running->stream, &condition)) {
        return false;
    }
    running->command.expect = condition.expect;
    running->command.revision = condition.revision;
    return true;
}

static void give_command(struct call *call)
{
    struct command_target target;
    if (!command_target_find(call, &target)) {
        return;
    }
    struct running_command *running = arena_alloc_zero(call->arena, sizeof *running);
    running->call = call;
    running->command.decider = target.instance.decider;
    running->command.id = target.instance.id;
    running->command.name = target.name;
    running->stream = target.instance.stream;
    if (read_id(running) && read_data(running) && call_prefer(call, &running->prefer) &&
        read_condition(running)) {
        submit(running);
    }
}

/* --- What became of one ---------------------------------------------------------------------- */

/* The decider's name and the id in "decider-id": both may hold dashes, so the deciders are asked
 * which of them it is; one that is gone is taken to have none. */
static size_t decider_name_size(struct call *call, struct ever_slice stream)
{
    struct deciders *deciders = call->gateway->parts.deciders;
    size_t longest = 0;
    for (size_t i = 0; deciders != NULL && i < deciders_count(deciders); i++) {
        struct ever_slice name = slice_of_text(deciders_at(deciders, i)->name);
        bool fits = stream.size > name.size && slice_starts_with(stream, name) &&
                    stream.data[name.size] == '-';
        longest = fits && name.size > longest ? name.size : longest;
    }
    return longest > 0 ? longest : slice_find_byte(stream, '-');
}

static void write_head(struct text *body, struct ever_uuid id, const char *status)
{
    text_add(body, SLICE_LITERAL("{\"command\":\""));
    uuid_write(body, id);
    text_printf(body, "\",\"status\":\"%s\"", status);
}

static void write_what(struct text *body, struct ever_slice decider, struct ever_slice id,
                       struct ever_slice name, struct ever_slice data, struct ever_slice stream)
{
    text_add(body, SLICE_LITERAL(",\"decider\":"));
    json_write_string(body, decider);
    text_add(body, SLICE_LITERAL(",\"id\":"));
    json_write_string(body, id);
    text_add(body, SLICE_LITERAL(",\"name\":"));
    json_write_string(body, name);
    text_add(body, SLICE_LITERAL(",\"data\":"));
    text_add(body, data.size == 0 ? SLICE_LITERAL("null") : data);
    text_add(body, SLICE_LITERAL(",\"stream\":"));
    json_write_string(body, stream);
}

static bool answer_running(struct call *call, struct ever_uuid id)
{
    struct running_command *running = call->gateway->running_commands;
    while (running != NULL && !uuid_equal(running->command.command_id, id)) {
        running = running->next;
    }
    if (running == NULL) {
        return false;
    }
    const struct decider_command *command = &running->command;
    struct text *body = call_text(call);
    write_head(body, id, "running");
    write_what(body, slice_of_text(command->decider->name), command->id, command->name,
               command->data, running->stream);
    text_add_byte(body, '}');
    call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_answer_text(call, 200, body);
    return true;
}

static void write_outcome(struct text *body, const struct decider_record *record,
                          const struct event_list *events)
{
    const struct decider_answer *answer = &record->answer;
    char time[TIMESTAMP_TEXT_BYTES];
    timestamp_format(record->time_ns, time);
    if (answer->revision == EVER_NO_REVISION) {
        text_add(body, SLICE_LITERAL(",\"revision\":null,\"events\":"));
    } else {
        text_printf(body, ",\"revision\":%lld,\"events\":", (long long)answer->revision);
    }
    event_list_write(body, events);
    text_printf(body, ",\"position\":%llu,\"time\":\"%.*s\"",
                (unsigned long long)answer->last_position, TIMESTAMP_TEXT_BYTES, time);
    if (answer->outcome == DECIDER_REJECTED) {
        text_add(body, SLICE_LITERAL(",\"problem\":"));
        command_write_problem(body, answer);
    }
}

static void answer_record(struct call *call, struct ever_uuid id,
                          const struct decider_record *record)
{
    struct event_list events;
    const struct decider_answer *answer = &record->answer;
    struct ever_err err =
        event_list_read(call->gateway->parts.store, record->stream, answer->revision,
                        answer->first_position, answer->event_count, call->arena, &events);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return;
    }
    call_position(call, record->answer.last_position);
    call_etag(call, record->answer.last_position);
    call_header(call, SLICE_LITERAL("Cache-Control"),
                SLICE_LITERAL("private, max-age=31536000, immutable"));
    struct ever_slice tag =
        arena_printf(call->arena, "%llu", (unsigned long long)record->answer.last_position);
    if (condition_answers_read(call, tag)) {
        return;
    }
    size_t decider_size = decider_name_size(call, record->stream);
    struct ever_slice decider = slice_first(record->stream, decider_size);
    struct ever_slice rest = slice_from(record->stream, decider_size);
    struct text *body = call_text(call);
    write_head(body, id, record->answer.outcome == DECIDER_REJECTED ? "rejected" : "done");
    write_what(body, decider, slice_from(rest, rest.size > 0 ? 1 : 0), record->name, record->data,
               record->stream);
    write_outcome(body, record, &events);
    text_add_byte(body, '}');
    call_answer_text(call, 200, body);
}

static void read_command(struct call *call)
{
    struct ever_slice text = call->variables[0];
    struct ever_uuid id;
    if (!uuid_parse(text, &id)) {
        call_problem(call, PROBLEM_COMMAND_NOT_FOUND, SLICE_NONE,
                     "\"%.*s\" is not the id of a command, which is a UUID.", SLICE_PRINT(text));
        return;
    }
    if (answer_running(call, id)) {
        return;
    }
    struct decider_record record;
    struct ever_err err =
        decider_find_command(call->gateway->parts.store, id, call->arena, &record);
    if (err.code == EVER_NOT_FOUND) {
        call_problem(call, PROBLEM_COMMAND_NOT_FOUND, SLICE_NONE,
                     "The log has no record of command %.*s.", SLICE_PRINT(text));
    } else if (!IS_OK(err)) {
        call_read_failed(call, err);
    } else {
        answer_record(call, id, &record);
    }
}

/* --- The table ------------------------------------------------------------------------------- */

const struct operation command_operation = {
    .method = METHOD_POST,
    .path = "/deciders/{decider}/{id}/{command}",
    .run = give_command,
    .id = "giveCommand",
    .group = "commands",
    .summary = "Give a command",
    .description =
        "The body is the command's data, an object; without a body {}. The answer comes when the "
        "events are durable. ETag and If-Match are those of GET /deciders/{decider}/{id}. The "
        "command's record stays at its Location for ever.",
    .gives = MEDIA_BIT(MEDIA_JSON),
    .takes = MEDIA_BIT(MEDIA_JSON),
    .body_optional = true,
    .parameters = PARAMETER_BIT(PARAMETER_IF_MATCH) | PARAMETER_BIT(PARAMETER_IF_NONE_MATCH) |
                  PARAMETER_BIT(PARAMETER_IDEMPOTENCY_KEY) | PARAMETER_BIT(PARAMETER_PREFER),
    .problems = PROBLEM_BIT(PROBLEM_DECIDER_NOT_FOUND) | PROBLEM_BIT(PROBLEM_COMMAND_NOT_FOUND) |
                PROBLEM_BIT(PROBLEM_MALFORMED_JSON) | PROBLEM_BIT(PROBLEM_BAD_BODY) |
                PROBLEM_BIT(PROBLEM_BAD_HEADER) | PROBLEM_BIT(PROBLEM_UNSUPPORTED_MEDIA_TYPE) |
                PROBLEM_BIT(PROBLEM_CROSS_SITE_REQUEST) |
                PROBLEM_BIT(PROBLEM_APPEND_CONDITION_FAILED) |
                PROBLEM_BIT(PROBLEM_COMMAND_REJECTED) |
                PROBLEM_BIT(PROBLEM_IDEMPOTENCY_KEY_REUSED) | PROBLEM_BIT(PROBLEM_BUSY) |
                PROBLEM_BIT(PROBLEM_OVERTAKEN) | PROBLEM_BIT(PROBLEM_WORKER_UNAVAILABLE) |
                PROBLEM_BIT(PROBLEM_WRITING_STOPPED) | PROBLEM_BIT(PROBLEM_DISK_FULL) |
                PROBLEM_BIT(PROBLEM_OUTCOME_UNKNOWN) | PROBLEM_BIT(PROBLEM_DECIDER_FAILED) |
                PROBLEM_BIT(PROBLEM_DECIDER_TIME_LIMIT) | PROBLEM_BIT(PROBLEM_DECIDER_MEMORY_LIMIT),
    .body_type = "CommandData",
    .status = 202,
    .answer_type = "CommandDone",
    .answer = "the command was decided and its events are durable",
};

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/commands/{command}",
        .run = read_command,
        .id = "readCommand",
        .group = "commands",
        .summary = "See what became of a command",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .parameters = PARAMETER_BIT(PARAMETER_IF_NONE_MATCH),
        .problems = PROBLEM_BIT(PROBLEM_COMMAND_NOT_FOUND),
        .status = 200,
        .answer_type = "Command",
        .answer = "the command's record",
    },
};

const struct operation_group command_operations = OPERATION_GROUP(rows);
const struct operation_group command_giving_operations = {.operations = &command_operation,
                                                          .count = 1};
