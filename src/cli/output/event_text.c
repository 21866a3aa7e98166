#include "cli/output/event_text.h"

#include "base/json.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "cli/output/terminal.h"

#define POSITION_COLUMNS 8
#define STREAM_COLUMNS 24
#define TYPE_COLUMNS 16
#define INDENT_COLUMNS 2

static struct ever_slice member_text(struct json_value event, const char *name, struct arena *arena)
{
    struct json_value value;
    if (!json_member(event, slice_of_text(name), &value)) {
        return SLICE_NONE;
    }
    return value.kind == JSON_STRING ? json_string(value, arena) : value.text;
}

static void add_column(struct text *out, enum terminal_colour colour, struct ever_slice text,
                       size_t columns)
{
    terminal_add(out, colour, text);
    size_t taken = terminal_width(text);
    text_printf(out, "%*s  ", (int)(taken < columns ? columns - taken : 0), "");
}

/* "2026-11-23T23:31:00.123456Z" as "2026-11-23 23:31:00.123": what people look for. */
static struct ever_slice short_time(struct ever_slice time, struct arena *arena)
{
    const size_t to_ms = TIMESTAMP_TEXT_BYTES - strlen("456Z");
    if (time.size != TIMESTAMP_TEXT_BYTES) {
        return time;
    }
    return arena_printf(arena, "%.10s %.*s", time.data, (int)(to_ms - 11), time.data + 11);
}

static void add_for_people(struct text *out, struct json_value event, struct arena *arena)
{
    struct ever_slice position = member_text(event, "position", arena);
    struct ever_slice stream = member_text(event, "stream", arena);
    struct ever_slice revision = member_text(event, "revision", arena);
    struct ever_slice bytes = member_text(event, "dataBase64", arena);
    struct ever_slice data = member_text(event, "data", arena);
    text_printf(out, "%*.*s  ", POSITION_COLUMNS, SLICE_PRINT(position));
    struct ever_slice time = short_time(member_text(event, "time", arena), arena);
    add_column(out, TERMINAL_DIM, time, 0);
    struct ever_slice place =
        arena_printf(arena, "%.*s@%.*s", SLICE_PRINT(stream), SLICE_PRINT(revision));
    add_column(out, TERMINAL_PLAIN, place, STREAM_COLUMNS);
    add_column(out, TERMINAL_BOLD, member_text(event, "type", arena), TYPE_COLUMNS);
    terminal_add(out, TERMINAL_PLAIN,
                 bytes.size > 0 ? arena_printf(arena, "base64 %.*s", SLICE_PRINT(bytes)) : data);
}

void event_text_add(struct text *out, struct ever_slice event, bool for_people)
{
    if (for_people) {
        struct arena arena;
        arena_init(&arena);
        add_for_people(out, json_value_of(event), &arena);
        arena_deinit(&arena);
    } else {
        text_add(out, event);
    }
    text_add_byte(out, '\n');
}

/* --- Indented JSON --------------------------------------------------------------------------- */

static void add_value(struct text *out, struct json_value value, unsigned depth);

static void add_line(struct text *out, unsigned depth)
{
    text_printf(out, "\n%*s", (int)(depth * INDENT_COLUMNS), "");
}

static void add_container(struct text *out, struct json_value container, unsigned depth)
{
    const char *brackets = container.kind == JSON_OBJECT ? "{}" : "[]";
    bool empty = true;
    text_add_byte(out, brackets[0]);
    for (struct json_iter i = json_iter(container); json_next(&i); empty = false) {
        text_add_text(out, empty ? "" : ",");
        add_line(out, depth + 1);
        if (i.is_object) {
            terminal_add(out, TERMINAL_PLAIN, i.key.text);
            text_add_text(out, ": ");
        }
        add_value(out, i.value, depth + 1);
    }
    if (!empty) {
        add_line(out, depth);
    }
    text_add_byte(out, brackets[1]);
}

static void add_value(struct text *out, struct json_value value, unsigned depth)
{
    if (value.kind == JSON_OBJECT || value.kind == JSON_ARRAY) {
        add_container(out, value, depth); /* as deep as json_check() lets it be */
    } else {
        terminal_add(out, TERMINAL_PLAIN, value.text);
    }
}

void json_text_add(struct text *out, struct ever_slice json)
{
    add_value(out, json_value_of(json), 0);
}
