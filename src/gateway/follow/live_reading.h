/* live_reading.h - what a live expression reads of the log, and how it is told. */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "everfold.h"

/* An expression with one source reads no more of the log than that needs: takes what can be read by
 * index from its filters, [{"category" | "stream" | "prefix", "types", "tags"}...]. The expression
 * looks at every event itself, so that a wider reading is no fault. Names are put into `arena`. */
void live_reading_narrow(struct json_value filters, struct arena *arena, struct ever_read *read);

/* [position, stream, type, revision, time_ms, data, metadata, tags] for js/live.js; opaque data is
 * null. */
void live_reading_write(struct text *out, const struct ever_event *event);

/* When the event at `from` was committed; `missing` when it cannot be read. */
int64_t live_reading_time_ms(struct ever *store, uint64_t from, int64_t missing);
