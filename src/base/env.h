/* env.h - time and randomness as tables of functions, so that a test can own the world.
 *
 * Nothing in src/log/ and src/store/ may learn the time or a random number in another way. */
#pragma once
#include "base/err.h"

struct env {
    /* UTC, ns since 1970. May jump either way. */
    int64_t (*wall_ns)(struct env *env);
    /* From an unknown start, never back. */
    int64_t (*monotonic_ns)(struct env *env);
    /* Unpredictable bytes. */
    void (*random)(struct env *env, void *bytes, size_t size);
};

struct env *env_real(void);
