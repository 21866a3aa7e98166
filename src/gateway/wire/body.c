#include "gateway/wire/body.h"

#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>

struct body_place body_member_place(const struct body_place *parent, struct ever_slice member)
{
    return (struct body_place){.parent = parent, .member = member};
}

struct body_place body_element_place(const struct body_place *parent, size_t index)
{
    return (struct body_place){.parent = parent, .index = index};
}

/* RFC 6901: "~" and "/" inside a name are escaped. */
static void write_token(struct text *out, struct ever_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '~') {
            text_add_text(out, "~0");
        } else if (name.data[i] == '/') {
            text_add_text(out, "~1");
        } else {
            text_add_byte(out, name.data[i]);
        }
    }
}

static void write_pointer(struct text *out, const struct body_place *place)
{
    if (place == NULL) {
        return;
    }
    write_pointer(out, place->parent);
    text_add_byte(out, '/');
    if (place->member.data == NULL) {
        text_add_u64(out, place->index);
    } else {
        write_token(out, place->member);
    }
}

/* "Line 3, /data: Text is wanted here." */
static void note_first(struct body_faults *faults, const struct text *pointer, const char *detail)
{
    if (faults->line > 0) {
        text_printf(&faults->first, "Line %llu", (unsigned long long)faults->line);
        text_add_text(&faults->first, pointer->size > 0 ? ", " : ": ");
    }
    if (pointer->size > 0) {
        text_printf(&faults->first, "%s: ", pointer->data);
    }
    text_add_text(&faults->first, detail);
}

void body_fault(struct body_faults *faults, const struct body_place *place, const char *format, ...)
{
    faults->count++;
    if (faults->count > BODY_FAULTS_MAX) {
        return;
    }
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a longer sentence is cut */
    va_end(arguments);

    struct text pointer = {0};
    write_pointer(&pointer, place);
    if (faults->count == 1) {
        note_first(faults, &pointer, detail);
    }
    text_add_text(&faults->json, faults->count > 1 ? ",{" : "{");
    if (faults->line > 0) {
        text_add_text(&faults->json, "\"line\":");
        text_add_u64(&faults->json, faults->line);
        text_add_byte(&faults->json, ',');
    }
    text_add_text(&faults->json, "\"pointer\":");
    json_write_string(&faults->json, text_slice(&pointer));
    text_add_text(&faults->json, ",\"detail\":");
    json_write_string(&faults->json, slice_of_text(detail));
    text_add_byte(&faults->json, '}');
    text_deinit(&pointer);
}

void body_faults_deinit(struct body_faults *faults)
{
    text_deinit(&faults->json);
    text_deinit(&faults->first);
    *faults = (struct body_faults){0};
}

bool body_is_fine(const struct body_faults *faults)
{
    return faults->count == 0 && faults->not_json == NULL && faults->too_large == NULL;
}

static void note_place(struct body_faults *faults, struct ever_slice body, size_t offset)
{
    size_t line_start = 0;
    faults->not_json_line = 1;
    for (size_t i = 0; i < offset; i++) {
        if (body.data[i] == '\n') {
            faults->not_json_line++;
            line_start = i + 1;
        }
    }
    faults->not_json_offset = offset;
    faults->not_json_column = offset - line_start + 1;
}

bool body_json(struct ever_slice body, struct ever_slice text, struct body_faults *faults,
               struct json_value *out_value)
{
    struct json_fault fault;
    if (!json_check(text, &fault)) {
        faults->not_json = fault.reason;
        note_place(faults, body, (size_t)(text.data - body.data) + fault.offset);
        return false;
    }
    *out_value = json_value_of(text);
    return true;
}

const char *body_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",        [JSON_FALSE] = "false", [JSON_TRUE] = "true",
        [JSON_NUMBER] = "a number",  [JSON_STRING] = "text", [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };
    return names[kind];
}

bool body_text(struct json_value value, const struct body_place *place, struct arena *arena,
               struct body_faults *faults, struct ever_slice *out_text)
{
    if (value.kind != JSON_STRING) {
        body_fault(faults, place, "Text is wanted here, not %s.", body_kind_name(value.kind));
        return false;
    }
    *out_text = json_string(value, arena);
    return true;
}
