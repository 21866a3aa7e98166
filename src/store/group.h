/* group.h - applies a batch of appends: what happens behind the journal.
 *
 * In order: each request's ids, then its conditions, against the log plus what this batch already
 * took; then one block for all that was taken; then the index. Reads no clock and no random number.
 *
 * Threads: one at a time. */
#pragma once
#include "store/journal.h"
#include "store/lookup.h"
#include "store/pending.h"
#include "store/revisions.h"

struct group {
    struct log *log;
    struct index *index;
    struct event_reader reader;
    struct revisions revisions;
    struct pending pending;
    bool index_is_behind; /* memory ran out between log and index */
    uint16_t write_error; /* enum ever_code that ended writing; 0: none */
    /* The batch being applied. */
    struct room bytes;     /* of its records, one after the other */
    struct room records;   /* struct ever_slice */
    struct room addresses; /* struct log_address */
    size_t bytes_used;
    uint32_t record_count;
    uint64_t first_position; /* of its first record */
};

void group_init(struct group *group, struct log *log, struct index *index);
void group_deinit(struct group *group);

/* A journal_apply_fn; `arg` is the struct group. */
void group_apply(void *arg, struct journal_batch *batch);
