/* damage.h - what a reader is told about events that cannot be read: between which positions they
 * lie. Lines go on behind them, a page ends before them, followers end with an error. */
#pragma once
#include "gateway/reading.h"

struct damage {    /* positions of the log, both included */
    uint64_t from; /* 0: none */
    uint64_t to;
};

/* What the cursor's EVER_CORRUPT was about, as far as it concerns the reading. False: nothing that
 * can be stepped over. */
bool damage_find(const struct ever_cursor *cursor, const struct reading *reading,
                 struct damage *out_damage);

/* Joins `more` to it where they touch. False: they do not. */
bool damage_join(struct damage *damage, struct damage more);

void damage_write(struct text *out, struct damage damage); /* "damaged":{"from":17,"to":19} */

/* The problem document that names it. */
void damage_write_problem(struct text *out, struct damage damage);
/* Answers with it. */
void damage_answer(struct call *call, struct damage damage);
