/* output.h - bytes on their way out: a chain of blocks that grows at one end and is sent from the
 * other.
 *
 * Bytes never move once added, so they may be lent to a write in flight while more are added.
 * Small blocks come from a pool that the connections of a loop share: an output without bytes holds
 * no memory. One thread at a time. */
#pragma once
#include "everfold_types.h"

#include <uv.h>

struct output_block;

struct output_pool { /* zero-initialised is empty and valid */
    struct output_block *free;
    uint32_t free_count;
};
void output_pool_deinit(struct output_pool *pool);

struct output { /* zero-initialised is empty and valid */
    struct output_block *first;
    struct output_block *last;
    size_t sent; /* bytes of the first block that are gone already */
    size_t size; /* bytes still to be sent */
};

void output_add(struct output *output, struct output_pool *pool, struct ever_slice bytes);

/* Adds `size` bytes, a few, to be written by the caller before they are sent. */
char *output_reserve(struct output *output, struct output_pool *pool, size_t size);

/* Takes all of `other` behind what is there; `other` is empty then. */
void output_append(struct output *output, struct output *other);

/* The first bytes as up to `count_max` buffers, lent until output_drop(); returns their number. */
unsigned output_buffers(const struct output *output, uv_buf_t *out_buffers, unsigned count_max);

/* Forgets the first `size` bytes. */
void output_drop(struct output *output, struct output_pool *pool, size_t size);
