#include "domain/flow/engine/path_priv.h"

#include "base/number.h"
#include "base/timestamp.h"

#include <math.h>
#include <stdlib.h>

/* --- Making ----------------------------------------------------------------------------------- */

struct derive_value value_real(double real)
{
    return isfinite(real) ? (struct derive_value){.kind = VALUE_REAL, .real = real}
                          : (struct derive_value){.kind = VALUE_NULL};
}

struct derive_value value_of_json(struct ever_slice json)
{
    static const enum value_kind kinds[] = {
        [JSON_NULL] = VALUE_NULL,     [JSON_FALSE] = VALUE_FALSE,   [JSON_TRUE] = VALUE_TRUE,
        [JSON_NUMBER] = VALUE_NUMBER, [JSON_STRING] = VALUE_STRING, [JSON_ARRAY] = VALUE_JSON,
        [JSON_OBJECT] = VALUE_JSON};
    struct json_value value = json_value_of(json);
    ASSERT(value.text.size <= UINT32_MAX);
    return (struct derive_value){
        .kind = kinds[value.kind], .size = (uint32_t)value.text.size, .text = value.text.data};
}

struct derive_value value_of_string(struct ever_slice bytes, struct arena *arena)
{
    struct text text = {0};
    json_write_string(&text, bytes);
    struct ever_slice quoted = arena_copy(arena, text_slice(&text));
    text_deinit(&text);
    return (struct derive_value){
        .kind = VALUE_STRING, .size = (uint32_t)quoted.size, .text = quoted.data};
}

struct derive_row *value_make_row(const struct derive_shape *shape, struct arena *arena)
{
    struct derive_row *row = arena_alloc(arena, sizeof *row + shape->count * sizeof row->cells[0]);
    row->shape = shape;
    for (uint32_t i = 0; i < shape->count; i++) {
        row->cells[i] = (struct derive_value){.kind = VALUE_MISSING};
    }
    return row;
}

struct derive_shape *value_make_shape(const struct ever_slice *names, uint32_t count,
                                      struct arena *arena)
{
    struct derive_shape *shape = arena_alloc(arena, sizeof *shape);
    struct ever_slice *copies = arena_alloc(arena, (count + 1) * sizeof copies[0]);
    struct ever_slice *labels = arena_alloc(arena, (count + 1) * sizeof labels[0]);
    struct text label = {0};
    for (uint32_t i = 0; i < count; i++) {
        text_clear(&label);
        json_write_string(&label, names[i]);
        text_add_byte(&label, ':');
        copies[i] = arena_copy(arena, names[i]);
        labels[i] = arena_copy(arena, text_slice(&label));
    }
    text_deinit(&label);
    *shape = (struct derive_shape){.count = count, .names = copies, .labels = labels};
    return shape;
}

/* --- Writing ---------------------------------------------------------------------------------- */

void value_write_time(struct text *out, int64_t time_us)
{
    char digits[TIMESTAMP_TEXT_BYTES];
    /* The start of a window of a hundred years may lie before what can be written. */
    time_us = time_us < VALUE_TIME_LEAST_US ? VALUE_TIME_LEAST_US : time_us;
    time_us = time_us > VALUE_TIME_MOST_US ? VALUE_TIME_MOST_US : time_us;
    timestamp_format(time_us * 1000, digits);
    text_add_byte(out, '"');
    text_add(out, slice_of(digits, 23)); /* up to the ms */
    text_add_text(out, "Z\"");
}

static void write_whole(struct text *out, int64_t whole)
{
    if (whole < 0) {
        text_add_byte(out, '-');
    }
    text_add_u64(out, whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole);
}

void value_write_ms(struct text *out, int64_t time_us)
{
    int64_t rest_us = (time_us % 1000 + 1000) % 1000; /* rounded down, before 1970 too */
    write_whole(out, (time_us - rest_us) / 1000);
}

static void write_row(struct text *out, const struct derive_row *row, int64_t time_us)
{
    char before = '{';
    for (uint32_t i = 0; i < row->shape->count; i++) {
        if (row->cells[i].kind != VALUE_MISSING) {
            text_add_byte(out, before);
            before = ',';
            text_add(out, row->shape->labels[i]);
            value_write(out, &row->cells[i], time_us);
        }
    }
    text_add_text(out, before == '{' ? "{}" : "}");
}

void value_write_foreign(struct text *out, struct ever_slice json)
{
    if (json.size > 0 && json_check(json, NULL)) {
        text_add(out, json);
    } else {
        text_add_text(out, "null");
    }
}

void value_write_data(struct text *out, const struct derive_event *event)
{
    if (event->data_is_checked) {
        text_add(out, event->data);
    } else {
        value_write_foreign(out, event->data);
    }
}

void value_write_tags(struct text *out, const struct derive_event *event)
{
    text_add_byte(out, '[');
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (i > 0) {
            text_add_byte(out, ',');
        }
        json_write_string(out, event->tags[i]);
    }
    text_add_byte(out, ']');
}

static void write_event(struct text *out, const struct derive_event *event, int64_t time_us)
{
    text_add_text(out, "{\"type\":");
    json_write_string(out, event->type);
    text_add_text(out, ",\"data\":");
    value_write_data(out, event);
    text_add_text(out, ",\"metadata\":");
    value_write_foreign(out, event->metadata);
    text_add_text(out, ",\"stream\":");
    json_write_string(out, event->root->stream);
    text_add_text(out, ",\"id\":");
    json_write_string(out, path_stream_id(event->root->stream));
    text_add_text(out, ",\"position\":");
    text_add_u64(out, event->root->position);
    text_add_text(out, ",\"revision\":");
    text_add_u64(out, event->root->revision);
    text_add_text(out, ",\"time\":");
    value_write_ms(out, time_us);
    text_add_text(out, ",\"tags\":");
    value_write_tags(out, event);
    text_add_byte(out, '}');
}

void value_write(struct text *out, const struct derive_value *value, int64_t time_us)
{
    switch (value->kind) {
    case VALUE_MISSING:
    case VALUE_NULL:
        text_add_text(out, "null");
        return;
    case VALUE_FALSE:
        text_add_text(out, "false");
        return;
    case VALUE_TRUE:
        text_add_text(out, "true");
        return;
    case VALUE_NUMBER:
    case VALUE_STRING:
    case VALUE_JSON:
        text_add(out, slice_of(value->text, value->size));
        return;
    case VALUE_WHOLE:
        write_whole(out, value->whole);
        return;
    case VALUE_REAL:
        number_write(out, value->real);
        return;
    case VALUE_TIME:
        value_write_time(out, value->whole);
        return;
    case VALUE_ROW:
        write_row(out, value->row, time_us);
        return;
    case VALUE_EVENT:
        write_event(out, value->event, time_us);
        return;
    }
    ASSERT(false); /* all kinds stand above */
}

/* --- Canonical -------------------------------------------------------------------------------- */

static void write_canonical_json(struct text *out, struct json_value value, struct arena *scratch);

static void write_canonical_number(struct text *out, struct ever_slice text)
{
    struct derive_value value = {
        .kind = VALUE_NUMBER, .size = (uint32_t)text.size, .text = text.data};
    struct derive_number number;
    if (!value_number(&value, &number)) {
        text_add(out, text); /* a whole number beyond 64 bits is itself */
    } else if (number.is_whole) {
        write_whole(out, number.whole);
    } else if (isfinite(number.real)) {
        number_write(out, number.real);
    } else {
        text_add(out, text);
    }
}

struct member {
    struct ever_slice name;
    struct json_value value;
};

static int compare_members(const void *a, const void *b)
{
    return slice_compare(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void write_canonical_object(struct text *out, struct json_value object,
                                   struct arena *scratch)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        count++;
    }
    struct member *members = arena_alloc(scratch, count * sizeof members[0]);
    count = 0;
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        members[count++] = (struct member){json_string(i.key, scratch), i.value};
    }
    qsort(members, count, sizeof members[0], compare_members);
    text_add_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            text_add_byte(out, ',');
        }
        json_write_string(out, members[i].name);
        text_add_byte(out, ':');
        write_canonical_json(out, members[i].value, scratch);
    }
    text_add_byte(out, '}');
}

static void write_canonical_json(struct text *out, struct json_value value, struct arena *scratch)
{
    bool first = true;
    switch (value.kind) {
    case JSON_NUMBER:
        write_canonical_number(out, value.text);
        return;
    case JSON_STRING:
        json_write_string(out, json_string(value, scratch));
        return;
    case JSON_OBJECT:
        write_canonical_object(out, value, scratch);
        return;
    case JSON_ARRAY:
        text_add_byte(out, '[');
        for (struct json_iter i = json_iter(value); json_next(&i); first = false) {
            if (!first) {
                text_add_byte(out, ',');
            }
            write_canonical_json(out, i.value, scratch);
        }
        text_add_byte(out, ']');
        return;
    default:
        text_add(out, value.text);
        return;
    }
}

static bool is_plain_string(const struct derive_value *value)
{
    return value->kind == VALUE_STRING && memchr(value->text, '\\', value->size) == NULL;
}

void value_write_canonical(struct text *out, const struct derive_value *value, int64_t time_us)
{
    if (value->kind == VALUE_NUMBER) {
        write_canonical_number(out, slice_of(value->text, value->size));
        return;
    }
    bool composed = value->kind == VALUE_JSON || value->kind == VALUE_STRING ||
                    value->kind == VALUE_ROW || value->kind == VALUE_EVENT;
    if (!composed || is_plain_string(value)) {
        value_write(out, value, time_us);
        return;
    }
    struct arena scratch;
    struct text text = {0};
    arena_init(&scratch);
    value_write(&text, value, time_us);
    write_canonical_json(out, json_value_of(text_slice(&text)), &scratch);
    text_deinit(&text);
    arena_deinit(&scratch);
}

/* --- Comparing -------------------------------------------------------------------------------- */

static bool is_whole_text(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '.' || text.data[i] == 'e' || text.data[i] == 'E') {
            return false;
        }
    }
    return true;
}

/* The usual case, quickly: up to 18 digits. */
static bool parse_short_whole(struct ever_slice text, int64_t *out_whole)
{
    size_t sign = text.data[0] == '-';
    int64_t whole = 0;
    if (text.size > 18 + sign) {
        return false;
    }
    for (size_t i = sign; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9) {
            return false;
        }
        whole = whole * 10 + digit;
    }
    *out_whole = sign ? -whole : whole;
    return true;
}

static bool parse_number(struct ever_slice text, struct derive_number *out_number)
{
    int64_t whole;
    if (parse_short_whole(text, &whole) ||
        json_integer((struct json_value){JSON_NUMBER, text}, &whole)) {
        *out_number = (struct derive_number){true, whole, (double)whole};
        return true;
    }
    if (is_whole_text(text)) {
        return false; /* beyond 64 bits: a double would be another number */
    }
    double real = number_parse(text);
    bool exact = real > -0x1p53 && real < 0x1p53 && real == (double)(int64_t)real; /* 5.0, 1e3 */
    *out_number = (struct derive_number){exact, exact ? (int64_t)real : 0, real};
    return true;
}

bool value_number(const struct derive_value *value, struct derive_number *out_number)
{
    switch (value->kind) {
    case VALUE_WHOLE:
        *out_number = (struct derive_number){true, value->whole, (double)value->whole};
        return true;
    case VALUE_REAL:
        *out_number = (struct derive_number){false, 0, value->real};
        return true;
    case VALUE_NUMBER:
        return parse_number(slice_of(value->text, value->size), out_number);
    default:
        return false;
    }
}

static int compare_whole_with_real(int64_t whole, double real)
{
    if (real >= 0x1p63) {
        return -1;
    }
    if (real < -0x1p63) {
        return 1;
    }
    int64_t below = (int64_t)real;
    below -= (double)below > real; /* rounded down */
    if (whole != below) {
        return whole < below ? -1 : 1;
    }
    return real > (double)below ? -1 : 0;
}

struct derive_value value_parsed(struct derive_value value)
{
    struct derive_number number;
    if (value.kind == VALUE_NUMBER && value_number(&value, &number)) {
        return number.is_whole ? value_whole(number.whole) : value_real(number.real);
    }
    return value;
}

int number_compare(struct derive_number a, struct derive_number b)
{
    if (a.is_whole && b.is_whole) {
        return (a.whole > b.whole) - (a.whole < b.whole);
    }
    if (a.is_whole) {
        return compare_whole_with_real(a.whole, b.real);
    }
    if (b.is_whole) {
        return -compare_whole_with_real(b.whole, a.real);
    }
    return (a.real > b.real) - (a.real < b.real);
}

static enum value_order order_of(int order)
{
    return order < 0 ? VALUE_LESS : order > 0 ? VALUE_GREATER : VALUE_EQUAL;
}

struct ever_slice value_string(const struct derive_value *value, struct arena *arena)
{
    if (value->kind == VALUE_STRING) {
        struct ever_slice text = slice_of(value->text, value->size);
        return json_string((struct json_value){JSON_STRING, text}, arena);
    }
    if (value->kind == VALUE_TIME) {
        struct text text = {0};
        value_write_time(&text, value->whole);
        struct ever_slice kept = arena_copy(arena, slice_of(text.data + 1, text.size - 2));
        text_deinit(&text);
        return kept;
    }
    return SLICE_NONE;
}

static bool is_string(const struct derive_value *value)
{
    return value->kind == VALUE_STRING || value->kind == VALUE_TIME;
}

static bool is_number(const struct derive_value *value)
{
    return value->kind == VALUE_NUMBER || value->kind == VALUE_WHOLE || value->kind == VALUE_REAL;
}

static bool equal_canonically(const struct derive_value *a, const struct derive_value *b)
{
    struct text left = {0};
    struct text right = {0};
    value_write_canonical(&left, a, 0);
    value_write_canonical(&right, b, 0);
    bool equal = slice_equal(text_slice(&left), text_slice(&right));
    text_deinit(&left);
    text_deinit(&right);
    return equal;
}

static struct derive_number number_for_order(const struct derive_value *value)
{
    struct derive_number number;
    if (!value_number(value, &number)) { /* whole, beyond 64 bits */
        number = (struct derive_number){.real = number_parse(slice_of(value->text, value->size))};
    }
    return number;
}

enum value_order value_compare(const struct derive_value *a, const struct derive_value *b,
                               struct arena *scratch)
{
    if (is_number(a) && is_number(b)) {
        return order_of(number_compare(number_for_order(a), number_for_order(b)));
    }
    if (is_string(a) && is_string(b)) {
        return order_of(slice_compare(value_string(a, scratch), value_string(b, scratch)));
    }
    return equal_canonically(a, b) ? VALUE_EQUAL : VALUE_DIFFERENT;
}
