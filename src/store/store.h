/* store.h - an open store, for the library itself and for tests that own the world.
 *
 * everfold.h is the API; here are the seams behind it. */
#pragma once
#include "base/env.h"
#include "base/vfs.h"
#include "everfold.h"

struct store_options {
    uint64_t segment_bytes; /* 0: 64 MiB */
    uint32_t tail_bytes;    /* memory for the newest part of the log; 0: 4 MiB */
    bool read_only;
    bool no_threads; /* start no thread: index files are written by who appends */
};

/* ever_open() in any world. Borrows `vfs` and `env` until ever_close(). */
struct ever_err store_open(struct vfs *vfs, struct env *env, const char *dir,
                           const struct store_options *options, struct ever **out_store);
