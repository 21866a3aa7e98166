/* view_origins.h - what the flows of an APP emit, for views that handle it. */
#pragma once
#include "base/arena.h"
#include "domain/flow/flows.h"
#include "domain/view/view.h"

/* One for each flow; in `arena`. `flows` NULL: none. */
const struct view_origin *view_origins(struct flows *flows, struct arena *arena, size_t *out_count);
