/* op_rate.c - operators on event time: debounceTime, throttleTime, delay. An item whose time is
 * behind the watermark goes to the late side where it could have changed what is decided already.
 */
#include "domain/flow/engine/kept_priv.h"
#include "domain/flow/engine/kinds_priv.h"

static void parse_due(struct derive_parse *parse, struct derive_node *node)
{
    int64_t *due_us = parse_alloc(parse, sizeof *due_us);
    *due_us = parse_whole(parse, node, node->graph->json, "due", 0, GRAPH_MS_MAX, 0) * 1000;
    node->own = due_us;
}

static void parse_later(struct derive_parse *parse, struct derive_node *node)
{
    parse_due(parse, node);
    node->gives_later = true;
    node->takes_whole = true;
}

static int64_t due_of(const struct derive_node *node)
{
    return *(const int64_t *)node->own;
}

/* --- throttleTime: one, then none until `due` has passed -------------------------------------- */

static int64_t passed_us(struct ever_slice state)
{
    struct state_reader reader = state_reader(state);
    return state_get_i64(&reader);
}

static void each_throttle(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    if (place.entry != NULL && item->time_us < passed_us(table_state(place.entry)) + due_of(node)) {
        return;
    }
    if (place.entry == NULL && item->time_us < node_watermark_before(node, item->root)) {
        node_late(node, item, item->time_us, item->time_us + due_of(node));
        return;
    }
    struct text *state = &node->flow->program->state;
    text_clear(state);
    state_put_i64(state, item->time_us);
    if (node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                       item->time_us + due_of(node))) {
        node_give(node, item);
    }
}

static bool due_throttle(const struct derive_node *node, struct ever_slice key,
                         struct ever_slice state, int64_t *out_due_us)
{
    (void)key; /* the time is enough */
    *out_due_us = passed_us(state) + due_of(node);
    return true;
}

/* --- debounceTime: an item that no other follows within `due` --------------------------------- */

/* The state of a key: the items that may still be given, by time, each at least `due` behind the
 * one before it. */

struct waiting {
    struct derive_item *items;
    size_t count;
};

static struct waiting read_waiting(struct ever_slice state, struct arena *arena)
{
    size_t room = 1;
    struct waiting waiting = {0};
    struct state_reader reader = state_reader(state);
    if (!state_at_end(&reader)) {
        room += (size_t)state_get_u64(&reader);
    }
    waiting.items = arena_alloc(arena, room * sizeof waiting.items[0]);
    while (!state_at_end(&reader)) {
        waiting.items[waiting.count++] = kept_get(&reader, arena);
    }
    return waiting;
}

static void write_waiting(struct text *out, const struct waiting *waiting)
{
    text_clear(out);
    state_put_u64(out, waiting->count);
    for (size_t i = 0; i < waiting->count; i++) {
        kept_put(out, &waiting->items[i]);
    }
}

/* False: an item that is there follows it too soon. Takes out the one that it follows too soon. */
static bool add_waiting(struct waiting *waiting, const struct derive_item *item, int64_t due_us)
{
    size_t at = waiting->count;
    while (at > 0 && waiting->items[at - 1].time_us > item->time_us) {
        at--;
    }
    if (at < waiting->count && waiting->items[at].time_us - item->time_us < due_us) {
        return false;
    }
    bool replaces = at > 0 && item->time_us - waiting->items[at - 1].time_us < due_us;
    if (!replaces) {
        memmove(&waiting->items[at + 1], &waiting->items[at],
                (waiting->count - at) * sizeof waiting->items[0]);
        waiting->count++;
    }
    waiting->items[replaces ? at - 1 : at] = *item;
    return true;
}

static void each_debounce(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    int64_t due_us = due_of(node);
    if (item->time_us < node_watermark_before(node, item->root)) {
        node_late(node, item, item->time_us, item->time_us + due_us);
        return;
    }
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice before = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    struct waiting waiting = read_waiting(before, node_arena(node));
    if (!add_waiting(&waiting, item, due_us)) {
        return;
    }
    struct text *state = &node->flow->program->state;
    write_waiting(state, &waiting);
    (void)node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                         waiting.items[0].time_us + due_us); /* a stop is noted */
}

static bool due_debounce(const struct derive_node *node, struct ever_slice key,
                         struct ever_slice state, int64_t *out_due_us)
{
    (void)key; /* the state says when */
    struct state_reader reader = state_reader(state);
    (void)state_get_u64(&reader);                        /* how many wait */
    *out_due_us = state_get_i64(&reader) + due_of(node); /* an item begins with its time */
    return true;
}

/* Gives an item that was kept under `key`, with the time at which it was decided. */
static void give_kept(struct derive_node *node, uint32_t root, struct ever_slice key,
                      struct derive_item item)
{
    item.root = root;
    item.key = key.data;
    item.key_size = (uint32_t)key.size;
    item.hash = table_hash(key);
    item.time_us += due_of(node);
    node_give(node, &item);
}

static void fire_debounce(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    struct ever_slice key = arena_copy(node_arena(node), slice_of(alarm->key, alarm->key_size));
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    struct waiting waiting = read_waiting(table_state(place.entry), node_arena(node));
    give_kept(node, root, key, waiting.items[0]);
    struct waiting left = {waiting.items + 1, waiting.count - 1};
    if (left.count == 0) {
        table_remove(&node->table, place, hash);
        return;
    }
    struct text *state = &node->flow->program->state;
    write_waiting(state, &left);
    (void)node_set_state(node, root, place, key, hash, text_slice(state),
                         left.items[0].time_us + due_of(node)); /* smaller than before: it fits */
}

/* --- delay: each item when `due` has passed --------------------------------------------------- */

/* An entry for each item: its key, its time, its place in the log, and a number among those. */
static struct ever_slice delay_key(const struct derive_node *node, const struct derive_item *item,
                                   uint32_t number)
{
    uint64_t position = node_root(node, item->root)->position;
    uint64_t time = (uint64_t)item->time_us;
    char *bytes = arena_alloc(node_arena(node), item->key_size + 20);
    if (item->key_size > 0) {
        memcpy(bytes, item->key, item->key_size);
    }
    for (unsigned i = 0; i < 8; i++) {
        bytes[item->key_size + i] = (char)(unsigned char)(time >> (56 - 8 * i));
        bytes[item->key_size + 8 + i] = (char)(unsigned char)(position >> (56 - 8 * i));
    }
    for (unsigned i = 0; i < 4; i++) {
        bytes[item->key_size + 16 + i] = (char)(unsigned char)(number >> (24 - 8 * i));
    }
    return slice_of(bytes, item->key_size + 20);
}

static void each_delay(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    struct ever_slice key;
    struct table_place place;
    for (uint32_t number = 0;; number++) { /* few items of a key have the same root and time */
        key = delay_key(node, item, number);
        place = table_find(&node->table, key, table_hash(key));
        if (place.entry == NULL) {
            break;
        }
    }
    struct text *state = &node->flow->program->state;
    text_clear(state);
    kept_put(state, item);
    (void)node_set_state(node, item->root, place, key, table_hash(key), text_slice(state),
                         item->time_us + due_of(node)); /* a stop is noted */
}

static bool due_delay(const struct derive_node *node, struct ever_slice key,
                      struct ever_slice state, int64_t *out_due_us)
{
    (void)key; /* the state says when */
    struct state_reader reader = state_reader(state);
    *out_due_us = state_get_i64(&reader) + due_of(node); /* an item begins with its time */
    return true;
}

static void fire_delay(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    struct ever_slice key = arena_copy(node_arena(node), slice_of(alarm->key, alarm->key_size));
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    struct state_reader reader = state_reader(table_state(place.entry));
    give_kept(node, root, slice_first(key, key.size - 20), kept_get(&reader, node_arena(node)));
    table_remove(&node->table, place, hash);
}

/* --- The kinds -------------------------------------------------------------------------------- */

const struct derive_kind kind_throttle_time = {
    .op = "throttleTime",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_due,
    .each = each_throttle,
    .fire = node_forget,
    .due = due_throttle,
};
const struct derive_kind kind_debounce_time = {
    .op = "debounceTime",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_later,
    .each = each_debounce,
    .fire = fire_debounce,
    .due = due_debounce,
};
const struct derive_kind kind_delay = {
    .op = "delay",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_later,
    .each = each_delay,
    .fire = fire_delay,
    .due = due_delay,
};
