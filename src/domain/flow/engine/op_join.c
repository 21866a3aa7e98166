/* op_join.c - `joinWithin`: pairs of items of two streams with the same key whose event times lie
 * within a distance of each other.
 *
 * An item waits until the watermark is past the last partner it could have. An item behind the
 * watermark could have missed a partner and goes to the late side. */
#include "domain/flow/engine/kept_priv.h"
#include "domain/flow/engine/kinds_priv.h"

struct join {
    int64_t within_us;
    bool left_alone;  /* left and outer: give left items without a partner */
    bool right_alone; /* outer */
    struct derive_shape *shape;
};

struct side_item { /* on one side of a key */
    int64_t time_us;
    bool matched;
    struct ever_slice text;
};
struct side { /* by time, then as they came */
    struct side_item *items;
    size_t count;
};

static void parse_join(struct derive_parse *parse, struct derive_node *node)
{
    static const struct ever_slice names[] = {SLICE_LITERAL("left"), SLICE_LITERAL("right")};
    struct join *join = parse_alloc(parse, sizeof *join);
    struct json_value json = node->graph->json;
    node->own = join;
    join->within_us = parse_whole(parse, node, json, "within", 0, GRAPH_MS_MAX, 0) * 1000;
    struct ever_slice which = parse_text(parse, json, "join");
    bool outer = slice_is(which, "outer");
    if (which.size > 0 && !outer && !slice_is(which, "left") && !slice_is(which, "inner")) {
        parse_fault(parse, node, "there is no join '%.*s': inner, left, outer", SLICE_PRINT(which));
    }
    join->left_alone = outer || slice_is(which, "left");
    join->right_alone = outer;
    join->shape = value_make_shape(names, 2, &parse->program->arena);
    node->gives_later = join->left_alone;
    node->takes_whole = true;
}

/* --- State: for both sides a number and the items --------------------------------------------- */

static void read_sides(struct ever_slice state, struct arena *arena, struct side sides[static 2])
{
    struct state_reader reader = state_reader(state);
    for (int i = 0; i < 2; i++) {
        size_t count = state.size == 0 ? 0 : (size_t)state_get_u64(&reader);
        sides[i].count = count;
        sides[i].items = arena_alloc(arena, (count + 1) * sizeof sides[i].items[0]);
        for (size_t j = 0; j < count; j++) {
            struct side_item *item = &sides[i].items[j];
            item->time_us = state_get_i64(&reader);
            item->matched = state_get_u64(&reader) != 0;
            item->text = state_get_bytes(&reader);
        }
    }
}

static void write_sides(struct text *out, const struct side sides[static 2])
{
    text_clear(out);
    for (int i = 0; i < 2; i++) {
        state_put_u64(out, sides[i].count);
        for (size_t j = 0; j < sides[i].count; j++) {
            const struct side_item *item = &sides[i].items[j];
            state_put_i64(out, item->time_us);
            state_put_u64(out, item->matched);
            state_put_bytes(out, item->text);
        }
    }
}

/* When the first item of the key is past its partners; NO_TIME when there is none. */
static int64_t due_of(const struct join *join, const struct side sides[static 2])
{
    int64_t due_us = NO_TIME;
    for (int i = 0; i < 2; i++) {
        if (sides[i].count > 0) {
            int64_t past_us = sides[i].items[0].time_us + join->within_us + 1;
            due_us = due_us == NO_TIME || past_us < due_us ? past_us : due_us;
        }
    }
    return due_us;
}

static bool due_join(const struct derive_node *node, struct ever_slice key, struct ever_slice state,
                     int64_t *out_due_us)
{
    (void)key; /* the state says when */
    struct arena arena;
    struct side sides[2];
    arena_init(&arena);
    read_sides(state, &arena, sides);
    *out_due_us = due_of(node->own, sides);
    arena_deinit(&arena);
    return *out_due_us != NO_TIME;
}

/* --- Running ---------------------------------------------------------------------------------- */

static void give_pair(struct derive_node *node, const struct derive_item *like, int64_t time_us,
                      struct ever_slice left, struct ever_slice right)
{
    const struct join *join = node->own;
    struct derive_row *row = value_make_row(join->shape, node_arena(node));
    row->cells[0] = value_of_json(left);
    row->cells[1] = value_of_json(right);
    struct derive_item made = *like;
    made.time_us = time_us;
    made.value = value_of_row(row);
    node_give(node, &made);
}

static void pair_with(struct derive_node *node, const struct derive_item *item, uint32_t input,
                      struct side *others, struct side_item *mine)
{
    const struct join *join = node->own;
    for (size_t i = 0; i < others->count; i++) {
        struct side_item *other = &others->items[i];
        int64_t distance_us = other->time_us - mine->time_us;
        if (distance_us > join->within_us || -distance_us > join->within_us) {
            continue;
        }
        struct ever_slice text = arena_copy(node_arena(node), other->text);
        int64_t time_us = distance_us > 0 ? other->time_us : mine->time_us;
        give_pair(node, item, time_us, input == 0 ? mine->text : text,
                  input == 0 ? text : mine->text);
        other->matched = true;
        mine->matched = true;
    }
}

static void insert(struct side *side, struct side_item mine)
{
    size_t at = side->count;
    while (at > 0 && side->items[at - 1].time_us > mine.time_us) {
        at--;
    }
    memmove(&side->items[at + 1], &side->items[at], (side->count - at) * sizeof side->items[0]);
    side->items[at] = mine;
    side->count++;
}

static void each_join(struct derive_node *node, uint32_t input, const struct derive_item *item)
{
    const struct join *join = node->own;
    if (item->time_us < node_watermark_before(node, item->root)) {
        node_late(node, item, item->time_us - join->within_us, item->time_us + join->within_us);
        return;
    }
    struct side sides[2];
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice before = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    read_sides(before, node_arena(node), sides);
    struct side_item mine = {.time_us = item->time_us,
                             .text = node_json(node, &item->value, item->time_us)};
    pair_with(node, item, input, &sides[1 - input], &mine);
    insert(&sides[input], mine);
    struct text *state = &node->flow->program->state;
    write_sides(state, sides);
    (void)node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(state),
                         due_of(join, sides)); /* a stop is noted */
}

/* Takes out the items of a side that are past their partners; gives them when they had none. */
static void let_go(struct derive_node *node, struct side *side, bool is_left, bool alone,
                   int64_t due_us, const struct derive_item *like)
{
    const struct join *join = node->own;
    const struct ever_slice none = SLICE_LITERAL("null");
    while (side->count > 0 && side->items[0].time_us + join->within_us + 1 <= due_us) {
        const struct side_item *gone = &side->items[0];
        if (alone && !gone->matched) {
            struct ever_slice text = arena_copy(node_arena(node), gone->text);
            give_pair(node, like, due_us, is_left ? text : none, is_left ? none : text);
        }
        side->items++;
        side->count--;
    }
}

static void fire_join(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    const struct join *join = node->own;
    struct ever_slice key = arena_copy(node_arena(node), slice_of(alarm->key, alarm->key_size));
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    struct derive_item like = {.root = root,
                               .key = key.data,
                               .key_size = (uint32_t)key.size,
                               .hash = hash,
                               .origin = node_root(node, root)};
    struct side sides[2];
    read_sides(table_state(place.entry), node_arena(node), sides);
    let_go(node, &sides[0], true, join->left_alone, alarm->due_us, &like);
    let_go(node, &sides[1], false, join->right_alone, alarm->due_us, &like);
    if (sides[0].count + sides[1].count == 0) {
        table_remove(&node->table, place, hash);
        return;
    }
    struct text *state = &node->flow->program->state;
    write_sides(state, sides);
    (void)node_set_state(node, root, place, key, hash, text_slice(state),
                         due_of(join, sides)); /* smaller than before: it fits */
}

const struct derive_kind kind_join_within = {
    .op = "joinWithin",
    .inputs_least = 2,
    .inputs_most = 2,
    .keys = KEYS_ALIKE,
    .has_state = true,
    .parse = parse_join,
    .each = each_join,
    .fire = fire_join,
    .due = due_join,
};
