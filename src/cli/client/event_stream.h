/* event_stream.h - events of a running answer, one by one, as NDJSON brings them. */
#pragma once
#include "cli/client/session.h"

/* Takes one event (checked JSON, lent for the call). */
typedef void event_fn(void *arg, struct ever_slice event);

enum event_stream_end {
    EVENT_STREAM_WHOLE,
    EVENT_STREAM_DAMAGED, /* all there is was given; what is not, was reported */
    EVENT_STREAM_FAILED,  /* as when it was cut short; that was reported */
};

/* GETs `target` to its end and hands each event to `each`. */
enum event_stream_end event_stream_read(struct session *session, const char *target, event_fn *each,
                                        void *arg);

/* The last position of the server's log. False: it failed, and that was reported. */
bool event_stream_last_position(struct session *session, uint64_t *out_position);

/* The member of an event that is a whole number; 0 when it is missing. */
uint64_t event_number(struct ever_slice event, const char *name);
