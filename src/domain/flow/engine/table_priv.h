/* table_priv.h - the state of one node: key -> bytes, and back to an earlier moment.
 *
 * Bounded:  by entries and bytes; table_set() refuses what would go beyond.
 * Undo:     table_begin() marks a moment, table_undo() goes back to it. The first change of an
 * entry after the mark writes down what it was. Memory:   an entry is 12 bytes, key and state,
 * rounded up to 16, in chunks of up to 1 MiB; a slot is 8 bytes, and up to three of four are taken.
 * Threads:  one at a time. */
#pragma once
#include "base/text.h"
#include "everfold_types.h"

struct table_entry; /* in the table's memory, valid until the table changes */

struct table {
    uint64_t *slots; /* hash in the upper half, place of the entry in the lower; 0: free */
    uint64_t slot_mask;
    uint64_t count;
    uint64_t bytes; /* keys and states */
    uint64_t count_max;
    uint64_t bytes_max;
    char **chunks; /* the first place of the first chunk stays unused */
    uint32_t chunk_count;
    uint32_t chunk_places; /* of the newest chunk of small entries */
    uint32_t chunk_used;   /* of those, taken */
    uint32_t chunk_newest;
    uint32_t *free_places; /* heads of lists, by size in places */
    uint32_t *free_chunks; /* of large entries that are gone */
    uint32_t free_chunk_count;
    uint32_t epoch;
    bool quiet; /* while loading and undoing: nothing is noted */
    struct text journal;
    uint64_t *journal_starts;
    size_t journal_count;
    size_t journal_capacity;
};

void table_init(struct table *table, uint64_t count_max, uint64_t bytes_max);
void table_deinit(struct table *table);
void table_clear(struct table *table); /* no entries, nothing to undo */

struct table_place {           /* where a key is, or would be; valid until the table changes */
    struct table_entry *entry; /* NULL: it is not there */
    uint64_t slot;
};
struct table_place table_find(const struct table *table, struct ever_slice key, uint64_t hash);

struct ever_slice table_key(const struct table_entry *entry);
struct ever_slice table_state(const struct table_entry *entry);

/* Makes or replaces the state of `key`, which was just looked for. `state` must not lie in the
 * table. False: the table would hold more than its bounds; nothing changed. */
bool table_set(struct table *table, struct table_place place, struct ever_slice key, uint64_t hash,
               struct ever_slice state);
void table_remove(struct table *table, struct table_place place, uint64_t hash);

void table_begin(struct table *table);
void table_undo(struct table *table);

/* All entries in the order of their keys' bytes. Gives an array to free(). */
const struct table_entry **table_sorted(const struct table *table);

/* For going through all of them in no order: NULL at the end. `*cursor` begins at 0. */
const struct table_entry *table_next(const struct table *table, uint64_t *cursor);

uint64_t table_hash(struct ever_slice key);
