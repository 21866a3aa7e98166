/* index.h - where the events with a term are: term -> positions, over all segments.
 *
 * One part for each segment: in memory for the open one, an immutable file for each sealed one. A
 * file is written soon after its segment was sealed, off the commit path. A missing or damaged file
 * is made again from the log, when it is needed. The index is never believed: it says where to
 * look, and who asks it checks the event there.
 *
 * Threads:  index_add() and index_catch_up() by one thread at a time; the rest by any, without
 *           making that one wait. What was added is found by searches that begin later.
 * Memory:   about 50 bytes for each event of the open segment; files are mapped. */
#pragma once
#include "log/log.h"
#include "store/event.h"
#include "store/index_file.h"

struct index;

struct index_options {
    struct vfs *vfs;
    struct log *log;
    const char *dir; /* of the files; borrowed until close */
    struct ever_uuid store_id;
    bool read_only;  /* write no files */
    bool no_threads; /* write files in index_add(): for tests that own the world */
};

struct ever_err index_open(const struct index_options *options, struct index **out_index);
void index_close(struct index *index); /* NULL-safe. Writes the files that are still missing. */

/* Adds the record behind the last one. EVER_NO_MEMORY: call index_catch_up() before the next. */
struct ever_err index_add(struct index *index, uint64_t position, struct log_address address,
                          const struct ever_event *event);
/* Adds what the log has and the index lacks. */
struct ever_err index_catch_up(struct index *index);

struct posting {
    uint64_t position;
    struct log_address address;
};

struct index_search {
    uint64_t term;
    uint64_t from; /* the first position wanted, */
    uint64_t to;   /* and the last: below `from` when going backward */
    bool backward;
    uint32_t parts_max; /* look at so many parts at most; 0: at as many as it takes */
    /* Answer: the next of them, from `from` on. Few or many, but none only when none is left, or
     * when it is_cut: the parts looked at have none, and `from` is where to go on. */
    uint32_t count;
    bool is_cut;
    bool has_holes;      /* in the parts looked at: nothing proves absence */
    uint64_t first_hole; /* then, somewhere between these positions */
    uint64_t last_hole;
    struct posting found[INDEX_BLOCK_RECORDS];
};
struct ever_err index_search(struct index *index, struct index_search *search);

/* How many records have the term, of those in the newest `parts_max` parts. */
struct ever_err index_term_count(struct index *index, uint64_t term, uint32_t parts_max,
                                 uint64_t *out_count);
/* How many records these parts have, whatever their terms. */
uint64_t index_newest_records(struct index *index, uint32_t parts_max);

/* Where the record is. 1 <= position <= the last one added. */
struct ever_err index_address(struct index *index, uint64_t position,
                              struct log_address *out_address);

/* Parts, oldest first. */
uint32_t index_part_count(struct index *index);

/* The record that is number `ordinal` of those with the term in one part. False: not so many. */
struct ever_err index_part_nth(struct index *index, uint32_t part, uint64_t term, uint32_t ordinal,
                               struct posting *out_posting, bool *out_found);

#define INDEX_IDS_MAX 8u
struct index_ids {
    uint64_t hash; /* of the id */
    uint32_t skip; /* leave out so many */
    /* Answer: records that may have the id, in one part; when full, ask again with a larger skip.
     */
    uint32_t count;
    bool has_holes; /* as in a search */
    struct posting found[INDEX_IDS_MAX];
};
struct ever_err index_part_ids(struct index *index, uint32_t part, struct index_ids *ids);
