/* gather.h - whether a leader waits a moment for those who will append again.
 *
 * Many append in a loop: threads, or clients of a server. Right after a group was answered most of
 * them are on their way back, while those who queued meanwhile could be written at once: then each
 * write carries half of them, for ever. A short wait makes one group of both. It ends when three
 * quarters of those expected are there, and after half the time the last write took: it must not
 * cost what it can win. Where writing is as quick as waking up, nobody waits. When they do not
 * come, the next groups go without waiting, two, four, eight ... 64 of them.
 *
 * Threads: under the commit lock, but for gather_wait(). */
#pragma once
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

struct gather {
    uint32_t expected; /* appends in the queue, if those who were answered come again */
    int64_t until_ns;  /* of the monotonic clock: when to give them up */
    uint32_t misses;   /* waits in vain, one after the other */
    uint32_t skips;    /* groups to go without waiting */
    uint32_t wanted;   /* the leader sleeps until so many are in the queue; 0: it does not */
    sem_t reached;
};

void gather_init(struct gather *gather);
void gather_deinit(struct gather *gather);

/* A group was answered; writing it took so long. `appends` may come again or wait already. */
void gather_expect(struct gather *gather, int64_t now_ns, int64_t took_ns, uint32_t appends);
/* Somebody queued. So many are in the queue. */
void gather_came(struct gather *gather, uint32_t appends);

/* The leader's: if it is worth it, call gather_wait() without the lock, then gather_end() with it.
 */
bool gather_is_worth_it(struct gather *gather, int64_t now_ns, uint32_t appends);
bool gather_wait(struct gather *gather); /* false: too few have come in time */
void gather_end(struct gather *gather, bool is_reached);
