#include "cli/input/csv.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <stdlib.h>

#define DIGITS_MAX 15 /* every whole number of 15 digits is exact in a double */

struct csv {
    char separator;
    bool as_text;
    struct text *names; /* of the columns, each as "name": */
    size_t count;
    struct text field; /* the field being read, quotes undone */
    struct text problem;
};

/* --- Finding fields -------------------------------------------------------------------------- */

/* Where the quoted field that begins at `at` ends: behind its closing quote; bytes.size + 1 when
 * that is not there. */
static size_t quoted_end(struct ever_slice bytes, size_t at)
{
    for (at++; at < bytes.size; at++) {
        if (bytes.data[at] != '"') {
            continue;
        }
        if (at + 1 < bytes.size && bytes.data[at + 1] == '"') {
            at++;
            continue;
        }
        return at + 1;
    }
    return bytes.size + 1;
}

static size_t plain_end(struct ever_slice bytes, size_t at, char separator)
{
    while (at < bytes.size && bytes.data[at] != separator && bytes.data[at] != '\n') {
        at++;
    }
    return at;
}

size_t csv_find_end(struct ever_slice bytes, char separator, bool ended)
{
    size_t at = 0;
    while (at < bytes.size) {
        if (bytes.data[at] == '"') {
            at = quoted_end(bytes, at);
            /* A quote at the very end may be the first of two. */
            if (at >= bytes.size && !ended) {
                return 0;
            }
            at = at > bytes.size ? bytes.size : at; /* never closed: csv_to_json() says so */
        }
        at = plain_end(bytes, at, separator);
        if (at < bytes.size && bytes.data[at] == '\n') {
            return at + 1;
        }
        at += at < bytes.size;
    }
    return ended ? bytes.size : 0;
}

static struct ever_slice without_line_end(struct ever_slice row)
{
    while (row.size > 0 && (row.data[row.size - 1] == '\n' || row.data[row.size - 1] == '\r')) {
        row.size--;
    }
    return row;
}

bool csv_is_empty(struct ever_slice row)
{
    return without_line_end(row).size == 0;
}

/* The fields of a row: for (struct fields f = fields_of(row); fields_next(&f, ...);). */
struct fields {
    struct ever_slice row;
    size_t at;
    bool more;
    bool quoted; /* the current field stood in quotes */
};

static struct fields fields_of(struct ever_slice row)
{
    return (struct fields){.row = without_line_end(row), .more = true};
}

static void undo_quotes(struct ever_slice quoted, struct text *out)
{
    for (size_t i = 1; i + 1 < quoted.size; i++) {
        text_add_byte(out, quoted.data[i]);
        i += quoted.data[i] == '"';
    }
}

/* Puts the next field into csv->field. False: none is left, or *out_problem says what is wrong. */
static bool fields_next(struct fields *fields, struct csv *csv, const char **out_problem)
{
    text_clear(&csv->field);
    *out_problem = NULL;
    if (!fields->more) {
        return false;
    }
    size_t start = fields->at;
    fields->quoted = start < fields->row.size && fields->row.data[start] == '"';
    size_t end = fields->quoted ? quoted_end(fields->row, start)
                                : plain_end(fields->row, start, csv->separator);
    if (end > fields->row.size) {
        *out_problem = "a quoted field is never closed";
        return false;
    }
    fields->more = end < fields->row.size;
    if (fields->more && fields->row.data[end] != csv->separator) {
        *out_problem = "something stands between a closing quote and the separator";
        return false;
    }
    fields->at = end + 1;
    struct ever_slice field = slice_of(fields->row.data + start, end - start);
    if (fields->quoted) {
        undo_quotes(field, &csv->field);
    } else {
        text_add(&csv->field, field);
    }
    if (!utf8_check(text_slice(&csv->field))) {
        *out_problem = "a field is not UTF-8 (iconv can convert the file)";
        return false;
    }
    return true;
}

/* --- The header ------------------------------------------------------------------------------ */

static const char *add_name(struct csv *csv)
{
    struct text name = {0};
    json_write_string(&name, text_slice(&csv->field));
    text_add_byte(&name, ':');
    for (size_t i = 0; i < csv->count; i++) {
        if (slice_equal(text_slice(&csv->names[i]), text_slice(&name))) {
            text_deinit(&name);
            return "two columns have the same name";
        }
    }
    csv->names = mem_grow(csv->names, (csv->count + 1) * sizeof *csv->names);
    csv->names[csv->count++] = name;
    return NULL;
}

static const char *read_header(struct csv *csv, struct ever_slice header)
{
    const char *problem;
    struct fields fields = fields_of(header);
    while (fields_next(&fields, csv, &problem)) {
        problem = csv->field.size == 0 ? "a column has no name" : add_name(csv);
        if (problem != NULL) {
            return problem;
        }
    }
    return problem;
}

const char *csv_create(struct ever_slice header, char separator, bool as_text, struct csv **out_csv)
{
    struct csv *csv = mem_alloc_zero(sizeof *csv);
    csv->separator = separator;
    csv->as_text = as_text;
    const char *problem = read_header(csv, header);
    if (problem != NULL) {
        csv_destroy(csv);
        return problem;
    }
    *out_csv = csv;
    return NULL;
}

void csv_destroy(struct csv *csv)
{
    if (csv == NULL) {
        return;
    }
    for (size_t i = 0; i < csv->count; i++) {
        text_deinit(&csv->names[i]);
    }
    free(csv->names);
    text_deinit(&csv->field);
    text_deinit(&csv->problem);
    free(csv);
}

/* --- Rows ------------------------------------------------------------------------------------ */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_number(struct ever_slice field)
{
    if (field.size == 0 || !(is_digit(field.data[0]) || field.data[0] == '-') ||
        !is_digit(field.data[field.size - 1])) {
        return false; /* white space around a number, which JSON allows, makes it text too */
    }
    size_t digits = 0;
    for (size_t i = 0; i < field.size; i++) {
        digits += is_digit(field.data[i]);
    }
    return digits <= DIGITS_MAX && json_check(field, NULL);
}

static void add_value(const struct csv *csv, bool quoted, struct text *out)
{
    struct ever_slice field = text_slice(&csv->field);
    if (!quoted && !csv->as_text && field.size == 0) {
        text_add_text(out, "null");
    } else if (!quoted && !csv->as_text && is_number(field)) {
        text_add(out, field);
    } else {
        json_write_string(out, field);
    }
}

static const char *wrong_count(struct csv *csv, size_t count)
{
    text_clear(&csv->problem);
    text_printf(&csv->problem, "%zu field%s, but the header names %zu", count,
                count == 1 ? "" : "s", csv->count);
    return csv->problem.data;
}

const char *csv_to_json(struct csv *csv, struct ever_slice row, struct text *out)
{
    const char *problem;
    size_t count = 0;
    text_add_byte(out, '{');
    struct fields fields = fields_of(row);
    for (; fields_next(&fields, csv, &problem); count++) {
        if (count < csv->count) {
            text_add_text(out, count == 0 ? "" : ",");
            text_add(out, text_slice(&csv->names[count]));
            add_value(csv, fields.quoted, out);
        }
    }
    text_add_byte(out, '}');
    if (problem != NULL) {
        return problem;
    }
    return count == csv->count ? NULL : wrong_count(csv, count);
}
