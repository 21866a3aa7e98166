#include "gateway/event_list.h"

#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

static struct ever_err read_types(struct ever_cursor *cursor, struct arena *arena,
                                  struct event_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct ever_event *event;
        TRY(ever_next(cursor, &event));
        if (event->position != list->first_position + i) {
            return FAIL(EVER_INVALID, "a command's record names other events than it wrote");
        }
        list->types[i] = arena_copy(arena, event->type);
    }
    return ERR_OK;
}

struct ever_err event_list_read(struct ever *store, struct ever_slice stream, int64_t last_revision,
                                uint64_t first_position, uint32_t count, struct arena *arena,
                                struct event_list *out_list)
{
    struct event_list list = {.first_position = first_position, .count = count};
    if (count == 0) {
        *out_list = list;
        return ERR_OK;
    }
    list.types = arena_alloc(arena, count * sizeof *list.types);
    if (last_revision + 1 < count) {
        return FAIL(EVER_INVALID, "a command's record names more events than there are");
    }
    struct ever_read read = {.stream = stream, .from = (uint64_t)(last_revision + 1 - count)};
    struct ever_cursor *cursor;
    TRY(ever_cursor_open(store, &read, &cursor));
    struct ever_err err = read_types(cursor, arena, &list);
    ever_cursor_close(cursor);
    TRY(err);
    *out_list = list;
    return ERR_OK;
}

void event_list_of(const struct ever_new_event *events, uint32_t count, uint64_t first_position,
                   struct arena *arena, struct event_list *out_list)
{
    *out_list = (struct event_list){.first_position = first_position,
                                    .count = count,
                                    .types = arena_alloc(arena, count * sizeof *out_list->types)};
    for (uint32_t i = 0; i < count; i++) {
        out_list->types[i] = arena_copy(arena, events[i].type);
    }
}

void event_list_write(struct text *out, const struct event_list *list)
{
    text_add_byte(out, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        text_add(out, i == 0 ? SLICE_LITERAL("{\"position\":") : SLICE_LITERAL(",{\"position\":"));
        text_add_u64(out, list->first_position + i);
        text_add(out, SLICE_LITERAL(",\"type\":"));
        json_write_string(out, list->types[i]);
        text_add_byte(out, '}');
    }
    text_add_byte(out, ']');
}
