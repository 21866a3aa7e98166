/* channel.h - followers with the same filter: one cursor, each event encoded once.
 *
 * A channel lives while it has members. A member may have been given events that the channel has
 * yet to read (it reads up to the end before it joins): what is at or before its position is not
 * written to it again. */
#pragma once
#include "gateway/follow/feed_priv.h"

/* Takes the feed's cursor; the feed has read to the end and has room. */
void channel_join(struct feed *feed);
void channel_leave(struct feed *feed); /* the last one closes it */

/* The log has grown: reads and writes to all members. */
void channels_log_moved(struct feeds *feeds);
