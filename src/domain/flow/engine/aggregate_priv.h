/* aggregate_priv.h - what the kinds of windows of `aggregate` share. */
#pragma once
#include "domain/flow/engine/fold_priv.h"

enum window_kind {
    WINDOW_NONE, /* a running fold */
    WINDOW_TUMBLING,
    WINDOW_HOPPING,
    WINDOW_SESSION,
    WINDOW_COUNT,
    WINDOW_SLIDING,
};

struct aggregate {
    enum window_kind window;
    int64_t size_us; /* of a session: its gap */
    int64_t every_us;
    int64_t offset_us;
    uint64_t size; /* of a count window */
    bool updates;
    struct derive_folds folds;
    struct derive_shape *shape;
    uint32_t first_fold; /* the member of the shape */
};

/* A result with its key filled in. */
struct derive_row *aggregate_row(const struct derive_node *node, struct ever_slice key);

void window_parse(struct derive_parse *parse, struct derive_node *node,
                  struct aggregate *aggregate);
void window_each(struct derive_node *node, const struct derive_item *item);
void window_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm);
bool window_due(const struct derive_node *node, struct ever_slice key, struct ever_slice state,
                int64_t *out_due_us);
