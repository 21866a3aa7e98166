#include "domain/flow/draw_priv.h"

#include "base/assert.h"
#include "base/slice.h"

static struct ever_slice text_of(struct json_value object, const char *name, struct arena *arena)
{
    struct json_value value;
    bool found = json_member(object, slice_of_text(name), &value) && value.kind == JSON_STRING;
    return found ? json_string(value, arena) : SLICE_NONE;
}

static size_t size_of(struct json_value array)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    return count;
}

static bool has(const size_t *numbers, size_t count, size_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* An input that is given twice is one edge. */
static struct ever_err read_inputs(struct json_value json, size_t own, struct arena *arena,
                                   struct draw_node *node)
{
    struct json_value list;
    if (!json_member(json, SLICE_LITERAL("in"), &list)) {
        return ERR_OK;
    }
    if (list.kind != JSON_ARRAY) {
        return FAIL(EVER_INVALID, "the inputs of a node are no array");
    }
    size_t *inputs = arena_alloc(arena, size_of(list) * sizeof *inputs);
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        int64_t input;
        if (i.value.kind != JSON_NUMBER || !json_integer(i.value, &input) || input < 0 ||
            (uint64_t)input >= own) {
            return FAIL(EVER_INVALID, "an input of a node is no number below its own");
        }
        if (!has(inputs, node->input_count, (size_t)input)) {
            inputs[node->input_count++] = (size_t)input;
        }
    }
    node->inputs = inputs;
    return ERR_OK;
}

static struct ever_err read_nodes(struct flow_drawing *drawing, struct json_value list)
{
    struct arena *arena = drawing->arena;
    size_t count = size_of(list);
    if (count == 0 || count > DRAW_NODES_MAX) {
        return FAIL(EVER_INVALID, "a flow to be drawn has 1 to 1000 nodes");
    }
    drawing->nodes = arena_alloc_zero(arena, count * sizeof *drawing->nodes);
    for (struct json_iter i = json_iter(list); json_next(&i); drawing->node_count++) {
        struct draw_node *node = &drawing->nodes[drawing->node_count];
        if (i.value.kind != JSON_OBJECT) {
            return FAIL(EVER_INVALID, "a node is no object");
        }
        TRY(read_inputs(i.value, drawing->node_count, arena, node));
        draw_label(node, i.value, arena);
    }
    return ERR_OK;
}

static struct ever_slice place_of(struct json_value graph, struct arena *arena)
{
    struct json_value line;
    struct ever_slice file = text_of(graph, "file", arena);
    if (file.size == 0 || !json_member(graph, SLICE_LITERAL("line"), &line)) {
        return file;
    }
    return arena_printf(arena, "%.*s:%.*s", SLICE_PRINT(file), SLICE_PRINT(line.text));
}

struct ever_err flow_drawing_create(struct ever_slice graph, struct arena *arena,
                                    struct flow_drawing **out_drawing)
{
    struct json_value root = json_value_of(graph);
    struct json_value nodes;
    struct json_value options;
    if (root.kind != JSON_OBJECT || !json_member(root, SLICE_LITERAL("nodes"), &nodes) ||
        nodes.kind != JSON_ARRAY) {
        return FAIL(EVER_INVALID, "a flow to be drawn has nodes");
    }
    struct flow_drawing *drawing = arena_alloc_zero(arena, sizeof *drawing);
    drawing->arena = arena;
    drawing->name = text_of(root, "name", arena);
    drawing->place = place_of(root, arena);
    if (json_member(root, SLICE_LITERAL("options"), &options)) {
        drawing->options = draw_options(options, arena);
    }
    TRY(read_nodes(drawing, nodes));
    draw_layout_make(&drawing->layout, drawing->nodes, drawing->node_count, arena);
    *out_drawing = drawing;
    return ERR_OK;
}

size_t flow_drawing_node_count(const struct flow_drawing *drawing)
{
    return drawing->node_count;
}

struct ever_slice flow_drawing_node_name(const struct flow_drawing *drawing, size_t node)
{
    ASSERT(node < drawing->node_count);
    return drawing->nodes[node].name;
}

struct ever_slice flow_drawing_node_title(const struct flow_drawing *drawing, size_t node)
{
    ASSERT(node < drawing->node_count);
    return drawing->nodes[node].title;
}

struct ever_slice flow_drawing_node_detail(const struct flow_drawing *drawing, size_t node)
{
    ASSERT(node < drawing->node_count);
    const struct draw_node *drawn = &drawing->nodes[node];
    return drawn->line_count == 0 ? SLICE_NONE : drawn->lines[0];
}

const char *flow_drawing_node_kind(const struct flow_drawing *drawing, size_t node)
{
    ASSERT(node < drawing->node_count);
    return draw_kind_name(drawing->nodes[node].kind);
}

void flow_drawing_note(struct flow_drawing *drawing, size_t node, struct ever_slice note)
{
    ASSERT(node < drawing->node_count);
    drawing->nodes[node].note = note;
}
