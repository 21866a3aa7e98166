#include "cli/server/view_origins.h"

#include "base/json.h"
#include "base/slice.h"

static bool emit_type(struct json_value node, struct arena *arena, struct ever_slice *out_type)
{
    struct json_value op;
    struct json_value type;
    bool is_emit = json_member(node, SLICE_LITERAL("op"), &op) &&
                   slice_is(json_string(op, arena), "emit") &&
                   json_member(node, SLICE_LITERAL("type"), &type);
    if (is_emit) {
        *out_type = json_string(type, arena);
    }
    return is_emit;
}

static struct view_origin origin_of(const struct flow_info *info, struct arena *arena)
{
    struct json_value nodes;
    struct ever_slice *types = arena_alloc(arena, (info->node_count + 1) * sizeof *types);
    struct view_origin origin = {.stream = slice_of_text(info->stream), .types = types};
    if (json_member(json_value_of(info->graph), SLICE_LITERAL("nodes"), &nodes)) {
        for (struct json_iter i = json_iter(nodes); json_next(&i);) {
            origin.type_count += emit_type(i.value, arena, &types[origin.type_count]);
        }
    }
    return origin;
}

const struct view_origin *view_origins(struct flows *flows, struct arena *arena, size_t *out_count)
{
    size_t count = flows == NULL ? 0 : flows_count(flows);
    struct view_origin *origins = arena_alloc(arena, (count + 1) * sizeof *origins);
    for (size_t i = 0; i < count; i++) {
        origins[i] = origin_of(flow_info(flows_at(flows, i)), arena);
    }
    *out_count = count;
    return origins;
}
