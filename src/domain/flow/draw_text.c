/* draw_text.c - a flow's graph in characters.
 *
 *     ┌─ from-1 ─────┐
 *     │ from account │
 *     │ types A, B   │
 *     └──────┬───────┘
 *            ▼
 *
 * Between two layers runs one horizontal track for each node below that is not straight under its
 * only input. Where a line passes over a track it has nothing to do with, the track is interrupted.
 */
#include "domain/flow/draw_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/utf8.h"

#define BOX_GAP 3      /* columns between boxes */
#define BEND_WIDTH 3   /* room to step aside */
#define PIN_REACH 2    /* columns an arrow may stand off the middle of its box to be straight */
#define OUT_STEP_MAX 6 /* between the columns in which edges leave a box */

enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8 }; /* where a line leaves its cell */

struct cell {
    uint32_t glyph; /* 0: what the lines make */
    unsigned lines;
    size_t track_of; /* item + 1 whose track this is; 0: none */
};

struct grid { /* a flow's picture while it is drawn */
    const struct flow_drawing *drawing;
    const struct draw_layout *layout;
    struct arena *arena;
    struct cell *cells;
    int width;
    int height;
    int *widths; /* of items, in columns */
    int *lefts;
    int *pins;         /* the column in which edges reach an item */
    int **outs;        /* the columns in which they leave it, as `below` has them */
    int *tracks;       /* of items, in the gap above them; -1: straight */
    int *tops;         /* of layers, the first row */
    int *track_counts; /* of layers, in the gap above */
};

/* --- Cells ----------------------------------------------------------------------------------- */

static struct cell *cell_at(struct grid *grid, int x, int y)
{
    ASSERT(x >= 0 && x < grid->width);
    ASSERT(y >= 0 && y < grid->height);
    return &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
}

static void put_text(struct grid *grid, int x, int y, struct ever_slice text)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_sequence(text.data + at, text.data + text.size);
        uint32_t glyph = 0;
        memcpy(&glyph, text.data + at, size); /* the bytes themselves: they are only copied out */
        cell_at(grid, x++, y)->glyph = glyph;
        at += size;
    }
}

static void add_lines(struct grid *grid, int x, int y, unsigned lines)
{
    cell_at(grid, x, y)->lines |= lines;
}

static void line_across(struct grid *grid, int y, int left, int right)
{
    for (int x = left; x <= right; x++) {
        add_lines(grid, x, y, (x > left ? LEFT : 0u) | (x < right ? RIGHT : 0u));
    }
}

static bool is_among(size_t item, const size_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i] == item) {
            return true;
        }
    }
    return false;
}

/* A line downwards that joins the tracks of `own` and passes over all others. */
static void line_down(struct grid *grid, int x, int top, int bottom, const size_t *own,
                      size_t own_count)
{
    for (int y = top; y <= bottom; y++) {
        struct cell *cell = cell_at(grid, x, y);
        unsigned lines = (y > top ? UP : 0u) | (y < bottom ? DOWN : 0u);
        bool foreign = cell->track_of != 0 && !is_among(cell->track_of - 1, own, own_count);
        cell->lines = foreign ? lines : cell->lines | lines;
    }
}

/* --- Boxes ----------------------------------------------------------------------------------- */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int box_width(const struct draw_node *node)
{
    int inside = larger((int)draw_width(node->title), (int)draw_width(node->name) + 2);
    for (size_t i = 0; i < node->line_count; i++) {
        inside = larger(inside, (int)draw_width(node->lines[i]));
    }
    if (node->note.size > 0) { /* right of the pin */
        inside = larger(inside, 2 * (int)draw_width(node->note) + 5);
    }
    return (inside + 4) | 1; /* odd: it has a middle */
}

static int box_height(const struct draw_node *node)
{
    return 3 + (int)node->line_count;
}

static void draw_box(struct grid *grid, size_t item, int top)
{
    const struct draw_node *node = &grid->drawing->nodes[grid->layout->items[item].node];
    int left = grid->lefts[item];
    int right = left + grid->widths[item] - 1;
    int bottom = top + box_height(node) - 1;
    line_across(grid, top, left, right);
    line_across(grid, bottom, left, right);
    line_down(grid, left, top, bottom, NULL, 0);
    line_down(grid, right, top, bottom, NULL, 0);
    if (node->name.size > 0) {
        put_text(grid, left + 2, top, SLICE_LITERAL(" "));
        put_text(grid, left + 3, top, node->name);
        put_text(grid, left + 3 + (int)draw_width(node->name), top, SLICE_LITERAL(" "));
    }
    put_text(grid, left + 2, top + 1, node->title);
    for (size_t i = 0; i < node->line_count; i++) {
        put_text(grid, left + 2, top + 2 + (int)i, node->lines[i]);
    }
    if (node->note.size > 0) {
        int at = right - 2 - (int)draw_width(node->note);
        put_text(grid, at - 1, bottom, SLICE_LITERAL(" "));
        put_text(grid, at, bottom, node->note);
        put_text(grid, right - 2, bottom, SLICE_LITERAL(" "));
    }
}

static int item_height(const struct grid *grid, size_t item)
{
    size_t node = grid->layout->items[item].node;
    return node == DRAW_BEND ? 1 : box_height(&grid->drawing->nodes[node]);
}

/* --- Pins and tracks ------------------------------------------------------------------------- */

static int *numbers(struct grid *grid, size_t count)
{
    return arena_alloc_zero(grid->arena, count * sizeof(int));
}

/* Edges leave an item in one column when they lead to items that read nothing else, and each in a
 * column of its own to items that also read others: else a line that joins a shared track and goes
 * on below it would seem to carry what the others bring. */
static bool leaves_alone(const struct draw_layout *layout, size_t below)
{
    return layout->items[below].above_count > 1;
}

static int middle_column(const struct grid *grid, size_t item)
{
    return grid->lefts[item] + grid->widths[item] / 2;
}

/* The first of the edges that leave in the same column as below[index]. */
static size_t column_of(const struct draw_layout *layout, const struct draw_item *from,
                        size_t index)
{
    size_t first = index;
    for (size_t i = 0; i < index && !leaves_alone(layout, from->below[index]); i++) {
        if (!leaves_alone(layout, from->below[i])) {
            first = i;
            break;
        }
    }
    return first;
}

/* Columns stand as what they lead to stands. */
static void find_outs(struct grid *grid, size_t item)
{
    const struct draw_item *from = &grid->layout->items[item];
    grid->outs[item] = numbers(grid, from->below_count);
    for (size_t i = 0; i < from->below_count; i++) {
        size_t own = column_of(grid->layout, from, i);
        int rank = 0;
        int count = 0;
        for (size_t k = 0; k < from->below_count; k++) {
            bool is_column = column_of(grid->layout, from, k) == k;
            int apart = middle_column(grid, from->below[k]) - middle_column(grid, from->below[own]);
            rank += is_column && (apart < 0 || (apart == 0 && k < own));
            count += is_column;
        }
        int room = (grid->widths[item] - 4) / count / 2 * 2;
        int step = room > OUT_STEP_MAX ? OUT_STEP_MAX : larger(room, 2);
        grid->outs[item][i] = middle_column(grid, item) + (2 * rank - count + 1) * step / 2;
    }
}

/* Where the edge from `above` leaves. */
static int out_of(const struct grid *grid, size_t above, size_t item)
{
    const struct draw_item *from = &grid->layout->items[above];
    size_t i = 0;
    while (from->below[i] != item) {
        i++;
        ASSERT(i < from->below_count);
    }
    return grid->outs[above][i];
}

/* Two lines in one column would look like one. */
static bool pin_is_taken(const struct grid *grid, size_t item, int column)
{
    const struct draw_layer *layer = &grid->layout->layers[grid->layout->items[item].layer - 1];
    for (size_t k = 0; k < layer->count; k++) {
        const struct draw_item *above = &grid->layout->items[layer->items[k]];
        bool taken = false;
        bool own = false;
        for (size_t i = 0; i < above->below_count; i++) {
            bool here = grid->outs[layer->items[k]][i] == column;
            taken = taken || here;
            own = own || (here && above->below[i] == item);
        }
        if (taken && !own) {
            return true;
        }
    }
    return false;
}

/* The middle, or straight below the only input when that is near. */
static int wanted_pin(const struct grid *grid, size_t item)
{
    const struct draw_item *of = &grid->layout->items[item];
    int middle = middle_column(grid, item);
    if (of->above_count != 1 || of->node == DRAW_BEND) {
        return middle;
    }
    int above = out_of(grid, of->above[0], item);
    bool near = above >= middle - PIN_REACH && above <= middle + PIN_REACH;
    return near && !pin_is_taken(grid, item, above) ? above : middle;
}

static int find_pin(const struct grid *grid, size_t item)
{
    int middle = middle_column(grid, item);
    int reach = grid->widths[item] / 2 - (grid->layout->items[item].node == DRAW_BEND ? 0 : 1);
    if (grid->layout->items[item].layer == 0) {
        return middle;
    }
    int wanted = wanted_pin(grid, item);
    if (wanted != middle) {
        return wanted;
    }
    for (int step = 0; step <= reach; step++) {
        if (!pin_is_taken(grid, item, middle + step)) {
            return middle + step;
        }
        if (!pin_is_taken(grid, item, middle - step)) {
            return middle - step;
        }
    }
    return middle;
}

struct track {
    int left;
    int right;
    int row;
    size_t source; /* the only item it comes from; SIZE_MAX: several */
};

static struct track track_of(const struct grid *grid, size_t item)
{
    const struct draw_item *of = &grid->layout->items[item];
    struct track track = {.left = grid->pins[item], .right = grid->pins[item], .row = -1};
    track.source = of->above_count == 1 ? of->above[0] : SIZE_MAX;
    for (size_t i = 0; i < of->above_count; i++) {
        int pin = out_of(grid, of->above[i], item);
        track.left = pin < track.left ? pin : track.left;
        track.right = larger(track.right, pin);
    }
    return track;
}

/* Two that lead from the same item to its left and to its right may be one line. */
static bool tracks_touch(struct track a, struct track b)
{
    bool parted =
        a.source == b.source && a.source != SIZE_MAX && (a.right == b.left || b.right == a.left);
    return a.row == b.row && !parted && a.left <= b.right + 1 && b.left <= a.right + 1;
}

/* Gives each item of the layer the first row in which its track touches no other. */
static void find_tracks(struct grid *grid, size_t layer_index)
{
    const struct draw_layer *layer = &grid->layout->layers[layer_index];
    struct track *placed = arena_alloc(grid->arena, layer->count * sizeof *placed);
    size_t placed_count = 0;
    for (size_t i = 0; i < layer->count; i++) {
        struct track track = track_of(grid, layer->items[i]);
        grid->tracks[layer->items[i]] = -1;
        if (track.left == track.right) {
            continue;
        }
        track.row = 0;
        for (size_t k = 0; k < placed_count; k++) {
            if (tracks_touch(placed[k], track)) {
                track.row++;
                k = SIZE_MAX; /* from the first one again */
            }
        }
        placed[placed_count++] = track;
        grid->tracks[layer->items[i]] = track.row;
        grid->track_counts[layer_index] = larger(grid->track_counts[layer_index], track.row + 1);
    }
}

/* --- Edges ----------------------------------------------------------------------------------- */

static int track_row(const struct grid *grid, size_t item)
{
    size_t layer = grid->layout->items[item].layer;
    return grid->tops[layer] - 1 - grid->track_counts[layer] + grid->tracks[item];
}

static void draw_track(struct grid *grid, size_t item)
{
    struct track track = track_of(grid, item);
    if (grid->tracks[item] < 0) {
        return;
    }
    int row = track_row(grid, item);
    line_across(grid, row, track.left, track.right);
    for (int x = track.left; x <= track.right; x++) {
        cell_at(grid, x, row)->track_of = item + 1;
    }
}

/* From the bottom of the item to the last track or pin that each of its columns leads to. */
static void draw_down_from(struct grid *grid, size_t item)
{
    const struct draw_item *from = &grid->layout->items[item];
    size_t *own = arena_alloc(grid->arena, from->below_count * sizeof *own);
    int top = grid->tops[from->layer] + item_height(grid, item) - 1;
    for (size_t i = 0; i < from->below_count; i++) {
        size_t own_count = 0;
        for (size_t k = 0; k < from->below_count; k++) {
            if (grid->outs[item][k] == grid->outs[item][i]) {
                own[own_count++] = from->below[k];
            }
        }
        size_t to = from->below[i];
        int end = grid->tracks[to] >= 0 ? track_row(grid, to)
                                        : grid->tops[grid->layout->items[to].layer] - 1;
        line_down(grid, grid->outs[item][i], top, end, own, own_count);
    }
}

/* From the item's track to its arrow. */
static void draw_down_to(struct grid *grid, size_t item)
{
    const struct draw_item *to = &grid->layout->items[item];
    if (to->above_count == 0) {
        return;
    }
    int end = grid->tops[to->layer] - 1;
    int pin = grid->pins[item];
    if (grid->tracks[item] >= 0) {
        line_down(grid, pin, track_row(grid, item), end, &item, 1);
    }
    if (to->node == DRAW_BEND) {
        line_down(grid, pin, end, grid->tops[to->layer], &item, 1);
    } else {
        put_text(grid, pin, end, SLICE_LITERAL("▼"));
    }
}

/* --- All of it ------------------------------------------------------------------------------- */

static void measure(struct grid *grid)
{
    const struct draw_layout *layout = grid->layout;
    grid->widths = numbers(grid, layout->item_count);
    grid->lefts = numbers(grid, layout->item_count);
    grid->pins = numbers(grid, layout->item_count);
    grid->tracks = numbers(grid, layout->item_count);
    grid->tops = numbers(grid, layout->layer_count);
    grid->track_counts = numbers(grid, layout->layer_count);
    for (size_t i = 0; i < layout->item_count; i++) {
        size_t node = layout->items[i].node;
        grid->widths[i] = node == DRAW_BEND ? BEND_WIDTH : box_width(&grid->drawing->nodes[node]);
    }
    draw_layout_place(layout, grid->widths, BOX_GAP, grid->arena, grid->lefts);
    grid->outs = arena_alloc_zero(grid->arena, layout->item_count * sizeof *grid->outs);
    for (size_t i = 0; i < layout->item_count; i++) {
        find_outs(grid, i);
    }
    for (size_t l = 0; l < layout->layer_count; l++) {
        int height = 0;
        for (size_t i = 0; i < layout->layers[l].count; i++) {
            size_t item = layout->layers[l].items[i];
            grid->pins[item] = find_pin(grid, item);
            if (layout->items[item].node == DRAW_BEND) {
                grid->outs[item][0] = grid->pins[item]; /* straight through */
            }
            grid->width = larger(grid->width, grid->lefts[item] + grid->widths[item]);
            height = larger(height, item_height(grid, item));
        }
        find_tracks(grid, l);
        grid->tops[l] = grid->height + (l == 0 ? 0 : grid->track_counts[l] + 1);
        grid->height = grid->tops[l] + height;
    }
}

static void draw(struct grid *grid)
{
    const struct draw_layout *layout = grid->layout;
    size_t cell_count = (size_t)grid->width * (size_t)grid->height;
    grid->cells = arena_alloc_zero(grid->arena, cell_count * sizeof *grid->cells);
    for (size_t i = 0; i < layout->item_count; i++) {
        draw_track(grid, i);
    }
    for (size_t i = 0; i < layout->item_count; i++) {
        draw_down_from(grid, i);
        draw_down_to(grid, i);
        if (layout->items[i].node != DRAW_BEND) {
            draw_box(grid, i, grid->tops[layout->items[i].layer]);
        }
    }
}

static void print_cell(const struct cell *cell, struct text *out)
{
    static const char *const glyphs[16] = {" ", "│", "─", "└", "│", "│", "┌", "├",
                                           "─", "┘", "─", "┴", "┐", "┤", "┬", "┼"};
    if (cell->glyph == 0) {
        text_add_text(out, glyphs[cell->lines]);
        return;
    }
    char bytes[sizeof cell->glyph + 1] = {0};
    memcpy(bytes, &cell->glyph, sizeof cell->glyph);
    text_add_text(out, bytes);
}

static void print(const struct grid *grid, struct text *out)
{
    for (int y = 0; y < grid->height; y++) {
        const struct cell *row = &grid->cells[(size_t)y * (size_t)grid->width];
        int end = grid->width;
        while (end > 0 && row[end - 1].glyph == 0 && row[end - 1].lines == 0) {
            end--; /* no blanks at the end of a line */
        }
        for (int x = 0; x < end; x++) {
            print_cell(&row[x], out);
        }
        text_add_byte(out, '\n');
    }
}

void flow_drawing_text(const struct flow_drawing *drawing, struct text *out)
{
    struct arena arena;
    arena_init(&arena);
    struct grid grid = {.drawing = drawing, .layout = &drawing->layout, .arena = &arena};
    text_add(out, drawing->name);
    text_printf(out, "%s%.*s\n", drawing->place.size > 0 ? "  " : "", SLICE_PRINT(drawing->place));
    if (drawing->options.size > 0) {
        text_printf(out, "%.*s\n", SLICE_PRINT(drawing->options));
    }
    text_add_byte(out, '\n');
    measure(&grid);
    draw(&grid);
    print(&grid, out);
    arena_deinit(&arena);
}
