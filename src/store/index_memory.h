/* index_memory.h - the index of one segment in memory: while it is open, until its file is written.
 *
 * Records are numbered from 0 in the segment. One thread adds; any thread looks up, without locks.
 * An unequal term may share the hash: who looks up checks the event. */
#pragma once
#include "store/event.h"
#include "store/numbers.h"
#include "store/slots.h"

#define TERM_BLOCKS_MAX 26

struct term_entry {
    uint64_t hash;
    struct numbers records; /* those that have the term */
};

struct index_memory {
    struct pool pool;
    struct numbers offsets;  /* of each record in its segment */
    struct slots term_slots; /* upper half of a term's hash -> number of its entry + 1 */
    struct slots id_slots;   /* upper half of an id's hash -> record + 1 */
    struct term_entry *term_blocks[TERM_BLOCKS_MAX]; /* block k holds 64 << k entries */
    uint32_t term_count;
    bool has_holes; /* some records could not be read, so nothing proves that a term is absent */
    uint32_t first_hole;
    uint32_t last_hole;
};

struct index_memory *index_memory_create(void);         /* NULL: no memory */
void index_memory_destroy(struct index_memory *memory); /* NULL-safe. */

/* Adds the record after the last, or the last one again to finish what ran out of memory. `event`
 * is NULL when the record is damaged; `offset` then lies behind that of the record before. False:
 * no memory. */
bool index_memory_add(struct index_memory *memory, uint32_t record, uint32_t offset,
                      const struct ever_event *event);

uint32_t index_memory_count(const struct index_memory *memory); /* of records */

/* The records with this term; NULL: none. */
const struct numbers *index_memory_term(const struct index_memory *memory, uint64_t hash);
const struct term_entry *index_memory_term_at(const struct index_memory *memory, uint32_t number);
