/* op_emit.c - `emit`: items become events of the flow's stream. */
#include "domain/flow/engine/kinds_priv.h"
#include "domain/flow/engine/select_priv.h"

struct emit {
    struct ever_slice type;
    struct derive_select *select; /* NULL: the value itself */
    struct derive_path **tags;
    uint32_t tag_count;
};

/* The rule for names of types and for tags. */
static bool is_name(struct ever_slice name, size_t size_max)
{
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f) {
            return false;
        }
    }
    return name.size <= size_max;
}

static void parse_tags(struct derive_parse *parse, struct derive_node *node, struct emit *emit)
{
    struct json_value tags;
    if (!json_member(node->graph->json, SLICE_LITERAL("tags"), &tags)) {
        return;
    }
    if (tags.kind != JSON_ARRAY) {
        parse_fault(parse, node, "\"tags\" must be a list of paths");
        return;
    }
    emit->tags = parse_alloc(parse, tags.text.size * sizeof emit->tags[0]);
    for (struct json_iter i = json_iter(tags); json_next(&i);) {
        if (i.value.kind != JSON_STRING) {
            parse_fault(parse, node, "\"tags\" must be a list of paths");
            return;
        }
        emit->tags[emit->tag_count++] =
            parse_path(parse, node, json_string(i.value, &parse->program->arena));
    }
    if (emit->tag_count > EVER_TAGS_PER_EVENT_MAX) {
        parse_fault(parse, node, "an event has up to %u tags", EVER_TAGS_PER_EVENT_MAX);
    }
}

static void parse_emit(struct derive_parse *parse, struct derive_node *node)
{
    struct emit *emit = parse_alloc(parse, sizeof *emit);
    struct json_value select;
    node->own = emit;
    emit->type = parse_text(parse, node->graph->json, "type");
    if (emit->type.size == 0 || !is_name(emit->type, EVER_TYPE_NAME_BYTES_MAX)) {
        parse_fault(parse, node, "emit needs a type of event, a name of up to %d bytes",
                    EVER_TYPE_NAME_BYTES_MAX);
    }
    if (json_member(node->graph->json, SLICE_LITERAL("select"), &select) &&
        select.kind != JSON_NULL) {
        emit->select = select_parse(parse, node, select);
    }
    node->takes_whole = emit->select == NULL;
    parse_tags(parse, node, emit);
}

/* --- Running ---------------------------------------------------------------------------------- */

/* False after a failure. A value that is no text is the tag as it is written; a missing one and
 * null give no tag. */
static bool make_tags(struct derive_node *node, const struct derive_item *item,
                      struct derive_raw *raw)
{
    const struct emit *emit = node->own;
    struct arena *arena = &node->flow->program->out_arena;
    struct ever_slice *tags = arena_alloc(arena, emit->tag_count * sizeof tags[0]);
    raw->tags = tags;
    for (uint32_t i = 0; i < emit->tag_count; i++) {
        struct derive_value value = node_get(node, emit->tags[i], item);
        if (value.kind == VALUE_MISSING || value.kind == VALUE_NULL) {
            continue;
        }
        bool text = value.kind == VALUE_STRING || value.kind == VALUE_TIME;
        struct ever_slice tag = text ? value_string(&value, node_arena(node))
                                     : node_canonical(node, &value, item->time_us);
        if (!is_name(tag, EVER_TAG_BYTES_MAX)) {
            node_fail(node, item->root, "the tag from %.*s has more than %d bytes or control bytes",
                      SLICE_PRINT(emit->tags[i]->text), EVER_TAG_BYTES_MAX);
            return false;
        }
        tags[raw->tag_count++] = arena_copy(arena, tag);
    }
    return true;
}

static void each_emit(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    (void)input; /* it has one */
    const struct emit *emit = node->own;
    struct text *text = &node->flow->program->state;
    struct derive_value value =
        emit->select == NULL ? item->value : select_make(emit->select, node, item);
    text_clear(text);
    if (value.kind == VALUE_EVENT) { /* unchanged: its data, not its envelope */
        text_add(text, value.event->data);
    } else {
        value_write(text, &value, item->time_us);
    }
    if (text->size == 0) {
        node_fail(node, item->root,
                  "its data is not JSON, so it cannot be emitted as it is; select what to "
                  "emit");
        return;
    }
    if (text->size > EVER_EVENT_BYTES_MAX - 1024) { /* metadata comes to it */
        node_fail(node, item->root, "the event would have %zu bytes; an event has up to %u",
                  text->size, EVER_EVENT_BYTES_MAX);
        return;
    }
    struct derive_raw raw = {
        .root = item->root, .side = DERIVE_MAIN, .time_us = item->time_us, .type = emit->type};
    if (!make_tags(node, item, &raw)) {
        return;
    }
    raw.data = arena_copy(&node->flow->program->out_arena, text_slice(text));
    node_output(node, &raw);
    struct derive_item shown = *item; /* for whoever watches */
    shown.value = value;
    node_give(node, &shown);
}

const struct derive_kind kind_emit = {
    .op = "emit",
    .inputs_least = 1,
    .inputs_most = 1,
    .parse = parse_emit,
    .each = each_emit,
};
