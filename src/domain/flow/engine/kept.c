#include "domain/flow/engine/kept_priv.h"

static void put_event(struct text *out, const struct derive_event *event)
{
    state_put_bytes(out, event->type);
    state_put_bytes(out, event->data);
    state_put_bytes(out, event->metadata);
    state_put_u64(out, event->tag_count);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        state_put_bytes(out, event->tags[i]);
    }
}

void kept_put(struct text *out, const struct derive_item *item)
{
    const struct ever_event *origin = item->origin;
    state_put_i64(out, item->time_us);
    state_put_u64(out, origin->position);
    state_put_u64(out, origin->revision);
    state_put_i64(out, origin->time_ns);
    state_put_bytes(out, origin->stream);
    state_put_bytes(out, origin->type);
    state_put_u64(out, item->value.kind == VALUE_EVENT);
    if (item->value.kind == VALUE_EVENT) {
        put_event(out, item->value.event);
        return;
    }
    struct text json = {0};
    value_write(&json, &item->value, item->time_us);
    state_put_bytes(out, text_slice(&json));
    text_deinit(&json);
}

static struct ever_slice get_copy(struct state_reader *reader, struct arena *arena)
{
    struct ever_slice bytes = state_get_bytes(reader);
    return bytes.size == 0 ? SLICE_NONE : arena_copy(arena, bytes);
}

static struct derive_value get_event(struct state_reader *reader, const struct ever_event *origin,
                                     struct arena *arena)
{
    struct derive_event *event = arena_alloc_zero(arena, sizeof *event);
    event->root = origin;
    event->type = get_copy(reader, arena);
    event->data = get_copy(reader, arena);
    event->metadata = get_copy(reader, arena);
    event->tag_count = (uint32_t)state_get_u64(reader);
    struct ever_slice *tags = arena_alloc(arena, event->tag_count * sizeof tags[0]);
    event->tags = tags;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        tags[i] = get_copy(reader, arena);
    }
    return (struct derive_value){.kind = VALUE_EVENT, .event = event};
}

struct derive_item kept_get(struct state_reader *reader, struct arena *arena)
{
    struct derive_item item = {.time_us = state_get_i64(reader)};
    struct ever_event *origin = arena_alloc_zero(arena, sizeof *origin);
    item.origin = origin;
    origin->position = state_get_u64(reader);
    origin->revision = state_get_u64(reader);
    origin->time_ns = state_get_i64(reader);
    origin->stream = get_copy(reader, arena);
    origin->type = get_copy(reader, arena);
    bool is_event = state_get_u64(reader) != 0;
    item.value = is_event ? get_event(reader, origin, arena)
                          : value_of_json(arena_copy(arena, state_get_bytes(reader)));
    return item;
}

struct derive_value kept_array(const struct derive_node *node, const struct ever_slice *texts,
                               size_t count)
{
    struct text *text = &node->flow->program->text;
    text_clear(text);
    for (size_t i = 0; i < count; i++) {
        text_add_byte(text, i == 0 ? '[' : ',');
        text_add(text, texts[i]);
    }
    text_add_text(text, count == 0 ? "[]" : "]");
    return value_of_json(arena_copy(node_arena(node), text_slice(text)));
}
