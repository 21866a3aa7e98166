#include "store/gather.h"

#include "base/assert.h"

#include <errno.h>
#include <time.h>

#define WAIT_NS_MIN 20000 /* to fall asleep and wake up takes that long */
#define WAIT_NS_MAX 5000000
#define MISSES_MAX 6u

void gather_init(struct gather *gather)
{
    *gather = (struct gather){0};
    ASSERT(sem_init(&gather->reached, 0, 0) == 0);
}

void gather_deinit(struct gather *gather)
{
    ASSERT(gather->wanted == 0);
    ASSERT(sem_destroy(&gather->reached) == 0);
}

void gather_expect(struct gather *gather, int64_t now_ns, int64_t took_ns, uint32_t appends)
{
    int64_t wait_ns = took_ns / 2 < WAIT_NS_MAX ? took_ns / 2 : WAIT_NS_MAX;
    gather->expected = appends - appends / 4;
    gather->until_ns = now_ns + wait_ns;
}

void gather_came(struct gather *gather, uint32_t appends)
{
    if (gather->wanted != 0 && appends >= gather->wanted) {
        gather->wanted = 0;
        ASSERT(sem_post(&gather->reached) == 0);
    }
}

bool gather_is_worth_it(struct gather *gather, int64_t now_ns, uint32_t appends)
{
    ASSERT(gather->wanted == 0);
    if (appends >= gather->expected || gather->until_ns - now_ns < WAIT_NS_MIN) {
        return false;
    }
    if (gather->skips > 0) {
        gather->skips--;
        return false;
    }
    gather->wanted = gather->expected;
    return true;
}

bool gather_wait(struct gather *gather)
{
    struct timespec until = {.tv_sec = gather->until_ns / 1000000000,
                             .tv_nsec = gather->until_ns % 1000000000};
    int result;
    do {
        result = sem_clockwait(&gather->reached, CLOCK_MONOTONIC, &until);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

void gather_end(struct gather *gather, bool is_reached)
{
    bool came_late = !is_reached && gather->wanted == 0;
    if (came_late) {
        ASSERT(sem_trywait(&gather->reached) == 0);
    }
    if (gather->wanted == 0) {
        gather->misses = 0;
        return;
    }
    gather->wanted = 0;
    gather->misses += gather->misses < MISSES_MAX ? 1 : 0;
    gather->skips = 1u << gather->misses;
}
