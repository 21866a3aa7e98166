/* draw_layout.c - where nodes stand: layers, the order within each, and columns.
 *
 * The classic way for layered graphs: every node stands below all it reads; an edge over several
 * layers gets a bend in each it passes, so that all edges join neighbouring layers; each layer is
 * sorted by the middle of its neighbours, downwards and upwards in turn, and the order with the
 * fewest crossings stays; then columns are found that keep the order and the gaps and are nearest
 * to the middle of their neighbours. Nothing depends on anything but the graph. */
#include "domain/flow/draw_priv.h"

#include "base/assert.h"
#include "base/slice.h"

#define ORDER_SWEEPS 8
#define PLACE_SWEEPS 12

/* --- Layers ---------------------------------------------------------------------------------- */

static void find_layers(struct draw_layout *layout, const struct draw_node *nodes, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        size_t layer = 0;
        for (size_t i = 0; i < nodes[n].input_count; i++) {
            ASSERT(nodes[n].inputs[i] < n);
            size_t above = layout->items[nodes[n].inputs[i]].layer;
            layer = above >= layer ? above + 1 : layer;
        }
        layout->items[n] = (struct draw_item){.node = n, .layer = layer};
        layout->layer_count = layer >= layout->layer_count ? layer + 1 : layout->layer_count;
    }
}

/* A source stands just above the first that reads it, not at the top of a long edge. */
static void lower_sources(struct draw_layout *layout, const struct draw_node *nodes, size_t count,
                          struct arena *arena)
{
    size_t *nearest = arena_alloc(arena, count * sizeof *nearest);
    for (size_t n = 0; n < count; n++) {
        nearest[n] = SIZE_MAX;
        for (size_t i = 0; i < nodes[n].input_count; i++) {
            size_t input = nodes[n].inputs[i];
            size_t layer = layout->items[n].layer;
            nearest[input] = layer < nearest[input] ? layer : nearest[input];
        }
    }
    for (size_t n = 0; n < count; n++) {
        if (nodes[n].input_count == 0 && nearest[n] != SIZE_MAX) {
            layout->items[n].layer = nearest[n] - 1;
        }
    }
}

/* --- Edges ----------------------------------------------------------------------------------- */

static size_t count_bends(const struct draw_layout *layout, const struct draw_node *nodes,
                          size_t count)
{
    size_t bends = 0;
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; i < nodes[n].input_count; i++) {
            bends += layout->items[n].layer - layout->items[nodes[n].inputs[i]].layer - 1;
        }
    }
    return bends;
}

/* Makes the bends of the edge that leads from `from` to `to`, and gives the item just above `to`.
 */
static size_t add_bends(struct draw_layout *layout, size_t from, size_t to, struct arena *arena)
{
    size_t last = from;
    while (layout->items[last].layer + 1 < layout->items[to].layer) {
        size_t bend = layout->item_count++;
        size_t *above = arena_alloc(arena, sizeof *above);
        *above = last;
        layout->items[bend] = (struct draw_item){.node = DRAW_BEND,
                                                 .layer = layout->items[last].layer + 1,
                                                 .above = above,
                                                 .above_count = 1};
        last = bend;
    }
    return last;
}

static void add_edges_above(struct draw_layout *layout, const struct draw_node *nodes, size_t count,
                            struct arena *arena)
{
    for (size_t n = 0; n < count; n++) {
        struct draw_item *item = &layout->items[n];
        item->above = arena_alloc(arena, nodes[n].input_count * sizeof *item->above);
        for (size_t i = 0; i < nodes[n].input_count; i++) {
            item->above[item->above_count++] = add_bends(layout, nodes[n].inputs[i], n, arena);
        }
    }
}

static void add_edges_below(struct draw_layout *layout, struct arena *arena)
{
    for (size_t n = 0; n < layout->item_count; n++) {
        for (size_t i = 0; i < layout->items[n].above_count; i++) {
            layout->items[layout->items[n].above[i]].below_count++;
        }
    }
    for (size_t n = 0; n < layout->item_count; n++) {
        struct draw_item *item = &layout->items[n];
        item->below = arena_alloc(arena, item->below_count * sizeof *item->below);
        item->below_count = 0;
    }
    for (size_t n = 0; n < layout->item_count; n++) {
        for (size_t i = 0; i < layout->items[n].above_count; i++) {
            struct draw_item *above = &layout->items[layout->items[n].above[i]];
            above->below[above->below_count++] = n;
        }
    }
}

static void fill_layers(struct draw_layout *layout, struct arena *arena)
{
    layout->layers = arena_alloc_zero(arena, layout->layer_count * sizeof layout->layers[0]);
    for (size_t n = 0; n < layout->item_count; n++) {
        layout->layers[layout->items[n].layer].count++;
    }
    for (size_t l = 0; l < layout->layer_count; l++) {
        struct draw_layer *layer = &layout->layers[l];
        layer->items = arena_alloc(arena, layer->count * sizeof layer->items[0]);
        layer->count = 0;
    }
    for (size_t n = 0; n < layout->item_count; n++) {
        struct draw_layer *layer = &layout->layers[layout->items[n].layer];
        layer->items[layer->count++] = n;
    }
}

/* --- The order within layers ----------------------------------------------------------------- */

static void note_order(const struct draw_layer *layer, size_t *order)
{
    for (size_t i = 0; i < layer->count; i++) {
        order[layer->items[i]] = i;
    }
}

/* How many pairs of edges between a layer and the one above cross. */
static size_t crossings_above(const struct draw_layout *layout, const struct draw_layer *layer,
                              const size_t *order)
{
    size_t crossings = 0;
    for (size_t left = 0; left < layer->count; left++) {
        const struct draw_item *a = &layout->items[layer->items[left]];
        for (size_t right = left + 1; right < layer->count; right++) {
            const struct draw_item *b = &layout->items[layer->items[right]];
            for (size_t i = 0; i < a->above_count * b->above_count; i++) {
                size_t of_a = order[a->above[i / b->above_count]];
                size_t of_b = order[b->above[i % b->above_count]];
                crossings += of_a > of_b;
            }
        }
    }
    return crossings;
}

static size_t count_crossings(const struct draw_layout *layout, size_t *order)
{
    size_t crossings = 0;
    for (size_t l = 0; l < layout->layer_count; l++) {
        note_order(&layout->layers[l], order);
        crossings += l == 0 ? 0 : crossings_above(layout, &layout->layers[l], order);
    }
    return crossings;
}

/* The middle of the neighbours, times a number that keeps it whole enough; without neighbours where
 * it stands. */
static size_t middle_of(const size_t *neighbours, size_t count, const size_t *order, size_t own)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += order[neighbours[i]] * 1000;
    }
    return count == 0 ? own * 1000 : sum / count;
}

static void sort_layer(const struct draw_layout *layout, struct draw_layer *layer, bool by_above,
                       size_t *order, size_t *middles)
{
    for (size_t i = 0; i < layer->count; i++) {
        const struct draw_item *item = &layout->items[layer->items[i]];
        middles[layer->items[i]] = by_above ? middle_of(item->above, item->above_count, order, i)
                                            : middle_of(item->below, item->below_count, order, i);
    }
    for (size_t i = 1; i < layer->count; i++) { /* stable: who is equal stays as it was */
        size_t moving = layer->items[i];
        size_t at = i;
        for (; at > 0 && middles[layer->items[at - 1]] > middles[moving]; at--) {
            layer->items[at] = layer->items[at - 1];
        }
        layer->items[at] = moving;
    }
    note_order(layer, order);
}

static void keep_order(const struct draw_layout *layout, size_t *kept)
{
    for (size_t l = 0; l < layout->layer_count; l++) {
        memcpy(kept, layout->layers[l].items, layout->layers[l].count * sizeof *kept);
        kept += layout->layers[l].count;
    }
}

static void restore_order(const struct draw_layout *layout, const size_t *kept)
{
    for (size_t l = 0; l < layout->layer_count; l++) {
        memcpy(layout->layers[l].items, kept, layout->layers[l].count * sizeof *kept);
        kept += layout->layers[l].count;
    }
}

static void order_layers(struct draw_layout *layout, struct arena *arena)
{
    size_t *order = arena_alloc(arena, layout->item_count * sizeof *order);
    size_t *middles = arena_alloc(arena, layout->item_count * sizeof *middles);
    size_t *best = arena_alloc(arena, layout->item_count * sizeof *best);
    size_t fewest = count_crossings(layout, order);
    keep_order(layout, best);
    for (size_t sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep++) {
        bool down = sweep % 2 == 0;
        for (size_t l = 0; l < layout->layer_count; l++) {
            size_t at = down ? l : layout->layer_count - 1 - l;
            sort_layer(layout, &layout->layers[at], down, order, middles);
        }
        size_t crossings = count_crossings(layout, order);
        if (crossings < fewest) {
            fewest = crossings;
            keep_order(layout, best);
        }
    }
    restore_order(layout, best);
}

void draw_layout_make(struct draw_layout *layout, const struct draw_node *nodes, size_t count,
                      struct arena *arena)
{
    *layout = (struct draw_layout){0};
    struct draw_item *of_nodes = arena_alloc(arena, count * sizeof *of_nodes);
    layout->items = of_nodes;
    find_layers(layout, nodes, count);
    lower_sources(layout, nodes, count, arena);
    size_t bends = count_bends(layout, nodes, count);
    layout->items = arena_alloc(arena, (count + bends) * sizeof *layout->items);
    memcpy(layout->items, of_nodes, count * sizeof *of_nodes);
    layout->item_count = count;
    add_edges_above(layout, nodes, count, arena);
    ASSERT(layout->item_count == count + bends);
    add_edges_below(layout, arena);
    fill_layers(layout, arena);
    order_layers(layout, arena);
}

/* --- Columns --------------------------------------------------------------------------------- */

/* Neighbours that could not stand where they wished, and now share the middle of their wishes. */
struct group {
    int64_t sum;
    int64_t count;
};

static int64_t floor_div(int64_t sum, int64_t count)
{
    int64_t quotient = sum / count;
    return quotient - (sum % count < 0);
}

static bool overlap(const struct group *left, const struct group *right)
{
    return floor_div(left->sum, left->count) > floor_div(right->sum, right->count);
}

/* Given where the items of a layer would like their left edges, finds the nearest places that keep
 * order and gaps: who would overlap is pooled. `lefts` by item; `groups` is room for all. */
static void settle(const struct draw_layer *layer, const int *widths, int gap, int *lefts,
                   struct group *groups)
{
    size_t group_count = 0;
    int64_t packed = 0; /* the left edge if all stood side by side */
    for (size_t i = 0; i < layer->count; i++) {
        size_t item = layer->items[i];
        groups[group_count++] = (struct group){.sum = lefts[item] - packed, .count = 1};
        packed += widths[item] + gap;
        while (group_count > 1 && overlap(&groups[group_count - 2], &groups[group_count - 1])) {
            groups[group_count - 2].sum += groups[group_count - 1].sum;
            groups[group_count - 2].count += groups[group_count - 1].count;
            group_count--;
        }
    }
    packed = 0;
    size_t i = 0;
    for (size_t g = 0; g < group_count; g++) {
        int64_t shift = floor_div(groups[g].sum, groups[g].count);
        for (int64_t k = 0; k < groups[g].count; k++, i++) {
            size_t item = layer->items[i];
            lefts[item] = (int)(packed + shift);
            packed += widths[item] + gap;
        }
    }
}

/* Moves the item to below (or above) the middle of its neighbours. */
static void wish(const struct draw_layout *layout, size_t item_index, bool by_above,
                 const int *widths, int *lefts)
{
    const struct draw_item *item = &layout->items[item_index];
    const size_t *neighbours = by_above ? item->above : item->below;
    size_t count = by_above ? item->above_count : item->below_count;
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += lefts[neighbours[i]] + widths[neighbours[i]] / 2;
    }
    if (count > 0) {
        lefts[item_index] = (int)floor_div(sum, (int64_t)count) - widths[item_index] / 2;
    }
}

void draw_layout_place(const struct draw_layout *layout, const int *widths, int gap,
                       struct arena *arena, int *out_lefts)
{
    struct group *groups = arena_alloc(arena, layout->item_count * sizeof *groups);
    memset(out_lefts, 0, layout->item_count * sizeof *out_lefts);
    for (size_t sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
        bool down = sweep % 2 == 0;
        for (size_t l = 0; l < layout->layer_count; l++) {
            const struct draw_layer *layer =
                &layout->layers[down ? l : layout->layer_count - 1 - l];
            for (size_t i = 0; i < layer->count; i++) {
                wish(layout, layer->items[i], down, widths, out_lefts);
            }
            settle(layer, widths, gap, out_lefts, groups);
        }
    }
    int leftmost = out_lefts[0];
    for (size_t n = 0; n < layout->item_count; n++) {
        leftmost = out_lefts[n] < leftmost ? out_lefts[n] : leftmost;
    }
    for (size_t n = 0; n < layout->item_count; n++) {
        out_lefts[n] -= leftmost;
    }
}
