/* timestamp.h - RFC 3339 text for ns since 1970, UTC. */
#pragma once
#include "everfold_types.h"

/* "2026-11-23T23:31:00.123456Z": always six decimals; the rest is cut. */
#define TIMESTAMP_TEXT_BYTES 27
void timestamp_format(int64_t time_ns, char out_text[static TIMESTAMP_TEXT_BYTES]); /* no NUL */

/* Accepts RFC 3339 date-times with any offset and up to nine decimals, years 1678 to 2261. */
bool timestamp_parse(struct ever_slice text, int64_t *out_time_ns);
