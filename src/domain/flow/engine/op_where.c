/* op_where.c - `where`: a predicate over paths. What is missing compares with nothing. */
#include "domain/flow/engine/kinds_priv.h"

enum predicate_kind { ALL, ANY, NOT, COMPARE };
enum comparison { EQ, NE, GT, GTE, LT, LTE, IN, STARTS_WITH, EXISTS };

struct predicate {
    enum predicate_kind kind;
    struct predicate *parts; /* of ALL and ANY; of NOT one */
    uint32_t part_count;
    enum comparison comparison;
    struct derive_path *path;
    struct derive_value value;
    struct derive_value *choices; /* of IN */
    uint32_t choice_count;
};

/* --- Parsing ---------------------------------------------------------------------------------- */

static void parse_predicate(struct derive_parse *parse, struct derive_node *node,
                            struct json_value json, struct predicate *out);

static void parse_parts(struct derive_parse *parse, struct derive_node *node,
                        struct json_value list, struct predicate *out)
{
    if (list.kind != JSON_ARRAY) {
        parse_fault(parse, node, "\"all\" and \"any\" take a list of conditions");
        return;
    }
    out->parts = parse_alloc(parse, list.text.size * sizeof out->parts[0]);
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        parse_predicate(parse, node, i.value, &out->parts[out->part_count++]);
    }
}

static bool parse_comparison(struct ever_slice name, enum comparison *out)
{
    static const char *const names[] = {"eq",  "ne", "gt",         "gte",   "lt",
                                        "lte", "in", "startsWith", "exists"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_is(name, names[i])) {
            *out = (enum comparison)i;
            return true;
        }
    }
    return false;
}

static void parse_choices(struct derive_parse *parse, struct json_value list, struct predicate *out)
{
    out->choices = parse_alloc(parse, list.text.size * sizeof out->choices[0]);
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        out->choices[out->choice_count++] = value_parsed(value_of_json(i.value.text));
    }
}

static void parse_compare(struct derive_parse *parse, struct derive_node *node,
                          struct json_value json, struct predicate *out)
{
    struct json_value path;
    struct json_value value;
    struct ever_slice name = parse_text(parse, json, "cmp");
    bool complete = json_member(json, SLICE_LITERAL("path"), &path) && path.kind == JSON_STRING &&
                    json_member(json, SLICE_LITERAL("value"), &value);
    if (!complete || !parse_comparison(name, &out->comparison)) {
        parse_fault(parse, node,
                    "a condition is {path, cmp, value} with cmp one of eq, ne, gt, gte, lt, lte, "
                    "in, startsWith and exists");
        return;
    }
    out->kind = COMPARE;
    out->path = parse_path(parse, node, json_string(path, &parse->program->arena));
    out->value = value_parsed(value_of_json(value.text));
    if (out->comparison == IN && value.kind != JSON_ARRAY) {
        parse_fault(parse, node, "\"in\" takes a list of values");
    } else if (out->comparison == IN) {
        parse_choices(parse, value, out);
    } else if (out->comparison == STARTS_WITH && value.kind != JSON_STRING) {
        parse_fault(parse, node, "\"startsWith\" takes a text");
    }
}

static void parse_predicate(struct derive_parse *parse, struct derive_node *node,
                            struct json_value json, struct predicate *out)
{
    struct json_value part;
    if (json_member(json, SLICE_LITERAL("all"), &part)) {
        out->kind = ALL;
        parse_parts(parse, node, part, out);
    } else if (json_member(json, SLICE_LITERAL("any"), &part)) {
        out->kind = ANY;
        parse_parts(parse, node, part, out);
    } else if (json_member(json, SLICE_LITERAL("not"), &part)) {
        out->kind = NOT;
        out->part_count = 1;
        out->parts = parse_alloc(parse, sizeof out->parts[0]);
        parse_predicate(parse, node, part, out->parts);
    } else {
        parse_compare(parse, node, json, out);
    }
}

static void parse_where(struct derive_parse *parse, struct derive_node *node)
{
    struct json_value json;
    node->own = parse_alloc(parse, sizeof(struct predicate));
    if (!json_member(node->graph->json, SLICE_LITERAL("where"), &json)) {
        parse_fault(parse, node, "where needs a condition");
        return;
    }
    parse_predicate(parse, node, json, node->own);
}

/* --- Running ---------------------------------------------------------------------------------- */

static bool is_in(const struct predicate *predicate, const struct derive_value *value,
                  struct arena *arena)
{
    for (uint32_t i = 0; i < predicate->choice_count; i++) {
        if (value_compare(value, &predicate->choices[i], arena) == VALUE_EQUAL) {
            return true;
        }
    }
    return false;
}

static bool compare(const struct predicate *predicate, const struct derive_value *value,
                    struct arena *arena)
{
    bool exists = value->kind != VALUE_MISSING;
    if (predicate->comparison == EXISTS) {
        return exists == (predicate->value.kind == VALUE_TRUE);
    }
    if (!exists) {
        return predicate->comparison == NE;
    }
    if (predicate->comparison == IN) {
        return is_in(predicate, value, arena);
    }
    if (predicate->comparison == STARTS_WITH) {
        bool text = value->kind == VALUE_STRING || value->kind == VALUE_TIME;
        return text && slice_starts_with(value_string(value, arena),
                                         value_string(&predicate->value, arena));
    }
    static const unsigned char accepted[] = {
        [EQ] = 1u << VALUE_EQUAL,
        [NE] = 1u << VALUE_LESS | 1u << VALUE_GREATER | 1u << VALUE_DIFFERENT,
        [GT] = 1u << VALUE_GREATER,
        [GTE] = 1u << VALUE_GREATER | 1u << VALUE_EQUAL,
        [LT] = 1u << VALUE_LESS,
        [LTE] = 1u << VALUE_LESS | 1u << VALUE_EQUAL,
    };
    enum value_order order = value_compare(value, &predicate->value, arena);
    return (accepted[predicate->comparison] >> order & 1) != 0;
}

static bool holds(const struct predicate *predicate, const struct derive_node *node,
                  const struct derive_item *item)
{
    if (predicate->kind == COMPARE) {
        struct derive_value value = node_get(node, predicate->path, item);
        return compare(predicate, &value, node_arena(node));
    }
    if (predicate->kind == NOT) {
        return !holds(predicate->parts, node, item);
    }
    bool any = predicate->kind == ANY;
    for (uint32_t i = 0; i < predicate->part_count; i++) {
        if (holds(&predicate->parts[i], node, item) == any) {
            return any;
        }
    }
    return !any;
}

static void each_where(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    if (holds(node->own, node, item)) {
        node_give(node, item);
    }
}

const struct derive_kind kind_where = {
    .op = "where",
    .inputs_least = 1,
    .inputs_most = 1,
    .passes_values = true,
    .parse = parse_where,
    .each = each_where,
};
