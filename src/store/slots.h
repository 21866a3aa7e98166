/* slots.h - a hash table from a 32-bit hash to 32-bit values, read while it grows.
 *
 * Equal hashes may stand in it several times and mean different things: it finds candidates, and
 * the caller looks at what they name. One thread inserts; any thread searches, without locks. Tables
 * double in size; a full one stays and is searched too, the oldest first: what came early and comes
 * again, comes often. */
#pragma once
#include "store/pool.h"

#include <stdatomic.h>

#define SLOTS_TABLES_MAX 22 /* the last one of 2^29 slots */

struct slots_table;
struct slots { /* all zero is empty and valid */
    struct slots_table *_Atomic tables[SLOTS_TABLES_MAX];
    uint32_t table_count; /* the inserting thread's */
};

/* `value` >= 1. False: no memory. */
bool slots_insert(struct slots *slots, struct pool *pool, uint32_t hash, uint32_t value);

/* for (struct slots_search s = slots_search(slots, hash); slots_next(&s, &value);) */
struct slots_search {
    const struct slots *slots;
    uint32_t hash;
    uint32_t table;
    uint32_t step; /* slots looked at in this table */
};
struct slots_search slots_search(const struct slots *slots, uint32_t hash);
bool slots_next(struct slots_search *search, uint32_t *out_value);

/* Every pair, in no order: start with *cursor = 0. For the inserting thread, or when it is done. */
bool slots_each(const struct slots *slots, uint64_t *cursor, uint32_t *out_hash,
                uint32_t *out_value);
