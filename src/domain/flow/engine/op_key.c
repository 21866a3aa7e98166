/* op_key.c - `keyBy`: from here on each key has its own state. */
#include "domain/flow/engine/kinds_priv.h"

static void parse_key_by(struct derive_parse *parse, struct derive_node *node)
{
    struct json_value paths;
    if (!json_member(node->graph->json, SLICE_LITERAL("paths"), &paths) ||
        paths.kind != JSON_ARRAY) {
        parse_fault(parse, node, "keyBy needs a list of paths");
        return;
    }
    node->key_paths = 0;
    for (struct json_iter i = json_iter(paths); json_next(&i); node->key_paths++) {
        if (i.value.kind != JSON_STRING) {
            parse_fault(parse, node, "keyBy needs a list of paths");
            return;
        }
        (void)parse_path(parse, node, json_string(i.value, &parse->program->arena)); /* reported */
    }
    if (node->key_paths == 0) {
        parse_fault(parse, node, "keyBy needs at least one path");
    }
}

static void each_key_by(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    struct text *key = &node->flow->program->text;
    text_clear(key);
    for (uint32_t i = 0; i < node->path_count; i++) {
        struct derive_value value = node_get(node, node->paths[i], item);
        if (value.kind == VALUE_MISSING) {
            node_fail(node, item->root,
                      "there is no %.*s, which is the key; choose events that have it, as in "
                      ".where({ '%.*s': { exists: true } })",
                      SLICE_PRINT(node->paths[i]->text), SLICE_PRINT(node->paths[i]->text));
            return;
        }
        text_add_byte(key, i == 0 ? '[' : ',');
        value_write_canonical(key, &value, item->time_us);
    }
    text_add_byte(key, ']');
    struct ever_slice kept = arena_copy(node_arena(node), text_slice(key));
    struct derive_item keyed = *item;
    keyed.key = kept.data;
    keyed.key_size = (uint32_t)kept.size;
    keyed.hash = table_hash(kept);
    node_give(node, &keyed);
}

const struct derive_kind kind_key_by = {
    .op = "keyBy",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .parse = parse_key_by,
    .each = each_key_by,
};
