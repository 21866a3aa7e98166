/* cursor_walk.c - reading by the index: the positions of the terms that every wanted event has,
 * merged.
 *
 * Forward, a walk goes in rounds: all its terms are searched up to the same last position, so that
 * at the end of a round everything up to there was given. */
#include "store/cursor_priv.h"

#include <stdlib.h>
#include <string.h>

#define WALK_TERMS_MAX 16u
#define WALK_WORTH_FACTOR 4u   /* the walk is for terms that fewer than one event in so many has */
#define COUNTED_PARTS_MAX 64u  /* ... of those in the newest segments, which tell enough */
#define SEARCHED_PARTS_MAX 16u /* in one allowed stretch, by each walk */

/* --- Choosing ------------------------------------------------------------------------------- */

static struct ever_err count_events(struct index *index, const uint64_t *terms, uint32_t count,
                                    uint64_t *out_events)
{
    *out_events = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t of_term;
        TRY(index_term_count(index, terms[i], COUNTED_PARTS_MAX, &of_term));
        *out_events += of_term;
    }
    return ERR_OK;
}

/* A set of terms with few events; the number of terms, 0 when none is worth a walk. */
static struct ever_err choose_terms(struct index *index, const struct filter *filter,
                                    uint64_t *out_terms, uint32_t *out_count)
{
    if (filter->read.stream.size > 0) {
        *out_count = filter_terms(filter, 0, out_terms, WALK_TERMS_MAX);
        return ERR_OK;
    }
    uint64_t best = index_newest_records(index, COUNTED_PARTS_MAX) / WALK_WORTH_FACTOR;
    uint64_t terms[WALK_TERMS_MAX];
    *out_count = 0;
    for (uint32_t set = 0, count; (count = filter_terms(filter, set, terms, WALK_TERMS_MAX)) > 0;
         set++) {
        uint64_t events;
        TRY(count_events(index, terms, count, &events));
        if (events < best) {
            best = events;
            memcpy(out_terms, terms, count * sizeof *terms);
            *out_count = count;
        }
    }
    return ERR_OK;
}

struct ever_err cursor_prepare_walks(struct ever_cursor *cursor)
{
    uint64_t terms[WALK_TERMS_MAX];
    uint32_t count;
    TRY(choose_terms(cursor->store->index, &cursor->filter, terms, &count));
    if (count == 0) {
        return ERR_OK;
    }
    cursor->walks = calloc(count, sizeof *cursor->walks);
    if (cursor->walks == NULL) {
        return FAIL(EVER_NO_MEMORY, "open cursor");
    }
    cursor->walk_count = count;
    for (uint32_t i = 0; i < count; i++) {
        cursor->walks[i].search.term = terms[i];
        cursor->walks[i].is_done = true; /* the first round has yet to begin */
    }
    return ERR_OK;
}

/* --- Walking --------------------------------------------------------------------------------- */

/* Where a walk's search begins: what other walks have given, or this one has found without anything
 * there, is behind it. */
static uint64_t search_start(const struct ever_cursor *cursor, const struct term_walk *walk)
{
    uint64_t cut_at = walk->search.from;
    if (!walk->search.is_cut) {
        return cursor->next;
    }
    bool backward = cursor->filter.read.backward;
    return (cut_at > cursor->next) == backward ? cursor->next : cut_at;
}

/* Whether they lie before us, and no walk has told of them. */
static bool holes_are_news(struct ever_cursor *cursor, const struct index_search *search)
{
    bool backward = cursor->filter.read.backward;
    uint64_t from = search->first_hole;
    uint64_t to = search->last_hole;
    if (backward) {
        to = to < cursor->next ? to : cursor->next;
    } else {
        from = from > cursor->next ? from : cursor->next;
    }
    uint64_t furthest = backward ? from : to;
    bool was_told = cursor->told_of != 0 &&
                    (backward ? furthest >= cursor->told_of : furthest <= cursor->told_of);
    if (from > to || was_told) {
        return false;
    }
    cursor->told_of = furthest;
    cursor_note_damage(cursor, from, to);
    return true;
}

/* Fetches more for a walk that has given all it had found. */
static struct ever_err refill(struct ever_cursor *cursor, struct term_walk *walk)
{
    bool backward = cursor->filter.read.backward;
    walk->search.from = search_start(cursor, walk);
    walk->search.to = backward ? 1 : cursor->limit;
    walk->search.backward = backward;
    walk->search.parts_max = cursor->allowance.is_given ? SEARCHED_PARTS_MAX : 0;
    walk->at = 0;
    struct ever_err err = index_search(cursor->store->index, &walk->search);
    if (!IS_OK(err)) {
        walk->search.count = 0; /* the next call searches again */
        return err;
    }
    walk->is_done = walk->search.count == 0 && !walk->search.is_cut;
    if (walk->search.has_holes && holes_are_news(cursor, &walk->search)) {
        return FAIL(EVER_CORRUPT, "a part of the log on the way is damaged");
    }
    if (walk->search.is_cut) {
        cursor->allowance.events = 0;
        return FAIL(EVER_AGAIN, "cursor");
    }
    return ERR_OK;
}

/* Steps over what lies before cursor->next: another walk has given it. */
static struct ever_err settle(struct ever_cursor *cursor, struct term_walk *walk)
{
    bool backward = cursor->filter.read.backward;
    while (!walk->is_done) {
        if (walk->at == walk->search.count) {
            TRY(refill(cursor, walk));
            continue;
        }
        uint64_t position = walk->search.found[walk->at].position;
        if (backward ? position <= cursor->next : position >= cursor->next) {
            return ERR_OK;
        }
        walk->at++;
    }
    return ERR_OK;
}

/* The walk whose event comes next; NULL: none in this round. */
static struct ever_err first_of_walks(struct ever_cursor *cursor, struct posting *out_posting,
                                      bool *out_found)
{
    bool backward = cursor->filter.read.backward;
    *out_found = false;
    *out_posting = (struct posting){0};
    for (uint32_t i = 0; i < cursor->walk_count; i++) {
        struct term_walk *walk = &cursor->walks[i];
        TRY(settle(cursor, walk));
        if (walk->is_done) {
            continue;
        }
        const struct posting *posting = &walk->search.found[walk->at];
        bool comes_first = backward ? posting->position > out_posting->position
                                    : posting->position < out_posting->position;
        if (!*out_found || comes_first) {
            *out_posting = *posting;
            *out_found = true;
        }
    }
    return ERR_OK;
}

static void begin_round(struct ever_cursor *cursor, uint64_t limit)
{
    cursor->limit = limit;
    for (uint32_t i = 0; i < cursor->walk_count; i++) {
        cursor->walks[i].search.count = 0;
        cursor->walks[i].search.is_cut = false;
        cursor->walks[i].at = 0;
        cursor->walks[i].is_done = false;
    }
}

/* Nothing is left in this round. Begins the next one; EVER_END: there is nothing to look at yet. */
static struct ever_err end_round(struct ever_cursor *cursor)
{
    uint64_t last = store_last_position(cursor->store);
    if (cursor->filter.read.backward) {
        if (cursor->limit != 0 || cursor->next == 0) {
            cursor->next = 0;
            return FAIL(EVER_END, "cursor");
        }
        begin_round(cursor, cursor->next); /* the only one */
        return ERR_OK;
    }
    if (cursor->limit > cursor->seen) {
        cursor->seen = cursor->limit;
        cursor->next = cursor->limit + 1;
    }
    if (last < cursor->next) {
        return FAIL(EVER_END, "cursor");
    }
    begin_round(cursor, last);
    return ERR_OK;
}

struct ever_err cursor_walk_next(struct ever_cursor *cursor)
{
    for (;;) {
        struct posting posting;
        bool found;
        TRY(first_of_walks(cursor, &posting, &found));
        if (found) {
            struct ever_err err = event_read(&cursor->reader, posting);
            return cursor_step_after(cursor, posting.position, err);
        }
        TRY(end_round(cursor));
    }
}
