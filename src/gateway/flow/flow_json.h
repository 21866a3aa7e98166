/* flow_json.h - a flow as the API shows it: where it stands, and its graph with what passed. */
#pragma once
#include "gateway/flow/flow_input.h"

/* Appends {"name","file","line","version","state","position","lag",...}, and with `graph` behind it
 * "options" and "nodes", each with its "counts", inputs with "matched". */
void flow_write(struct text *out, const struct flow_shown *shown, bool graph);

/* The part that changes all the time, as an object: state, positions, counts of each node. */
void flow_write_live(struct text *out, const struct flow *flow, uint64_t last_position);

/* Event time as RFC 3339 with milliseconds, in quotes; out of reach of years 1678 to 2261 and for
 * FLOW_NO_WATERMARK: null. */
void flow_write_time(struct text *out, int64_t time_us);
