/* op_combine.c - merge, combineLatest, withLatestFrom. The last two give what they give once all
 * items of a root are there: no result mixes old and new values of the same root. */
#include "domain/flow/engine/kept_priv.h"
#include "domain/flow/engine/kinds_priv.h"
#include "domain/flow/engine/start_priv.h"

#include "base/mem.h"

/* Items of the root that is running: what a node gives at the root's end. */
static void remember(struct derive_node *node, const struct derive_item *item)
{
    struct derive_list *list = &node->waiting;
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 8;
        list->items = mem_grow(list->items, list->capacity * sizeof list->items[0]);
    }
    list->items[list->count++] = *item;
}

/* --- merge ------------------------------------------------------------------------------------ */

static void each_merge(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* all are alike */
    node_give(node, item);
}

/* --- The latest values of a key's inputs ------------------------------------------------------ */

static void parse_combine(struct derive_parse *parse, struct derive_node *node)
{
    (void)parse; /* it has nothing but inputs */
    node->takes_whole = true;
}

static struct ever_slice *no_texts(const struct derive_node *node)
{
    struct ever_slice *texts = arena_alloc(node_arena(node), node->input_count * sizeof texts[0]);
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct derive_value *start = start_value(node->inputs[i]);
        texts[i] = start == NULL ? SLICE_NONE : node_json(node, start, 0);
    }
    return texts;
}

/* For each input its latest value's JSON, empty while there is none. Lent from the table. */
static struct ever_slice *read_latest(const struct derive_node *node, struct ever_slice key,
                                      uint64_t hash, struct table_place *out_place)
{
    struct ever_slice *texts = no_texts(node);
    *out_place = table_find(&node->table, key, hash);
    if (out_place->entry != NULL) {
        struct state_reader reader = state_reader(table_state(out_place->entry));
        for (uint32_t i = 0; i < node->input_count; i++) {
            struct ever_slice text = state_get_bytes(&reader);
            texts[i] = text.size == 0 ? texts[i] : text;
        }
    }
    return texts;
}

/* False after a stop. */
static bool set_latest(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    struct table_place place;
    struct ever_slice *texts = read_latest(node, item_key(item), item->hash, &place);
    texts[input] = node_json(node, &item->value, item->time_us);
    struct text *state = &node->flow->program->state;
    text_clear(state);
    for (uint32_t i = 0; i < node->input_count; i++) {
        state_put_bytes(state, texts[i]);
    }
    return node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                          NO_TIME);
}

static bool all_there(const struct derive_node *node, const struct ever_slice *texts)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (texts[i].size == 0) {
            return false;
        }
    }
    return true;
}

static void give_array(struct derive_node *node, const struct derive_item *item,
                       const struct ever_slice *texts)
{
    struct derive_item made = *item;
    made.value = kept_array(node, texts, node->input_count);
    node_give(node, &made);
}

/* --- combineLatest ---------------------------------------------------------------------------- */

static void each_combine(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    if (!set_latest(node, input, item)) {
        return;
    }
    for (size_t i = 0; i < node->waiting.count; i++) {
        struct derive_item *touched = &node->waiting.items[i];
        if (slice_equal(item_key(touched), item_key(item))) {
            touched->time_us = item->time_us > touched->time_us ? item->time_us : touched->time_us;
            return;
        }
    }
    remember(node, item);
}

static void end_combine(struct derive_node *node, uint32_t root)
{
    (void)root; /* it is that of what waits */
    for (size_t i = 0; i < node->waiting.count; i++) {
        const struct derive_item *item = &node->waiting.items[i];
        struct table_place place;
        struct ever_slice *texts = read_latest(node, item_key(item), item->hash, &place);
        if (all_there(node, texts)) {
            give_array(node, item, texts);
        }
    }
}

/* --- withLatestFrom: inputs[0], with the latest of the others --------------------------------- */

/* An input that is not keyed has one latest value for all keys. */
static struct derive_item keyless(const struct derive_node *node, const struct derive_item *item)
{
    struct derive_item plain = *item;
    plain.key = NULL;
    plain.key_size = 0;
    plain.hash = node->flow->program->no_key_hash;
    return plain;
}

static void each_with_latest(struct derive_node *node, uint32_t input,
                             const struct derive_item *item)
{
    if (input == 0) {
        remember(node, item);
    } else {
        (void)set_latest(node, input, item); /* a stop is noted */
    }
}

static void end_with_latest(struct derive_node *node, uint32_t root)
{
    (void)root; /* it is that of what waits */
    for (size_t i = 0; i < node->waiting.count; i++) {
        const struct derive_item *item = &node->waiting.items[i];
        struct derive_item plain = keyless(node, item);
        struct table_place place;
        struct ever_slice *texts = read_latest(node, item_key(item), item->hash, &place);
        struct ever_slice *common = read_latest(node, item_key(&plain), plain.hash, &place);
        texts[0] = node_json(node, &item->value, item->time_us);
        for (uint32_t j = 1; j < node->input_count; j++) {
            texts[j] = node->inputs[j]->key_paths == 0 ? common[j] : texts[j];
        }
        if (all_there(node, texts)) {
            give_array(node, item, texts);
        }
    }
}

/* --- The kinds -------------------------------------------------------------------------------- */

const struct derive_kind kind_merge = {
    .op = "merge",
    .inputs_least = 1,
    .inputs_most = INPUTS_MAX,
    .keys = KEYS_ALIKE,
    .passes_values = true,
    .each = each_merge,
};
const struct derive_kind kind_combine_latest = {
    .op = "combineLatest",
    .inputs_least = 1,
    .inputs_most = INPUTS_MAX,
    .keys = KEYS_ALIKE,
    .has_state = true,
    .parse = parse_combine,
    .each = each_combine,
    .root_end = end_combine,
};
const struct derive_kind kind_with_latest_from = {
    .op = "withLatestFrom",
    .inputs_least = 2,
    .inputs_most = INPUTS_MAX,
    .keys = KEYS_OF_FIRST,
    .has_state = true,
    .parse = parse_combine,
    .each = each_with_latest,
    .root_end = end_with_latest,
};
