/* numbers.h - a list of ascending 32-bit numbers that grows while others read it.
 *
 * One thread adds; any thread reads, without locks: values are written before the count that
 * covers them. Blocks double in size and are never moved, so nothing is copied and nothing is freed
 * before the pool is. */
#pragma once
#include "store/pool.h"

#include <stdatomic.h>

struct numbers_block;
struct numbers { /* all zero is empty and valid */
    _Atomic uint32_t count;
    struct numbers_block *_Atomic newest;
};

/* Adds `value`, not below the last; nothing happens when it is the last. False: no memory. */
bool numbers_add(struct numbers *numbers, struct pool *pool, uint32_t value);

uint32_t numbers_count(const struct numbers *numbers);
uint32_t numbers_at(const struct numbers *numbers, uint32_t index); /* index < count */

/* Index of the first of the first `count` values that is >= `value`; `count` when there is none. */
uint32_t numbers_seek(const struct numbers *numbers, uint32_t count, uint32_t value);
