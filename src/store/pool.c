#include "store/pool.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct pool_chunk {
    struct pool_chunk *older;
    size_t size; /* of bytes[] */
    _Alignas(8) char bytes[];
};

static bool add_chunk(struct pool *pool, size_t size)
{
    /* calloc() leaves a large chunk untouched: pages that are never used cost nothing. */
    struct pool_chunk *chunk = calloc(1, sizeof *chunk + size);
    if (chunk == NULL) {
        return false;
    }
    chunk->older = pool->chunks;
    chunk->size = size;
    pool->chunks = chunk;
    pool->left = size;
    return true;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    size = (size + 7) / 8 * 8;
    if (pool->left < size && !add_chunk(pool, size > CHUNK_BYTES ? size : CHUNK_BYTES)) {
        return NULL;
    }
    struct pool_chunk *chunk = pool->chunks;
    void *memory = chunk->bytes + (chunk->size - pool->left);
    pool->left -= size;
    return memory;
}

void pool_deinit(struct pool *pool)
{
    while (pool->chunks != NULL) {
        struct pool_chunk *older = pool->chunks->older;
        free(pool->chunks);
        pool->chunks = older;
    }
    pool->left = 0;
}
