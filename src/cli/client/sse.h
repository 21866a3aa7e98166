/* sse.h - server-sent events, read line by line. No I/O. */
#pragma once
#include "base/text.h"

struct sse_message {         /* lent for the call */
    struct ever_slice event; /* "message" unless given */
    struct ever_slice data;  /* its lines joined */
};

struct sse {
    struct text event;
    struct text data;
    struct text id; /* the last one seen, also of messages without data: where to go on */
    bool has_data;
    bool ended; /* by an empty line: the next one begins another message */
};

/* Takes one line without its end. True: it ended a message, now in *out_message until the next
 * call. */
bool sse_line(struct sse *sse, struct ever_slice line, struct sse_message *out_message);
void sse_deinit(struct sse *sse);
