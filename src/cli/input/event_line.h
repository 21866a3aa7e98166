/* event_line.h - a record of an import as one line of POST /append. No I/O. */
#pragma once
#include "cli/input/records.h"

struct event_shape {
    /* Name of the stream, with the row's fields in braces: "flight-{origin}"; the whole row becomes
     * the event's data. NULL: each row is an event with "stream", "type" and "data", as export and
     * read write it. */
    const char *stream;
    const char *type; /* with `stream` */
    /* Give each event without an id one made from its place and content, so that the same input
     * again is recognised. */
    bool make_ids;
};

enum event_line_outcome {
    EVENT_LINE_ADDED,
    EVENT_LINE_CLOSING, /* no event: the line that says an answer of the server was whole */
    EVENT_LINE_OWN,     /* of a stream that the server alone writes ($..., flow-...): left out */
    EVENT_LINE_REFUSED, /* `problem` says why, in a few words */
};

/* Appends the event of `record` and a line end to `out`. */
enum event_line_outcome event_line_add(const struct event_shape *shape, const struct record *record,
                                       struct text *out, struct text *problem);
