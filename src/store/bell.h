/* bell.h - many threads asleep until something has happened, woken together.
 *
 *   sleeper                                        ringer
 *     rings = bell_rings(bell);                      make it happen
 *     if (it has not happened) {                     bell_ring(bell);
 *         bell_wait(bell, rings); try again
 *     }
 *
 * To wake a thread costs about a microsecond, and the ringer has better things to do: it wakes one
 * sleeper, and that one wakes all others by a single call.
 *
 * Threads: any. The bell's memory must stay until all sleepers have come back from bell_wait(). */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

struct bell { /* all zero is valid */
    _Atomic uint32_t rings;
    _Atomic uint32_t others_sleep; /* 1: whoever wakes up next wakes the others */
};

uint32_t bell_rings(const struct bell *bell);
/* Returns when the bell has rung since it had rung `rings` times; sometimes earlier. */
void bell_wait(struct bell *bell, uint32_t rings);
void bell_ring(struct bell *bell);
