/* kept_priv.h - items in a node's state: an event stays an event, with its envelope. */
#pragma once
#include "domain/flow/engine/engine_priv.h"
#include "domain/flow/engine/state_priv.h"

void kept_put(struct text *out, const struct derive_item *item);

/* Everything but root and key; in the arena, so that the state may change. */
struct derive_item kept_get(struct state_reader *reader, struct arena *arena);

/* [a,b,...] from JSON texts, in the stretch's arena. */
struct derive_value kept_array(const struct derive_node *node, const struct ever_slice *texts,
                               size_t count);
