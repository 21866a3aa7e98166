/* journal.h - the seam between "these appends shall be tried" and "in this order, for ever".
 *
 * A batch is self-contained: event ids and time are in it. The journal agrees on its place in the
 * order of all batches and then has it applied: conditions, revisions, positions, the log. Applying
 * reads no clock, no random number and no locale, so whoever applies the same batches in the same
 * order gets the same log. Alone, the order is that of the proposals; a replicated journal would
 * apply the batches of others, too, between two of ours. */
#pragma once
#include "store/request.h"

struct journal_batch {
    struct request *first; /* linked by `next` */
    int64_t time_ns;       /* of the proposer's clock; may lie before that of an earlier batch */
};

/* Answers every request of the batch. */
typedef void journal_apply_fn(void *arg, struct journal_batch *batch);

struct journal {
    /* Returns when the batch was applied. On an error it was not, and will not be; EVER_UNKNOWN:
     * it may yet be. One thread at a time. */
    struct ever_err (*propose)(struct journal *journal, struct journal_batch *batch);
    journal_apply_fn *apply;
    void *arg;
};

/* The journal of a store that is alone. */
void journal_local_init(struct journal *journal, journal_apply_fn *apply, void *arg);
