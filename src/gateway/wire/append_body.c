#include "gateway/wire/append_body.h"

#include "base/assert.h"
#include "base/slice.h"

static_assert(EVER_EVENTS_PER_APPEND_MAX == 10000, "the sentences below say so");
static_assert(EVER_WRITES_PER_APPEND_MAX == 10000, "the sentences below say so");

static bool check_count(size_t count, size_t max, const char *sentence, struct body_faults *faults)
{
    if (count > max) {
        faults->too_large = sentence;
    }
    return count <= max;
}

static size_t count_elements(struct json_value array)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    return count;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static bool read_array(struct json_value array, const struct body_place *place, struct arena *arena,
                       struct body_faults *faults, struct ever_write *write)
{
    size_t count = count_elements(array);
    if (count == 0) {
        body_fault(faults, place, "There must be at least one event.");
        return false;
    }
    if (!check_count(count, EVER_EVENTS_PER_APPEND_MAX, "One append takes at most 10000 events.",
                     faults)) {
        return false;
    }
    struct ever_new_event *events = arena_alloc(arena, count * sizeof *events);
    size_t index = 0;
    for (struct json_iter i = json_iter(array); json_next(&i); index++) {
        struct body_place element = body_element_place(place, index);
        (void)new_event_read(i.value, &element, false, arena, faults, &events[index],
                             NULL); /* a fault is counted */
    }
    write->events = events;
    write->event_count = (uint32_t)count;
    return body_is_fine(faults);
}

static bool read_events(struct json_value value, const struct body_place *place,
                        struct arena *arena, struct body_faults *faults, struct ever_write *write)
{
    if (value.kind == JSON_ARRAY) {
        return read_array(value, place, arena, faults, write);
    }
    struct ever_new_event *event = arena_alloc(arena, sizeof *event);
    write->events = event;
    write->event_count = 1;
    return new_event_read(value, place, false, arena, faults, event, NULL);
}

/* --- Lines ----------------------------------------------------------------------------------- */

struct lines {
    struct ever_slice body;
    struct ever_slice rest;
};

static bool is_blank(struct ever_slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* The next line that is not blank; counts them all. */
static bool next_line(struct lines *lines, struct body_faults *faults, struct ever_slice *out_line)
{
    while (lines->rest.size > 0) {
        size_t size = slice_find_byte(lines->rest, '\n');
        *out_line = slice_first(lines->rest, size);
        lines->rest = slice_from(lines->rest, size == lines->rest.size ? size : size + 1);
        faults->line++;
        if (!is_blank(*out_line)) {
            return true;
        }
    }
    return false;
}

static size_t count_lines(struct ever_slice body)
{
    size_t count = 1;
    for (struct ever_slice rest = body; slice_find_byte(rest, '\n') < rest.size; count++) {
        rest = slice_from(rest, slice_find_byte(rest, '\n') + 1);
    }
    return count;
}

/* Reads all lines as events; the streams they name go to out_streams, unless that is NULL. */
static bool read_lines(struct ever_slice body, struct arena *arena, struct body_faults *faults,
                       struct ever_new_event *events, struct ever_slice *out_streams,
                       size_t *out_count)
{
    struct lines lines = {.body = body, .rest = body};
    struct ever_slice line;
    size_t count = 0;
    while (next_line(&lines, faults, &line)) {
        struct json_value value;
        if (!body_json(body, line, faults, &value) ||
            !check_count(count + 1, EVER_EVENTS_PER_APPEND_MAX,
                         "One append takes at most 10000 events.", faults)) {
            return false;
        }
        (void)new_event_read(value, NULL, out_streams != NULL, arena, faults, &events[count],
                             out_streams == NULL ? NULL
                                                 : &out_streams[count]); /* a fault is counted */
        count++;
    }
    if (count == 0) {
        body_fault(faults, NULL, "There must be at least one event.");
    }
    *out_count = count;
    return body_is_fine(faults);
}

static size_t lines_max(struct ever_slice body)
{
    size_t count = count_lines(body);
    return count < EVER_EVENTS_PER_APPEND_MAX ? count : EVER_EVENTS_PER_APPEND_MAX;
}

bool append_body_of_events(struct ever_slice body, enum media media, struct arena *arena,
                           struct body_faults *faults, struct ever_write *out_write)
{
    if (media != MEDIA_NDJSON) {
        struct json_value value;
        return body_json(body, body, faults, &value) &&
               read_events(value, NULL, arena, faults, out_write);
    }
    struct ever_new_event *events = arena_alloc(arena, lines_max(body) * sizeof *events);
    size_t count;
    if (!read_lines(body, arena, faults, events, NULL, &count)) {
        return false;
    }
    out_write->events = events;
    out_write->event_count = (uint32_t)count;
    return true;
}

/* --- Several streams ------------------------------------------------------------------------- */

/* Lines for the same stream that follow each other are one write: the order stays. */
static bool writes_of_lines(struct ever_slice body, struct arena *arena, struct body_faults *faults,
                            struct append_body *out_body)
{
    size_t max = lines_max(body);
    struct ever_new_event *events = arena_alloc(arena, max * sizeof *events);
    struct ever_slice *streams = arena_alloc(arena, max * sizeof *streams);
    size_t count;
    if (!read_lines(body, arena, faults, events, streams, &count)) {
        return false;
    }
    struct ever_write *writes = arena_alloc(arena, count * sizeof *writes);
    struct ever_write *write = writes;
    *write = (struct ever_write){.stream = streams[0], .events = events};
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal(streams[i], write->stream)) {
            *++write = (struct ever_write){.stream = streams[i], .events = &events[i]};
        }
        write->event_count++;
    }
    out_body->writes = writes;
    out_body->write_count = (uint32_t)(write - writes) + 1;
    return true;
}

static void read_expect(struct json_value value, const struct body_place *place,
                        struct arena *arena, struct body_faults *faults, struct ever_write *write)
{
    static const struct {
        const char *name;
        enum ever_expect expect;
    } words[] = {{"any", EVER_ANY}, {"no-stream", EVER_NO_STREAM}, {"exists", EVER_EXISTS}};
    int64_t revision;
    if (json_integer(value, &revision) && revision >= 0) {
        write->expect = EVER_EXACT;
        write->revision = (uint64_t)revision;
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0] && value.kind == JSON_STRING; i++) {
        if (slice_is(json_string(value, arena), words[i].name)) {
            write->expect = words[i].expect;
            return;
        }
    }
    body_fault(faults, place, "Expected is \"any\", \"no-stream\", \"exists\" or a revision.");
}

static void read_write(struct json_value value, const struct body_place *place, struct arena *arena,
                       struct body_faults *faults, struct ever_write *write)
{
    if (value.kind != JSON_OBJECT) {
        body_fault(faults, place, "A write is an object, not %s.", body_kind_name(value.kind));
        return;
    }
    bool has_events = false;
    bool has_stream = false;
    for (struct json_iter i = json_iter(value); json_next(&i);) {
        struct ever_slice name = json_string(i.key, arena);
        struct body_place at = body_member_place(place, name);
        if (slice_is(name, "stream")) {
            has_stream = true;
            (void)new_event_stream(i.value, &at, arena, faults,
                                   &write->stream); /* a fault is counted */
        } else if (slice_is(name, "expect")) {
            read_expect(i.value, &at, arena, faults, write);
        } else if (slice_is(name, "events")) {
            has_events = true;
            (void)read_events(i.value, &at, arena, faults, write); /* a fault is counted */
        } else {
            body_fault(faults, &at, "A write has stream, expect and events.");
        }
    }
    if (!has_stream || !has_events) {
        body_fault(faults, place, "The write's \"%s\" is missing.",
                   has_stream ? "events" : "stream");
    }
}

static bool check_event_count(const struct append_body *body, struct body_faults *faults)
{
    size_t count = 0;
    for (uint32_t i = 0; i < body->write_count; i++) {
        count += body->writes[i].event_count;
    }
    return check_count(count, EVER_EVENTS_PER_APPEND_MAX, "One append takes at most 10000 events.",
                       faults);
}

static bool read_writes(struct json_value array, const struct body_place *place,
                        struct arena *arena, struct body_faults *faults,
                        struct append_body *out_body)
{
    size_t count = array.kind == JSON_ARRAY ? count_elements(array) : 0;
    if (count == 0) {
        body_fault(faults, place, "Writes are an array with at least one write.");
        return false;
    }
    if (!check_count(count, EVER_WRITES_PER_APPEND_MAX, "One append takes at most 10000 writes.",
                     faults)) {
        return false;
    }
    out_body->writes = arena_alloc_zero(arena, count * sizeof *out_body->writes);
    out_body->write_count = (uint32_t)count;
    size_t index = 0;
    for (struct json_iter i = json_iter(array); json_next(&i); index++) {
        struct body_place element = body_element_place(place, index);
        read_write(i.value, &element, arena, faults, &out_body->writes[index]);
    }
    return body_is_fine(faults) && check_event_count(out_body, faults);
}

bool append_body_of_writes(struct ever_slice body, enum media media, struct arena *arena,
                           struct body_faults *faults, struct append_body *out_body)
{
    if (media == MEDIA_NDJSON) {
        return writes_of_lines(body, arena, faults, out_body);
    }
    struct json_value value;
    if (!body_json(body, body, faults, &value)) {
        return false;
    }
    if (value.kind != JSON_OBJECT) {
        body_fault(faults, NULL, "The body is an object with \"writes\", not %s.",
                   body_kind_name(value.kind));
        return false;
    }
    bool found = false;
    for (struct json_iter i = json_iter(value); json_next(&i);) {
        struct ever_slice name = json_string(i.key, arena);
        struct body_place at = body_member_place(NULL, name);
        if (slice_is(name, "writes")) {
            found = read_writes(i.value, &at, arena, faults, out_body);
        } else {
            body_fault(faults, &at, "The body has \"writes\" and nothing else.");
        }
    }
    if (!found && body_is_fine(faults)) {
        body_fault(faults, NULL, "The body's \"writes\" are missing.");
    }
    return found && body_is_fine(faults);
}
