#include "store/slots.h"

#include "base/assert.h"

#define FIRST_TABLE_BITS 8u

struct slots_table {
    uint32_t bits;            /* 2^bits slots */
    uint32_t used;            /* the inserting thread's */
    _Atomic uint64_t slots[]; /* hash << 32 | value; 0 is free */
};

static uint32_t home_of(const struct slots_table *table, uint32_t hash)
{
    return hash >> (32 - table->bits);
}

static struct slots_table *table_at(const struct slots *slots, uint32_t index)
{
    return index < SLOTS_TABLES_MAX
               ? atomic_load_explicit(&slots->tables[index], memory_order_acquire)
               : NULL;
}

static struct slots_table *add_table(struct slots *slots, struct pool *pool)
{
    if (slots->table_count == SLOTS_TABLES_MAX) {
        return NULL;
    }
    uint32_t bits = FIRST_TABLE_BITS + slots->table_count;
    struct slots_table *table =
        pool_alloc(pool, sizeof *table + sizeof(uint64_t) * ((size_t)1 << bits));
    if (table != NULL) {
        table->bits = bits;
        atomic_store_explicit(&slots->tables[slots->table_count], table, memory_order_release);
        slots->table_count++;
    }
    return table;
}

static struct slots_table *table_with_room(struct slots *slots, struct pool *pool)
{
    struct slots_table *table =
        slots->table_count == 0 ? NULL : table_at(slots, slots->table_count - 1);
    if (table == NULL || table->used >= (UINT32_C(3) << table->bits) / 4) {
        table = add_table(slots, pool);
    }
    return table;
}

bool slots_insert(struct slots *slots, struct pool *pool, uint32_t hash, uint32_t value)
{
    ASSERT(value != 0);
    struct slots_table *table = table_with_room(slots, pool);
    if (table == NULL) {
        return false;
    }
    uint32_t mask = (UINT32_C(1) << table->bits) - 1;
    uint32_t at = home_of(table, hash);
    while (atomic_load_explicit(&table->slots[at], memory_order_relaxed) != 0) {
        at = (at + 1) & mask;
    }
    atomic_store_explicit(&table->slots[at], (uint64_t)hash << 32 | value, memory_order_release);
    table->used++;
    return true;
}

struct slots_search slots_search(const struct slots *slots, uint32_t hash)
{
    return (struct slots_search){.slots = slots, .hash = hash};
}

/* The next match in one table; false at the end of the run of used slots. */
static bool next_in_table(struct slots_search *search, const struct slots_table *table,
                          uint32_t *out_value)
{
    uint32_t mask = (UINT32_C(1) << table->bits) - 1;
    for (;;) {
        uint32_t at = (home_of(table, search->hash) + search->step) & mask;
        uint64_t slot = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        if (slot == 0) { /* there always is one: a table is filled to three quarters only */
            return false;
        }
        search->step++;
        if (slot >> 32 == search->hash) {
            *out_value = (uint32_t)slot;
            return true;
        }
    }
}

bool slots_next(struct slots_search *search, uint32_t *out_value)
{
    const struct slots_table *table = table_at(search->slots, search->table);
    while (table != NULL) {
        if (next_in_table(search, table, out_value)) {
            return true;
        }
        search->step = 0;
        table = table_at(search->slots, ++search->table);
    }
    return false;
}

bool slots_each(const struct slots *slots, uint64_t *cursor, uint32_t *out_hash,
                uint32_t *out_value)
{
    uint64_t skipped = 0; /* slots of the tables before this one */
    for (uint32_t i = 0; i < slots->table_count; i++) {
        const struct slots_table *table = table_at(slots, i);
        uint64_t size = UINT64_C(1) << table->bits;
        for (; *cursor < skipped + size; (*cursor)++) {
            uint64_t slot =
                atomic_load_explicit(&table->slots[*cursor - skipped], memory_order_relaxed);
            if (slot != 0) {
                (*cursor)++;
                *out_hash = (uint32_t)(slot >> 32);
                *out_value = (uint32_t)slot;
                return true;
            }
        }
        skipped += size;
    }
    return false;
}
