/* fold.c - sets of folds, and the table of their kinds. */
#include "domain/flow/engine/fold_kinds_priv.h"

#define COLLECT_MAX 100000
#define TOP_MAX 1000

struct ever_slice fold_path_text(const struct derive_fold *fold)
{
    return fold->path == NULL ? SLICE_LITERAL("the value") : fold->path->text;
}

struct ever_slice fold_step_json(const struct fold_step *step)
{
    return node_json(step->node, &step->value, step->time_us);
}

struct derive_value fold_kept_json(struct derive_node *node, struct ever_slice json)
{
    return value_of_json(arena_copy(node_arena(node), json));
}
/* --- The table -------------------------------------------------------------------------------- */

static const struct fold_kind *const kinds[] = {
    &fold_count,  &fold_sum, &fold_avg,   &fold_min,    &fold_max,      &fold_min_by,
    &fold_max_by, &fold_top, &fold_first, &fold_latest, &fold_distinct, &fold_collect,
};

static const struct fold_kind *find_kind(struct ever_slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_is(name, kinds[i]->name)) {
            return kinds[i];
        }
    }
    return NULL;
}

static void parse_fold(struct derive_parse *parse, struct derive_node *node, struct json_value json,
                       struct derive_fold *out)
{
    struct ever_slice name = parse_text(parse, json, "fold");
    struct json_value path;
    out->kind = find_kind(name);
    if (out->kind == NULL) {
        parse_fault(parse, node, "there is no fold '%.*s'", SLICE_PRINT(name));
        return;
    }
    if (json_member(json, SLICE_LITERAL("path"), &path) && path.kind == JSON_STRING) {
        out->path = parse_path(parse, node, json_string(path, &parse->program->arena));
    } else if (out->kind->needs_path) {
        parse_fault(parse, node, "%s needs a path, as in %s('data.amount')", out->kind->name,
                    out->kind->name);
    }
    node->takes_whole = node->takes_whole ||
                        (out->kind->keeps_item && (out->path == NULL || out->kind->needs_path));
    out->greatest = out->kind == &fold_max || out->kind == &fold_max_by || out->kind == &fold_top;
    out->latest = out->kind == &fold_latest;
    if (out->kind == &fold_top) {
        out->limit = (uint64_t)parse_whole(parse, node, json, "k", 1, TOP_MAX, 10);
    } else if (out->kind == &fold_collect) {
        out->limit = (uint64_t)parse_whole(parse, node, json, "limit", 1, COLLECT_MAX, 1000);
    }
}

void folds_parse(struct derive_parse *parse, struct derive_node *node, struct json_value json,
                 struct derive_folds *out_folds)
{
    struct derive_folds folds = {0};
    struct ever_slice *names = parse_alloc(parse, json.text.size * sizeof names[0]);
    folds.folds = parse_alloc(parse, json.text.size * sizeof folds.folds[0]);
    folds.names = names;
    for (struct json_iter i = json_iter(json); json_next(&i); folds.count++) {
        struct json_iter pair = {0};
        bool fine = i.value.kind == JSON_ARRAY;
        if (fine) {
            pair = json_iter(i.value);
            fine = json_next(&pair) && pair.value.kind == JSON_STRING;
        }
        if (fine) {
            names[folds.count] = json_string(pair.value, &parse->program->arena);
            fine = json_next(&pair) && pair.value.kind == JSON_OBJECT;
        }
        if (!fine) {
            parse_fault(parse, node, "a fold is [name, {\"fold\": which}]");
            break;
        }
        parse_fold(parse, node, pair.value, &folds.folds[folds.count]);
    }
    *out_folds = folds;
}

/* --- Running ---------------------------------------------------------------------------------- */

static bool step_one(const struct derive_fold *fold, struct fold_step *step, bool fresh,
                     struct state_reader *before, struct text *out)
{
    step->value =
        fold->path == NULL ? step->item->value : node_get(step->node, fold->path, step->item);
    if (step->value.kind == VALUE_MISSING) {
        struct ever_slice path = fold_path_text(fold);
        node_fail(step->node, step->root,
                  "there is no %.*s, which %s needs; choose items that have it, as in "
                  ".where({ '%.*s': { exists: true } })",
                  SLICE_PRINT(path), fold->kind->name, SLICE_PRINT(path));
        return false;
    }
    return fold->kind->step(fold, step, fresh, before, out);
}

bool folds_step(const struct derive_folds *folds, struct derive_node *node,
                const struct derive_item *item, struct state_reader before, struct text *out)
{
    struct fold_step step = {
        .node = node,
        .root = item->root,
        .position = node_root(node, item->root)->position,
        .time_us = item->time_us,
        .item = item,
    };
    bool fresh = state_at_end(&before);
    for (uint32_t i = 0; i < folds->count; i++) {
        if (!step_one(&folds->folds[i], &step, fresh, &before, out)) {
            return false;
        }
    }
    return true;
}

void folds_results(const struct derive_folds *folds, struct derive_node *node,
                   struct state_reader state, struct derive_value *out_results)
{
    for (uint32_t i = 0; i < folds->count; i++) {
        const struct derive_fold *fold = &folds->folds[i];
        out_results[i] = fold->kind->result(fold, node, &state);
    }
    ASSERT(state_at_end(&state));
}

bool folds_join(const struct derive_folds *folds, struct derive_node *node, uint32_t root,
                struct state_reader a, struct state_reader b, struct text *out)
{
    struct fold_step step = {
        .node = node, .root = root, .position = node_root(node, root)->position};
    for (uint32_t i = 0; i < folds->count; i++) {
        if (!folds->folds[i].kind->join(&folds->folds[i], &step, &a, &b, out)) {
            return false;
        }
    }
    return true;
}
