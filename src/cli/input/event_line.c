#include "cli/input/event_line.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/json.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "domain/flow/flow_stream.h"

/* --- Ids ------------------------------------------------------------------------------------- */

/* The place is in it because the same row may stand in a file more than once. */
static struct ever_uuid id_of(struct record_place place, struct ever_slice record)
{
    struct text both = {0};
    record_place_add(&both, place);
    text_add_byte(&both, ' ');
    text_add(&both, record);
    struct hash128 hash = hash128(text_slice(&both));
    text_deinit(&both);
    struct ever_uuid id;
    static_assert(sizeof hash == sizeof id.bytes, "a UUID holds the hash");
    memcpy(id.bytes, &hash, sizeof id.bytes);
    id.bytes[6] = (uint8_t)(0x80 | (id.bytes[6] & 0x0f)); /* version 8: made by our own rule */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

static void add_id(const struct record *record, struct text *out)
{
    char id[UUID_TEXT_BYTES];
    uuid_format(id_of(record->place, record->json), id);
    text_printf(out, ",\"id\":\"%.*s\"", UUID_TEXT_BYTES, id);
}

/* --- Rows that become data ------------------------------------------------------------------- */

/* Appends what stands in the place of "{field}". */
static bool add_field(struct json_value row, struct ever_slice field, struct text *name,
                      struct text *problem)
{
    struct json_value value;
    if (!json_member(row, field, &value)) {
        text_printf(problem, "there is no field '%.*s' for the stream's name", SLICE_PRINT(field));
        return false;
    }
    struct arena arena;
    arena_init(&arena);
    struct ever_slice text = value.kind == JSON_STRING ? json_string(value, &arena) : value.text;
    bool usable = value.kind == JSON_STRING || value.kind == JSON_NUMBER ||
                  value.kind == JSON_TRUE || value.kind == JSON_FALSE;
    usable = usable && text.size > 0;
    if (usable) {
        text_add(name, text);
    } else {
        text_printf(problem, "field '%.*s' is %.*s, which makes no stream's name",
                    SLICE_PRINT(field), SLICE_PRINT(value.text));
    }
    arena_deinit(&arena);
    return usable;
}

static bool add_stream_name(const char *template, struct json_value row, struct text *name,
                            struct text *problem)
{
    struct ever_slice rest = slice_of_text(template);
    while (rest.size > 0) {
        size_t open = slice_find_byte(rest, '{');
        text_add(name, slice_first(rest, open));
        rest = slice_from(rest, open);
        size_t close = slice_find_byte(rest, '}');
        if (close == rest.size) { /* no brace, or one that is never closed: plain text */
            text_add(name, rest);
            return true;
        }
        struct ever_slice field = slice_of(rest.data + 1, close - 1);
        if (!add_field(row, field, name, problem)) {
            return false;
        }
        rest = slice_from(rest, close + 1);
    }
    return true;
}

static enum event_line_outcome add_row(const struct event_shape *shape, const struct record *record,
                                       struct text *out, struct text *problem)
{
    struct json_value row = json_value_of(record->json);
    struct text name = {0};
    if (!add_stream_name(shape->stream, row, &name, problem)) {
        text_deinit(&name);
        return EVENT_LINE_REFUSED;
    }
    text_add_text(out, "{\"stream\":");
    json_write_string(out, text_slice(&name));
    text_deinit(&name);
    text_add_text(out, ",\"type\":");
    json_write_string(out, slice_of_text(shape->type));
    text_add_text(out, ",\"data\":");
    text_add(out, row.text);
    if (shape->make_ids) {
        add_id(record, out);
    }
    text_add_byte(out, '}');
    return EVENT_LINE_ADDED;
}

/* --- Rows that are events -------------------------------------------------------------------- */

enum member {
    MEMBER_STREAM,
    MEMBER_TYPE,
    MEMBER_DATA,
    MEMBER_DATA_BASE64,
    MEMBER_ID,
    MEMBER_METADATA,
    MEMBER_TAGS,
    MEMBER_SENT_COUNT,                   /* those above are sent on */
    MEMBER_POSITION = MEMBER_SENT_COUNT, /* those below the server gives anew */
    MEMBER_REVISION,
    MEMBER_TIME,
    MEMBER_COUNT,
};
static const char *const member_names[MEMBER_COUNT] = {
    [MEMBER_STREAM] = "stream",
    [MEMBER_TYPE] = "type",
    [MEMBER_DATA] = "data",
    [MEMBER_DATA_BASE64] = "dataBase64",
    [MEMBER_ID] = "id",
    [MEMBER_METADATA] = "metadata",
    [MEMBER_TAGS] = "tags",
    [MEMBER_POSITION] = "position",
    [MEMBER_REVISION] = "revision",
    [MEMBER_TIME] = "time",
};

static enum member member_of(struct ever_slice key)
{
    enum member member = 0;
    while (member < MEMBER_COUNT && !slice_is(key, member_names[member])) {
        member++;
    }
    return member;
}

static bool read_members(struct json_value event, struct json_value *values, bool *given,
                         struct text *problem)
{
    struct arena arena;
    arena_init(&arena);
    bool known = true;
    for (struct json_iter i = json_iter(event); known && json_next(&i);) {
        struct ever_slice key = json_string(i.key, &arena);
        enum member member = member_of(key);
        known = member < MEMBER_COUNT;
        if (known) {
            values[member] = i.value;
            given[member] = true;
        } else {
            text_printf(problem,
                        "an event has no member '%.*s' (to import rows as they are, say "
                        "--stream and --type)",
                        SLICE_PRINT(key));
        }
    }
    arena_deinit(&arena);
    return known;
}

static bool is_closing_line(struct json_value record)
{
    struct json_value end;
    return json_member(record, SLICE_LITERAL("end"), &end) && end.kind == JSON_TRUE;
}

static bool is_own_stream(struct json_value stream)
{
    struct arena arena;
    arena_init(&arena);
    struct ever_slice name =
        stream.kind == JSON_STRING ? json_string(stream, &arena) : SLICE_LITERAL("");
    bool own = slice_starts_with(name, SLICE_LITERAL("$")) || flow_stream_is(name, NULL);
    arena_deinit(&arena);
    return own;
}

static enum event_line_outcome add_event(const struct event_shape *shape,
                                         const struct record *record, struct text *out,
                                         struct text *problem)
{
    struct json_value values[MEMBER_COUNT];
    bool given[MEMBER_COUNT] = {0};
    if (!read_members(json_value_of(record->json), values, given, problem)) {
        return EVENT_LINE_REFUSED;
    }
    if (!given[MEMBER_STREAM] || !given[MEMBER_TYPE]) {
        text_printf(problem,
                    "an event needs \"%s\" (to import rows as they are, say --stream and "
                    "--type)",
                    member_names[given[MEMBER_STREAM] ? MEMBER_TYPE : MEMBER_STREAM]);
        return EVENT_LINE_REFUSED;
    }
    if (is_own_stream(values[MEMBER_STREAM])) {
        return EVENT_LINE_OWN;
    }
    const char *separator = "{";
    for (enum member member = 0; member < MEMBER_SENT_COUNT; member++) {
        if (given[member]) {
            text_printf(out, "%s\"%s\":", separator, member_names[member]);
            text_add(out, values[member].text);
            separator = ",";
        }
    }
    if (shape->make_ids && !given[MEMBER_ID]) {
        add_id(record, out);
    }
    text_add_byte(out, '}');
    return EVENT_LINE_ADDED;
}

/* In checked JSON a line end is white space between values: a string cannot hold one. */
static void join_lines(char *at, char *end)
{
    for (; at != end; at++) {
        if (*at == '\n' || *at == '\r') {
            *at = ' ';
        }
    }
}

enum event_line_outcome event_line_add(const struct event_shape *shape, const struct record *record,
                                       struct text *out, struct text *problem)
{
    ASSERT((shape->stream == NULL) == (shape->type == NULL));
    struct json_value value = json_value_of(record->json);
    if (value.kind != JSON_OBJECT) {
        text_add_text(problem, "an object was expected");
        return EVENT_LINE_REFUSED;
    }
    if (shape->stream == NULL && is_closing_line(value)) {
        return EVENT_LINE_CLOSING;
    }
    size_t start = out->size;
    enum event_line_outcome outcome = shape->stream != NULL
                                          ? add_row(shape, record, out, problem)
                                          : add_event(shape, record, out, problem);
    if (outcome == EVENT_LINE_ADDED) {
        join_lines(out->data + start, out->data + out->size);
        text_add_byte(out, '\n');
    }
    return outcome;
}
