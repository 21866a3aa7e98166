/* flow_picture.h - a flow's graph as it stands now: the drawing with what has passed each node. */
#pragma once
#include "domain/flow/draw.h"
#include "gateway/flow/flow_input.h"

/* The drawing, each node noted with the number of items that left it; an input that never matched
 * an event says so. NULL: the graph cannot be drawn. Memory from `arena`. */
struct flow_drawing *flow_picture(const struct flow_shown *shown, struct arena *arena);

/* "1,234,567" */
void flow_write_grouped(struct text *out, uint64_t number);
