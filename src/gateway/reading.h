/* reading.h - what a request to read events asks for: which, from where, how many, as of when. */
#pragma once
#include "gateway/call.h"

#define READING_LIMIT_MAX 1000 /* of a JSON page */
#define READING_LIMIT_DEFAULT 100

struct reading {
    struct ever_read read; /* names point into the call's arena */
    bool of_stream;        /* then `from` and `last` are revisions, else positions */
    uint64_t last;         /* forward: the last one that belongs to the answer */
    uint64_t limit;        /* events; UINT64_MAX: none */
    uint64_t position;     /* of the log: what the answer reflects */
    int64_t revision;      /* of the stream then; EVER_NO_REVISION: it had no event */
};

/* Reads the query of GET /streams/{stream} or, with `stream` SLICE_NONE, of GET /events. What is
 * appended from now on is beyond `last`. False: the call is answered. */
bool reading_parse(struct call *call, struct ever_slice stream, struct reading *out_reading);

/* The same for one who will follow, with Last-Event-ID; `last` is UINT64_MAX then. */
bool reading_parse_follow(struct call *call, struct ever_slice stream, struct reading *out_reading);

/* Whether the cursor, which found nothing in the stretch it was allowed, has all of the reading
 * behind it: it need not look at the rest of the log. */
bool reading_is_over(const struct reading *reading, const struct ever_cursor *cursor);

/* The position that the parameter "at" means; the last one without it. False: answered. */
bool reading_parse_at(struct call *call, bool *out_given, uint64_t *out_position);
