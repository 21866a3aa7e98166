/* marbles.h - what passes the operators of a flow, pushed to those who watch (server-sent events).
 *
 * A flow that is watched has one tap, whatever the number of watchers. The tap notes marks in a
 * buffer of fixed size on the flow's thread and never waits; ten times a second the loop takes them
 * out and writes them to all. What does not fit is counted, and the count is told. Each node has
 * its share of the buffer, so that a busy source leaves room for what comes of it. */
#pragma once
#include "domain/flow/flows.h"
#include "gateway/call.h"

#define MARBLES_WATCHERS_MAX 64 /* of all flows together; beyond: 429 */
#define MARBLES_TICK_MS 100
#define MARBLES_MARKS_MAX 256 /* of a flow, in one tick */
#define MARBLES_VALUE_BYTES_MAX 400
#define MARBLES_EVENT_BYTES_MAX (64u << 10) /* of an event that is looked into */
#define MARBLES_SHORT_BYTES 160             /* of a longer value */

struct marbles;
struct marbles *marbles_create(struct gateway *gateway);
void marbles_close(struct marbles *marbles, void (*closed)(struct gateway *gateway));

/* Answers the call. */
void marbles_start(struct call *call, struct flow *flow);
