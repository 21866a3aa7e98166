#include "base/env.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    ASSERT(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_wall_ns(struct env *env)
{
    (void)env; /* the real world has no state of ours */
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic_ns(struct env *env)
{
    (void)env; /* the real world has no state of ours */
    return read_clock(CLOCK_MONOTONIC);
}

static void ask_system(void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)bytes + done, size - done, 0);
        if (got > 0) {
            done += (size_t)got; /* a signal may have cut it short */
        }
    }
}

/* --- Randomness ------------------------------------------------------------------------------ */

#define STOCK_BYTES 512u
#define STOCKED_BYTES_MAX 32u /* more is asked for by itself */

/* Of one thread: a call into the kernel for each id costs more than the rest of making it. */
struct stock {
    unsigned char bytes[STOCK_BYTES];
    size_t left;    /* at the end of `bytes` */
    uint32_t forks; /* it was filled after so many */
};
static _Thread_local struct stock stock;

/* A child must not give what its parent gives. */
static _Atomic uint32_t forks;
static pthread_once_t forks_are_counted = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void count_forks(void)
{
    ASSERT(pthread_atfork(NULL, NULL, count_fork) == 0);
}

static void fill_stock(void)
{
    ASSERT(pthread_once(&forks_are_counted, count_forks) == 0);
    stock.forks = atomic_load(&forks);
    ask_system(stock.bytes, STOCK_BYTES);
    stock.left = STOCK_BYTES;
}

static void real_random(struct env *env, void *bytes, size_t size)
{
    (void)env; /* the real world has no state of ours */
    if (size > STOCKED_BYTES_MAX) {
        ask_system(bytes, size);
        return;
    }
    if (stock.left < size || stock.forks != atomic_load_explicit(&forks, memory_order_relaxed)) {
        fill_stock();
    }
    unsigned char *taken = stock.bytes + STOCK_BYTES - stock.left;
    memcpy(bytes, taken, size);
    memset(taken, 0, size); /* nobody finds in memory what was given away */
    stock.left -= size;
}

/* --- The table ------------------------------------------------------------------------------- */

struct env *env_real(void)
{
    static struct env env = {
        .wall_ns = real_wall_ns,
        .monotonic_ns = real_monotonic_ns,
        .random = real_random,
    };
    return &env;
}
