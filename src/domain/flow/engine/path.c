#include "domain/flow/engine/path_priv.h"

static const struct {
    const char *text;
    enum path_place place;
} fields[] = {
    {"@id", PATH_ID},
    {"@stream", PATH_STREAM},
    {"@type", PATH_TYPE},
    {"@position", PATH_POSITION},
    {"@revision", PATH_REVISION},
    {"@time", PATH_TIME},
};

static const char *parse_field(struct ever_slice text, struct derive_path *out_path)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (slice_is(text, fields[i].text)) {
            out_path->place = fields[i].place;
            return NULL;
        }
    }
    return "there are @id, @stream, @type, @position, @revision and @time";
}

const char *path_parse(struct ever_slice text, struct arena *arena, struct derive_path *out_path)
{
    *out_path = (struct derive_path){.text = arena_copy(arena, text), .column = PATH_NO_COLUMN};
    text = out_path->text;
    if (text.size > 0 && text.data[0] == '@') {
        return parse_field(text, out_path);
    }
    if (text.size == 0) {
        return NULL;
    }
    struct ever_slice *steps = arena_alloc(arena, PATH_STEPS_MAX * sizeof steps[0]);
    out_path->steps = steps;
    for (;;) {
        size_t dot = slice_find_byte(text, '.');
        if (dot == 0) {
            return "a name is missing before or behind a point";
        }
        if (out_path->step_count == PATH_STEPS_MAX) {
            return "a path has up to 32 names";
        }
        steps[out_path->step_count++] = slice_first(text, dot);
        if (dot == text.size) {
            return NULL;
        }
        text = slice_from(text, dot + 1);
    }
}

/* --- Looking up ------------------------------------------------------------------------------- */

struct ever_slice path_stream_id(struct ever_slice stream)
{
    size_t dash = slice_find_byte(stream, '-');
    return dash == stream.size ? stream : slice_from(stream, dash + 1);
}

static struct derive_value get_in(struct derive_value value, const struct ever_slice *steps,
                                  uint32_t count, int64_t time_us, struct arena *arena);

static struct derive_value get_in_json(struct ever_slice json, const struct ever_slice *steps,
                                       uint32_t count)
{
    return scan_find_one(json, steps, count);
}

static struct derive_value get_in_row(const struct derive_row *row, const struct ever_slice *steps,
                                      uint32_t count, int64_t time_us, struct arena *arena)
{
    for (uint32_t i = 0; i < row->shape->count; i++) {
        if (slice_equal(row->shape->names[i], steps[0])) {
            return get_in(row->cells[i], steps + 1, count - 1, time_us, arena);
        }
    }
    return (struct derive_value){.kind = VALUE_MISSING};
}

/* The less usual members of an event: by its text. */
static struct derive_value get_in_event_text(const struct derive_value *event,
                                             const struct ever_slice *steps, uint32_t count,
                                             int64_t time_us, struct arena *arena)
{
    struct text text = {0};
    value_write(&text, event, time_us);
    struct ever_slice kept = arena_copy(arena, text_slice(&text));
    text_deinit(&text);
    return get_in_json(kept, steps, count);
}

static struct derive_value get_in_event(const struct derive_value *value,
                                        const struct ever_slice *steps, uint32_t count,
                                        int64_t time_us, struct arena *arena)
{
    const struct derive_event *event = value->event;
    if (slice_is(steps[0], "data")) {
        return get_in_json(event->data, steps + 1, count - 1);
    }
    if (slice_is(steps[0], "metadata")) {
        return get_in_json(event->metadata, steps + 1, count - 1);
    }
    return get_in_event_text(value, steps, count, time_us, arena);
}

static struct derive_value get_in(struct derive_value value, const struct ever_slice *steps,
                                  uint32_t count, int64_t time_us, struct arena *arena)
{
    if (count == 0) {
        return value;
    }
    switch (value.kind) {
    case VALUE_JSON:
        return get_in_json(slice_of(value.text, value.size), steps, count);
    case VALUE_ROW:
        return get_in_row(value.row, steps, count, time_us, arena);
    case VALUE_EVENT:
        return get_in_event(&value, steps, count, time_us, arena);
    default:
        return (struct derive_value){.kind = VALUE_MISSING};
    }
}

static struct derive_value get_field(enum path_place place, const struct derive_item *item,
                                     struct arena *arena)
{
    const struct ever_event *root = item->origin;
    switch (place) {
    case PATH_ID:
        return value_of_string(path_stream_id(root->stream), arena);
    case PATH_STREAM:
        return value_of_string(root->stream, arena);
    case PATH_TYPE:
        return value_of_string(
            item->value.kind == VALUE_EVENT ? item->value.event->type : root->type, arena);
    case PATH_POSITION:
        return value_whole((int64_t)root->position);
    case PATH_REVISION:
        return value_whole((int64_t)root->revision);
    case PATH_TIME: /* rounded down to us, as everywhere */
        return value_time(root->time_ns / 1000);
    case PATH_VALUE:
        break;
    }
    ASSERT(false); /* all places stand above */
    return (struct derive_value){.kind = VALUE_MISSING};
}

struct derive_value path_get(const struct derive_path *path, const struct derive_item *item,
                             struct arena *arena)
{
    if (path->place != PATH_VALUE) {
        return get_field(path->place, item, arena);
    }
    if (item->value.kind == VALUE_EVENT && path->column != PATH_NO_COLUMN &&
        item->value.event->plan != NULL) {
        const struct derive_event *event = item->value.event;
        uint32_t slot = event->plan->slot_of_column[path->column];
        if (slot != SCAN_NO_SLOT) {
            return event->columns[slot];
        }
    }
    return get_in(item->value, path->steps, path->step_count, item->time_us, arena);
}
