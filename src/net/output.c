#include "net/output.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>

#define BLOCK_BYTES 4096u
#define POOL_BLOCKS_MAX 256u /* 1 MiB kept for the next burst */

struct output_block {
    struct output_block *next;
    size_t size;
    size_t capacity;
    char bytes[];
};
#define POOLED_CAPACITY (BLOCK_BYTES - sizeof(struct output_block))

void output_pool_deinit(struct output_pool *pool)
{
    while (pool->free != NULL) {
        struct output_block *block = pool->free;
        pool->free = block->next;
        free(block);
    }
    pool->free_count = 0;
}

static struct output_block *take_block(struct output_pool *pool, size_t capacity)
{
    struct output_block *block = pool->free;
    if (capacity <= POOLED_CAPACITY && block != NULL) {
        pool->free = block->next;
        pool->free_count--;
    } else {
        capacity = capacity < POOLED_CAPACITY ? POOLED_CAPACITY : capacity;
        block = mem_alloc(sizeof *block + capacity);
        block->capacity = capacity;
    }
    block->next = NULL;
    block->size = 0;
    return block;
}

static void give_block(struct output_pool *pool, struct output_block *block)
{
    if (block->capacity != POOLED_CAPACITY || pool->free_count == POOL_BLOCKS_MAX) {
        free(block);
        return;
    }
    block->next = pool->free;
    pool->free = block;
    pool->free_count++;
}

static size_t fill(struct output_block *block, struct ever_slice bytes)
{
    size_t room = block->capacity - block->size;
    size_t size = bytes.size < room ? bytes.size : room;
    memcpy(block->bytes + block->size, bytes.data, size);
    block->size += size;
    return size;
}

static struct output_block *add_block(struct output *output, struct output_pool *pool,
                                      size_t capacity)
{
    struct output_block *block = take_block(pool, capacity);
    if (output->last == NULL) {
        output->first = block;
    } else {
        output->last->next = block;
    }
    output->last = block;
    return block;
}

void output_add(struct output *output, struct output_pool *pool, struct ever_slice bytes)
{
    output->size += bytes.size;
    if (bytes.size > 0 && output->last != NULL) {
        bytes = slice_from(bytes, fill(output->last, bytes));
    }
    if (bytes.size > 0) {
        size_t filled = fill(add_block(output, pool, bytes.size), bytes);
        ASSERT(filled == bytes.size);
    }
}

char *output_reserve(struct output *output, struct output_pool *pool, size_t size)
{
    ASSERT(size > 0 && size <= POOLED_CAPACITY);
    struct output_block *block = output->last;
    if (block == NULL || block->capacity - block->size < size) {
        block = add_block(output, pool, size);
    }
    char *at = block->bytes + block->size;
    block->size += size;
    output->size += size;
    return at;
}

void output_append(struct output *output, struct output *other)
{
    ASSERT(other->sent == 0);
    if (other->first == NULL) {
        return;
    }
    if (output->last == NULL) {
        output->first = other->first;
    } else {
        output->last->next = other->first;
    }
    output->last = other->last;
    output->size += other->size;
    *other = (struct output){0};
}

unsigned output_buffers(const struct output *output, uv_buf_t *out_buffers, unsigned count_max)
{
    unsigned count = 0;
    size_t skip = output->sent;
    for (struct output_block *block = output->first; block != NULL && count < count_max;
         block = block->next) {
        out_buffers[count++] = (uv_buf_t){.base = block->bytes + skip, .len = block->size - skip};
        skip = 0;
    }
    return count;
}

void output_drop(struct output *output, struct output_pool *pool, size_t size)
{
    ASSERT(size <= output->size);
    output->size -= size;
    output->sent += size;
    while (output->first != NULL && output->sent >= output->first->size) {
        struct output_block *block = output->first;
        output->sent -= block->size;
        output->first = block->next;
        give_block(pool, block);
    }
    if (output->first == NULL) {
        ASSERT(output->size == 0 && output->sent == 0);
        output->last = NULL;
    }
}
