#include "gateway/follow/live_reading.h"

#include "base/err.h"
#include "base/slice.h"

#define TYPES_MAX 64 /* more are seen to by the expression */

static void read_types(struct json_value types, struct arena *arena, struct ever_read *read)
{
    struct ever_slice *list = arena_alloc(arena, TYPES_MAX * sizeof *list);
    uint32_t count = 0;
    for (struct json_iter i = json_iter(types); json_next(&i) && count <= TYPES_MAX; count++) {
        if (count < TYPES_MAX) {
            list[count] = json_string(i.value, arena);
        }
    }
    bool fits = count <= TYPES_MAX && types.kind == JSON_ARRAY;
    read->types = list;
    read->type_count = fits ? count : 0;
}

void live_reading_narrow(struct json_value filters, struct arena *arena, struct ever_read *read)
{
    struct json_value member;
    struct json_iter one = json_iter(filters);
    if (!json_next(&one)) {
        return;
    }
    struct json_value filter = one.value;
    if (json_next(&one)) {
        return;
    }
    if (json_member(filter, SLICE_LITERAL("category"), &member)) {
        read->category = json_string(member, arena);
    }
    if (json_member(filter, SLICE_LITERAL("prefix"), &member) ||
        json_member(filter, SLICE_LITERAL("stream"), &member)) {
        read->prefix = json_string(member, arena);
    }
    if (json_member(filter, SLICE_LITERAL("types"), &member)) {
        read_types(member, arena, read);
    }
}

void live_reading_write(struct text *out, const struct ever_event *event)
{
    text_printf(out, "[%llu,", (unsigned long long)event->position);
    json_write_string(out, event->stream);
    text_add_byte(out, ',');
    json_write_string(out, event->type);
    text_printf(out, ",%llu,%lld,", (unsigned long long)event->revision,
                (long long)(event->time_ns / 1000000));
    text_add(out, event->content == EVER_JSON ? event->data : SLICE_LITERAL("null"));
    text_add_byte(out, ',');
    bool has_metadata = event->metadata.size > 0 && json_check(event->metadata, NULL);
    text_add(out, has_metadata ? event->metadata : SLICE_LITERAL("{}"));
    text_add_text(out, ",[");
    for (uint32_t i = 0; i < event->tag_count; i++) {
        text_add_text(out, i == 0 ? "" : ",");
        json_write_string(out, event->tags[i]);
    }
    text_add_text(out, "]]");
}

int64_t live_reading_time_ms(struct ever *store, uint64_t from, int64_t missing)
{
    struct ever_cursor *cursor;
    struct ever_read read = {.from = from};
    const struct ever_event *event;
    int64_t time_ms = missing;
    if (IS_OK(ever_cursor_open(store, &read, &cursor))) {
        if (IS_OK(ever_next(cursor, &event))) {
            time_ms = event->time_ns / 1000000;
        }
        ever_cursor_close(cursor);
    }
    return time_ms;
}
