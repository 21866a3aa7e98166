/* snapshot_priv.h - the state of a run's flows at one position, in a file that may be lost.
 *
 *     "EVFLOWS1" | store id 16 | semantics u32 | position u64 | id of the event there 16 | flows
 * u32 for each flow: name | version | position u64 | counts of the three streams u64 | hash u64 |
 * state hash of all that, 16
 *
 * Little-endian; a text is its size as u64 and its bytes. A file that is damaged, of another store
 * or of other rules, or that does not fit the log (the event at its position is another, or is not
 * there; a stream is shorter than it says) is as good as none. */
#pragma once
#include "base/vfs.h"
#include "domain/flow/part_priv.h"

#define FLOW_LIVE_SNAPSHOT "live.snapshot"
#define FLOW_BUILDING_SNAPSHOT "building.snapshot"

struct flow_saved {
    struct ever_slice name;
    struct ever_slice version;
    uint64_t position; /* up to which it ran; that of a stopped flow is below the snapshot's */
    uint64_t counts[FLOW_SIDES];
    uint64_t hash;
    struct ever_slice state;
};

struct flow_snapshot {
    uint64_t position;
    struct flow_saved *flows;
    size_t count;
    char *memory; /* of a snapshot that was read: all of the above lies in it */
};

/* Writes dir/name at once, durable. The snapshot may be put together in any memory. */
struct ever_err flow_snapshot_write(struct vfs *vfs, struct ever *store, const char *dir,
                                    const char *name, const struct flow_snapshot *snapshot);

/* False: there is none that is of use. */
bool flow_snapshot_read(struct vfs *vfs, struct ever *store, const char *dir, const char *name,
                        struct flow_snapshot *out_snapshot);
void flow_snapshot_deinit(struct flow_snapshot *snapshot);

/* NULL: it is not in there with this version. */
const struct flow_saved *flow_snapshot_find(const struct flow_snapshot *snapshot,
                                            const struct flow_info *info);
