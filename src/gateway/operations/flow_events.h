/* flow_events.h - reading the events that a flow has made. */
#pragma once
#include "gateway/call.h"

void read_flow_events(struct call *call);
