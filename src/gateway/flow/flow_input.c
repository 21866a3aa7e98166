#include "gateway/flow/flow_input.h"

#include "base/slice.h"

#define LOOKS_MAX 256 /* at events, for one that matches */
#define LOOK_BYTES_MAX (64u << 10)

static struct ever_slice text_member(struct json_value node, const char *name, struct arena *arena)
{
    struct json_value value;
    bool found = json_member(node, slice_of_text(name), &value) && value.kind == JSON_STRING;
    return found ? json_string(value, arena) : SLICE_NONE;
}

static const struct ever_slice *text_list(struct json_value node, const char *name,
                                          struct arena *arena, uint32_t *out_count)
{
    struct json_value list;
    *out_count = 0;
    if (!json_member(node, slice_of_text(name), &list) || list.kind != JSON_ARRAY) {
        return NULL;
    }
    uint32_t count = 0;
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        count++;
    }
    struct ever_slice *texts = arena_alloc(arena, count * sizeof *texts);
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        texts[(*out_count)++] =
            i.value.kind == JSON_STRING ? json_string(i.value, arena) : SLICE_NONE;
    }
    return texts;
}

/* Looks for the first event that a `from` would take; gives up after a bounded stretch. */
static enum flow_input_match look_for_input(struct ever *store, struct json_value node)
{
    struct arena arena;
    arena_init(&arena);
    struct ever_read read = {.stream = text_member(node, "stream", &arena)};
    read.from = read.stream.data == NULL ? 1 : 0; /* a position, or a revision */
    read.category = text_member(node, "category", &arena);
    read.prefix = text_member(node, "prefix", &arena);
    read.types = text_list(node, "types", &arena, &read.type_count);
    read.tags = text_list(node, "tags", &arena, &read.tag_count);
    struct ever_cursor *cursor;
    struct ever_err err = ever_cursor_open(store, &read, &cursor);
    if (IS_OK(err)) {
        const struct ever_event *event;
        ever_cursor_allow(cursor, LOOKS_MAX, LOOK_BYTES_MAX);
        err = ever_next(cursor, &event);
        ever_cursor_close(cursor);
    }
    arena_deinit(&arena);
    if (IS_OK(err)) {
        return FLOW_INPUT_SEEN;
    }
    return err.code == EVER_END ? FLOW_INPUT_NEVER : FLOW_INPUT_UNKNOWN;
}

static bool is_input(struct json_value node)
{
    struct json_value op;
    return json_member(node, SLICE_LITERAL("op"), &op) && slice_is(op.text, "\"from\"");
}

/* Another flow's events are in its own stream. */
static enum flow_input_match look_at_flow(struct flows *flows, struct json_value name)
{
    struct arena arena;
    arena_init(&arena);
    struct flow *flow = flows_find(flows, json_string(name, &arena));
    arena_deinit(&arena);
    if (flow == NULL) {
        return FLOW_INPUT_UNKNOWN;
    }
    struct flow_status status;
    flow_status(flow, &status);
    return status.events > 0 ? FLOW_INPUT_SEEN : FLOW_INPUT_NEVER;
}

enum flow_input_match flow_input_match(const struct flow_shown *shown, size_t index,
                                       struct json_value node)
{
    struct json_value name;
    struct flow_node_status counts;
    if (!is_input(node)) {
        return FLOW_INPUT_UNKNOWN;
    }
    flow_node_status(shown->flow, index, &counts);
    if (counts.out > 0) {
        return FLOW_INPUT_SEEN;
    }
    if (json_member(node, SLICE_LITERAL("flow"), &name) && name.kind == JSON_STRING) {
        return look_at_flow(shown->flows, name);
    }
    return look_for_input(shown->store, node);
}
