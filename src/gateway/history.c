#include "gateway/history.h"

#include "base/err.h"

struct ever_err history_event(struct ever *store, struct ever_slice stream, uint64_t number,
                              struct ever_cursor **out_cursor, const struct ever_event **out_event)
{
    struct ever_read read = {.stream = stream, .from = number};
    struct ever_cursor *cursor;
    TRY(ever_cursor_open(store, &read, &cursor));
    struct ever_err err = ever_next(cursor, out_event);
    if (!IS_OK(err)) {
        ever_cursor_close(cursor);
        return err.code == EVER_END ? FAIL(EVER_NOT_FOUND, "no event there") : err;
    }
    *out_cursor = cursor;
    return ERR_OK;
}

static struct ever_err position_of(struct ever *store, struct ever_slice stream, uint64_t revision,
                                   uint64_t *out_position)
{
    struct ever_cursor *cursor;
    const struct ever_event *event;
    TRY(history_event(store, stream, revision, &cursor, &event));
    *out_position = event->position;
    ever_cursor_close(cursor);
    return ERR_OK;
}

/* Positions rise with revisions, so halving finds the last one not above `position`. */
struct ever_err history_revision_at(struct ever *store, struct ever_slice stream, uint64_t position,
                                    int64_t *out_revision)
{
    int64_t last;
    TRY(ever_last_revision(store, stream, &last));
    int64_t low = EVER_NO_REVISION; /* not above `position` */
    int64_t high = last + 1;        /* above it, or not there */
    while (low + 1 < high) {
        int64_t middle = low + (high - low) / 2;
        uint64_t middle_position;
        TRY(position_of(store, stream, (uint64_t)middle, &middle_position));
        if (middle_position <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *out_revision = low;
    return ERR_OK;
}
