/* mem.h - allocation where running out ends the process.
 *
 * For the server's own bookkeeping, where there is no sensible way on: nothing acknowledged is lost
 * by exiting. The log and the store, which a host program embeds, use malloc() and EVER_NO_MEMORY.
 */
#pragma once
#include "everfold_types.h"

void *mem_alloc(size_t size);                 /* never NULL; not zeroed */
void *mem_alloc_zero(size_t size);            /* never NULL; zeroed */
void *mem_grow(void *memory, size_t size);    /* realloc(), never NULL */
char *mem_copy_text(struct ever_slice slice); /* NUL-terminated copy; free() it */
