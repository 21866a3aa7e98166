/* cursor.c - readers: the whole log or a part of it, forward or backward, then following.
 *
 * A reader goes one of two ways, chosen when it is opened. The scan looks at every event and tests
 * it. The walk (cursor_walk.c) asks the index for the positions of the terms that every wanted
 * event has, and looks at those only; each is tested too, since terms may share a hash.
 *
 * Either way, every event looked at is taken from what the reader is allowed, if it asked for that;
 * a walk's search through parts of the index that have none of the term is cut likewise. */
#include "store/cursor_priv.h"

#include "base/slice.h"

#include <stdlib.h>

/* --- Opening --------------------------------------------------------------------------------- */

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
    return cursor_prepare_walks(cursor);
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
    uint64_t due = cursor->next;
    struct ever_err err = log_cursor_next(cursor->scan, &record);
    if (IS_OK(err) || err.code == EVER_CORRUPT) {
        cursor_step_behind(cursor, record.position);
        cursor_note_damage(cursor, due, record.position); /* if it is */
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
    return cursor_step_after(cursor, position, event_read_at(&cursor->reader, position));
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
    cursor_note_damage(cursor, 0, 0);
    if (cursor->walk_count > 0) {
        return cursor_walk_next(cursor);
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

bool ever_cursor_damage(const struct ever_cursor *cursor, uint64_t *out_from, uint64_t *out_to)
{
    *out_from = cursor->damaged_from;
    *out_to = cursor->damaged_to;
    return cursor->damaged_from != 0;
}

struct ever_err ever_wait(struct ever_cursor *cursor, int64_t timeout_ms)
{
    return watches_wait(&cursor->store->watches, cursor->seen, timeout_ms);
}

uint64_t ever_cursor_position(const struct ever_cursor *cursor)
{
    return cursor->seen;
}
