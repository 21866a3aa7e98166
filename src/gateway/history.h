/* history.h - small questions about the log that take a few reads to answer. Blocks on disk when
 * what is asked is not in memory. */
#pragma once
#include "everfold.h"

/* The stream's last revision as of `position`; EVER_NO_REVISION: it had no event then. */
struct ever_err history_revision_at(struct ever *store, struct ever_slice stream, uint64_t position,
                                    int64_t *out_revision);

/* The event at a revision of a stream, or with `stream` SLICE_NONE at a position, lent until
 * *out_cursor, which the caller closes, is closed. EVER_NOT_FOUND: there is none. */
struct ever_err history_event(struct ever *store, struct ever_slice stream, uint64_t number,
                              struct ever_cursor **out_cursor, const struct ever_event **out_event);
