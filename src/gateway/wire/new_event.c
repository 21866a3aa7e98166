#include "gateway/wire/new_event.h"

#include "base/assert.h"
#include "base/base64.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "domain/flow/flow_stream.h"
#include "gateway/wire/name.h"

/* One event while it is read. */
struct reader {
    struct arena *arena;
    struct body_faults *faults;
    struct ever_new_event event;
    struct ever_slice stream;
    bool has_type;
    bool has_data;
    bool has_stream;
};

typedef void member_fn(struct reader *reader, struct json_value value,
                       const struct body_place *place);

bool new_event_stream(struct json_value value, const struct body_place *place, struct arena *arena,
                      struct body_faults *faults, struct ever_slice *out_stream)
{
    struct ever_slice name;
    if (!body_text(value, place, arena, faults, &name)) {
        return false;
    }
    const char *fault = name_fault(name);
    if (fault == NULL && name.data[0] == '$') {
        fault = "begins with $, which only Everfold itself writes to";
    }
    if (fault != NULL) {
        body_fault(faults, place, "The stream's name %s.", fault);
        return false;
    }
    struct ever_slice flow;
    if (flow_stream_is(name, &flow)) {
        faults->flow_streams++;
        body_fault(faults, place,
                   "The stream %.*s belongs to the flow \"%.*s\"; append to another stream, and "
                   "change the flow in flows/.",
                   SLICE_PRINT(name), SLICE_PRINT(flow));
        return false;
    }
    *out_stream = name;
    return true;
}

static void read_stream(struct reader *reader, struct json_value value,
                        const struct body_place *place)
{
    reader->has_stream = true;
    (void)new_event_stream(value, place, reader->arena, reader->faults,
                           &reader->stream); /* a fault is counted */
}

static void read_type(struct reader *reader, struct json_value value,
                      const struct body_place *place)
{
    reader->has_type = true;
    struct ever_slice type;
    if (!body_text(value, place, reader->arena, reader->faults, &type)) {
        return;
    }
    const char *fault = label_fault(type, EVER_TYPE_NAME_BYTES_MAX);
    if (fault != NULL) {
        body_fault(reader->faults, place, "The event's type %s.", fault);
    }
    reader->event.type = type;
}

static void note_data(struct reader *reader, const struct body_place *place)
{
    if (reader->has_data) {
        body_fault(reader->faults, place, "Give \"data\" or \"dataBase64\", not both.");
    }
    reader->has_data = true;
}

static void read_data(struct reader *reader, struct json_value value,
                      const struct body_place *place)
{
    note_data(reader, place);
    reader->event.content = EVER_JSON;
    reader->event.data = value.text;
}

static void read_data_base64(struct reader *reader, struct json_value value,
                             const struct body_place *place)
{
    note_data(reader, place);
    struct ever_slice text;
    if (!body_text(value, place, reader->arena, reader->faults, &text)) {
        return;
    }
    reader->event.content = EVER_BYTES;
    if (!base64_read(text, reader->arena, &reader->event.data)) {
        body_fault(reader->faults, place, "This is not base64 with padding (RFC 4648, part 4).");
    }
}

static void read_id(struct reader *reader, struct json_value value, const struct body_place *place)
{
    struct ever_slice text;
    if (!body_text(value, place, reader->arena, reader->faults, &text)) {
        return;
    }
    if (!uuid_parse(text, &reader->event.id) || uuid_is_none(reader->event.id)) {
        body_fault(reader->faults, place, "The id must be a UUID and not all zero.");
    }
}

static void read_metadata(struct reader *reader, struct json_value value,
                          const struct body_place *place)
{
    if (value.kind != JSON_OBJECT) {
        body_fault(reader->faults, place, "Metadata is an object, not %s.",
                   body_kind_name(value.kind));
    }
    reader->event.metadata = value.text;
}

static size_t count_elements(struct json_value array)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    return count;
}

static void read_tag(struct reader *reader, struct json_value value, const struct body_place *place,
                     struct ever_slice *out_tag)
{
    if (!body_text(value, place, reader->arena, reader->faults, out_tag)) {
        return;
    }
    const char *fault = label_fault(*out_tag, EVER_TAG_BYTES_MAX);
    if (fault != NULL) {
        body_fault(reader->faults, place, "The tag %s.", fault);
    }
}

static void read_tags(struct reader *reader, struct json_value value,
                      const struct body_place *place)
{
    if (value.kind != JSON_ARRAY) {
        body_fault(reader->faults, place, "Tags are an array of texts, not %s.",
                   body_kind_name(value.kind));
        return;
    }
    size_t count = count_elements(value);
    if (count > EVER_TAGS_PER_EVENT_MAX) {
        body_fault(reader->faults, place, "An event has at most %d tags.", EVER_TAGS_PER_EVENT_MAX);
        return;
    }
    struct ever_slice *tags = arena_alloc_zero(reader->arena, (count + 1) * sizeof *tags);
    size_t index = 0;
    for (struct json_iter i = json_iter(value); json_next(&i); index++) {
        struct body_place element = body_element_place(place, index);
        read_tag(reader, i.value, &element, &tags[index]);
    }
    reader->event.tags = tags;
    reader->event.tag_count = (uint32_t)count;
}

static const struct {
    const char *name;
    member_fn *read;
} members[] = {
    {"type", read_type},     {"data", read_data}, {"dataBase64", read_data_base64},
    {"id", read_id},         {"tags", read_tags}, {"metadata", read_metadata},
    {"stream", read_stream},
};

static member_fn *member_reader(struct ever_slice name, bool with_stream)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (slice_is(name, members[i].name)) {
            return members[i].read == read_stream && !with_stream ? NULL : members[i].read;
        }
    }
    return NULL;
}

static void read_members(struct reader *reader, struct json_value value,
                         const struct body_place *place, bool with_stream)
{
    for (struct json_iter i = json_iter(value); json_next(&i);) {
        struct ever_slice name = json_string(i.key, reader->arena);
        struct body_place at = body_member_place(place, name);
        member_fn *read = member_reader(name, with_stream);
        if (read == NULL) {
            body_fault(reader->faults, &at,
                       "An event has no such member. It has type, data or dataBase64, id, "
                       "metadata%s tags.",
                       with_stream ? ", stream and" : " and");
        } else {
            read(reader, i.value, &at);
        }
    }
}

static_assert(EVER_EVENT_BYTES_MAX == 4u << 20, "the sentence below says so");

static void check_complete(struct reader *reader, const struct body_place *place, bool with_stream)
{
    if (!reader->has_type) {
        body_fault(reader->faults, place, "The event's \"type\" is missing.");
    }
    if (!reader->has_data) {
        body_fault(reader->faults, place,
                   "The event's \"data\" (or \"dataBase64\") is missing; {} will do.");
    }
    if (with_stream && !reader->has_stream) {
        body_fault(reader->faults, place, "The event's \"stream\" is missing.");
    }
    if (reader->event.data.size + reader->event.metadata.size > EVER_EVENT_BYTES_MAX) {
        reader->faults->too_large = "Data and metadata of one event are limited to 4 MiB together.";
    }
}

bool new_event_read(struct json_value value, const struct body_place *place, bool with_stream,
                    struct arena *arena, struct body_faults *faults,
                    struct ever_new_event *out_event, struct ever_slice *out_stream)
{
    if (value.kind != JSON_OBJECT) {
        body_fault(faults, place, "An event is an object, not %s.", body_kind_name(value.kind));
        return false;
    }
    struct reader reader = {.arena = arena, .faults = faults};
    size_t before = faults->count;
    read_members(&reader, value, place, with_stream);
    check_complete(&reader, place, with_stream);
    if (faults->count != before || faults->too_large != NULL) {
        return false;
    }
    *out_event = reader.event;
    if (with_stream) {
        *out_stream = reader.stream;
    }
    return true;
}
