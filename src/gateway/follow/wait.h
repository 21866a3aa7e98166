/* wait.h - calls that wait until views have applied the log up to a position, or a flow has passed
 * it (Prefer: wait). */
#pragma once
#include "gateway/call.h"

struct waits;
struct waits *waits_create(struct gateway *gateway);
void waits_close(struct waits *waits, void (*closed)(struct gateway *gateway));

struct wait { /* memory of the caller, who keeps it until `done` */
    struct view **views;
    size_t view_count;
    struct flow *flow; /* NULL: none. It counts when its version serves */
    uint64_t position;
    /* Called once, maybe at once: all views have reached the position, or time ran out, or one of
     * them has stopped before it. */
    void (*done)(void *arg, bool reached);
    void *arg;

    struct wait *next; /* the rest is wait.c's */
    uint64_t deadline_ms;
};
void waits_add(struct waits *waits, struct wait *wait, uint32_t seconds);

void waits_moved(struct waits *waits);   /* a view or a flow has */
void waits_end_all(struct waits *waits); /* time runs out now: the server stops */
