#include "store/index_memory.h"

#include "base/assert.h"

#include <stdlib.h>

#define FIRST_BLOCK_TERMS 64u

struct index_memory *index_memory_create(void)
{
    return calloc(1, sizeof(struct index_memory));
}

void index_memory_destroy(struct index_memory *memory)
{
    if (memory != NULL) {
        pool_deinit(&memory->pool);
        free(memory);
    }
}

static uint32_t block_of(uint32_t number)
{
    return 31u - (uint32_t)__builtin_clz(number / FIRST_BLOCK_TERMS + 1);
}

static uint32_t block_start(uint32_t block)
{
    return FIRST_BLOCK_TERMS * ((1u << block) - 1);
}

static struct term_entry *entry_at(const struct index_memory *memory, uint32_t number)
{
    uint32_t block = block_of(number);
    return &memory->term_blocks[block][number - block_start(block)];
}

const struct term_entry *index_memory_term_at(const struct index_memory *memory, uint32_t number)
{
    ASSERT(number < memory->term_count);
    return entry_at(memory, number);
}

static struct term_entry *find_term(const struct index_memory *memory, uint64_t hash)
{
    struct slots_search search = slots_search(&memory->term_slots, (uint32_t)(hash >> 32));
    for (uint32_t value; slots_next(&search, &value);) {
        struct term_entry *entry = entry_at(memory, value - 1);
        if (entry->hash == hash) {
            return entry;
        }
    }
    return NULL;
}

const struct numbers *index_memory_term(const struct index_memory *memory, uint64_t hash)
{
    const struct term_entry *entry = find_term(memory, hash);
    return entry == NULL ? NULL : &entry->records;
}

static struct term_entry *add_term(struct index_memory *memory, uint64_t hash)
{
    uint32_t number = memory->term_count;
    uint32_t block = block_of(number);
    ASSERT(block < TERM_BLOCKS_MAX);
    if (memory->term_blocks[block] == NULL) {
        size_t entries = (size_t)FIRST_BLOCK_TERMS << block;
        memory->term_blocks[block] = pool_alloc(&memory->pool, entries * sizeof(struct term_entry));
    }
    if (memory->term_blocks[block] == NULL) {
        return NULL;
    }
    struct term_entry *entry = entry_at(memory, number);
    entry->hash = hash;
    if (!slots_insert(&memory->term_slots, &memory->pool, (uint32_t)(hash >> 32), number + 1)) {
        return NULL;
    }
    memory->term_count = number + 1;
    return entry;
}

static bool add_to_term(struct index_memory *memory, uint64_t hash, uint32_t record)
{
    struct term_entry *entry = find_term(memory, hash);
    if (entry == NULL) {
        entry = add_term(memory, hash);
    }
    return entry != NULL && numbers_add(&entry->records, &memory->pool, record);
}

static bool add_event(struct index_memory *memory, uint32_t record, const struct ever_event *event)
{
    uint64_t terms[EVENT_TERMS_MAX];
    uint32_t count = event_terms(event, terms);
    for (uint32_t i = 0; i < count; i++) {
        if (!add_to_term(memory, terms[i], record)) {
            return false;
        }
    }
    uint32_t tag = (uint32_t)(id_hash(event->id) >> 32);
    return slots_insert(&memory->id_slots, &memory->pool, tag, record + 1);
}

bool index_memory_add(struct index_memory *memory, uint32_t record, uint32_t offset,
                      const struct ever_event *event)
{
    uint32_t count = numbers_count(&memory->offsets);
    ASSERT(record == count || record + 1 == count);
    if (record == count && !numbers_add(&memory->offsets, &memory->pool, offset)) {
        return false;
    }
    if (event == NULL) {
        memory->first_hole = memory->has_holes ? memory->first_hole : record;
        memory->last_hole = record;
        memory->has_holes = true;
        return true;
    }
    return add_event(memory, record, event);
}

uint32_t index_memory_count(const struct index_memory *memory)
{
    return numbers_count(&memory->offsets);
}
