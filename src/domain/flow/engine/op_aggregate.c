/* op_aggregate.c - `aggregate` without a window: a running fold for each key, one result per item.
 */
#include "domain/flow/engine/aggregate_priv.h"
#include "domain/flow/engine/kinds_priv.h"

static bool is_taken(const struct derive_folds *folds, uint32_t index)
{
    static const char *const own[] = {"key", "start", "end", "rev", "final"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (slice_is(folds->names[index], own[i])) {
            return true;
        }
    }
    for (uint32_t i = 0; i < index; i++) {
        if (slice_equal(folds->names[i], folds->names[index])) {
            return true;
        }
    }
    return false;
}

static void make_shape(struct derive_parse *parse, struct aggregate *aggregate)
{
    uint32_t count = 0;
    struct ever_slice *names = parse_alloc(parse, (aggregate->folds.count + 5) * sizeof names[0]);
    names[count++] = SLICE_LITERAL("key");
    if (aggregate->window != WINDOW_NONE) {
        names[count++] = SLICE_LITERAL("start");
        names[count++] = SLICE_LITERAL("end");
    }
    if (aggregate->updates) {
        names[count++] = SLICE_LITERAL("rev");
        names[count++] = SLICE_LITERAL("final");
    }
    aggregate->first_fold = count;
    for (uint32_t i = 0; i < aggregate->folds.count; i++) {
        names[count++] = aggregate->folds.names[i];
    }
    aggregate->shape = value_make_shape(names, count, &parse->program->arena);
}

static void parse_aggregate(struct derive_parse *parse, struct derive_node *node)
{
    struct aggregate *aggregate = parse_alloc(parse, sizeof *aggregate);
    struct json_value json = node->graph->json;
    struct json_value folds;
    size_t faults = parse->faults;
    node->own = aggregate;
    if (!json_member(json, SLICE_LITERAL("folds"), &folds) || folds.kind != JSON_ARRAY) {
        parse_fault(parse, node, "aggregate needs folds, as in .aggregate({ n: count() })");
        return;
    }
    folds_parse(parse, node, folds, &aggregate->folds);
    for (uint32_t i = 0; i < aggregate->folds.count && faults == parse->faults; i++) {
        if (is_taken(&aggregate->folds, i)) {
            parse_fault(parse, node, "the name '%.*s' is taken; give the fold another one",
                        SLICE_PRINT(aggregate->folds.names[i]));
        }
    }
    aggregate->updates = slice_is(parse_text(parse, json, "mode"), "updates");
    window_parse(parse, node, aggregate);
    make_shape(parse, aggregate);
}

struct derive_row *aggregate_row(const struct derive_node *node, struct ever_slice key)
{
    const struct aggregate *aggregate = node->own;
    struct derive_row *row = value_make_row(aggregate->shape, node_arena(node));
    row->cells[0] = node_key_value(node, key);
    return row;
}

static void each_running(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    struct text *state = &node->flow->program->state;
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice before = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    text_clear(state);
    if (!folds_step(&aggregate->folds, node, item, state_reader(before), state) ||
        !node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                        NO_TIME)) {
        return;
    }
    struct derive_row *row = aggregate_row(node, item_key(item));
    folds_results(&aggregate->folds, node, state_reader(text_slice(state)),
                  &row->cells[aggregate->first_fold]);
    struct derive_item made = *item;
    made.value = value_of_row(row);
    node_give(node, &made);
}

static void each_aggregate(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    const struct aggregate *aggregate = node->own;
    if (aggregate->window == WINDOW_NONE) {
        each_running(node, item);
    } else {
        window_each(node, item);
    }
}

const struct derive_kind kind_aggregate = {
    .op = "aggregate",
    .inputs_least = 1,
    .inputs_most = 1,
    .has_state = true,
    .parse = parse_aggregate,
    .each = each_aggregate,
    .fire = window_fire,
    .due = window_due,
};
