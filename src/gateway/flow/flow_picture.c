#include "gateway/flow/flow_picture.h"

#include "base/slice.h"

#include <stdio.h>

void flow_write_grouped(struct text *out, uint64_t number)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < count; i++) {
        text_add_text(out, i > 0 && (count - i) % 3 == 0 ? "," : "");
        text_add_byte(out, digits[i]);
    }
}

static struct ever_slice note_of(const struct flow_shown *shown, size_t index,
                                 struct json_value node, struct arena *arena)
{
    if (flow_input_match(shown, index, node) == FLOW_INPUT_NEVER) {
        return SLICE_LITERAL("never matched");
    }
    struct flow_node_status counts;
    struct text note = {0};
    flow_node_status(shown->flow, index, &counts);
    flow_write_grouped(&note, counts.out);
    struct ever_slice kept = arena_copy(arena, text_slice(&note));
    text_deinit(&note);
    return kept;
}

struct flow_drawing *flow_picture(const struct flow_shown *shown, struct arena *arena)
{
    struct ever_slice graph = flow_info(shown->flow)->graph;
    struct flow_drawing *drawing;
    struct json_value nodes;
    struct ever_err err = flow_drawing_create(graph, arena, &drawing);
    if (!IS_OK(err) || !json_member(json_value_of(graph), SLICE_LITERAL("nodes"), &nodes)) {
        return NULL;
    }
    size_t index = 0;
    for (struct json_iter i = json_iter(nodes); json_next(&i); index++) {
        flow_drawing_note(drawing, index, note_of(shown, index, i.value, arena));
    }
    return drawing;
}
