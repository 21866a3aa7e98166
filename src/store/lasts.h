/* lasts.h - a cache: stream -> position of its last event, so that a version check is one look-up.
 *
 * Eight bytes for each stream: 20 bits of its hash, 44 of the position, in sets of one cache line.
 * A miss is never wrong, it only means to ask the index; a hit names candidates, and the event there
 * says whether it is the stream. Doubles when five of eight slots are used, up to a fixed size; a full
 * set forgets one.
 *
 * Threads: one at a time. */
#pragma once
#include "everfold_types.h"

#define LASTS_SETS_MAX (1u << 20) /* of 64 bytes: 64 MiB */
#define LASTS_PER_SET 8u

struct lasts {
    uint64_t *slots; /* NULL: no memory, everything misses */
    uint32_t sets;   /* a power of two */
    uint32_t used;   /* slots that are not 0 */
    uint32_t evict;  /* which of a full set goes next */
};

void lasts_init(struct lasts *lasts);
void lasts_deinit(struct lasts *lasts);
void lasts_clear(struct lasts *lasts);

/* The positions that may be it; returns how many. */
uint32_t lasts_find(const struct lasts *lasts, uint64_t stream_hash,
                    uint64_t out_positions[static LASTS_PER_SET]);

/* The stream's last event was at `old` (0: not known to the cache) and is now at `position`. */
void lasts_put(struct lasts *lasts, uint64_t stream_hash, uint64_t old, uint64_t position);
