#include "store/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t bell_rings(const struct bell *bell)
{
    return atomic_load_explicit(&bell->rings, memory_order_acquire);
}

static void wake(struct bell *bell, int count)
{
    (void)syscall(SYS_futex, &bell->rings, FUTEX_WAKE_PRIVATE, count); /* cannot fail */
}

void bell_wait(struct bell *bell, uint32_t rings)
{
    /* Comes back at once when it has rung meanwhile. A signal is one of the "sometimes earlier". */
    (void)syscall(SYS_futex, &bell->rings, FUTEX_WAIT_PRIVATE, rings, NULL);
    if (atomic_load_explicit(&bell->others_sleep, memory_order_relaxed) != 0 &&
        atomic_exchange(&bell->others_sleep, 0) != 0) {
        wake(bell, INT_MAX);
    }
}

void bell_ring(struct bell *bell)
{
    /* In this order: from the ring on nobody falls asleep any more, so that whoever takes the word
     * about the others finds all of them asleep. A late sleeper of an earlier ring may take it. */
    atomic_fetch_add(&bell->rings, 1);
    atomic_store(&bell->others_sleep, 1);
    wake(bell, 1);
}
