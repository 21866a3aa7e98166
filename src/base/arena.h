/* arena.h - memory freed all at once: one arena for each request, batch or fold.
 *
 * Chunks grow by doubling up to 64 KiB; a larger wish gets a chunk of its own. Running out of
 * memory ends the process (mem.h). One thread at a time. */
#pragma once
#include "everfold_types.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes taken of the newest chunk */
};

void arena_init(struct arena *arena);
void arena_deinit(struct arena *arena);              /* frees everything; may be inited again */
void arena_reset(struct arena *arena);               /* frees everything but one chunk */
size_t arena_bytes(const struct arena *arena);       /* taken from the system */
void *arena_alloc(struct arena *arena, size_t size); /* aligned for any type; not zeroed */
void *arena_alloc_zero(struct arena *arena, size_t size);
struct ever_slice arena_copy(struct arena *arena,
                             struct ever_slice bytes); /* NUL follows the copy */
struct ever_slice arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* NUL-terminated */
