/* tail_priv.h - the newest bytes of the log, kept in memory for readers.
 *
 * A ring over the log as one run of bytes ("run offset": segment after segment, each as far as it
 * is used). The writer adds at the end and overwrites the oldest; readers copy out and then look
 * whether what they copied was overwritten meanwhile. Nobody waits for anybody.
 *
 * Threads: tail_add() by the writer; tail_copy() by any thread. */
#pragma once
#include "base/err.h"

#include <stdatomic.h>

struct tail {
    _Atomic uint64_t *words;
    size_t size;            /* bytes; a power of two, or 0: keeps nothing */
    _Atomic uint64_t begin; /* run offsets: what is in the ring */
    _Atomic uint64_t end;
};

struct ever_err tail_init(struct tail *tail, size_t bytes_max);
void tail_deinit(struct tail *tail);

/* The run goes on at `run_offset`, with `bytes`; both counts are multiples of 8. */
void tail_add(struct tail *tail, uint64_t run_offset, struct ever_slice bytes);

/* Copies the range out. False: not all of it is here (any more). */
bool tail_copy(const struct tail *tail, uint64_t run_offset, size_t size, char *out);
