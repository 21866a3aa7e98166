/* part_priv.h - a flow as one run sees it: the streams it writes, how far they are in the log, and
 * whether what the flow says is what they hold.
 *
 *     revision   0 1 2 3 4 5 6 7 8 9
 *     the log    e e e e e
 *     the flow   e e e e e e e           `count` 7, `logged` 5: two wait to be appended
 *
 * Threads: one. */
#pragma once
#include "domain/flow/flows.h"

enum flow_side { FLOW_MAIN, FLOW_LATE, FLOW_ERRORS, FLOW_SIDES };

/* Why a flow does not go on. */
struct flow_stop {
    bool is_set;
    uint64_t position;               /* the root event; 0 when it is none's fault */
    char node[FLOW_NODE_NAME_BYTES]; /* "": none */
    char why[FLOW_FAILURE_BYTES];
};

struct flow_side_stream {
    struct ever_slice name;
    uint64_t count;             /* events that the flow made so far */
    uint64_t logged;            /* events that the log is known to hold */
    struct ever_cursor *cursor; /* reads what the log holds, from `next`; NULL: none yet */
    uint64_t next;
};

struct flow_part {
    const struct flow_info *info;
    struct ever *store;
    bool is_written; /* else it is recomputed for those who read it, and leaves no event */
    struct flow_stop stop;
    struct flow_side_stream sides[FLOW_SIDES];
    uint64_t hash;     /* over all events made, in order */
    uint64_t compared; /* events that stood in the log */
    char *names;       /* of the sides */
};

/* What the name of a side's stream ends with: "", ".late", ".errors". */
const char *flow_side_ending(enum flow_side side);

/* Asks the log how long the streams are. */
struct ever_err flow_part_open(struct ever *store, const struct flow_info *info, bool is_written,
                               struct flow_part *out_part);
void flow_part_close(struct flow_part *part);

/* The first stop counts; later ones change nothing. */
void flow_part_stop(struct flow_part *part, uint64_t position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Version 8, of a hash: the same for the same cause, for ever. */
struct ever_uuid flow_event_id(const struct flow_info *info, uint64_t position, uint32_t ordinal);

/* The next event of a side: counts it and tells whether it is to be appended. When the log holds
 * its place already, the two are compared; a difference stops the part. */
struct ever_err flow_part_take(struct flow_part *part, enum flow_side side, uint64_t cause,
                               const struct ever_new_event *event, bool *out_is_new);

/* Is `event` what the log holds at `revision`? It must hold one there. */
struct ever_err flow_part_compare(struct flow_part *part, enum flow_side side, uint64_t revision,
                                  uint64_t cause, const struct ever_new_event *event);

/* All causes up to `position` have passed. Stops the part when a stream holds an event that stands
 * up to there and is none of the flow's. */
struct ever_err flow_part_check_end(struct flow_part *part, uint64_t position);
