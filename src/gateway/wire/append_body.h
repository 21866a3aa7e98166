/* append_body.h - the bodies of appends: one event, an array, lines, or writes to several streams.
 * Results point into the body or the arena. No I/O. */
#pragma once
#include "gateway/wire/body.h"
#include "gateway/wire/media.h"
#include "gateway/wire/new_event.h"

struct append_body {
    struct ever_write *writes;
    uint32_t write_count;
};

/* One event, an array of events, or with MEDIA_NDJSON one event on each line; all for one stream
 * under one condition. False: see the faults. */
bool append_body_of_events(struct ever_slice body, enum media media, struct arena *arena,
                           struct body_faults *faults, struct ever_write *out_write);

/* {"writes": [{"stream", "expect", "events"}]}, or with MEDIA_NDJSON events that name their stream,
 * one on each line, appended in that order. */
bool append_body_of_writes(struct ever_slice body, enum media media, struct arena *arena,
                           struct body_faults *faults, struct append_body *out_body);
