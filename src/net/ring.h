/* ring.h - a doubly linked ring inside the things it links: a thing can leave without a search. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct ring {
    struct ring *next;
    struct ring *previous;
};

/* The struct of `type` whose `member` is at `link`. */
#define RING_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void ring_init(struct ring *ring)
{
    ring->next = ring;
    ring->previous = ring;
}

static inline bool ring_is_empty(const struct ring *ring)
{
    return ring->next == ring;
}

static inline void ring_add_last(struct ring *ring, struct ring *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

/* Harmless for a link that is in no ring. */
static inline void ring_remove(struct ring *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    ring_init(link);
}
