/* flow_stream.h - the streams that flows write: category "flow", which is the server's alone.
 *
 *     flow-NAME                   which version serves, from which position on
 *     flow-NAME.VERSION           the events of one version
 *     flow-NAME.VERSION.late      what came too late for its window
 *     flow-NAME.VERSION.errors    events passed over because a function failed */
#pragma once
#include "everfold_types.h"

#define FLOW_CATEGORY "flow"

/* True when `stream` is of that category. *out_flow, which may be NULL, is NAME: the part between
 * the dash and the first dot. */
bool flow_stream_is(struct ever_slice stream, struct ever_slice *out_flow);
