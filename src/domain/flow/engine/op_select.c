/* op_select.c - `select`: an object from paths and constants. */
#include "domain/flow/engine/kinds_priv.h"
#include "domain/flow/engine/select_priv.h"

struct expression {
    struct derive_path *path; /* NULL: the constant */
    struct derive_value constant;
};
struct derive_select {
    struct derive_shape *shape;
    struct expression *expressions; /* as many as the shape has members */
};

static bool parse_expression(struct derive_parse *parse, struct derive_node *node,
                             struct json_value json, struct expression *out)
{
    struct json_value value;
    if (json_member(json, SLICE_LITERAL("path"), &value) && value.kind == JSON_STRING) {
        out->path = parse_path(parse, node, json_string(value, &parse->program->arena));
        return true;
    }
    if (json_member(json, SLICE_LITERAL("value"), &value)) {
        out->constant = value_of_json(value.text);
        return true;
    }
    return false;
}

static bool parse_member(struct derive_parse *parse, struct derive_node *node,
                         struct json_value json, struct ever_slice *out_name,
                         struct expression *out_expression)
{
    if (json.kind != JSON_ARRAY) {
        return false;
    }
    struct json_iter i = json_iter(json);
    if (!json_next(&i) || i.value.kind != JSON_STRING) {
        return false;
    }
    *out_name = json_string(i.value, &parse->program->arena);
    return json_next(&i) && parse_expression(parse, node, i.value, out_expression);
}

static bool stands_twice(const struct ever_slice *names, uint32_t count)
{
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (slice_equal(names[i], names[count - 1])) {
            return true;
        }
    }
    return false;
}

struct derive_select *select_parse(struct derive_parse *parse, struct derive_node *node,
                                   struct json_value json)
{
    struct derive_select *select = parse_alloc(parse, sizeof *select);
    if (json.kind != JSON_ARRAY) {
        parse_fault(parse, node, "\"select\" must be a list of members");
        return select;
    }
    struct ever_slice *names = parse_alloc(parse, json.text.size * sizeof names[0]);
    select->expressions = parse_alloc(parse, json.text.size * sizeof select->expressions[0]);
    uint32_t count = 0;
    for (struct json_iter i = json_iter(json); json_next(&i); count++) {
        if (!parse_member(parse, node, i.value, &names[count], &select->expressions[count])) {
            parse_fault(parse, node,
                        "a member is [name, {\"path\": path}] or [name, {\"value\": JSON}]");
            return select;
        }
        if (stands_twice(names, count + 1)) {
            parse_fault(parse, node, "the member '%.*s' stands twice", SLICE_PRINT(names[count]));
        }
    }
    select->shape = value_make_shape(names, count, &parse->program->arena);
    return select;
}

struct derive_value select_make(const struct derive_select *select, const struct derive_node *node,
                                const struct derive_item *item)
{
    struct derive_row *row = value_make_row(select->shape, node_arena(node));
    for (uint32_t i = 0; i < select->shape->count; i++) {
        const struct expression *expression = &select->expressions[i];
        row->cells[i] = expression->path == NULL ? expression->constant
                                                 : node_get(node, expression->path, item);
        if (row->cells[i].kind == VALUE_EVENT) { /* it has its time from the item around it */
            struct ever_slice json = node_json(node, &row->cells[i], item->time_us);
            row->cells[i] = value_of_json(json);
        }
    }
    return value_of_row(row);
}

static void parse_select(struct derive_parse *parse, struct derive_node *node)
{
    struct json_value json;
    if (!json_member(node->graph->json, SLICE_LITERAL("select"), &json)) {
        parse_fault(parse, node, "select needs members");
        return;
    }
    node->own = select_parse(parse, node, json);
}

static void each_select(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    struct derive_item made = *item;
    made.value = select_make(node->own, node, item);
    node_give(node, &made);
}

const struct derive_kind kind_select = {
    .op = "select",
    .inputs_least = 1,
    .inputs_most = 1,
    .parse = parse_select,
    .each = each_select,
};
