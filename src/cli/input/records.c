#include "cli/input/records.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cli/input/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)

struct records {
    struct records_options options;
    int fd;
    bool ended;    /* the input has no more bytes than `buffer` */
    bool begun;    /* JSON: the opening bracket is behind us */
    bool finished; /* JSON: the closing bracket too */
    struct text buffer;
    size_t used; /* bytes of `buffer` that are behind us */
    uint64_t bytes;
    struct record_place place; /* of the first byte not yet used, or of the record it begins */
    struct csv *csv;
    struct text row; /* CSV: the record as JSON */
};

void records_open(int fd, const struct records_options *options, struct records **out_records)
{
    struct records *records = mem_alloc_zero(sizeof *records);
    records->options = *options;
    records->fd = fd;
    records->place.line = 1;
    (void)text_reserve(&records->buffer, READ_BYTES); /* so that there is a place to point at */
    *out_records = records;
}

void records_close(struct records *records)
{
    if (records == NULL) {
        return;
    }
    text_deinit(&records->buffer);
    text_deinit(&records->row);
    csv_destroy(records->csv);
    free(records);
}

void record_place_add(struct text *out, struct record_place place)
{
    text_printf(out, "line %llu", (unsigned long long)place.line);
    if (place.element > 0) {
        text_printf(out, ", element %llu", (unsigned long long)place.element);
    }
}

uint64_t records_bytes(const struct records *records)
{
    return records->bytes;
}

/* --- The input ------------------------------------------------------------------------------- */

static struct ever_slice pending(const struct records *records)
{
    return slice_of(records->buffer.data + records->used, records->buffer.size - records->used);
}

/* Puts `size` bytes behind us. They stay readable until the next fill. */
static void use(struct records *records, size_t size)
{
    const char *at = records->buffer.data + records->used;
    const char *end = at + size;
    while (at != end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        records->place.line++;
        at++;
    }
    records->used += size;
    records->bytes += size;
}

/* Reads more behind what is pending, or notes that there is no more. */
static struct ever_err fill(struct records *records, struct text *report)
{
    struct text *buffer = &records->buffer;
    struct ever_slice rest = pending(records);
    if (rest.size > RECORD_BYTES_MAX) {
        record_place_add(report, records->place);
        text_printf(report, ": a record is longer than %u bytes", RECORD_BYTES_MAX);
        return FAIL(EVER_LIMIT, "record too long");
    }
    if (records->used > 0) {
        memmove(buffer->data, rest.data, rest.size);
        buffer->size = rest.size;
        records->used = 0;
    }
    char *room = text_reserve(buffer, READ_BYTES);
    ssize_t size;
    do {
        size = read(records->fd, room, READ_BYTES);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        text_printf(report, "reading the input: %s", strerror(errno));
        return FAIL_ERRNO(EVER_IO, errno, "read input");
    }
    buffer->size += (size_t)size;
    text_seal(buffer);
    records->ended = size == 0;
    return ERR_OK;
}

static struct ever_err refuse_at(struct record_place place, const char *reason, struct text *report)
{
    record_place_add(report, place);
    text_printf(report, ": %s", reason);
    return FAIL(EVER_INVALID, "bad input");
}

static struct ever_err refuse(const struct records *records, struct text *report,
                              const char *reason)
{
    return refuse_at(records->place, reason, report);
}

/* The size of the record at the start of `bytes`; 0 when its end is not there yet. */
typedef size_t find_end_fn(const struct records *records, struct ever_slice bytes);

/* Takes the next record whole. EVER_END when nothing is left. */
static struct ever_err take_record(struct records *records, find_end_fn *find_end,
                                   struct text *report, struct record *out_record)
{
    size_t size;
    while ((size = find_end(records, pending(records))) == 0) {
        if (records->ended) {
            return pending(records).size == 0 ? FAIL(EVER_END, "no more records")
                                              : refuse(records, report, "the input ends too early");
        }
        TRY(fill(records, report));
    }
    out_record->place = records->place;
    out_record->json = slice_first(pending(records), size);
    use(records, size);
    return ERR_OK;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Skips white space; *out_byte is what stands behind it, or EOF. */
static struct ever_err skip_space(struct records *records, struct text *report, int *out_byte)
{
    for (;;) {
        struct ever_slice rest = pending(records);
        size_t size = 0;
        while (size < rest.size && is_space(rest.data[size])) {
            size++;
        }
        use(records, size);
        if (size < rest.size || records->ended) {
            *out_byte = size < rest.size ? (unsigned char)rest.data[size] : EOF;
            return ERR_OK;
        }
        TRY(fill(records, report));
    }
}

/* Checks the record and cuts off the white space around it. */
static struct ever_err check_json(struct text *report, struct record *record)
{
    struct json_fault fault;
    if (json_check(record->json, &fault)) {
        record->json = json_value_of(record->json).text;
        return ERR_OK;
    }
    struct record_place place = record->place;
    for (size_t i = 0; i < fault.offset; i++) {
        place.line += record->json.data[i] == '\n';
    }
    record_place_add(report, place);
    text_printf(report, ": not JSON: %s (byte %zu of the record)", fault.reason, fault.offset + 1);
    return FAIL(EVER_INVALID, "record is not JSON");
}

/* --- NDJSON: a value on each line ------------------------------------------------------------ */

static size_t find_line_end(const struct records *records, struct ever_slice bytes)
{
    size_t size = slice_find_byte(bytes, '\n');
    return size < bytes.size ? size + 1 : records->ended ? bytes.size : 0;
}

static struct ever_err next_ndjson(struct records *records, struct text *report,
                                   struct record *out_record)
{
    int first;
    TRY(skip_space(records, report, &first)); /* empty lines */
    TRY(take_record(records, find_line_end, report, out_record));
    return check_json(report, out_record);
}

/* --- A JSON array ---------------------------------------------------------------------------- */

static size_t find_string_end(struct ever_slice bytes, size_t at) /* at the opening quote */
{
    for (at++; at < bytes.size; at++) {
        if (bytes.data[at] == '\\') {
            at++;
        } else if (bytes.data[at] == '"') {
            return at + 1;
        }
    }
    return 0;
}

/* Nesting and strings are all that must be understood to find the end; json_check() does the rest.
 */
static size_t find_value_end(const struct records *records, struct ever_slice bytes)
{
    (void)records; /* an array's last value is followed by its bracket, so the end plays no part */
    size_t depth = 0;
    size_t at = 0;
    while (at < bytes.size) {
        char byte = bytes.data[at];
        if (byte == '"') {
            at = find_string_end(bytes, at);
            if (at == 0) {
                return 0;
            }
            continue;
        }
        bool closes = byte == '}' || byte == ']';
        if (depth == 0 && (closes || byte == ',')) {
            return at;
        }
        depth += byte == '{' || byte == '[';
        depth -= closes;
        at++;
    }
    return 0;
}

static struct ever_err check_nothing_follows(struct records *records, struct text *report)
{
    records->finished = true;
    records->place.element = 0;
    use(records, 1); /* the bracket */
    int first;
    TRY(skip_space(records, report, &first));
    return first == EOF ? FAIL(EVER_END, "no more records")
                        : refuse(records, report, "something follows the closing ]");
}

/* Takes the bracket before the first value, the comma before another. EVER_END: the closing bracket
 * stands there. */
static struct ever_err take_separator(struct records *records, struct text *report)
{
    int byte;
    TRY(skip_space(records, report, &byte));
    if (!records->begun && byte != '[') {
        return refuse(records, report, "a JSON array begins with [");
    }
    if (records->begun && byte == ']') {
        return check_nothing_follows(records, report);
    }
    if (byte == EOF) {
        return refuse(records, report, "the input ends inside the array");
    }
    if (records->begun && byte != ',') {
        return refuse(records, report, "a comma or ] was expected");
    }
    use(records, 1);
    records->place.element++;
    return ERR_OK;
}

static struct ever_err next_of_array(struct records *records, struct text *report,
                                     struct record *out_record)
{
    if (records->finished) {
        return FAIL(EVER_END, "no more records");
    }
    TRY(take_separator(records, report));
    int byte;
    TRY(skip_space(records, report, &byte));
    if (!records->begun && byte == ']') {
        return check_nothing_follows(records, report);
    }
    records->begun = true;
    if (byte == EOF) {
        return refuse(records, report, "the input ends inside the array");
    }
    if (byte == ',' || byte == ']' || byte == '}') {
        return refuse(records, report, "a value was expected");
    }
    TRY(take_record(records, find_value_end, report, out_record));
    return check_json(report, out_record);
}

/* --- CSV ------------------------------------------------------------------------------------- */

static size_t find_row_end(const struct records *records, struct ever_slice bytes)
{
    return csv_find_end(bytes, records->options.separator, records->ended);
}

static struct ever_err take_header(struct records *records, struct text *report)
{
    struct record header;
    TRY(take_record(records, find_row_end, report, &header));
    const char *reason = csv_create(header.json, records->options.separator,
                                    records->options.as_text, &records->csv);
    return reason == NULL ? ERR_OK : refuse_at(header.place, reason, report);
}

static struct ever_err next_of_csv(struct records *records, struct text *report,
                                   struct record *out_record)
{
    if (records->csv == NULL) {
        TRY(take_header(records, report));
    }
    do {
        TRY(take_record(records, find_row_end, report, out_record));
    } while (csv_is_empty(out_record->json));
    text_clear(&records->row);
    const char *reason = csv_to_json(records->csv, out_record->json, &records->row);
    if (reason != NULL) {
        return refuse_at(out_record->place, reason, report);
    }
    out_record->json = text_slice(&records->row);
    return ERR_OK;
}

/* --- All of them ----------------------------------------------------------------------------- */

static struct ever_err skip_byte_order_mark(struct records *records, struct text *report)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some programs on Windows write it */
    while (pending(records).size < strlen(mark) && !records->ended) {
        TRY(fill(records, report));
    }
    if (slice_starts_with(pending(records), slice_of_text(mark))) {
        use(records, strlen(mark));
    }
    return ERR_OK;
}

static struct ever_err choose_format(struct records *records, struct text *report)
{
    TRY(skip_byte_order_mark(records, report));
    if (records->options.format != RECORDS_GUESS) {
        return ERR_OK;
    }
    int first;
    TRY(skip_space(records, report, &first));
    records->options.format = first == '['   ? RECORDS_JSON
                              : first == '{' ? RECORDS_NDJSON
                              : first == EOF ? RECORDS_NDJSON /* no record in any format */
                                             : RECORDS_CSV;
    return ERR_OK;
}

struct ever_err records_next(struct records *records, struct text *report,
                             struct record *out_record)
{
    if (records->bytes == 0) {
        TRY(choose_format(records, report));
    }
    switch (records->options.format) {
    case RECORDS_NDJSON:
        return next_ndjson(records, report, out_record);
    case RECORDS_JSON:
        return next_of_array(records, report, out_record);
    case RECORDS_CSV:
        return next_of_csv(records, report, out_record);
    case RECORDS_GUESS:
        break;
    }
    ASSERT(false);
    return FAIL(EVER_INVALID, "unknown format");
}
