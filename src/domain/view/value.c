#include "domain/view/value_priv.h"

#include "base/assert.h"
#include "base/base64.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "base/uuid.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Numbers ---------------------------------------------------------------------------------- */

/* The host program may have set another locale, where 1.5 is written 1,5. */
static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    ASSERT(plain_locale != (locale_t)0);
}

/* `number` is followed by a byte that belongs to no number. */
static double parse_real(const char *number, char **out_end)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_plain_locale); /* cannot fail with a valid control */
    return strtod_l(number, out_end, plain_locale);
}

/* The shortest text that reads back as the same number. */
static void write_real(struct text *out, double value)
{
    if (isinf(value)) {
        text_add_text(out, value > 0 ? "9e999" : "-9e999"); /* reads back as infinite */
        return;
    }
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value); /* at most 24 bytes */
        for (char *at = digits; *at != '\0'; at++) {
            *at = strchr("0123456789+-e", *at) == NULL ? '.' : *at; /* a locale's own point */
        }
        if (parse_real(digits, NULL) == value) {
            break;
        }
    }
    text_add_text(out, digits);
}

/* --- From an event ---------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The text of the object in checked JSON, without looking through all of it; empty for others. */
static struct ever_slice object_text(struct ever_slice data)
{
    while (data.size > 0 && is_space(data.data[0])) {
        data = slice_from(data, 1);
    }
    while (data.size > 0 && is_space(data.data[data.size - 1])) {
        data.size--;
    }
    return data.size > 0 && data.data[0] == '{' ? data : SLICE_NONE;
}

bool view_find_members(const struct ever_event *event, const struct ever_slice *names, size_t count,
                       struct json_value *out_values, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        out_values[i] = (struct json_value){.kind = JSON_NULL};
    }
    if (count == 0 || event->content != EVER_JSON) {
        return true;
    }
    if (!json_check(event->data, NULL)) {
        return false;
    }
    struct ever_slice object = object_text(event->data);
    if (object.size == 0) {
        return true;
    }
    size_t found = 0;
    struct json_iter iter = json_iter((struct json_value){.kind = JSON_OBJECT, .text = object});
    while (found < count && json_next(&iter)) {
        struct ever_slice name = json_string(iter.key, arena);
        for (size_t i = 0; i < count; i++) {
            if (slice_equal(name, names[i])) {
                out_values[i] = iter.value;
                found++;
                break;
            }
        }
    }
    return true;
}

static int bind_text(sqlite3_stmt *statement, int parameter, struct ever_slice text)
{
    return sqlite3_bind_text64(statement, parameter, text.data == NULL ? "" : text.data, text.size,
                               SQLITE_STATIC, SQLITE_UTF8);
}

int view_bind_json(sqlite3_stmt *statement, int parameter, struct json_value value,
                   struct arena *arena)
{
    int64_t integer;
    switch (value.kind) {
    case JSON_NULL:
        return sqlite3_bind_null(statement, parameter);
    case JSON_TRUE:
    case JSON_FALSE:
        return sqlite3_bind_int(statement, parameter, value.kind == JSON_TRUE);
    case JSON_STRING:
        return bind_text(statement, parameter, json_string(value, arena));
    case JSON_NUMBER:
        /* It stands in an object, so a comma, a brace or white space follows it. */
        return json_integer(value, &integer)
                   ? sqlite3_bind_int64(statement, parameter, integer)
                   : sqlite3_bind_double(statement, parameter, parse_real(value.text.data, NULL));
    case JSON_ARRAY:
    case JSON_OBJECT:
        return bind_text(statement, parameter, value.text);
    }
    ASSERT(false); /* all kinds stand above */
    return SQLITE_INTERNAL;
}

/* account-alice -> alice; a stream without a category is all id. */
static struct ever_slice id_of_stream(struct ever_slice stream)
{
    size_t dash = slice_find_byte(stream, '-');
    return dash == stream.size ? stream : slice_from(stream, dash + 1);
}

static struct ever_slice time_text(int64_t time_ns, struct arena *arena)
{
    char *text = arena_alloc(arena, TIMESTAMP_TEXT_BYTES);
    timestamp_format(time_ns, text);
    return slice_of(text, TIMESTAMP_TEXT_BYTES);
}

static struct ever_slice uuid_text(struct ever_uuid uuid, struct arena *arena)
{
    char *text = arena_alloc(arena, UUID_TEXT_BYTES);
    uuid_format(uuid, text);
    return slice_of(text, UUID_TEXT_BYTES);
}

int view_bind_field(sqlite3_stmt *statement, int parameter, enum view_field field,
                    const struct ever_event *event, struct arena *arena)
{
    switch (field) {
    case VIEW_FIELD_STREAM:
        return bind_text(statement, parameter, event->stream);
    case VIEW_FIELD_ID:
        return bind_text(statement, parameter, id_of_stream(event->stream));
    case VIEW_FIELD_TYPE:
        return bind_text(statement, parameter, event->type);
    case VIEW_FIELD_POSITION:
        return sqlite3_bind_int64(statement, parameter, (sqlite3_int64)event->position);
    case VIEW_FIELD_REVISION:
        return sqlite3_bind_int64(statement, parameter, (sqlite3_int64)event->revision);
    case VIEW_FIELD_TIME:
        return bind_text(statement, parameter, time_text(event->time_ns, arena));
    case VIEW_FIELD_EVENT_ID:
        return bind_text(statement, parameter, uuid_text(event->id, arena));
    case VIEW_FIELD_METADATA:
        return event->metadata.size == 0 ? sqlite3_bind_null(statement, parameter)
                                         : bind_text(statement, parameter, event->metadata);
    }
    ASSERT(false); /* all fields stand above */
    return SQLITE_INTERNAL;
}

/* --- From a client ---------------------------------------------------------------------------- */

static bool bind_integer(sqlite3_stmt *statement, int parameter, struct ever_slice value)
{
    int64_t integer;
    struct json_value number = {.kind = JSON_NUMBER, .text = value};
    return value.size > 0 && json_integer(number, &integer) &&
           sqlite3_bind_int64(statement, parameter, integer) == SQLITE_OK;
}

static bool bind_real(sqlite3_stmt *statement, int parameter, struct ever_slice value)
{
    struct json_fault fault;
    bool number = json_check(value, &fault) && json_value_of(value).kind == JSON_NUMBER;
    char copy[64];
    if (!number || value.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, value.data, value.size);
    copy[value.size] = '\0';
    return sqlite3_bind_double(statement, parameter, parse_real(copy, NULL)) == SQLITE_OK;
}

bool view_bind_argument(sqlite3_stmt *statement, int parameter, enum view_argument_type type,
                        struct ever_slice value)
{
    switch (type) {
    case VIEW_ARGUMENT_TEXT:
        return bind_text(statement, parameter, value) == SQLITE_OK;
    case VIEW_ARGUMENT_INTEGER:
        return bind_integer(statement, parameter, value);
    case VIEW_ARGUMENT_REAL:
        return bind_real(statement, parameter, value);
    }
    ASSERT(false); /* all types stand above */
    return false;
}

/* --- To a client ------------------------------------------------------------------------------ */

static void write_text(struct text *out, struct ever_slice text, bool is_json)
{
    struct json_fault fault;
    if (is_json && json_check(text, &fault)) {
        text_add(out, text);
    } else {
        json_write_string(out, text);
    }
}

void view_write_column(struct text *out, sqlite3_stmt *statement, int index, bool is_json)
{
    switch (sqlite3_column_type(statement, index)) {
    case SQLITE_NULL:
        text_add_text(out, "null");
        break;
    case SQLITE_INTEGER:
        text_printf(out, "%lld", sqlite3_column_int64(statement, index));
        break;
    case SQLITE_FLOAT:
        write_real(out, sqlite3_column_double(statement, index));
        break;
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(statement, index);
        write_text(out, slice_of(text, (size_t)sqlite3_column_bytes(statement, index)), is_json);
        break;
    }
    default: {
        const void *blob = sqlite3_column_blob(statement, index);
        text_add_byte(out, '"');
        base64_write(out, slice_of(blob, (size_t)sqlite3_column_bytes(statement, index)));
        text_add_byte(out, '"');
        break;
    }
    }
}
