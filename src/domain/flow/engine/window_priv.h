/* window_priv.h - each kind of window: what an item does to it, and what its end does. */
#pragma once
#include "domain/flow/engine/aggregate_priv.h"

/* op_window.c: tumbling and hopping, an entry for each (key, end) */
void pane_each(struct derive_node *node, const struct derive_item *item);
void pane_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm);
int64_t pane_end(struct ever_slice entry_key);

/* op_session.c: an entry for each key, with its open sessions */
void session_each(struct derive_node *node, const struct derive_item *item);
void session_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm);
int64_t session_due(const struct derive_node *node, struct ever_slice state);

/* op_sliding.c: an entry for each key, with the items that can still count */
void sliding_each(struct derive_node *node, const struct derive_item *item);
int64_t sliding_due(const struct derive_node *node, struct ever_slice state);

/* op_sliding.c: count windows, an entry for each key with the window that is being filled */
void count_window_each(struct derive_node *node, const struct derive_item *item);

struct window_result {
    uint32_t root;
    struct ever_slice key; /* lives as long as the stretch */
    int64_t start_us;
    int64_t end_us;
    int64_t time_us; /* event time of the result */
    uint64_t rev;
    bool final;
    struct ever_slice folds; /* their state */
};
void window_give(struct derive_node *node, const struct window_result *result);

/* The event time of the result of a window that ends: still inside it, so that windows of windows
 * fit into each other. */
static inline int64_t window_last_us(int64_t end_us)
{
    return end_us - 1;
}
