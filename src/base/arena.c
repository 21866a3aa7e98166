#include "base/arena.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MIN 1024u
#define CHUNK_BYTES_MAX 65536u
#define ALIGNMENT _Alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* of bytes[] */
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void arena_deinit(struct arena *arena)
{
    free_chunks(arena->chunks);
    arena_init(arena);
}

void arena_reset(struct arena *arena)
{
    if (arena->chunks == NULL) {
        return;
    }
    free_chunks(arena->chunks->older);
    arena->chunks->older = NULL;
    arena->used = 0;
    if (arena->chunks->size > CHUNK_BYTES_MAX) {
        arena_deinit(arena); /* one huge request must not keep its memory for the next thousand */
    }
}

size_t arena_bytes(const struct arena *arena)
{
    size_t bytes = 0;
    for (const struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->older) {
        bytes += chunk->size;
    }
    return bytes;
}

static void add_chunk(struct arena *arena, size_t need)
{
    size_t size = arena->chunks == NULL ? CHUNK_BYTES_MIN : arena->chunks->size * 2;
    if (size > CHUNK_BYTES_MAX) {
        size = CHUNK_BYTES_MAX;
    }
    if (size < need) {
        size = need;
    }
    struct arena_chunk *chunk = mem_alloc(sizeof *chunk + size);
    chunk->older = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ASSERT(rounded >= size);
    if (arena->chunks == NULL || arena->chunks->size - arena->used < rounded) {
        add_chunk(arena, rounded);
    }
    void *memory = arena->chunks->bytes + arena->used;
    arena->used += rounded;
    return memory;
}

void *arena_alloc_zero(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

struct ever_slice arena_copy(struct arena *arena, struct ever_slice bytes)
{
    char *copy = arena_alloc(arena, bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    copy[bytes.size] = '\0';
    return (struct ever_slice){.data = copy, .size = bytes.size};
}

struct ever_slice arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    char *text = arena_alloc(arena, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments); /* its size is known from above */
    va_end(arguments);
    return (struct ever_slice){.data = text, .size = (size_t)size};
}
