#include "gateway/wire/event_json.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "base/uuid.h"

void uuid_write(struct text *out, struct ever_uuid uuid)
{
    uuid_format(uuid, text_reserve(out, UUID_TEXT_BYTES));
    out->size += UUID_TEXT_BYTES;
    text_seal(out);
}

static void replace_with_space(char *start, const char *end, char byte)
{
    char *at = start;
    while ((at = memchr(at, byte, (size_t)(end - at))) != NULL) {
        *at = ' ';
    }
}

void json_write_on_a_line(struct text *out, struct ever_slice json)
{
    size_t start = out->size;
    text_add(out, json);
    const char *end = out->data + out->size;
    replace_with_space(out->data + start, end, '\n');
    replace_with_space(out->data + start, end, '\r');
}

static void write_json(struct text *out, struct ever_slice json, enum event_form form)
{
    if (form == EVENT_ON_A_LINE) {
        json_write_on_a_line(out, json);
    } else {
        text_add(out, json);
    }
}

static void write_data(struct text *out, const struct ever_event *event, enum event_form form)
{
    if (event->content == EVER_JSON) {
        text_add(out, SLICE_LITERAL(",\"data\":"));
        write_json(out, event->data, form);
    } else {
        text_add(out, SLICE_LITERAL(",\"dataBase64\":\""));
        base64_write(out, event->data);
        text_add_byte(out, '"');
    }
}

static void write_metadata(struct text *out, struct ever_slice metadata, enum event_form form)
{
    if (metadata.size == 0) {
        return;
    }
    if (json_check(metadata, NULL)) {
        text_add(out, SLICE_LITERAL(",\"metadata\":"));
        write_json(out, metadata, form);
    } else {
        text_add(out, SLICE_LITERAL(",\"metadataBase64\":\""));
        base64_write(out, metadata);
        text_add_byte(out, '"');
    }
}

static void write_tags(struct text *out, const struct ever_event *event)
{
    if (event->tag_count == 0) {
        return;
    }
    text_add(out, SLICE_LITERAL(",\"tags\":["));
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (i > 0) {
            text_add_byte(out, ',');
        }
        json_write_string(out, event->tags[i]);
    }
    text_add_byte(out, ']');
}

static void write_time(struct text *out, int64_t time_ns)
{
    timestamp_format(time_ns, text_reserve(out, TIMESTAMP_TEXT_BYTES));
    out->size += TIMESTAMP_TEXT_BYTES;
    text_seal(out);
}

void event_write(struct text *out, const struct ever_event *event, enum event_form form)
{
    text_add(out, SLICE_LITERAL("{\"position\":"));
    text_add_u64(out, event->position);
    text_add(out, SLICE_LITERAL(",\"stream\":"));
    json_write_string(out, event->stream);
    text_add(out, SLICE_LITERAL(",\"revision\":"));
    text_add_u64(out, event->revision);
    text_add(out, SLICE_LITERAL(",\"type\":"));
    json_write_string(out, event->type);
    text_add(out, SLICE_LITERAL(",\"id\":\""));
    uuid_write(out, event->id);
    text_add(out, SLICE_LITERAL("\",\"time\":\""));
    write_time(out, event->time_ns);
    text_add_byte(out, '"');
    write_data(out, event, form);
    write_metadata(out, event->metadata, form);
    write_tags(out, event);
    text_add_byte(out, '}');
}
