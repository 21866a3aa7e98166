/* fold_order.c - min, max, minBy, maxBy and topK: by the order of numbers, or of texts. */
#include "domain/flow/engine/fold_kinds_priv.h"

/* --- min and max ------------------------------------------------------------------------------ */

static bool can_be_ordered(const struct derive_value *value)
{
    return value->kind == VALUE_NUMBER || value->kind == VALUE_WHOLE || value->kind == VALUE_REAL ||
           value->kind == VALUE_STRING || value->kind == VALUE_TIME;
}

/* True when `next` wins over `held`. `*out_fine` is false after a failure. */
static bool wins(const struct derive_fold *fold, const struct fold_step *step,
                 const struct derive_value *held, const struct derive_value *next, bool *out_fine)
{
    enum value_order order = VALUE_DIFFERENT;
    if (can_be_ordered(next)) {
        order = held == NULL ? VALUE_LESS : value_compare(next, held, node_arena(step->node));
    }
    *out_fine = order != VALUE_DIFFERENT;
    if (!*out_fine) {
        struct ever_slice json = node_json(step->node, next, step->time_us);
        bool cut = json.size > 60;
        node_fail(step->node, step->root,
                  "%.*s is %.*s%s, which cannot be compared: all must be numbers, or all texts",
                  SLICE_PRINT(fold_path_text(fold)), cut ? 60 : (int)json.size, json.data,
                  cut ? "..." : "");
    }
    return held == NULL || order == (fold->greatest ? VALUE_GREATER : VALUE_LESS);
}

static bool extreme_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                         struct state_reader *before, struct text *out)
{
    bool fine;
    struct derive_value held = {.kind = VALUE_MISSING};
    struct ever_slice text = SLICE_NONE;
    if (!fresh) {
        text = state_get_bytes(before);
        held = value_of_json(text);
    }
    bool won = wins(fold, step, fresh ? NULL : &held, &step->value, &fine);
    if (fine) {
        state_put_bytes(out, won ? fold_step_json(step) : text);
    }
    return fine;
}

static bool extreme_join(const struct derive_fold *fold, const struct fold_step *step,
                         struct state_reader *a, struct state_reader *b, struct text *out)
{
    bool fine;
    struct derive_value held = value_of_json(state_get_bytes(a));
    struct derive_value next = value_of_json(state_get_bytes(b));
    const struct derive_value *won = wins(fold, step, &held, &next, &fine) ? &next : &held;
    state_put_bytes(out, slice_of(won->text, won->size));
    return fine;
}

static struct derive_value text_result(const struct derive_fold *fold, struct derive_node *node,
                                       struct state_reader *state)
{
    (void)fold; /* the signature of all kinds */
    return fold_kept_json(node, state_get_bytes(state));
}
/* --- minBy and maxBy: the item as a whole; the first of equals -------------------------------- */

struct best {
    uint64_t position;
    struct ever_slice by;
    struct ever_slice item;
};

static struct best read_best(struct state_reader *reader)
{
    struct best best = {.position = state_get_u64(reader)};
    best.by = state_get_bytes(reader);
    best.item = state_get_bytes(reader);
    return best;
}

static void write_best(struct text *out, const struct best *best)
{
    state_put_u64(out, best->position);
    state_put_bytes(out, best->by);
    state_put_bytes(out, best->item);
}

static bool best_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                      struct state_reader *before, struct text *out)
{
    bool fine;
    struct best held = {0};
    struct derive_value by = {.kind = VALUE_MISSING};
    if (!fresh) {
        held = read_best(before);
        by = value_of_json(held.by);
    }
    if (wins(fold, step, fresh ? NULL : &by, &step->value, &fine)) {
        const struct derive_item *item = step->item;
        held = (struct best){step->position, fold_step_json(step),
                             node_json(step->node, &item->value, item->time_us)};
    }
    write_best(out, &held);
    return fine;
}

static bool best_join(const struct derive_fold *fold, const struct fold_step *step,
                      struct state_reader *a, struct state_reader *b, struct text *out)
{
    bool fine;
    struct best held = read_best(a);
    struct best next = read_best(b);
    struct derive_value held_by = value_of_json(held.by);
    struct derive_value next_by = value_of_json(next.by);
    bool won = wins(fold, step, &held_by, &next_by, &fine);
    bool equal = fine && value_compare(&held_by, &next_by, node_arena(step->node)) == VALUE_EQUAL;
    write_best(out, won || (equal && next.position < held.position) ? &next : &held);
    return fine;
}

static struct derive_value best_result(const struct derive_fold *fold, struct derive_node *node,
                                       struct state_reader *state)
{
    (void)fold; /* the signature of all kinds */
    return fold_kept_json(node, read_best(state).item);
}
/* --- topK: values, the greatest first, the first of equals before the others ------------------ */

struct ranked {
    uint64_t position;
    struct derive_value value;
};

static void write_ranked(struct text *out, const struct ranked *ranked)
{
    state_put_u64(out, ranked->position);
    state_put_bytes(out, slice_of(ranked->value.text, ranked->value.size));
}

static struct ranked *read_all_ranked(const struct fold_step *step, struct state_reader *reader,
                                      uint64_t *out_count, uint64_t room)
{
    uint64_t count = state_get_u64(reader);
    struct ranked *all = arena_alloc(node_arena(step->node), (count + room) * sizeof all[0]);
    for (uint64_t i = 0; i < count; i++) {
        all[i].position = state_get_u64(reader);
        all[i].value = value_of_json(state_get_bytes(reader));
    }
    *out_count = count;
    return all;
}

/* Puts `next` where it belongs among `*count` sorted ones. False after a failure. */
static bool rank(const struct derive_fold *fold, const struct fold_step *step, struct ranked *all,
                 uint64_t *count, struct ranked next)
{
    uint64_t at = *count;
    bool fine = true;
    if (at == 0) {
        (void)wins(fold, step, NULL, &next.value, &fine); /* only whether it can be compared */
    }
    for (; at > 0 && fine; at--) {
        const struct ranked *above = &all[at - 1];
        bool won = wins(fold, step, &above->value, &next.value, &fine);
        bool earlier =
            fine && !won && next.position < above->position &&
            value_compare(&above->value, &next.value, node_arena(step->node)) == VALUE_EQUAL;
        if (!won && !earlier) {
            break;
        }
    }
    if (!fine) {
        return false;
    }
    memmove(&all[at + 1], &all[at], (*count - at) * sizeof all[0]);
    all[at] = next;
    *count += 1;
    return true;
}

static void write_top(struct text *out, const struct ranked *all, uint64_t count, uint64_t limit)
{
    count = count > limit ? limit : count;
    state_put_u64(out, count);
    for (uint64_t i = 0; i < count; i++) {
        write_ranked(out, &all[i]);
    }
}

static bool top_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                     struct state_reader *before, struct text *out)
{
    static const char none = 0; /* the state of no items: a count of 0 */
    struct state_reader empty = {&none, &none + 1};
    uint64_t count;
    struct ranked *all = read_all_ranked(step, fresh ? &empty : before, &count, 1);
    struct ranked next = {step->position, step->value};
    if (can_be_ordered(&step->value)) {
        next.value = value_of_json(fold_step_json(step));
    }
    if (!rank(fold, step, all, &count, next)) {
        return false;
    }
    write_top(out, all, count, fold->limit);
    return true;
}

static bool top_join(const struct derive_fold *fold, const struct fold_step *step,
                     struct state_reader *a, struct state_reader *b, struct text *out)
{
    uint64_t count;
    uint64_t others;
    struct ranked *all = read_all_ranked(step, a, &count, fold->limit);
    const struct ranked *other = read_all_ranked(step, b, &others, 0);
    for (uint64_t i = 0; i < others; i++) {
        if (!rank(fold, step, all, &count, other[i])) {
            return false;
        }
    }
    write_top(out, all, count, fold->limit);
    return true;
}

/* --- The kinds -------------------------------------------------------------------------------- */

const struct fold_kind fold_min = {"min", true, false, extreme_step, extreme_join, text_result};
const struct fold_kind fold_max = {"max", true, false, extreme_step, extreme_join, text_result};
const struct fold_kind fold_min_by = {"minBy", true, true, best_step, best_join, best_result};
const struct fold_kind fold_max_by = {"maxBy", true, true, best_step, best_join, best_result};
const struct fold_kind fold_top = {"topK", true, false, top_step, top_join, fold_list_result};
