/* live_feed.h - live subscriptions: a client's expression over event streams, its values as
 * server-sent events.
 *
 * Each has a process of its own (domain/live/). It is given events in slices, one request at a
 * time; while its connection is full nothing is read and nothing is asked, so nothing is buffered.
 * Time goes along with the events while it catches up, and with the wall clock from then on. */
#pragma once
#include "gateway/call.h"

#define LIVE_FEEDS_MAX 16 /* processes; 429 beyond */

struct live_feeds;
struct live_feeds *live_feeds_create(struct gateway *gateway);
void live_feeds_destroy(struct live_feeds *feeds); /* none may be left */
void live_feeds_log_moved(struct live_feeds *feeds);

/* Answers the call when the expression has begun or was refused. `from`: the first position it
 * gets; beyond the end of the log: only what is yet to come. */
void live_feed_start(struct call *call, struct ever_slice expression, uint64_t from);
