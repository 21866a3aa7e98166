/* op_last.c - operators that give arrays of the last items of a key: pairwise, bufferCount,
 * slidingWindow. */
#include "domain/flow/engine/kept_priv.h"
#include "domain/flow/engine/kinds_priv.h"

#define SIZE_MAX_ITEMS 100000

struct last {
    uint64_t size;  /* of an array */
    uint64_t least; /* given from so many items on */
    uint64_t every; /* given for every so many items */
};

static void parse_pairwise(struct derive_parse *parse, struct derive_node *node)
{
    struct last *last = parse_alloc(parse, sizeof *last);
    *last = (struct last){.size = 2, .least = 2, .every = 1};
    node->own = last;
    node->takes_whole = true;
}

static void parse_buffer(struct derive_parse *parse, struct derive_node *node)
{
    struct last *last = parse_alloc(parse, sizeof *last);
    struct json_value json = node->graph->json;
    int64_t size = parse_whole(parse, node, json, "size", 1, SIZE_MAX_ITEMS, 1);
    last->size = (uint64_t)size;
    last->least = last->size;
    last->every = (uint64_t)parse_whole(parse, node, json, "every", 1, SIZE_MAX_ITEMS, size);
    node->own = last;
    node->takes_whole = true;
}

static void parse_sliding(struct derive_parse *parse, struct derive_node *node)
{
    struct last *last = parse_alloc(parse, sizeof *last);
    struct json_value json = node->graph->json;
    last->size = (uint64_t)parse_whole(parse, node, json, "size", 1, SIZE_MAX_ITEMS, 1);
    last->least = (uint64_t)parse_whole(parse, node, json, "min", 0, SIZE_MAX_ITEMS, 0);
    last->every = 1;
    node->own = last;
    node->takes_whole = true;
}

/* Item number `count` (from 1) ends an array. Arrays begin at the items 1, 1 + every, ... */
static bool ends_array(const struct last *last, uint64_t count)
{
    if (count < last->least) {
        return false;
    }
    return last->every == 1 || (count - last->size) % last->every == 0;
}

/* Whether the item that is number `count` will be in an array that ends later. */
static bool is_wanted(const struct last *last, uint64_t count)
{
    return last->every <= last->size || (count - 1) % last->every < last->size;
}

/* State: how many items there were, then the texts of the last up to size - 1. */
static void each_last(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    const struct last *last = node->own;
    struct arena *arena = node_arena(node);
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice before = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    struct state_reader reader = state_reader(before);
    uint64_t count = state_at_end(&reader) ? 1 : state_get_u64(&reader) + 1;
    uint64_t room = count < last->size ? count : last->size;
    struct ever_slice *texts = arena_alloc(arena, room * sizeof texts[0]);
    uint64_t held = 0;
    while (!state_at_end(&reader)) {
        texts[held++] = arena_copy(arena, state_get_bytes(&reader)); /* the state goes */
    }
    if (is_wanted(last, count)) {
        texts[held++] = node_json(node, &item->value, item->time_us);
    }
    struct text *state = &node->flow->program->state;
    text_clear(state);
    state_put_u64(state, count);
    bool ends = ends_array(last, count);
    uint64_t first = held == last->size ? 1 : 0;
    first = ends && last->every >= last->size ? held : first; /* nothing is in the next one */
    for (uint64_t i = first; i < held; i++) {
        state_put_bytes(state, texts[i]);
    }
    if (!node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                        NO_TIME) ||
        !ends) {
        return;
    }
    struct derive_item made = *item;
    made.value = kept_array(node, texts, held);
    node_give(node, &made);
}

const struct derive_kind kind_pairwise = {
    .op = "pairwise",
    .inputs_least = 1,
    .inputs_most = 1,
    .has_state = true,
    .parse = parse_pairwise,
    .each = each_last,
};
const struct derive_kind kind_buffer_count = {
    .op = "bufferCount",
    .inputs_least = 1,
    .inputs_most = 1,
    .has_state = true,
    .parse = parse_buffer,
    .each = each_last,
};
const struct derive_kind kind_sliding_window = {
    .op = "slidingWindow",
    .inputs_least = 1,
    .inputs_most = 1,
    .has_state = true,
    .parse = parse_sliding,
    .each = each_last,
};
