/* turns.h - long work on the loop, cut in slices: each turn of the loop gives every piece of work
 * one slice, so that no reader of a long stream keeps a short request waiting. */
#pragma once
#include "base/err.h"

#include <uv.h>

/* One slice of reading: whichever comes first of what is written, */
#define TURN_EVENTS_MAX 256
#define TURN_BYTES_MAX (64u << 10)
/* and of what is looked at, for ever_cursor_allow(): most of it may not be what is wanted. */
#define TURN_LOOKS_MAX 1024
#define TURN_LOOK_BYTES_MAX (256u << 10)

struct turn { /* inside the work's own memory */
    struct turn *next;
    void (*run)(struct turn *turn); /* may ask for another turn, or free the work */
    bool waiting;
};

struct turns {
    struct turn *first;
    struct turn **last;
    uv_idle_t idle;     /* runs while there is work, and keeps the loop from sleeping */
    uint64_t run_count; /* slices so far, but for those that need not wait for a turn */
};

void turns_init(struct turns *turns, uv_loop_t *loop);
void turns_close(struct turns *turns, uv_close_cb closed);
void turns_add(struct turns *turns, struct turn *turn);    /* does nothing when it waits already */
void turns_remove(struct turns *turns, struct turn *turn); /* likewise when it does not */
