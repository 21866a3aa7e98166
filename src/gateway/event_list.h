/* event_list.h - what events a command has written: their positions and types. */
#pragma once
#include "base/arena.h"
#include "base/text.h"
#include "everfold.h"

struct event_list {
    uint64_t first_position; /* of events that follow each other in the log */
    uint32_t count;
    struct ever_slice *types; /* in the arena */
};

/* Reads the types of the `count` events of `stream` up to its revision `last_revision`, written
 * together from `first_position` on. By revision, because that is one look-up in the index. */
struct ever_err event_list_read(struct ever *store, struct ever_slice stream, int64_t last_revision,
                                uint64_t first_position, uint32_t count, struct arena *arena,
                                struct event_list *out_list);

/* The same of events that are still at hand, the first of them at `first_position`. */
void event_list_of(const struct ever_new_event *events, uint32_t count, uint64_t first_position,
                   struct arena *arena, struct event_list *out_list);

/* Appends [{"position":10,"type":"Deposited"}]. */
void event_list_write(struct text *out, const struct event_list *list);
