#include "base/env.h"

#include "base/assert.h"

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

static void real_random(struct env *env, void *bytes, size_t size)
{
    (void)env; /* the real world has no state of ours */
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)bytes + done, size - done, 0);
        if (got > 0) {
            done += (size_t)got; /* a signal may have cut it short */
        }
    }
}

struct env *env_real(void)
{
    static struct env env = {
        .wall_ns = real_wall_ns,
        .monotonic_ns = real_monotonic_ns,
        .random = real_random,
    };
    return &env;
}
