#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("everfold: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return need(malloc(size == 0 ? 1 : size));
}

void *mem_alloc_zero(size_t size)
{
    return need(calloc(1, size == 0 ? 1 : size));
}

void *mem_grow(void *memory, size_t size)
{
    return need(realloc(memory, size == 0 ? 1 : size));
}

char *mem_copy_text(struct ever_slice slice)
{
    char *text = mem_alloc(slice.size + 1);
    if (slice.size > 0) {
        memcpy(text, slice.data, slice.size);
    }
    text[slice.size] = '\0';
    return text;
}
