/* writer_priv.h - new events of all parts of a run, gathered and appended together.
 *
 * An append is cut where one cause ends, so that the log has all or none of what a cause made; a
 * cause that makes more than an append may hold is cut within. The order in the log is that of
 * adding: by cause, flow, ordinal.
 *
 * Threads: one. */
#pragma once
#include "base/arena.h"
#include "domain/flow/part_priv.h"

struct flow_pending {
    struct flow_part *part;
    enum flow_side side;
    uint64_t cause;
    struct ever_new_event event; /* all it points to is in the writer's arena */
    bool is_logged;              /* found in the log after a conflict */
};

struct flow_writer {
    struct ever *store;
    struct arena arena;
    struct flow_pending *list;
    size_t count;
    size_t capacity;
    size_t done;  /* of the list, appended */
    size_t bytes; /* of the list */
};

void flow_writer_init(struct flow_writer *writer, struct ever *store);
void flow_writer_deinit(struct flow_writer *writer);

/* Copies the event. One that the log cannot hold stops its part. */
void flow_writer_add(struct flow_writer *writer, struct flow_part *part, enum flow_side side,
                     uint64_t cause, const struct ever_new_event *event);

/* Worth an append of its own. */
bool flow_writer_is_full(const struct flow_writer *writer);

/* Appends everything but what a stopped part made of the cause it stopped at and later ones. A
 * stream that another hand wrote to stops its part; others go on. On failure the rest is kept, and
 * may be tried again. */
struct ever_err flow_writer_flush(struct flow_writer *writer);
