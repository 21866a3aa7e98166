/* cursor_priv.h - a reader's place in the log, for cursor.c and cursor_walk.c. */
#pragma once
#include "store/filter.h"
#include "store/lookup.h"
#include "store/store_priv.h"

struct term_walk {
    struct index_search search; /* what was found last */
    uint32_t at;                /* of it, the next to give */
    bool is_done;               /* nothing is left in this round */
};

struct allowance {
    bool is_given; /* otherwise there is no bound */
    uint32_t events;
    size_t bytes;
};

struct ever_cursor {
    struct ever *store;
    struct filter filter;
    struct event_reader reader;
    struct log_cursor *scan; /* forward scans */
    struct term_walk *walks;
    uint32_t walk_count;   /* 0: a scan */
    uint64_t next;         /* the position to look at next; 0: backward, at the end */
    uint64_t limit;        /* forward walks: the last position of this round */
    uint64_t seen;         /* all that match up to here were given */
    uint64_t revision_min; /* of one stream, forward: those before are passed over */
    uint64_t told_of;      /* walks: damage on the way was reported up to this position */
    uint64_t damaged_from; /* what the last EVER_CORRUPT was about; 0: nothing to step over */
    uint64_t damaged_to;
    struct allowance allowance;
};

/* The cursor has looked at this position. */
static inline void cursor_step_behind(struct ever_cursor *cursor, uint64_t position)
{
    if (cursor->filter.read.backward) {
        cursor->next = position - 1;
        return;
    }
    cursor->next = position + 1;
    cursor->seen = position;
}

static inline void cursor_note_damage(struct ever_cursor *cursor, uint64_t from, uint64_t to)
{
    cursor->damaged_from = from;
    cursor->damaged_to = to;
}

/* `err` is what came of reading the event at `position`. One that could not be read just now is
 * left for the next call; else the cursor steps behind it. */
static inline struct ever_err cursor_step_after(struct ever_cursor *cursor, uint64_t position,
                                                struct ever_err err)
{
    bool may_pass = err.code == EVER_IO || err.code == EVER_NO_MEMORY || err.code == EVER_BUSY;
    if (!may_pass) {
        cursor_step_behind(cursor, position);
        cursor_note_damage(cursor, position, position); /* if it is */
    }
    return err;
}

/* Chooses the terms of a walk, if one is worth it: walk_count is 0 otherwise. */
struct ever_err cursor_prepare_walks(struct ever_cursor *cursor);
/* The next event that may match, into cursor->reader. */
struct ever_err cursor_walk_next(struct ever_cursor *cursor);
