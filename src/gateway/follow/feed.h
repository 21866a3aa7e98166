/* feed.h - long answers made of events: NDJSON to the end of what there is, and server-sent events
 * that catch up and then follow the log.
 *
 * A feed reads with its own cursor, one slice a turn, while its connection has room. A follower
 * that has caught up gives its cursor up and joins the channel of its filter (channel.h): there
 * each event is read and encoded once for all. A follower whose connection is full leaves the
 * channel and reads on its own again, from where it was, when there is room: nothing is buffered
 * for it.
 *
 *            room, slice after slice        at the end of the log (SSE)
 *     BLOCKED <----> READING ------------------------------------------> FOLLOWING
 *        ^    full                                                          |
 *        +------------------------------------------------------------------+  full
 *
 * A follower that takes nothing for FEED_STUCK_MS is told "evicted", with the place to resume, and
 * its answer ends. */
#pragma once
#include "gateway/reading.h"

#define FEED_HEARTBEAT_MS 10000 /* quiet for so long: a comment or a checkpoint is due ... */
#define FEED_TICK_MS 5000       /* ... looked at so often: no connection is quiet for over 15 s */
#define FEED_STUCK_MS 30000
#define FEED_RETRY_MS 2000 /* what clients are told to wait before they come again */

struct feeds;
struct feeds *feeds_create(struct gateway *gateway);
/* All feeds are gone. `closed` is called when the memory may go. */
void feeds_close(struct feeds *feeds, void (*closed)(struct gateway *gateway));
void feeds_log_moved(struct feeds *feeds);
void feeds_count(const struct feeds *feeds, uint32_t *out_feeds, uint32_t *out_channels);

/* Asked whenever a flow has moved: is the feed over? Then it appends what the follower is told
 * last.
 */
struct feed_limit {
    bool (*is_over)(void *arg, struct text *farewell);
    void *arg;
};
void feeds_flows_moved(struct feeds *feeds);

/* The same as feed_start(), for a follower that is sent away when `limit`, which lives as long as
 * the exchange, says so. */
void feed_start_limited(struct call *call, const struct reading *reading,
                        const struct feed_limit *limit);

/* Answers the call: with NDJSON what `reading` bounds, with SSE from its beginning on for ever. */
void feed_start(struct call *call, const struct reading *reading);
