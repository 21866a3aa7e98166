/* cursor.c - one reader's way through the log: forward or backward, all of it or what a filter wants.
 *
 * Three ways to find the next event:
 *
 *   scan   a log cursor, every event looked at: the whole log, or when the filter takes much of it
 *   lanes  for each of a set of terms the positions that have it, merged in order
 *   step   position by position, newest first
 *
 * Whichever it is, the event itself is tested; the index only saves looking. Each call goes no
 * further than the last position at its beginning. */
#include "store/filter.h"
#include "store/store_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>

#define LANES_MAX 64u
#define SCAN_FACTOR 8u /* reading a record by its address costs about as much as scanning so many */

enum cursor_way { WAY_SCAN, WAY_LANES, WAY_STEP };

struct lane {
    uint32_t next;     /* of search.found */
    uint64_t empty_to; /* a search to this limit found nothing more; 0: none did */
    struct index_search search;
};

struct ever_cursor {
    struct ever *store;
    struct filter filter;
    struct event_reader reader;
    enum cursor_way way;
    struct log_cursor *scan; /* WAY_SCAN, once it was needed */
    struct lane *lanes;      /* WAY_LANES */
    uint32_t lane_count;
    uint64_t place; /* forward: all up to here was given; backward: all from here on */
    int64_t due;    /* in one stream: the revision that comes next; EVER_NO_REVISION: any may */
};

/* --- The next position ----------------------------------------------------------------------- */

/* Looks further in the lane when all it had was taken; `limit` is the last position to look at. */
static struct ever_err refill(struct ever_cursor *cursor, struct lane *lane, uint64_t limit)
{
    if (lane->next < lane->search.count || lane->empty_to == limit) {
        return ERR_OK;
    }
    lane->next = 0;
    bool backward = cursor->filter.read.backward;
    lane->search.backward = backward;
    lane->search.from = backward ? cursor->place - 1 : cursor->place + 1;
    lane->search.to = limit;
    TRY(index_search(cursor->store->index, &lane->search));
    lane->empty_to = lane->search.count == 0 ? limit : 0;
    return ERR_OK;
}

static bool is_nearer(const struct ever_cursor *cursor, const struct posting *posting,
                      const struct posting *nearest)
{
    return nearest == NULL || (cursor->filter.read.backward
                                   ? posting->position > nearest->position
                                   : posting->position < nearest->position);
}

/* The nearest of what the lanes have; a position may stand in several. EVER_END: none. */
static struct ever_err next_in_lanes(struct ever_cursor *cursor, uint64_t limit,
                                     struct posting *out_posting)
{
    const struct posting *nearest = NULL;
    for (uint32_t i = 0; i < cursor->lane_count; i++) {
        struct lane *lane = &cursor->lanes[i];
        TRY(refill(cursor, lane, limit));
        if (lane->next < lane->search.count &&
            is_nearer(cursor, &lane->search.found[lane->next], nearest)) {
            nearest = &lane->search.found[lane->next];
        }
    }
    if (nearest == NULL) {
        return FAIL(EVER_END, "cursor");
    }
    *out_posting = *nearest;
    for (uint32_t i = 0; i < cursor->lane_count; i++) {
        struct lane *lane = &cursor->lanes[i];
        bool has_it = lane->next < lane->search.count &&
                      lane->search.found[lane->next].position == out_posting->position;
        lane->next += has_it ? 1u : 0u;
    }
    return ERR_OK;
}

/* --- The next event, wanted or not ------------------------------------------------------------ */

static struct ever_err step_in_lanes(struct ever_cursor *cursor, uint64_t limit)
{
    struct posting posting;
    struct ever_err err = next_in_lanes(cursor, limit, &posting);
    if (err.code == EVER_END && !cursor->filter.read.backward && cursor->place < limit) {
        cursor->place = limit;
    }
    TRY(err);
    cursor->place = posting.position;
    return event_read(&cursor->reader, posting);
}

static struct ever_err step_back(struct ever_cursor *cursor)
{
    if (cursor->place <= 1) {
        return FAIL(EVER_END, "cursor");
    }
    cursor->place--;
    return event_read_at(&cursor->reader, cursor->place);
}

static struct ever_err step_in_scan(struct ever_cursor *cursor, uint64_t limit)
{
    if (cursor->place >= limit) {
        return FAIL(EVER_END, "cursor");
    }
    if (cursor->scan == NULL) {
        TRY(log_cursor_open(cursor->store->log, cursor->place + 1, &cursor->scan));
    }
    struct log_record record = {0};
    struct ever_err err = log_cursor_next(cursor->scan, &record);
    if (IS_OK(err) || err.code == EVER_CORRUPT) {
        ASSERT(record.position > cursor->place);
        cursor->place = record.position;
    }
    TRY(err);
    struct event_view *view = &cursor->reader.view;
    TRY(event_decode(record.bytes, view));
    view->event.position = record.position;
    view->event.time_ns = record.time_ns;
    return ERR_OK;
}

static struct ever_err step(struct ever_cursor *cursor, uint64_t limit)
{
    switch (cursor->way) {
    case WAY_SCAN:
        return step_in_scan(cursor, limit);
    case WAY_LANES:
        return step_in_lanes(cursor, limit);
    case WAY_STEP:
        return step_back(cursor);
    }
    return FAIL(EVER_INVALID, "cursor");
}

/* --- ever_next() ----------------------------------------------------------------------------- */

/* In one stream `from` is a revision. */
static bool is_wanted(const struct ever_cursor *cursor)
{
    const struct ever_read *read = &cursor->filter.read;
    const struct ever_event *event = &cursor->reader.view.event;
    bool in_range = read->stream.size == 0 || (read->backward ? event->revision <= read->from
                                                              : event->revision >= read->from);
    return in_range && filter_matches(&cursor->filter, event);
}

/* Revisions have no gaps. Where one shows, the index was made from a log with a hole there. */
static bool leaves_gap(struct ever_cursor *cursor)
{
    const struct ever_event *event = &cursor->reader.view.event;
    struct ever_slice stream = cursor->filter.read.stream;
    if (stream.size == 0 || !slice_equal(event->stream, stream)) {
        return false;
    }
    int64_t due = cursor->due;
    cursor->due = (int64_t)event->revision + (cursor->filter.read.backward ? -1 : 1);
    return due != EVER_NO_REVISION && due != (int64_t)event->revision;
}

/* The gap is said once; the event behind it comes with the next call. */
static struct ever_err fail_at_gap(struct ever_cursor *cursor)
{
    uint64_t position = cursor->reader.view.event.position;
    cursor->place = cursor->filter.read.backward ? position + 1 : position - 1;
    cursor->due = (int64_t)cursor->reader.view.event.revision;
    for (uint32_t i = 0; i < cursor->lane_count; i++) {
        cursor->lanes[i].search.count = 0;
        cursor->lanes[i].empty_to = 0;
    }
    return FAIL(EVER_CORRUPT, "events of the stream are missing");
}

struct ever_err ever_next(struct ever_cursor *cursor, const struct ever_event **out_event)
{
    uint64_t limit = cursor->filter.read.backward ? 1 : store_last_position(cursor->store);
    do {
        struct ever_err err = step(cursor, limit);
        if (err.code == EVER_CORRUPT) {
            cursor->due = EVER_NO_REVISION; /* the damaged event was said; no gap on top of it */
        }
        TRY(err);
        if (leaves_gap(cursor)) {
            return fail_at_gap(cursor);
        }
    } while (!is_wanted(cursor));
    *out_event = &cursor->reader.view.event;
    return ERR_OK;
}

struct ever_err ever_wait(struct ever_cursor *cursor, int64_t timeout_ms)
{
    if (cursor->filter.read.backward) {
        return FAIL(EVER_INVALID, "wait: the cursor goes backward");
    }
    return watches_wait(&cursor->store->watches, cursor->place, timeout_ms);
}

uint64_t ever_cursor_position(const struct ever_cursor *cursor)
{
    return cursor->place;
}

/* --- Opening --------------------------------------------------------------------------------- */

static struct ever_err check_read(const struct ever_read *read)
{
    bool has_types = read->type_count == 0 || read->types != NULL;
    bool has_tags = read->tag_count == 0 || read->tags != NULL;
    return has_types && has_tags ? ERR_OK : FAIL(EVER_INVALID, "read: types or tags are missing");
}

/* How many records the terms have together: what going by them costs. */
static struct ever_err count_terms(struct ever *store, const uint64_t *terms, uint32_t count,
                                   uint64_t *out_total)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t records;
        TRY(index_term_count(store->index, terms[i], &records));
        total += records;
    }
    *out_total = total;
    return ERR_OK;
}

/* The set of terms with the fewest records; *out_count 0: there is none. */
static struct ever_err choose_terms(const struct ever_cursor *cursor,
                                    uint64_t out_terms[static LANES_MAX], uint32_t *out_count,
                                    uint64_t *out_total)
{
    *out_count = 0;
    *out_total = UINT64_MAX;
    uint64_t terms[LANES_MAX];
    for (uint32_t set = 0;; set++) {
        uint32_t count = filter_terms(&cursor->filter, set, terms, LANES_MAX);
        if (count == 0) {
            return ERR_OK;
        }
        uint64_t total = 0;
        if (cursor->filter.read.stream.size == 0) { /* else there is no other set to compare */
            TRY(count_terms(cursor->store, terms, count, &total));
        }
        if (total < *out_total) {
            *out_total = total;
            *out_count = count;
            memcpy(out_terms, terms, count * sizeof terms[0]);
        }
    }
}

static struct ever_err make_lanes(struct ever_cursor *cursor, const uint64_t *terms, uint32_t count)
{
    cursor->lanes = calloc(count, sizeof *cursor->lanes);
    if (cursor->lanes == NULL) {
        return FAIL(EVER_NO_MEMORY, "open cursor");
    }
    for (uint32_t i = 0; i < count; i++) {
        cursor->lanes[i].search.term = terms[i];
    }
    cursor->lane_count = count;
    cursor->way = WAY_LANES;
    return ERR_OK;
}

static struct ever_err choose_way(struct ever_cursor *cursor)
{
    const struct ever_read *read = &cursor->filter.read;
    cursor->way = read->backward ? WAY_STEP : WAY_SCAN;
    uint64_t terms[LANES_MAX];
    uint32_t count;
    uint64_t total;
    TRY(choose_terms(cursor, terms, &count, &total));
    bool is_rare = total < store_last_position(cursor->store) / SCAN_FACTOR;
    if (count > 0 && (read->stream.size > 0 || read->backward || is_rare)) {
        return make_lanes(cursor, terms, count);
    }
    return ERR_OK;
}

/* A stream's `from` is a revision: looks up where it is. A revision that is not there yet is one
 * that all events so far are before. */
static struct ever_err start_in_stream(struct ever_cursor *cursor)
{
    const struct ever_read *read = &cursor->filter.read;
    uint64_t last = store_last_position(cursor->store);
    cursor->place = read->backward ? last + 1 : last;
    if (read->from == 0 && !read->backward) {
        cursor->place = 0;
        cursor->due = 0;
        return ERR_OK;
    }
    if (read->from > INT64_MAX) {
        return ERR_OK;
    }
    uint64_t position;
    struct ever_err err =
        lookup_revision(&cursor->reader, read->stream, read->from, last, &position);
    if (IS_OK(err)) {
        cursor->place = read->backward ? position + 1 : position - 1;
        cursor->due = (int64_t)read->from;
    } else if (err.code == EVER_CORRUPT) { /* goes by all of it, and says what is damaged */
        cursor->place = read->backward ? last + 1 : 0;
    } else if (err.code != EVER_NOT_FOUND) {
        return err;
    }
    return ERR_OK;
}

static struct ever_err start(struct ever_cursor *cursor)
{
    const struct ever_read *read = &cursor->filter.read;
    cursor->due = EVER_NO_REVISION;
    if (read->stream.size > 0) {
        return start_in_stream(cursor);
    }
    uint64_t last = store_last_position(cursor->store);
    if (read->backward) {
        cursor->place = (read->from < last ? read->from : last) + 1;
    } else {
        cursor->place = read->from == 0 ? 0 : read->from - 1;
    }
    return ERR_OK;
}

static struct ever_err open_cursor(struct ever_cursor *cursor, const struct ever_read *read)
{
    TRY(check_read(read));
    TRY(filter_init(&cursor->filter, read));
    TRY(choose_way(cursor));
    return start(cursor);
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
    struct ever_err err = open_cursor(cursor, read);
    if (!IS_OK(err)) {
        ever_cursor_close(cursor);
        return err;
    }
    *out_cursor = cursor;
    return ERR_OK;
}

void ever_cursor_close(struct ever_cursor *cursor)
{
    if (cursor != NULL) {
        log_cursor_close(cursor->scan);
        free(cursor->lanes);
        event_reader_deinit(&cursor->reader);
        filter_deinit(&cursor->filter);
        free(cursor);
    }
}
