/* load.h - events of a stream as the worker wants them, piece by piece. Blocks on disk: for the
 * thread pool. */
#pragma once
#include "base/text.h"
#include "domain/decider/decider.h"

struct event_loader {
    struct ever *store;
    struct ever_slice stream;
    const struct decider_info *decider; /* data of types it does not handle is left out */
    uint64_t from;                      /* revision of the first event of the piece */
    int64_t until_revision;             /* the last one wanted */
    uint64_t until_position;            /* none behind this log position */
    struct ever_cursor *cursor;         /* NULL before the first piece */

    struct text events; /* the piece: a JSON array of {type, data, tags} */
    int64_t last;       /* its last revision; from - 1 when it is empty */
    bool complete;      /* nothing wanted lies behind it */
    struct ever_err err;
};

/* From `from` on, whatever was read before. */
void event_loader_restart(struct event_loader *loader, uint64_t from);
/* Reads the next piece. */
void event_loader_read(struct event_loader *loader);
void event_loader_deinit(struct event_loader *loader);
