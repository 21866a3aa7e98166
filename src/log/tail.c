/* tail.c - a ring with one writer, and readers that check afterwards.
 *
 * Each word is stored with release and loaded with acquire order. So a reader that saw a newer word
 * than it wanted also sees the `begin` that was moved before that word was stored: the check after
 * the copy cannot miss it. On x86-64 these are plain moves. */
#include "log/tail_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define WORD 8u

struct ever_err tail_init(struct tail *tail, size_t bytes_max)
{
    size_t size = 4096;
    while (size * 2 <= bytes_max) {
        size *= 2;
    }
    *tail = (struct tail){.size = size <= bytes_max ? size : 0};
    if (tail->size > 0) {
        tail->words = calloc(tail->size / WORD, WORD);
        if (tail->words == NULL) {
            return FAIL(EVER_NO_MEMORY, "tail of the log");
        }
    }
    return ERR_OK;
}

void tail_deinit(struct tail *tail)
{
    free((void *)(uintptr_t)tail->words);
    *tail = (struct tail){0};
}

static _Atomic uint64_t *word_at(const struct tail *tail, uint64_t run_offset)
{
    return &tail->words[(run_offset & (tail->size - 1)) / WORD];
}

void tail_add(struct tail *tail, uint64_t run_offset, struct ever_slice bytes)
{
    ASSERT(run_offset % WORD == 0);
    ASSERT(bytes.size % WORD == 0);
    uint64_t end = run_offset + bytes.size;
    uint64_t begin = atomic_load_explicit(&tail->begin, memory_order_relaxed);
    bool follows = atomic_load_explicit(&tail->end, memory_order_relaxed) == run_offset;
    bool fits = bytes.size <= tail->size;
    if (!fits || !follows) {
        begin = fits ? run_offset : end;
    } else if (end - begin > tail->size) {
        begin = end - tail->size;
    }
    atomic_store_explicit(&tail->begin, begin, memory_order_relaxed);
    for (size_t at = 0; fits && at < bytes.size; at += WORD) {
        uint64_t word;
        memcpy(&word, bytes.data + at, WORD);
        atomic_store_explicit(word_at(tail, run_offset + at), word, memory_order_release);
    }
    atomic_store_explicit(&tail->end, end, memory_order_release);
}

static bool holds(const struct tail *tail, uint64_t run_offset, size_t size)
{
    uint64_t end = atomic_load_explicit(&tail->end, memory_order_acquire);
    uint64_t begin = atomic_load_explicit(&tail->begin, memory_order_acquire);
    return run_offset >= begin && run_offset + size <= end;
}

bool tail_copy(const struct tail *tail, uint64_t run_offset, size_t size, char *out)
{
    if (!holds(tail, run_offset, size)) {
        return false;
    }
    for (size_t done = 0; done < size;) {
        size_t skip = (size_t)((run_offset + done) % WORD);
        size_t part = WORD - skip < size - done ? WORD - skip : size - done;
        uint64_t word =
            atomic_load_explicit(word_at(tail, run_offset + done), memory_order_acquire);
        memcpy(out + done, (const char *)&word + skip, part);
        done += part;
    }
    return holds(tail, run_offset, size);
}
