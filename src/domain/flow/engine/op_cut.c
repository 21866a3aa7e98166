/* op_cut.c - operators that let an item pass or not, by what passed before it with its key: take,
 * skip, distinctUntilChanged, distinct, and startWith, which adds items. */
#include "domain/flow/engine/kept_priv.h"
#include "domain/flow/engine/kinds_priv.h"
#include "domain/flow/engine/start_priv.h"

static struct table_place find(const struct derive_node *node, const struct derive_item *item)
{
    return table_find(&node->table, item_key(item), item->hash);
}

static bool set(struct derive_node *node, const struct derive_item *item, struct table_place place,
                struct ever_slice state)
{
    return node_set_state(node, item->root, place, item_key(item), item->hash, state, NO_TIME);
}

/* --- take and skip ---------------------------------------------------------------------------- */

#define COUNT_MAX INT64_C(1000000000)

static void parse_count(struct derive_parse *parse, struct derive_node *node)
{
    uint64_t *count = parse_alloc(parse, sizeof *count);
    *count = (uint64_t)parse_whole(parse, node, node->graph->json, "count", 0, COUNT_MAX, 1);
    node->own = count;
}

/* True while fewer than `count` items of the key were counted; counts this one. */
static bool count_below(struct derive_node *node, const struct derive_item *item, bool *out_fine)
{
    uint64_t limit = *(const uint64_t *)node->own;
    *out_fine = true;
    if (limit == 0) {
        return false;
    }
    struct table_place place = find(node, item);
    uint64_t seen = 0;
    if (place.entry != NULL) {
        struct state_reader reader = state_reader(table_state(place.entry));
        seen = state_get_u64(&reader);
    }
    if (seen == limit) {
        return false;
    }
    struct text *state = &node->flow->program->state;
    text_clear(state);
    state_put_u64(state, seen + 1);
    *out_fine = set(node, item, place, text_slice(state));
    return true;
}

static void each_take(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    bool fine;
    if (count_below(node, item, &fine) && fine) {
        node_give(node, item);
    }
}

static void each_skip(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    bool fine;
    if (!count_below(node, item, &fine)) {
        node_give(node, item);
    }
}

/* --- distinctUntilChanged --------------------------------------------------------------------- */

static void parse_distinct_path(struct derive_parse *parse, struct derive_node *node)
{
    (void)parse_path_member(parse, node, "path"); /* it is node->paths[0], or the whole value */
    node->takes_whole = node->path_count == 0;
}

/* The text that is the same for equal items; false after a failure. */
static bool distinct_text(struct derive_node *node, const struct derive_item *item,
                          struct ever_slice *out_text)
{
    struct derive_value value = item->value;
    if (node->path_count > 0) {
        value = node_get(node, node->paths[0], item);
        if (value.kind == VALUE_MISSING) {
            node_fail(node, item->root, "there is no %.*s, by which items are told apart",
                      SLICE_PRINT(node->paths[0]->text));
            return false;
        }
    }
    *out_text = node_canonical(node, &value, item->time_us);
    return true;
}

static void each_changed(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    struct ever_slice text;
    if (!distinct_text(node, item, &text)) {
        return;
    }
    struct table_place place = find(node, item);
    if (place.entry != NULL && slice_equal(table_state(place.entry), text)) {
        return;
    }
    if (set(node, item, place, text)) {
        node_give(node, item);
    }
}

/* --- distinct --------------------------------------------------------------------------------- */

static void parse_distinct(struct derive_parse *parse, struct derive_node *node)
{
    int64_t *ttl_us = parse_alloc(parse, sizeof *ttl_us); /* 0: for ever */
    *ttl_us = parse_whole(parse, node, node->graph->json, "ttl", 1, GRAPH_MS_MAX, 0) * 1000;
    node->own = ttl_us;
    parse_distinct_path(parse, node);
}

static int64_t seen_us(struct ever_slice state)
{
    struct state_reader reader = state_reader(state);
    return state_get_i64(&reader);
}

/* With a ttl an item is a repeat when it is less than that behind the first one of its kind. One
 * that comes so late that the first may have been forgotten goes to the late side. */
static void each_distinct(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    int64_t ttl_us = *(const int64_t *)node->own;
    struct ever_slice text;
    if (!distinct_text(node, item, &text)) {
        return;
    }
    const struct ever_slice parts[] = {item->key_size > 0 ? item_key(item) : SLICE_LITERAL("[]"),
                                       text};
    struct derive_value both = kept_array(node, parts, 2);
    struct ever_slice key = slice_of(both.text, both.size);
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    bool repeats = place.entry != NULL &&
                   (ttl_us == 0 || item->time_us < seen_us(table_state(place.entry)) + ttl_us);
    if (repeats) {
        return;
    }
    if (ttl_us > 0 && item->time_us < node_watermark_before(node, item->root)) {
        node_late(node, item, item->time_us, item->time_us + ttl_us);
        return;
    }
    struct text *state = &node->flow->program->state;
    text_clear(state);
    state_put_i64(state, ttl_us == 0 ? 0 : item->time_us);
    if (node_set_state(node, item->root, place, key, hash, text_slice(state),
                       ttl_us == 0 ? NO_TIME : item->time_us + ttl_us)) {
        node_give(node, item);
    }
}

static bool due_distinct(const struct derive_node *node, struct ever_slice key,
                         struct ever_slice state, int64_t *out_due_us)
{
    (void)key; /* the time is enough */
    int64_t ttl_us = *(const int64_t *)node->own;
    *out_due_us = seen_us(state) + ttl_us;
    return ttl_us > 0;
}

/* --- startWith -------------------------------------------------------------------------------- */

struct start {
    struct derive_value *values;
    size_t count;
};

static void parse_start(struct derive_parse *parse, struct derive_node *node)
{
    struct start *start = parse_alloc(parse, sizeof *start);
    struct json_value values;
    node->own = start;
    if (!json_member(node->graph->json, SLICE_LITERAL("values"), &values) ||
        values.kind != JSON_ARRAY) {
        parse_fault(parse, node, "startWith needs a list of values");
        return;
    }
    start->values = parse_alloc(parse, values.text.size * sizeof start->values[0]);
    for (struct json_iter i = json_iter(values); json_next(&i);) {
        start->values[start->count++] = value_of_json(i.value.text);
    }
}

/* Nothing happens without an event: the values come in front of the first item of a key. */
static void each_start(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    const struct start *start = node->own;
    struct table_place place = find(node, item);
    if (place.entry == NULL) {
        if (!set(node, item, place, SLICE_NONE)) {
            return;
        }
        for (size_t i = 0; i < start->count; i++) {
            struct derive_item first = *item;
            first.value = start->values[i];
            node_give(node, &first);
        }
    }
    node_give(node, item);
}

const struct derive_value *start_value(const struct derive_node *node)
{
    if (node->kind != &kind_start_with) {
        return NULL;
    }
    const struct start *start = node->own;
    return start->count == 0 ? NULL : &start->values[start->count - 1];
}

/* --- The kinds -------------------------------------------------------------------------------- */

const struct derive_kind kind_take = {
    .op = "take",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_count,
    .each = each_take,
};
const struct derive_kind kind_skip = {
    .op = "skip",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_count,
    .each = each_skip,
};
const struct derive_kind kind_changed = {
    .op = "distinctUntilChanged",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_distinct_path,
    .each = each_changed,
};
const struct derive_kind kind_distinct = {
    .op = "distinct",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_distinct,
    .each = each_distinct,
    .fire = node_forget,
    .due = due_distinct,
};
const struct derive_kind kind_start_with = {
    .op = "startWith",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .has_state = true,
    .parse = parse_start,
    .each = each_start,
};
