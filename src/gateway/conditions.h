/* conditions.h - If-Match and If-None-Match, for writes and for reads; Everfold-Min-Position. */
#pragma once
#include "gateway/call.h"

struct write_condition {
    enum ever_expect expect;
    uint64_t revision;
};

/* What the request expects of `stream`. False: it is malformed or cannot hold, and the call is
 * answered. Several tags in If-Match are looked up now; of the one that holds, the store is told.
 */
bool condition_of_write(struct call *call, struct ever_slice stream,
                        struct write_condition *out_condition);

/* Answers 412: the condition does not hold, the stream's last revision is `actual`. */
void condition_failed(struct call *call, int64_t actual);

/* Looks at the conditions of a read whose answer has this ETag (without quotes). True: it is
 * answered, with 304 or 412. Call it after the headers of the answer were added. */
bool condition_answers_read(struct call *call, struct ever_slice etag);

/* Everfold-Min-Position of a read straight from the log. True: it lies beyond the end, and the call
 * is answered. */
bool condition_is_ahead_of_log(struct call *call, uint64_t last_position);
