#include "store/numbers.h"

#include "base/assert.h"

/* Block k holds FIRST << k values: those from index FIRST * (2^k - 1) on. */
#define FIRST 2u

struct numbers_block {
    struct numbers_block *older;
    uint32_t level;
    uint32_t values[];
};

static uint32_t level_of(uint32_t index)
{
    return 31u - (uint32_t)__builtin_clz(index / FIRST + 1);
}

static uint32_t start_of(uint32_t level)
{
    return FIRST * ((1u << level) - 1);
}

static struct numbers_block *add_block(struct numbers *numbers, struct pool *pool, uint32_t level)
{
    size_t values = (size_t)FIRST << level;
    struct numbers_block *block =
        pool_alloc(pool, sizeof *block + values * sizeof block->values[0]);
    if (block == NULL) {
        return NULL;
    }
    block->older = atomic_load_explicit(&numbers->newest, memory_order_relaxed);
    block->level = level;
    atomic_store_explicit(&numbers->newest, block, memory_order_release);
    return block;
}

bool numbers_add(struct numbers *numbers, struct pool *pool, uint32_t value)
{
    uint32_t count = atomic_load_explicit(&numbers->count, memory_order_relaxed);
    if (count > 0 && numbers_at(numbers, count - 1) >= value) {
        ASSERT(numbers_at(numbers, count - 1) == value);
        return true;
    }
    uint32_t level = level_of(count);
    struct numbers_block *block = atomic_load_explicit(&numbers->newest, memory_order_relaxed);
    if (block == NULL || block->level < level) {
        block = add_block(numbers, pool, level);
    }
    if (block == NULL) {
        return false;
    }
    ASSERT(block->level == level);
    block->values[count - start_of(level)] = value;
    atomic_store_explicit(&numbers->count, count + 1, memory_order_release);
    return true;
}

uint32_t numbers_count(const struct numbers *numbers)
{
    return atomic_load_explicit(&numbers->count, memory_order_acquire);
}

uint32_t numbers_at(const struct numbers *numbers, uint32_t index)
{
    uint32_t level = level_of(index);
    const struct numbers_block *block =
        atomic_load_explicit(&numbers->newest, memory_order_acquire);
    while (block->level > level) {
        block = block->older;
    }
    return block->values[index - start_of(level)];
}

uint32_t numbers_seek(const struct numbers *numbers, uint32_t count, uint32_t value)
{
    uint32_t low = 0;
    for (uint32_t high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (numbers_at(numbers, middle) < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
