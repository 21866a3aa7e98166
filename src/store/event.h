/* event.h - an event as the bytes of one log record, and the terms it is found by.
 *
 * Position and time are not in the record: they belong to its place in the log. No I/O, no memory,
 * no clock. Format: docs/format.md, section "Events". */
#pragma once
#include "base/err.h"
#include "everfold.h"

/* A decoded event and the room for its tags. All slices point into the record's bytes. */
struct event_view {
    struct ever_event event; /* position and time_ns are the caller's to set */
    struct ever_slice tags[EVER_TAGS_PER_EVENT_MAX];
};

/* The most bytes event_encode() writes. */
size_t event_bytes_max(const struct ever_event *event);

/* Writes the record at `to` and returns its end. Position and time are not looked at. */
char *event_encode(const struct ever_event *event, char *to);

/* EVER_CORRUPT: not an event. EVER_UNSUPPORTED: written by a newer version, in a way that must not
 * be skipped. Every other unknown field is skipped. */
struct ever_err event_decode(struct ever_slice record, struct event_view *out_view);

/* --- Terms ----------------------------------------------------------------------------------- */

enum term_kind { /* on disk, as the seed of the hash */
                 TERM_STREAM = 1,
                 TERM_CATEGORY = 2,
                 TERM_TYPE = 3,
                 TERM_TAG = 4,
};

/* Two terms may share a hash: whoever finds an event by one looks at the event itself. */
uint64_t term_hash(enum term_kind kind, struct ever_slice name);
uint64_t id_hash(struct ever_uuid id);

/* The part before the first '-', the whole name when there is none. */
struct ever_slice stream_category(struct ever_slice stream);

#define EVENT_TERMS_MAX (3 + EVER_TAGS_PER_EVENT_MAX)
/* The hashes of the event's stream, category, type and tags. Returns how many. */
uint32_t event_terms(const struct ever_event *event, uint64_t out_terms[static EVENT_TERMS_MAX]);
