/* find.c - how a command ended, read back from the log. */
#include "base/err.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "domain/decider/record.h"

static void close_cursor(struct ever_cursor **cursor)
{
    ever_cursor_close(*cursor);
}

static struct ever_slice text_member(struct json_value object, const char *name,
                                     struct arena *arena)
{
    struct json_value value;
    if (!json_member(object, slice_of_text(name), &value) || value.kind != JSON_STRING) {
        return SLICE_NONE;
    }
    return arena_copy(arena, json_string(value, arena));
}

void decider_read_rejection(struct json_value rejection, struct arena *arena,
                            struct decider_answer *out_answer)
{
    struct json_value details;
    bool has_details = json_member(rejection, SLICE_LITERAL("details"), &details);
    out_answer->outcome = DECIDER_REJECTED;
    out_answer->code = text_member(rejection, "code", arena);
    out_answer->message = text_member(rejection, "message", arena);
    out_answer->details = has_details ? arena_copy(arena, details.text) : SLICE_NONE;
}

/* The command in the metadata of its first event. EVER_NOT_FOUND: the event is of somebody else. */
static struct ever_err read_command(const struct ever_event *event, struct arena *arena,
                                    struct decider_record *out_record)
{
    struct json_value command;
    struct json_value data;
    bool is_ours =
        json_check(event->metadata, NULL) &&
        json_member(json_value_of(event->metadata), SLICE_LITERAL("command"), &command) &&
        json_member(command, SLICE_LITERAL("data"), &data);
    if (!is_ours) {
        return FAIL(EVER_NOT_FOUND, "the event of that id is of no command");
    }
    out_record->name = text_member(command, "name", arena);
    out_record->data = arena_copy(arena, data.text);
    out_record->time_ns = event->time_ns;
    return ERR_OK;
}

/* The one event in $command-<id>: $Rejected or $Nothing. */
static struct ever_err read_no_events(const struct ever_event *event, struct arena *arena,
                                      struct decider_record *out_record)
{
    if (!json_check(event->data, NULL)) {
        return FAIL(EVER_NOT_FOUND, "the event of that id is of no command");
    }
    struct json_value data = json_value_of(event->data);
    struct json_value revision;
    struct decider_answer *answer = &out_record->answer;
    *answer = (struct decider_answer){.outcome = DECIDER_ACCEPTED,
                                      .first_position = event->position,
                                      .last_position = event->position,
                                      .revision = EVER_NO_REVISION};
    out_record->stream = text_member(data, "stream", arena);
    if (json_member(data, SLICE_LITERAL("revision"), &revision)) {
        (void)json_integer(revision, &answer->revision); /* null stays: no revision */
    }
    if (slice_is(event->type, RECORD_REJECTED)) {
        decider_read_rejection(data, arena, answer);
    }
    return ERR_OK;
}

/* Counts the events behind the first: they follow it in the same append. */
static struct ever_err read_events(struct ever_cursor *cursor, const struct ever_event *first,
                                   struct ever_uuid command_id, struct arena *arena,
                                   struct decider_record *out_record)
{
    struct decider_answer answer = {.outcome = DECIDER_ACCEPTED,
                                    .first_position = first->position,
                                    .last_position = first->position,
                                    .event_count = 1,
                                    .revision = (int64_t)first->revision};
    out_record->stream = arena_copy(arena, first->stream);
    const struct ever_event *event;
    for (;;) {
        struct ever_err err = ever_next(cursor, &event);
        if (err.code == EVER_END) {
            break;
        }
        TRY(err);
        struct ever_uuid id = decider_event_id(command_id, answer.event_count + 1);
        if (!event->continues || !uuid_equal(event->id, id)) {
            break;
        }
        answer.event_count++;
        answer.last_position = event->position;
        answer.revision = (int64_t)event->revision;
    }
    out_record->answer = answer;
    return ERR_OK;
}

struct ever_err decider_find_command(struct ever *store, struct ever_uuid command_id,
                                     struct arena *arena, struct decider_record *out_record)
{
    uint64_t position;
    const struct ever_event *event;
    CLEANUP(close_cursor) struct ever_cursor *cursor = NULL;
    TRY(ever_find(store, decider_event_id(command_id, 1), &position));
    struct ever_read read = {.from = position};
    TRY(ever_cursor_open(store, &read, &cursor));
    TRY(ever_next(cursor, &event));
    struct decider_record record = {0};
    TRY(read_command(event, arena, &record));
    if (slice_starts_with(event->stream, SLICE_LITERAL(RECORD_STREAM_PREFIX))) {
        TRY(read_no_events(event, arena, &record));
    } else {
        TRY(read_events(cursor, event, command_id, arena, &record));
    }
    *out_record = record;
    return ERR_OK;
}
