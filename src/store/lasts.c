#include "store/lasts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define SETS_MIN 64u
#define POSITION_BITS 44
#define POSITION_MAX ((UINT64_C(1) << POSITION_BITS) - 1)

static uint64_t *alloc_sets(uint32_t sets)
{
    return calloc((size_t)sets * LASTS_PER_SET, sizeof(uint64_t));
}

void lasts_init(struct lasts *lasts)
{
    *lasts = (struct lasts){.slots = alloc_sets(SETS_MIN), .sets = SETS_MIN};
}

void lasts_deinit(struct lasts *lasts)
{
    free(lasts->slots);
}

void lasts_clear(struct lasts *lasts)
{
    if (lasts->slots != NULL) {
        memset(lasts->slots, 0, (size_t)lasts->sets * LASTS_PER_SET * sizeof(uint64_t));
        lasts->used = 0;
    }
}

/* The set is chosen by the low bits of the hash, the tag is the high ones. */
static uint64_t *set_of(const struct lasts *lasts, uint64_t hash)
{
    return lasts->slots + (hash & (lasts->sets - 1)) * LASTS_PER_SET;
}

static uint64_t slot_of(uint64_t hash, uint64_t position)
{
    ASSERT(position > 0);
    ASSERT(position <= POSITION_MAX);
    return hash >> POSITION_BITS << POSITION_BITS | position;
}

uint32_t lasts_find(const struct lasts *lasts, uint64_t stream_hash,
                    uint64_t out_positions[static LASTS_PER_SET])
{
    uint32_t count = 0;
    if (lasts->slots == NULL) {
        return 0;
    }
    const uint64_t *set = set_of(lasts, stream_hash);
    for (uint32_t i = 0; i < LASTS_PER_SET; i++) {
        if (set[i] != 0 && set[i] >> POSITION_BITS == stream_hash >> POSITION_BITS) {
            out_positions[count++] = set[i] & POSITION_MAX;
        }
    }
    return count;
}

/* A larger table begins empty: a slot does not keep enough of the hash to find its new set. */
static void grow_when_full(struct lasts *lasts)
{
    if (lasts->sets == LASTS_SETS_MAX || lasts->used < lasts->sets * LASTS_PER_SET / 8 * 5) {
        return;
    }
    uint64_t *slots = alloc_sets(lasts->sets * 2);
    if (slots != NULL) { /* else the old one serves on */
        free(lasts->slots);
        lasts->slots = slots;
        lasts->sets *= 2;
        lasts->used = 0;
    }
}

static uint64_t *choose(struct lasts *lasts, uint64_t hash, uint64_t old)
{
    uint64_t *set = set_of(lasts, hash);
    for (uint32_t i = 0; old != 0 && i < LASTS_PER_SET; i++) {
        if (set[i] == slot_of(hash, old)) {
            return &set[i];
        }
    }
    for (uint32_t i = 0; i < LASTS_PER_SET; i++) {
        if (set[i] == 0) {
            lasts->used++;
            return &set[i];
        }
    }
    return &set[lasts->evict++ % LASTS_PER_SET];
}

void lasts_put(struct lasts *lasts, uint64_t stream_hash, uint64_t old, uint64_t position)
{
    if (lasts->slots == NULL) {
        return;
    }
    if (position > POSITION_MAX) { /* beyond what a slot holds: the index alone answers */
        free(lasts->slots);
        lasts->slots = NULL;
        return;
    }
    grow_when_full(lasts);
    *choose(lasts, stream_hash, old) = slot_of(stream_hash, position);
}
