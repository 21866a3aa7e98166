/* lookup.h - single questions to log and index: the event at a position, the last of a stream, the
 * one with an id. Answers are exact: what the index finds is checked in the log.
 *
 * EVER_CORRUPT: the answer lies, or may lie, in a damaged part of the log. */
#pragma once
#include "store/event.h"
#include "store/index.h"

/* What one reader needs to look at events one after the other. One thread at a time. */
struct event_reader {
    struct log *log;
    struct index *index;
    struct log_buffer buffer;
    struct event_view view; /* the event read last */
};
void event_reader_init(struct event_reader *reader, struct log *log, struct index *index);
void event_reader_deinit(struct event_reader *reader);

/* Reads one event into reader->view, lent until the next use of the reader. */
struct ever_err event_read(struct event_reader *reader, struct posting posting);
struct ever_err event_read_at(struct event_reader *reader, uint64_t position);

/* The stream's last event at or before position `to` into reader->view. EVER_NOT_FOUND: none. */
struct ever_err lookup_last(struct event_reader *reader, struct ever_slice stream, uint64_t to);

/* The position of the stream's event with this revision, at or before `to`. EVER_NOT_FOUND. */
struct ever_err lookup_revision(struct event_reader *reader, struct ever_slice stream,
                                uint64_t revision, uint64_t to, uint64_t *out_position);

/* The event with this id, at or before `to`, into reader->view. EVER_NOT_FOUND. */
struct ever_err lookup_id(struct event_reader *reader, struct ever_uuid id, uint64_t to);

/* The last position up to `to` whose time is `time_ns` or before; 0: none. */
struct ever_err lookup_time(struct event_reader *reader, int64_t time_ns, uint64_t to,
                            uint64_t *out_position);
