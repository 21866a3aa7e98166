/* op_window.c - windows of event time: what they have in common, and those that lie fixed. */
#include "domain/flow/engine/window_priv.h"

#define WINDOWS_PER_ITEM_MAX 1000

/* --- All kinds -------------------------------------------------------------------------------- */

static int64_t parse_us(struct derive_parse *parse, const struct derive_node *node,
                        struct json_value window, const char *name, int64_t least, int64_t missing)
{
    return parse_whole(parse, node, window, name, least, GRAPH_MS_MAX, missing) * 1000;
}

static void parse_hopping(struct derive_parse *parse, struct derive_node *node,
                          struct aggregate *aggregate, struct json_value window)
{
    aggregate->every_us = parse_us(parse, node, window, "every", 1, 0);
    if (aggregate->every_us == 0 ||
        (aggregate->size_us - 1) / aggregate->every_us >= WINDOWS_PER_ITEM_MAX) {
        parse_fault(parse, node, "\"every\" must be so long that an event is in up to %d windows",
                    WINDOWS_PER_ITEM_MAX);
    }
}

void window_parse(struct derive_parse *parse, struct derive_node *node, struct aggregate *aggregate)
{
    static const char *const kinds[] = {[WINDOW_TUMBLING] = "tumbling",
                                        [WINDOW_HOPPING] = "hopping",
                                        [WINDOW_SESSION] = "session",
                                        [WINDOW_COUNT] = "count",
                                        [WINDOW_SLIDING] = "sliding"};
    struct json_value window;
    if (!json_member(node->graph->json, SLICE_LITERAL("window"), &window) ||
        window.kind == JSON_NULL) {
        aggregate->updates = false; /* a running fold gives every change anyway */
        return;
    }
    struct ever_slice kind = parse_text(parse, window, "kind");
    for (size_t i = WINDOW_TUMBLING; i < sizeof kinds / sizeof kinds[0]; i++) {
        aggregate->window = slice_is(kind, kinds[i]) ? (enum window_kind)i : aggregate->window;
    }
    if (aggregate->window == WINDOW_NONE) {
        parse_fault(parse, node, "there is no window '%.*s'", SLICE_PRINT(kind));
        return;
    }
    if (aggregate->window == WINDOW_COUNT) {
        aggregate->size = (uint64_t)parse_whole(parse, node, window, "size", 1, UINT32_MAX, 1);
        return;
    }
    const char *size = aggregate->window == WINDOW_SESSION ? "gap" : "size";
    aggregate->size_us = parse_us(parse, node, window, size, 1, 0);
    if (aggregate->size_us == 0) {
        parse_fault(parse, node, "the window needs \"%s\", in ms", size);
        return;
    }
    aggregate->offset_us = parse_us(parse, node, window, "offset", 0, 0);
    aggregate->every_us = aggregate->size_us;
    if (aggregate->window == WINDOW_HOPPING) {
        parse_hopping(parse, node, aggregate, window);
    }
    aggregate->updates = aggregate->updates && aggregate->window != WINDOW_SLIDING;
    node->gives_later = aggregate->window != WINDOW_SLIDING;
}

void window_each(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    switch (aggregate->window) {
    case WINDOW_TUMBLING:
    case WINDOW_HOPPING:
        pane_each(node, item);
        return;
    case WINDOW_SESSION:
        session_each(node, item);
        return;
    case WINDOW_COUNT:
        count_window_each(node, item);
        return;
    case WINDOW_SLIDING:
        sliding_each(node, item);
        return;
    case WINDOW_NONE:
        break;
    }
    ASSERT(false); /* a running fold has no window */
}

void window_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    const struct aggregate *aggregate = node->own;
    if (aggregate->window == WINDOW_SESSION) {
        session_fire(node, root, alarm);
    } else if (aggregate->window == WINDOW_SLIDING) {
        node_forget(node, root, alarm); /* all of its items are over */
    } else {
        pane_fire(node, root, alarm);
    }
}

bool window_due(const struct derive_node *node, struct ever_slice key, struct ever_slice state,
                int64_t *out_due_us)
{
    const struct aggregate *aggregate = node->own;
    switch (aggregate->window) {
    case WINDOW_TUMBLING:
    case WINDOW_HOPPING:
        *out_due_us = pane_end(key);
        return true;
    case WINDOW_SESSION:
        *out_due_us = session_due(node, state);
        return true;
    case WINDOW_SLIDING:
        *out_due_us = sliding_due(node, state);
        return true;
    case WINDOW_COUNT:
    case WINDOW_NONE:
        break;
    }
    return false;
}

void window_give(struct derive_node *node, const struct window_result *result)
{
    const struct aggregate *aggregate = node->own;
    struct derive_row *row = aggregate_row(node, result->key);
    uint32_t cell = 1;
    row->cells[cell++] = value_time(result->start_us);
    row->cells[cell++] = value_time(result->end_us);
    if (aggregate->updates) {
        row->cells[cell++] = value_whole((int64_t)result->rev);
        row->cells[cell++].kind = result->final ? VALUE_TRUE : VALUE_FALSE;
    }
    ASSERT(cell == aggregate->first_fold);
    folds_results(&aggregate->folds, node, state_reader(result->folds), &row->cells[cell]);
    struct derive_item item = {
        .root = result->root,
        .key = result->key.data,
        .key_size = (uint32_t)result->key.size,
        .hash = table_hash(result->key),
        .time_us = result->time_us,
        .origin = node_root(node, result->root),
        .value = value_of_row(row),
    };
    node_give(node, &item);
}

/* --- Tumbling and hopping --------------------------------------------------------------------- */

/* The key of an entry: the item's key, then the window's end, highest byte first. */
static struct ever_slice pane_key(const struct derive_node *node, struct ever_slice key,
                                  int64_t end_us)
{
    char *bytes = arena_alloc(node_arena(node), key.size + 8);
    if (key.size > 0) {
        memcpy(bytes, key.data, key.size);
    }
    for (unsigned i = 0; i < 8; i++) {
        bytes[key.size + i] = (char)(unsigned char)((uint64_t)end_us >> (56 - 8 * i));
    }
    return slice_of(bytes, key.size + 8);
}

int64_t pane_end(struct ever_slice entry_key)
{
    uint64_t end = 0;
    for (size_t i = entry_key.size - 8; i < entry_key.size; i++) {
        end = end << 8 | (unsigned char)entry_key.data[i];
    }
    return (int64_t)end;
}

static struct window_result pane_result(const struct derive_node *node, uint32_t root,
                                        struct ever_slice entry_key, struct ever_slice state)
{
    const struct aggregate *aggregate = node->own;
    struct state_reader reader = state_reader(state);
    int64_t end_us = pane_end(entry_key);
    struct window_result result = {
        .root = root,
        .key = slice_first(entry_key, entry_key.size - 8),
        .start_us = end_us - aggregate->size_us,
        .end_us = end_us,
        .rev = state_get_u64(&reader),
    };
    result.folds = slice_of(reader.at, (size_t)(reader.end - reader.at));
    return result;
}

/* False after a failure or stop. */
static bool add_to_pane(struct derive_node *node, const struct derive_item *item, int64_t end_us)
{
    const struct aggregate *aggregate = node->own;
    struct text *state = &node->flow->program->state;
    struct ever_slice key = pane_key(node, item_key(item), end_us);
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    bool fresh = place.entry == NULL;
    struct state_reader before = state_reader(fresh ? SLICE_NONE : table_state(place.entry));
    uint64_t rev = fresh ? 0 : state_get_u64(&before);
    text_clear(state);
    state_put_u64(state, aggregate->updates ? rev + 1 : 0);
    if (!folds_step(&aggregate->folds, node, item, before, state) ||
        !node_set_state(node, item->root, place, key, hash, text_slice(state),
                        fresh ? end_us : NO_TIME)) {
        return false;
    }
    if (aggregate->updates) {
        struct window_result result = pane_result(node, item->root, key, text_slice(state));
        result.time_us = item->time_us;
        window_give(node, &result);
    }
    return true;
}

static int64_t floor_to(int64_t time_us, int64_t step_us)
{
    int64_t rest = time_us % step_us;
    return time_us - (rest < 0 ? rest + step_us : rest);
}

void pane_each(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    int64_t closed_us = node_watermark_before(node, item->root);
    int64_t last_us = floor_to(item->time_us - aggregate->offset_us, aggregate->every_us) +
                      aggregate->offset_us; /* start of the last window that holds it */
    int64_t count = (aggregate->size_us - (item->time_us - last_us) - 1) / aggregate->every_us;
    if (item->time_us - last_us >= aggregate->size_us) {
        return; /* hopping with gaps: it lies in one */
    }
    for (int64_t i = count; i >= 0; i--) {
        int64_t start_us = last_us - i * aggregate->every_us;
        int64_t end_us = start_us + aggregate->size_us;
        if (end_us <= closed_us) {
            node_late(node, item, start_us, end_us);
        } else if (!add_to_pane(node, item, end_us)) {
            return;
        }
    }
}

void pane_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    struct ever_slice key = arena_copy(node_arena(node), slice_of(alarm->key, alarm->key_size));
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    struct window_result result = pane_result(node, root, key, table_state(place.entry));
    result.time_us = window_last_us(result.end_us);
    result.final = true;
    result.rev++;
    window_give(node, &result);
    table_remove(&node->table, place, hash);
}
