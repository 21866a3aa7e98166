#include "domain/flow/engine/table_priv.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>

#define PLACE_BYTES 16u
#define CHUNK_PLACES_MIN 1024u
#define CHUNK_PLACES_MAX 65536u /* so that a place is 16 bits of chunk, 16 bits within it */
#define CHUNKS_MAX 65536u
#define SMALL_PLACES 64u /* larger entries get a chunk of their own */
#define SLOTS_MIN 16u

struct table_entry {
    uint32_t key_size;
    uint32_t state_size;
    uint32_t epoch; /* of the last change */
    char bytes[];   /* key, state */
};

uint64_t table_hash(struct ever_slice key)
{
    return key.size == 0 ? 0 : hash64(key, 0); /* 0: as items without a key have it */
}

struct ever_slice table_key(const struct table_entry *entry)
{
    return slice_of(entry->bytes, entry->key_size);
}

struct ever_slice table_state(const struct table_entry *entry)
{
    return slice_of(entry->bytes + entry->key_size, entry->state_size);
}

/* --- Memory ----------------------------------------------------------------------------------- */

static uint32_t places_of(size_t key_size, size_t state_size)
{
    size_t bytes = sizeof(struct table_entry) + key_size + state_size;
    return (uint32_t)((bytes + PLACE_BYTES - 1) / PLACE_BYTES);
}

static struct table_entry *entry_at(const struct table *table, uint32_t place)
{
    char *chunk = table->chunks[place >> 16];
    return (struct table_entry *)(void *)(chunk + (size_t)(place & 0xffff) * PLACE_BYTES);
}

static uint32_t new_chunk(struct table *table, size_t bytes)
{
    uint32_t index;
    if (table->free_chunk_count > 0) {
        index = table->free_chunks[--table->free_chunk_count];
    } else {
        ASSERT(table->chunk_count < CHUNKS_MAX); /* 64 GiB: bytes_max comes first */
        index = table->chunk_count++;
        table->chunks = mem_grow(table->chunks, table->chunk_count * sizeof table->chunks[0]);
        table->free_chunks =
            mem_grow(table->free_chunks, table->chunk_count * sizeof table->free_chunks[0]);
    }
    table->chunks[index] = mem_alloc(bytes);
    return index;
}

/* Chunks for small entries double from 16 KiB to 1 MiB. */
static void new_small_chunk(struct table *table)
{
    uint32_t places = table->chunk_places * 2;
    table->chunk_places = places < CHUNK_PLACES_MIN   ? CHUNK_PLACES_MIN
                          : places > CHUNK_PLACES_MAX ? CHUNK_PLACES_MAX
                                                      : places;
    table->chunk_newest = new_chunk(table, (size_t)table->chunk_places * PLACE_BYTES);
    /* Place 0 would be taken for a free slot. */
    table->chunk_used = table->chunk_newest == 0 ? 1 : 0;
}

static uint32_t allocate_small(struct table *table, uint32_t places)
{
    uint32_t place = table->free_places[places];
    if (place != 0) {
        memcpy(&table->free_places[places], entry_at(table, place), sizeof place);
        return place;
    }
    if (table->chunk_used + places > table->chunk_places) {
        new_small_chunk(table);
    }
    place = table->chunk_newest << 16 | table->chunk_used;
    table->chunk_used += places;
    return place;
}

static uint32_t allocate(struct table *table, uint32_t places)
{
    if (places <= SMALL_PLACES) {
        return allocate_small(table, places);
    }
    if (table->chunk_count == 0) { /* chunk 0 is for small ones: see place 0 */
        new_small_chunk(table);
    }
    return new_chunk(table, (size_t)places * PLACE_BYTES) << 16;
}

static void release(struct table *table, uint32_t place, uint32_t places)
{
    if (places <= SMALL_PLACES) {
        memcpy(entry_at(table, place), &table->free_places[places], sizeof place);
        table->free_places[places] = place;
        return;
    }
    free(table->chunks[place >> 16]);
    table->chunks[place >> 16] = NULL;
    table->free_chunks[table->free_chunk_count++] = place >> 16;
}

/* --- Slots ------------------------------------------------------------------------------------ */

static uint32_t short_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

struct table_place table_find(const struct table *table, struct ever_slice key, uint64_t hash)
{
    uint32_t wanted = short_hash(hash);
    uint64_t slot = wanted & table->slot_mask;
    while (table->slots[slot] != 0) {
        if ((uint32_t)(table->slots[slot] >> 32) == wanted) {
            struct table_entry *entry = entry_at(table, (uint32_t)table->slots[slot]);
            if (slice_equal(table_key(entry), key)) {
                return (struct table_place){entry, slot};
            }
        }
        slot = (slot + 1) & table->slot_mask;
    }
    return (struct table_place){NULL, slot};
}

static void grow_slots(struct table *table)
{
    uint64_t *old = table->slots;
    uint64_t old_count = table->slot_mask + 1;
    table->slot_mask = old_count * 2 - 1;
    table->slots = mem_alloc_zero((table->slot_mask + 1) * sizeof old[0]);
    for (uint64_t i = 0; i < old_count; i++) {
        if (old[i] != 0) {
            uint64_t slot = (old[i] >> 32) & table->slot_mask;
            while (table->slots[slot] != 0) {
                slot = (slot + 1) & table->slot_mask;
            }
            table->slots[slot] = old[i];
        }
    }
    free(old);
}

/* Moves those behind up, so that no search stops too early. */
static void close_gap(struct table *table, uint64_t gap)
{
    uint64_t mask = table->slot_mask;
    for (uint64_t at = (gap + 1) & mask; table->slots[at] != 0; at = (at + 1) & mask) {
        uint64_t home = (table->slots[at] >> 32) & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            table->slots[gap] = table->slots[at];
            gap = at;
        }
    }
    table->slots[gap] = 0;
}

/* --- Undo ------------------------------------------------------------------------------------- */

struct journal_head {
    uint32_t key_size;
    uint32_t state_size;
    bool existed;
};

static void note(struct table *table, struct ever_slice key, struct ever_slice state, bool existed)
{
    if (table->quiet) {
        return;
    }
    if (table->journal_count == table->journal_capacity) {
        table->journal_capacity = table->journal_capacity * 2 + 64;
        table->journal_starts = mem_grow(table->journal_starts,
                                         table->journal_capacity * sizeof table->journal_starts[0]);
    }
    table->journal_starts[table->journal_count++] = table->journal.size;
    struct journal_head head = {(uint32_t)key.size, (uint32_t)state.size, existed};
    char *at = text_reserve(&table->journal, sizeof head + key.size + state.size);
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    if (key.size > 0) {
        memcpy(at, key.data, key.size);
    }
    if (state.size > 0) {
        memcpy(at + key.size, state.data, state.size);
    }
    table->journal.size += sizeof head + key.size + state.size;
}

static void note_entry(struct table *table, const struct table_entry *entry)
{
    if (entry->epoch != table->epoch) {
        note(table, table_key(entry), table_state(entry), true);
    }
}

/* After four thousand million marks: an old entry must not look like one of now. */
static void forget_epochs(struct table *table)
{
    for (uint64_t i = 0; i <= table->slot_mask; i++) {
        if (table->slots[i] != 0) {
            entry_at(table, (uint32_t)table->slots[i])->epoch = 0;
        }
    }
}

void table_begin(struct table *table)
{
    if (++table->epoch == 0) {
        forget_epochs(table);
        table->epoch = 1;
    }
    table->journal_count = 0;
    text_clear(&table->journal);
}

static void undo_one(struct table *table, const char *at)
{
    struct journal_head head;
    memcpy(&head, at, sizeof head);
    struct ever_slice key = slice_of(at + sizeof head, head.key_size);
    struct ever_slice state = slice_of(key.data + key.size, head.state_size);
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(table, key, hash);
    if (head.existed) {
        bool set = table_set(table, place, key, hash, state);
        ASSERT(set); /* there are no bounds on the way back */
    } else if (place.entry != NULL) {
        table_remove(table, place, hash);
    }
}

void table_undo(struct table *table)
{
    uint64_t count_max = table->count_max;
    uint64_t bytes_max = table->bytes_max;
    table->count_max = table->bytes_max = UINT64_MAX; /* half way it may be more than at its ends */
    table->quiet = true;
    for (size_t i = table->journal_count; i-- > 0;) {
        undo_one(table, table->journal.data + table->journal_starts[i]);
    }
    table->quiet = false;
    table->count_max = count_max;
    table->bytes_max = bytes_max;
    table_begin(table);
}

/* --- Changing --------------------------------------------------------------------------------- */

static void place_entry(struct table *table, struct table_place at, struct ever_slice key,
                        uint64_t hash, struct ever_slice state)
{
    uint32_t place = allocate(table, places_of(key.size, state.size));
    struct table_entry *entry = entry_at(table, place);
    entry->key_size = (uint32_t)key.size;
    entry->state_size = (uint32_t)state.size;
    entry->epoch = table->epoch;
    if (key.size > 0) {
        memcpy(entry->bytes, key.data, key.size);
    }
    if (state.size > 0) {
        memcpy(entry->bytes + key.size, state.data, state.size);
    }
    table->slots[at.slot] = (uint64_t)short_hash(hash) << 32 | place;
}

static void replace_entry(struct table *table, struct table_place at, uint64_t hash,
                          struct ever_slice state)
{
    struct table_entry *entry = at.entry;
    note_entry(table, entry);
    uint32_t places = places_of(entry->key_size, entry->state_size);
    if (places_of(entry->key_size, state.size) == places) {
        entry->epoch = table->epoch;
        entry->state_size = (uint32_t)state.size;
        if (state.size > 0) {
            memcpy(entry->bytes + entry->key_size, state.data, state.size);
        }
        return;
    }
    uint32_t old = (uint32_t)table->slots[at.slot];
    place_entry(table, at, table_key(entry), hash, state); /* chunks do not move */
    release(table, old, places);
}

bool table_set(struct table *table, struct table_place at, struct ever_slice key, uint64_t hash,
               struct ever_slice state)
{
    ASSERT(key.size < UINT32_MAX / 2 && state.size < UINT32_MAX / 2);
    if (at.entry != NULL) {
        uint64_t bytes = table->bytes - at.entry->state_size + state.size;
        if (bytes > table->bytes_max && state.size > at.entry->state_size) {
            return false;
        }
        table->bytes = bytes;
        replace_entry(table, at, hash, state);
        return true;
    }
    uint64_t bytes = table->bytes + key.size + state.size;
    if (table->count + 1 > table->count_max || bytes > table->bytes_max) {
        return false;
    }
    if ((table->count + 1) * 4 > (table->slot_mask + 1) * 3) {
        grow_slots(table);
        at = table_find(table, key, hash);
    }
    place_entry(table, at, key, hash, state);
    note(table, key, SLICE_NONE, false);
    table->count++;
    table->bytes = bytes;
    return true;
}

void table_remove(struct table *table, struct table_place at, uint64_t hash)
{
    ASSERT(at.entry != NULL);
    ASSERT((uint32_t)(table->slots[at.slot] >> 32) == short_hash(hash));
    struct table_entry *entry = at.entry;
    note_entry(table, entry);
    table->count--;
    table->bytes -= entry->key_size + (uint64_t)entry->state_size;
    release(table, (uint32_t)table->slots[at.slot], places_of(entry->key_size, entry->state_size));
    close_gap(table, at.slot);
}

/* --- Life ------------------------------------------------------------------------------------- */

void table_init(struct table *table, uint64_t count_max, uint64_t bytes_max)
{
    *table = (struct table){
        .slots = mem_alloc_zero(SLOTS_MIN * sizeof table->slots[0]),
        .slot_mask = SLOTS_MIN - 1,
        .count_max = count_max,
        .bytes_max = bytes_max,
        .free_places = mem_alloc_zero((SMALL_PLACES + 1) * sizeof table->free_places[0]),
    };
}

void table_deinit(struct table *table)
{
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        free(table->chunks[i]);
    }
    free(table->chunks);
    free(table->free_chunks);
    free(table->free_places);
    free(table->slots);
    free(table->journal_starts);
    text_deinit(&table->journal);
    *table = (struct table){0};
}

void table_clear(struct table *table)
{
    uint64_t count_max = table->count_max;
    uint64_t bytes_max = table->bytes_max;
    table_deinit(table);
    table_init(table, count_max, bytes_max);
}

const struct table_entry *table_next(const struct table *table, uint64_t *cursor)
{
    while (*cursor <= table->slot_mask) {
        uint64_t slot = table->slots[(*cursor)++];
        if (slot != 0) {
            return entry_at(table, (uint32_t)slot);
        }
    }
    return NULL;
}

static int compare_entries(const void *a, const void *b)
{
    return slice_compare(table_key(*(const struct table_entry *const *)a),
                         table_key(*(const struct table_entry *const *)b));
}

const struct table_entry **table_sorted(const struct table *table)
{
    const struct table_entry **entries = mem_alloc(table->count * sizeof entries[0]);
    uint64_t cursor = 0;
    for (uint64_t i = 0; i < table->count; i++) {
        entries[i] = table_next(table, &cursor);
    }
    qsort((void *)entries, table->count, sizeof entries[0], compare_entries);
    return entries;
}
