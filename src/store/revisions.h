/* revisions.h - a cache: stream name -> its last revision, so that a version check is one look-up.
 *
 * Exact: it compares names. A miss is never wrong, it only means to ask index and log, which may
 * have to read the disk. Two generations of fixed size: when the young one is full, the old one is
 * forgotten and the young one becomes it; what is used moves to the young one.
 *
 * Threads: one at a time. Memory: at most 2 x 17 MiB, 20 bytes and the name for each stream. */
#pragma once
#include "everfold_types.h"

struct revisions_generation {
    uint32_t
        *heads;   /* hash table of chains; entries are named by offset / 4 in `memory`, 0: none */
    char *memory; /* grows; what does not fit is not kept, and misses */
    uint32_t capacity;
    uint32_t used;
};

struct revisions {
    struct revisions_generation young;
    struct revisions_generation old;
};

void revisions_init(struct revisions *revisions); /* without memory everything misses */
void revisions_deinit(struct revisions *revisions);
void revisions_clear(struct revisions *revisions);

bool revisions_find(struct revisions *revisions, struct ever_slice stream, uint64_t hash,
                    int64_t *out_revision);
void revisions_put(struct revisions *revisions, struct ever_slice stream, uint64_t hash,
                   int64_t revision);
