/* store_priv.h - struct ever, for the folder.
 *
 *   ever_append -> request -> commit -> journal -> group -> log, index -> watches -> answer
 *   ever_next   -> cursor  -> index -> log
 *
 * An event is durable in the log first, then found by the index, then covered by the last position:
 * a reader looks no further than that, so it never meets what is half there. */
#pragma once
#include "store/commit.h"
#include "store/folder.h"
#include "store/group.h"
#include "store/store.h"
#include "store/watch.h"

#include <stdatomic.h>

struct store_counters { /* since open; written by whoever leads */
    _Atomic uint64_t appended_events;
    _Atomic uint64_t appends;
    _Atomic uint64_t conflicts;
    _Atomic uint64_t refused_full;
    atomic_bool is_full;
    _Atomic uint64_t blocks;
    _Atomic uint32_t write_error;
};

struct ever {
    struct env *env;
    struct folder folder;
    struct log *log;
    struct index *index;
    struct group group;
    struct journal journal;
    struct commit commit;
    struct watches watches;
    struct store_counters counters;
    bool read_only;
};

/* What readers may see: 0 when empty. Any thread, never blocks. */
static inline uint64_t store_last_position(const struct ever *store)
{
    return atomic_load_explicit(&store->watches.last_position, memory_order_acquire);
}
