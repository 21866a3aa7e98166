/* op_sliding.c - windows that move with the items: over the last stretch of event time, and over a
 * number of items. */
#include "domain/flow/engine/window_priv.h"

/* --- Sliding: for each item at t a result over (t - size, t] ---------------------------------- */

/* The state of a key: the items that can still count, by event time; each with the folds of itself
 * alone, which are joined for a result. */

static struct ever_slice fold_alone(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    struct text *text = &node->flow->program->state;
    text_clear(text);
    if (!folds_step(&aggregate->folds, node, item, state_reader(SLICE_NONE), text)) {
        return SLICE_NONE;
    }
    return arena_copy(node_arena(node), text_slice(text));
}

/* Joins `folds` to what is in `*sum`, in the one of two texts that does not hold it. False after a
 * stop. */
static bool add_folds(struct derive_node *node, uint32_t root, struct ever_slice folds,
                      struct ever_slice *sum)
{
    const struct aggregate *aggregate = node->own;
    struct text *joins = node->flow->program->joins;
    if (sum->size == 0) {
        *sum = folds;
        return true;
    }
    struct text *joined = sum->data == joins[0].data ? &joins[1] : &joins[0];
    text_clear(joined);
    if (!folds_join(&aggregate->folds, node, root, state_reader(*sum), state_reader(folds),
                    joined)) {
        return false;
    }
    *sum = text_slice(joined);
    return true;
}

static void put_item(struct text *out, int64_t time_us, struct ever_slice folds)
{
    state_put_i64(out, time_us);
    state_put_bytes(out, folds);
}

/* Writes the state with the item in it and without those that are over, and sums what lies in the
 * item's window. Takes time with the number of items in the state. False after a stop. */
static bool slide(struct derive_node *node, const struct derive_item *item,
                  struct ever_slice before, struct ever_slice alone, struct text *out,
                  struct ever_slice *out_sum, int64_t *out_newest_us)
{
    const struct aggregate *aggregate = node->own;
    int64_t closed_us = node_watermark_before(node, item->root);
    int64_t over_us = closed_us == NO_TIME ? NO_TIME : closed_us - aggregate->size_us;
    bool placed = false;
    for (struct state_reader reader = state_reader(before); !state_at_end(&reader) || !placed;) {
        struct state_reader peek = reader;
        bool mine = state_at_end(&peek) || (!placed && state_get_i64(&peek) > item->time_us);
        int64_t time_us = mine ? item->time_us : state_get_i64(&reader);
        struct ever_slice folds = mine ? alone : state_get_bytes(&reader);
        placed = placed || mine;
        if (time_us > over_us || mine) {
            put_item(out, time_us, folds);
        }
        if (time_us <= item->time_us && time_us > item->time_us - aggregate->size_us &&
            !add_folds(node, item->root, folds, out_sum)) {
            return false;
        }
        *out_newest_us = time_us; /* they are in order */
    }
    return true;
}

void sliding_each(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    int64_t start_us = item->time_us - aggregate->size_us;
    if (item->time_us < node_watermark_before(node, item->root)) {
        node_late(node, item, start_us, item->time_us);
        return;
    }
    struct ever_slice alone = fold_alone(node, item);
    if (alone.size == 0) {
        return;
    }
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice before = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    struct text *state = &node->flow->program->state;
    struct window_result result = {
        .root = item->root,
        .key = item_key(item),
        .start_us = start_us,
        .end_us = item->time_us,
        .time_us = item->time_us,
    };
    int64_t newest_us;
    text_clear(state);
    if (slide(node, item, before, alone, state, &result.folds, &newest_us) &&
        node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                       newest_us + aggregate->size_us)) {
        window_give(node, &result);
    }
}

int64_t sliding_due(const struct derive_node *node, struct ever_slice state)
{
    int64_t newest_us = NO_TIME;
    for (struct state_reader reader = state_reader(state); !state_at_end(&reader);) {
        newest_us = state_get_i64(&reader); /* the last one is the newest */
        (void)state_get_bytes(&reader);
    }
    return newest_us + ((const struct aggregate *)node->own)->size_us;
}

/* --- Count: a result for every so many items of a key ----------------------------------------- */

void count_window_each(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    struct text *state = &node->flow->program->state;
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    bool fresh = place.entry == NULL;
    struct state_reader before = state_reader(fresh ? SLICE_NONE : table_state(place.entry));
    uint64_t count = fresh ? 0 : state_get_u64(&before);
    int64_t start_us = fresh ? item->time_us : state_get_i64(&before);
    int64_t end_us = fresh ? item->time_us : state_get_i64(&before);
    start_us = item->time_us < start_us ? item->time_us : start_us;
    end_us = item->time_us > end_us ? item->time_us : end_us;
    text_clear(state);
    state_put_u64(state, count + 1);
    state_put_i64(state, start_us);
    state_put_i64(state, end_us);
    size_t head = state->size;
    if (!folds_step(&aggregate->folds, node, item, before, state)) {
        return;
    }
    bool full = count + 1 == aggregate->size;
    struct window_result result = {
        .root = item->root,
        .key = item_key(item),
        .start_us = start_us,
        .end_us = end_us,
        .time_us = item->time_us,
        .rev = count + 1,
        .final = full,
    };
    if (!full && !node_set_state(node, item->root, place, item_key(item), item->hash,
                                 text_slice(state), NO_TIME)) {
        return;
    }
    if (full && !fresh) {
        table_remove(&node->table, place, item->hash);
    }
    if (full || aggregate->updates) {
        result.folds = slice_from(text_slice(state), head);
        window_give(node, &result);
    }
}
