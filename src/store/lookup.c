#include "store/lookup.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"

#define NOT_PROVEN() FAIL(EVER_CORRUPT, "search in a damaged log")

void event_reader_init(struct event_reader *reader, struct log *log, struct index *index)
{
    reader->log = log;
    reader->index = index;
    reader->buffer = (struct log_buffer){0};
}

void event_reader_deinit(struct event_reader *reader)
{
    log_buffer_deinit(&reader->buffer);
}

struct ever_err event_read(struct event_reader *reader, struct posting posting)
{
    struct log_record record;
    TRY(log_read(reader->log, posting.address, posting.position, &reader->buffer, &record));
    TRY(event_decode(record.bytes, &reader->view));
    reader->view.event.position = posting.position;
    reader->view.event.time_ns = record.time_ns;
    return ERR_OK;
}

struct ever_err event_read_at(struct event_reader *reader, uint64_t position)
{
    struct posting posting = {.position = position};
    TRY(index_address(reader->index, position, &posting.address));
    return event_read(reader, posting);
}

/* --- Streams --------------------------------------------------------------------------------- */

/* Sets *out_found when one of the postings is an event of the stream: reader->view is the first. */
static struct ever_err first_of_stream(struct event_reader *reader, struct ever_slice stream,
                                       const struct index_search *search, bool *out_found)
{
    *out_found = false;
    for (uint32_t i = 0; i < search->count && !*out_found; i++) {
        TRY(event_read(reader, search->found[i]));
        *out_found = slice_equal(reader->view.event.stream, stream);
    }
    return ERR_OK;
}

struct ever_err lookup_last(struct event_reader *reader, struct ever_slice stream, uint64_t to)
{
    struct index_search search = {
        .term = term_hash(TERM_STREAM, stream), .from = to, .to = 1, .backward = true};
    bool has_holes = false;
    for (;;) {
        TRY(index_search(reader->index, &search));
        has_holes |= search.has_holes;
        if (has_holes) {
            return NOT_PROVEN(); /* a later event of the stream may be in the hole */
        }
        if (search.count == 0) {
            return FAIL(EVER_NOT_FOUND, "stream");
        }
        bool found;
        TRY(first_of_stream(reader, stream, &search, &found));
        if (found) {
            return ERR_OK;
        }
        search.from = search.found[search.count - 1].position - 1;
    }
}

/* Where to begin looking for the revision: a position not behind it. The newest part whose first
 * event of the stream is not too new knows; a foreign event under the same hash leads to an older
 * part or a smaller ordinal: further away, never behind. */
static struct ever_err start_of_revision(struct event_reader *reader, struct ever_slice stream,
                                         uint64_t revision, uint64_t *out_position)
{
    uint64_t term = term_hash(TERM_STREAM, stream);
    *out_position = 1;
    for (uint32_t i = index_part_count(reader->index); i-- > 0;) {
        struct posting posting;
        bool found;
        TRY(index_part_nth(reader->index, i, term, 0, &posting, &found));
        if (!found || event_read(reader, posting).code != EVER_OK) {
            continue; /* a damaged first event tells nothing; an older part will do */
        }
        const struct ever_event *first = &reader->view.event;
        if (slice_equal(first->stream, stream) && first->revision <= revision) {
            uint64_t ordinal = revision - first->revision;
            *out_position = posting.position;
            if (ordinal <= UINT32_MAX) {
                TRY(index_part_nth(reader->index, i, term, (uint32_t)ordinal, &posting, &found));
                *out_position = found ? posting.position : *out_position;
            }
            return ERR_OK;
        }
    }
    return ERR_OK;
}

static struct ever_err find_revision(struct event_reader *reader, struct ever_slice stream,
                                     uint64_t revision, const struct index_search *search,
                                     uint64_t *out_position)
{
    for (uint32_t i = 0; i < search->count; i++) {
        TRY(event_read(reader, search->found[i]));
        const struct ever_event *event = &reader->view.event;
        if (slice_equal(event->stream, stream) && event->revision >= revision) {
            *out_position = event->position;
            return event->revision == revision ? ERR_OK : NOT_PROVEN();
        }
    }
    return ERR_OK;
}

struct ever_err lookup_revision(struct event_reader *reader, struct ever_slice stream,
                                uint64_t revision, uint64_t to, uint64_t *out_position)
{
    struct index_search search = {.term = term_hash(TERM_STREAM, stream), .to = to};
    TRY(start_of_revision(reader, stream, revision, &search.from));
    for (;;) {
        TRY(index_search(reader->index, &search));
        if (search.count == 0) {
            return search.has_holes ? NOT_PROVEN() : FAIL(EVER_NOT_FOUND, "revision");
        }
        uint64_t position = 0;
        TRY(find_revision(reader, stream, revision, &search, &position));
        if (position != 0) {
            *out_position = position;
            return ERR_OK;
        }
        search.from = search.found[search.count - 1].position + 1;
    }
}

/* --- Ids ------------------------------------------------------------------------------------- */

static struct ever_err find_id_in_part(struct event_reader *reader, uint32_t part,
                                       struct ever_uuid id, uint64_t to, bool *out_found)
{
    struct index_ids ids = {.hash = id_hash(id)};
    do {
        TRY(index_part_ids(reader->index, part, &ids));
        if (ids.has_holes) {
            return NOT_PROVEN();
        }
        for (uint32_t i = 0; i < ids.count; i++) {
            if (ids.found[i].position > to) {
                continue;
            }
            TRY(event_read(reader, ids.found[i]));
            if (uuid_equal(reader->view.event.id, id)) {
                *out_found = true;
                return ERR_OK;
            }
        }
        ids.skip += ids.count;
    } while (ids.count == INDEX_IDS_MAX);
    *out_found = false;
    return ERR_OK;
}

struct ever_err lookup_id(struct event_reader *reader, struct ever_uuid id, uint64_t to)
{
    for (uint32_t i = index_part_count(reader->index); i-- > 0;) {
        bool found;
        TRY(find_id_in_part(reader, i, id, to, &found));
        if (found) {
            return ERR_OK;
        }
    }
    return FAIL(EVER_NOT_FOUND, "event id");
}

/* --- Time ------------------------------------------------------------------------------------ */

/* Narrows to the last segment that begins at or before the time; times never decrease. */
static void narrow_to_segment(const struct log *log, int64_t time_ns, uint64_t *low, uint64_t *high)
{
    for (uint32_t i = log_segment_count(log); i-- > 0;) {
        struct log_segment segment;
        log_segment_at(log, i, &segment);
        if (segment.end_position == segment.first_position || segment.first_position > *high) {
            continue;
        }
        if (segment.first_time_ns <= time_ns) {
            *low = segment.first_position;
            return;
        }
        *high = segment.first_position - 1;
    }
}

struct ever_err lookup_time(struct event_reader *reader, int64_t time_ns, uint64_t to,
                            uint64_t *out_position)
{
    uint64_t low = 0; /* known to be early enough; 0 stands before the first event */
    uint64_t high = to;
    narrow_to_segment(reader->log, time_ns, &low, &high);
    while (low < high) {
        uint64_t middle = high - (high - low) / 2;
        TRY(event_read_at(reader, middle));
        if (reader->view.event.time_ns <= time_ns) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    ASSERT(low <= to);
    *out_position = low;
    return ERR_OK;
}
