/* record.c - what a command leaves in the log: its events, or the record that there are none. */
#include "domain/decider/record.h"
#include "base/assert.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "domain/decider/deciders_priv.h"

#include <stdio.h>
#include <string.h>

struct ever_uuid decider_event_id(struct ever_uuid command_id, uint32_t number)
{
    ASSERT(number > 0 && number <= UINT16_MAX);
    command_id.bytes[14] = (uint8_t)(number >> 8);
    command_id.bytes[15] = (uint8_t)number;
    return command_id;
}

/* --- Metadata -------------------------------------------------------------------------------- */

static void write_string(struct text *out, const char *name, struct ever_slice text)
{
    text_printf(out, ",\"%s\":", name);
    json_write_string(out, text);
}

/* {"command":{...}: whole with the first event, the id alone with the others. */
static void write_command(struct text *out, const struct job *job, bool whole, bool seeded)
{
    const struct decider_command *command = job->command;
    char id[UUID_TEXT_BYTES];
    uuid_format(command->command_id, id);
    text_printf(out, "{\"command\":{\"id\":\"%.*s\"", UUID_TEXT_BYTES, id);
    if (whole) {
        write_string(out, "name", command->name);
        text_add_text(out, ",\"data\":");
        text_add(out, command->data);
        write_string(out, "now", slice_of(job->now, TIME_BYTES));
        if (seeded) {
            write_string(out, "seed", slice_of(job->seed, SEED_BYTES));
        }
    }
    text_add_byte(out, '}');
}

/* Further members are those of the decider's own metadata, an object or none. */
static struct ever_slice metadata(struct job *job, bool whole, bool seeded,
                                  const struct json_value *own)
{
    struct text out = {0};
    write_command(&out, job, whole, seeded);
    if (own != NULL) {
        for (struct json_iter i = json_iter(*own); json_next(&i);) {
            text_printf(&out, ",%.*s:%.*s", SLICE_PRINT(i.key.text), SLICE_PRINT(i.value.text));
        }
    }
    text_add_byte(&out, '}');
    struct ever_slice kept = arena_copy(&job->arena, text_slice(&out));
    text_deinit(&out);
    return kept;
}

/* --- Events ---------------------------------------------------------------------------------- */

static bool is_name(struct ever_slice name, size_t size_min, size_t size_max)
{
    if (name.size < size_min || name.size > size_max || !utf8_check(name)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static const char *read_type(struct job *job, struct json_value event, struct ever_slice *out_type)
{
    struct json_value type;
    if (!json_member(event, SLICE_LITERAL("type"), &type) || type.kind != JSON_STRING) {
        return "has no type";
    }
    *out_type = json_string(type, &job->arena);
    if (!is_name(*out_type, 1, EVER_TYPE_NAME_BYTES_MAX)) {
        return "has a type that is not 1 to 256 bytes long without control characters";
    }
    return out_type->data[0] == '$' ? "has a type that begins with $: these are ours" : NULL;
}

static const char *read_tags(struct job *job, struct json_value event,
                             struct ever_new_event *out_event)
{
    struct json_value tags;
    if (!json_member(event, SLICE_LITERAL("tags"), &tags)) {
        return NULL;
    }
    struct ever_slice *list =
        arena_alloc(&job->arena, EVER_TAGS_PER_EVENT_MAX * sizeof(struct ever_slice));
    for (struct json_iter i = json_iter(tags); json_next(&i);) {
        if (out_event->tag_count == EVER_TAGS_PER_EVENT_MAX) {
            return "has more than 64 tags";
        }
        struct ever_slice tag = json_string(i.value, &job->arena);
        if (!is_name(tag, 0, EVER_TAG_BYTES_MAX)) {
            return "has a tag that is longer than 256 bytes or has control characters";
        }
        list[out_event->tag_count++] = tag;
    }
    out_event->tags = list;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_event(struct job *job, struct json_value event, uint32_t number,
                              bool seeded, struct ever_new_event *out_event)
{
    *out_event = (struct ever_new_event){.id = decider_event_id(job->command->command_id, number),
                                         .content = EVER_JSON};
    const char *fault = read_type(job, event, &out_event->type);
    if (fault == NULL) {
        fault = read_tags(job, event, out_event);
    }
    struct json_value data;
    struct json_value own;
    if (fault == NULL && !json_member(event, SLICE_LITERAL("data"), &data)) {
        fault = "has no data";
    }
    if (fault != NULL) {
        return fault;
    }
    bool has_own = json_member(event, SLICE_LITERAL("metadata"), &own) && own.kind == JSON_OBJECT;
    out_event->data = data.text;
    out_event->metadata = metadata(job, number == 1, seeded, has_own ? &own : NULL);
    return NULL;
}

static uint32_t count_of(struct json_value array)
{
    uint32_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    return count;
}

static void set_write(struct job *job, struct ever_slice stream,
                      const struct ever_new_event *events, uint32_t count)
{
    job->appending.write =
        (struct ever_write){.stream = stream, .events = events, .event_count = count};
    job->appending.result = (struct ever_result){0};
}

bool job_record_events(struct job *job, struct json_value events, bool seeded,
                       struct ever_slice *out_fault)
{
    uint32_t count = count_of(events);
    if (count > EVER_EVENTS_PER_APPEND_MAX) {
        *out_fault = arena_printf(
            &job->arena, "deciders/%s: decide.%.*s returned %u events: %d at most",
            job->decider->name, SLICE_PRINT(job->command->name), count, EVER_EVENTS_PER_APPEND_MAX);
        return false;
    }
    struct ever_new_event *list = arena_alloc(&job->arena, count * sizeof *list);
    uint32_t number = 0;
    for (struct json_iter i = json_iter(events); json_next(&i);) {
        struct ever_new_event *event = &list[number++];
        const char *fault = read_event(job, i.value, number, seeded, event);
        if (fault != NULL) {
            *out_fault =
                arena_printf(&job->arena, "deciders/%s: event %u of decide.%.*s %s",
                             job->decider->name, number, SLICE_PRINT(job->command->name), fault);
            return false;
        }
    }
    set_write(job, job->stream, list, count);
    job->appending.write.expect = job->revision == EVER_NO_REVISION ? EVER_NO_STREAM : EVER_EXACT;
    job->appending.write.revision = job->revision < 0 ? 0 : (uint64_t)job->revision;
    job->answer = (struct decider_answer){.outcome = DECIDER_ACCEPTED};
    return true;
}

/* --- Records of no events -------------------------------------------------------------------- */

static void write_decision(struct text *out, const struct job *job)
{
    text_add_text(out, "{\"stream\":");
    json_write_string(out, job->stream);
    if (job->revision == EVER_NO_REVISION) {
        text_add_text(out, ",\"revision\":null");
    } else {
        text_printf(out, ",\"revision\":%lld", (long long)job->revision);
    }
}

static void record(struct job *job, const char *type, struct ever_slice data, bool seeded)
{
    char id[UUID_TEXT_BYTES];
    uuid_format(job->command->command_id, id);
    struct ever_new_event *event = arena_alloc_zero(&job->arena, sizeof *event);
    event->id = decider_event_id(job->command->command_id, 1);
    event->type = slice_of_text(type);
    event->data = arena_copy(&job->arena, data);
    event->metadata = metadata(job, true, seeded, NULL);
    set_write(job, arena_printf(&job->arena, RECORD_STREAM_PREFIX "%.*s", UUID_TEXT_BYTES, id),
              event, 1);
}

void job_record_nothing(struct job *job, bool seeded)
{
    struct text data = {0};
    write_decision(&data, job);
    text_add_byte(&data, '}');
    record(job, RECORD_NOTHING, text_slice(&data), seeded);
    text_deinit(&data);
    job->answer = (struct decider_answer){.outcome = DECIDER_ACCEPTED};
}

void job_record_rejection(struct job *job, struct json_value rejection, bool seeded)
{
    struct text data = {0};
    write_decision(&data, job);
    for (struct json_iter i = json_iter(rejection); json_next(&i);) {
        text_printf(&data, ",%.*s:%.*s", SLICE_PRINT(i.key.text), SLICE_PRINT(i.value.text));
    }
    text_add_byte(&data, '}');
    record(job, RECORD_REJECTED, text_slice(&data), seeded);
    text_deinit(&data);
    decider_read_rejection(rejection, &job->arena, &job->answer);
}
