/* records.h - the rows of a file or pipe as JSON values, one after the other.
 *
 * Three formats, told apart by the first byte unless one is asked for: '[' begins a JSON array, '{'
 * is NDJSON, all else is CSV with a header line. The input is never held whole: memory is bounded
 * by its longest record (RECORD_BYTES_MAX). */
#pragma once
#include "base/err.h"
#include "base/text.h"

#define RECORD_BYTES_MAX (8u << 20)

enum records_format { RECORDS_GUESS, RECORDS_NDJSON, RECORDS_JSON, RECORDS_CSV };

struct records_options {
    enum records_format format;
    char separator; /* of CSV fields */
    bool as_text;   /* CSV: what looks like a number stays text */
};

struct record_place {
    uint64_t line;    /* where it begins, from 1 */
    uint64_t element; /* of a JSON array, which may stand on one line, from 1; else 0 */
};
/* Appends "line 3", or "line 1, element 17". */
void record_place_add(struct text *out, struct record_place place);

struct record { /* lent until the next call */
    struct record_place place;
    struct ever_slice json; /* one checked JSON value; of CSV an object of fields */
};

struct records; /* Opaque: an input being read. */

/* Borrows `fd`, which may be a pipe, until close. */
void records_open(int fd, const struct records_options *options, struct records **out_records);
void records_close(struct records *records); /* NULL-safe. */

/* EVER_END: no more. EVER_INVALID, EVER_LIMIT, EVER_IO: `report` says place and cause; then no
 * further call. */
struct ever_err records_next(struct records *records, struct text *report,
                             struct record *out_record);

uint64_t records_bytes(const struct records *records); /* of the input, used so far */
