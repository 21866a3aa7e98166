/* pool.h - memory for many small things that live and die together, from malloc().
 *
 * Unlike base/arena.h it says when there is none: the store must go on in the program around it. */
#pragma once
#include "everfold_types.h"

struct pool_chunk;
struct pool { /* all zero is empty and valid */
    struct pool_chunk *chunks;
    size_t left; /* bytes free in the newest chunk */
};

void *pool_alloc(struct pool *pool, size_t size); /* 8-aligned, zeroed; NULL: no memory */
void pool_deinit(struct pool *pool);
