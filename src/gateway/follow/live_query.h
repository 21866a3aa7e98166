/* live_query.h - queries whose result is pushed (server-sent events) whenever it changes.
 *
 * All followers of the same query with the same arguments share one run: when the view has moved it
 * runs again, and when the rows differ the new answer is encoded once and written to all. A
 * follower whose connection is full misses states in between and gets the latest when there is
 * room. */
#pragma once
#include "gateway/call.h"
#include "gateway/query_target.h"

struct live_queries;
struct live_queries *live_queries_create(struct gateway *gateway);
void live_queries_close(struct live_queries *queries, void (*closed)(struct gateway *gateway));
void live_queries_views_moved(struct live_queries *queries);

void live_query_start(struct call *call, const struct query_target *target);
