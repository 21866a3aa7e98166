/* cursor.c - readers: the whole log or a part of it, forward or backward, then following.
 *
 * A reader goes one of two ways, chosen when it is opened. The scan looks at every event and tests
 * it. The walk asks the index for the positions of the terms that every wanted event has, merges
 * them, and looks at those events only; each is tested too, since terms may share a hash.
 *
 * Forward, a walk goes in rounds: all its terms are searched up to the same last position, so that
 * at the end of a round everything up to there was given.
 *
 * Either way, every event looked at is taken from what the reader is allowed, if it asked for that;
 * a walk's search through parts of the index that have none of the term is cut likewise. */
#include "store/filter.h"
#include "store/lookup.h"
#include "store/store_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>

#define WALK_TERMS_MAX 16u
#define WALK_WORTH_FACTOR 4u   /* the walk is for terms that fewer than one event in so many has */
#define COUNTED_PARTS_MAX 64u  /* ... of those in the newest segments, which tell enough */
#define SEARCHED_PARTS_MAX 16u /* in one allowed stretch, by each walk */

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
    bool told_of_holes;    /* damage on the way was reported */
    struct allowance allowance;
};

/* --- Opening --------------------------------------------------------------------------------- */

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

static struct ever_err prepare_walks(struct ever_cursor *cursor)
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

/* The first position of a read that begins at a revision. A revision that is not there yet is
 * waited for, at the end of the log. */
static struct ever_err position_of_revision(struct ever_cursor *cursor, uint64_t last,
                                            uint64_t *out_position)
{
    const struct ever_read *read = &cursor->filter.read;
    if (read->from == 0 && !read->backward) {
        *out_position = 1;
        return ERR_OK;
    }
    if (read->from == UINT64_MAX && read->backward) {
        *out_position = last;
        return ERR_OK;
    }
    struct ever_err err =
        lookup_revision(&cursor->reader, read->stream, read->from, last, out_position);
    if (err.code == EVER_NOT_FOUND) {
        *out_position = read->backward ? last : last + 1;
        return ERR_OK;
    }
    return err;
}

static struct ever_err find_start(struct ever_cursor *cursor)
{
    const struct ever_read *read = &cursor->filter.read;
    uint64_t last = store_last_position(cursor->store);
    uint64_t start = read->from;
    if (read->stream.size > 0) {
        TRY(position_of_revision(cursor, last, &start));
        cursor->revision_min = read->backward ? 0 : read->from;
    }
    if (read->backward) {
        cursor->next = start < last ? start : last;
    } else {
        cursor->next = start == 0 ? 1 : start;
        cursor->seen = cursor->next - 1;
    }
    return ERR_OK;
}

static struct ever_err prepare(struct ever_cursor *cursor, const struct ever_read *read)
{
    TRY(filter_init(&cursor->filter, read));
    TRY(find_start(cursor));
    return prepare_walks(cursor);
}

struct ever_err ever_cursor_open(struct ever *store, const struct ever_read *read,
                                 struct ever_cursor **out_cursor)
{
    struct ever_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return FAIL(EVER_NO_MEMORY, "open cursor");
    }
    cursor->store = store;
    event_reader_init(&cursor->reader, store->log, store->index);
    struct ever_err err = prepare(cursor, read);
    if (!IS_OK(err)) {
        ever_cursor_close(cursor);
        return err;
    }
    *out_cursor = cursor;
    return ERR_OK;
}

void ever_cursor_close(struct ever_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    log_cursor_close(cursor->scan);
    event_reader_deinit(&cursor->reader);
    filter_deinit(&cursor->filter);
    free(cursor->walks);
    free(cursor);
}

/* --- The walk -------------------------------------------------------------------------------- */

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

/* Fetches more for a walk that has given all it had found. */
static struct ever_err refill(struct ever_cursor *cursor, struct term_walk *walk)
{
    bool backward = cursor->filter.read.backward;
    walk->search.from = search_start(cursor, walk);
    walk->search.to = backward ? 1 : cursor->limit;
    walk->search.backward = backward;
    walk->search.parts_max = cursor->allowance.is_given ? SEARCHED_PARTS_MAX : 0;
    TRY(index_search(cursor->store->index, &walk->search));
    walk->at = 0;
    walk->is_done = walk->search.count == 0 && !walk->search.is_cut;
    if (walk->search.has_holes && !cursor->told_of_holes) {
        cursor->told_of_holes = true;
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

static void step_behind(struct ever_cursor *cursor, uint64_t position)
{
    if (cursor->filter.read.backward) {
        cursor->next = position - 1;
        return;
    }
    cursor->next = position + 1;
    cursor->seen = position;
}

static struct ever_err next_of_walk(struct ever_cursor *cursor)
{
    for (;;) {
        struct posting posting;
        bool found;
        TRY(first_of_walks(cursor, &posting, &found));
        if (found) {
            step_behind(cursor, posting.position);
            return event_read(&cursor->reader, posting);
        }
        TRY(end_round(cursor));
    }
}

/* --- The scan -------------------------------------------------------------------------------- */

/* The log may hold events that the index does not know yet: no reader goes so far. */
static struct ever_err next_forward(struct ever_cursor *cursor)
{
    if (cursor->next > store_last_position(cursor->store)) {
        return FAIL(EVER_END, "cursor");
    }
    if (cursor->scan == NULL) {
        TRY(log_cursor_open(cursor->store->log, cursor->next, &cursor->scan));
    }
    struct log_record record;
    struct ever_err err = log_cursor_next(cursor->scan, &record);
    if (IS_OK(err) || err.code == EVER_CORRUPT) {
        step_behind(cursor, record.position);
    }
    TRY(err);
    TRY(event_decode(record.bytes, &cursor->reader.view));
    cursor->reader.view.event.position = record.position;
    cursor->reader.view.event.time_ns = record.time_ns;
    return ERR_OK;
}

static struct ever_err next_backward(struct ever_cursor *cursor)
{
    if (cursor->next == 0) {
        return FAIL(EVER_END, "cursor");
    }
    uint64_t position = cursor->next;
    step_behind(cursor, position);
    return event_read_at(&cursor->reader, position);
}

/* --- Both ------------------------------------------------------------------------------------ */

void ever_cursor_allow(struct ever_cursor *cursor, uint32_t events, size_t bytes)
{
    cursor->allowance = (struct allowance){.is_given = true, .events = events, .bytes = bytes};
}

static bool is_used_up(const struct allowance *allowance)
{
    return allowance->is_given && (allowance->events == 0 || allowance->bytes == 0);
}

static void use_up(struct allowance *allowance, size_t bytes)
{
    allowance->events -= allowance->events > 0 ? 1 : 0;
    allowance->bytes -= bytes < allowance->bytes ? bytes : allowance->bytes;
}

static size_t bytes_of(const struct ever_event *event)
{
    return event->stream.size + event->type.size + event->metadata.size + event->data.size;
}

static struct ever_err look_at_next(struct ever_cursor *cursor)
{
    if (cursor->walk_count > 0) {
        return next_of_walk(cursor);
    }
    return cursor->filter.read.backward ? next_backward(cursor) : next_forward(cursor);
}

struct ever_err ever_next(struct ever_cursor *cursor, const struct ever_event **out_event)
{
    const struct ever_event *event = &cursor->reader.view.event;
    do {
        if (is_used_up(&cursor->allowance)) {
            return FAIL(EVER_AGAIN, "cursor");
        }
        TRY(look_at_next(cursor));
        use_up(&cursor->allowance, bytes_of(event));
    } while (!filter_matches(&cursor->filter, event) || event->revision < cursor->revision_min);
    *out_event = event;
    return ERR_OK;
}

struct ever_err ever_wait(struct ever_cursor *cursor, int64_t timeout_ms)
{
    return watches_wait(&cursor->store->watches, cursor->seen, timeout_ms);
}

uint64_t ever_cursor_position(const struct ever_cursor *cursor)
{
    return cursor->seen;
}
