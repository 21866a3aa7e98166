/* csv.h - rows of comma-separated values (RFC 4180) as JSON objects. No I/O.
 *
 * A field in quotes may hold separators, line ends and doubled quotes; it is always text. An empty
 * field without quotes is null. A field that is a JSON number of at most 15 digits becomes a
 * number; so 007 and long account numbers stay text. Read `as_text`, every field is text. */
#pragma once
#include "base/text.h"

struct csv; /* Opaque: the names of the columns. */

/* The size of the first row in `bytes` with its line end; 0 when the end is not there yet. `ended`:
 * nothing comes behind `bytes`. */
size_t csv_find_end(struct ever_slice bytes, char separator, bool ended);
bool csv_is_empty(struct ever_slice row); /* a line end and nothing else */

/* Reads the header row. Returns NULL, or what is wrong with it. */
const char *csv_create(struct ever_slice header, char separator, bool as_text,
                       struct csv **out_csv);
void csv_destroy(struct csv *csv); /* NULL-safe. */

/* Appends the row as a JSON object. Returns NULL, or what is wrong with it (lent until the next
 * call). */
const char *csv_to_json(struct csv *csv, struct ever_slice row, struct text *out);
