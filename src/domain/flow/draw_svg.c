/* draw_svg.c - a flow's graph as SVG: cards, and curves between them. Colours are the reader's,
 * light or dark; words are set in the system's fonts, whose widths are guessed generously. */
#include "domain/flow/draw_priv.h"

#include "base/assert.h"
#include "base/markup.h"
#include "base/slice.h"

#include <stdlib.h>

#define MARGIN 24
#define HEADING_HEIGHT 58
#define CARD_GAP 28
#define LAYER_GAP 46
#define BEND_WIDTH 12
#define TITLE_HEIGHT 38
#define LINE_HEIGHT 17
#define CARD_WIDTH_MIN 120
#define PORT_GAP 22   /* between arrows that reach one card */
#define PORT_REACH 12 /* an arrow may stand so far off the middle of its card to be straight */
#define ARROW_HEIGHT 7

/* Widths of a character, in hundredths of a pixel. */
#define TITLE_CHARACTER 790
#define NAME_CHARACTER 640
#define LINE_CHARACTER 725

struct plan { /* one flow's picture */
    const struct flow_drawing *drawing;
    int *widths; /* of items */
    int *heights;
    int *lefts;
    int *tops; /* of layers */
    int *layer_heights;
    int width;
    int height;
    int heading_width;
};

static const char style[] =
    ".ff{--ff-ink:#1c2230;--ff-soft:#667085;--ff-line:#d9dde6;--ff-back:#fbfbfc;--ff-card:#fff;"
    "--ff-edge:#98a2b3;--ff-source:#2f6fde;--ff-plain:#7a869a;--ff-state:#8a56d6;"
    "--ff-time:#c2710c;--ff-join:#0e8f83;--ff-script:#b4862b;--ff-emit:#2c9a4b}"
    "@media(prefers-color-scheme:dark){.ff{--ff-ink:#e8eaf0;--ff-soft:#98a1b3;--ff-line:#323a4a;"
    "--ff-back:#12151c;--ff-card:#1a1f29;--ff-edge:#667089;--ff-source:#6ea0ff;--ff-plain:#8c98ad;"
    "--ff-state:#b48bff;--ff-time:#f0a24a;--ff-join:#44c4b6;--ff-script:#d9b25a;"
    "--ff-emit:#5cc97a}}"
    ".ff-back{fill:var(--ff-back)}"
    ".ff text{fill:var(--ff-ink);font:13px system-ui,-apple-system,'Segoe UI',sans-serif}"
    ".ff .ff-flow{font-size:19px;font-weight:650;letter-spacing:-.01em}"
    ".ff .ff-soft{fill:var(--ff-soft);font-size:12px}"
    ".ff .ff-title{font-weight:600}"
    ".ff .ff-name{fill:var(--ff-soft);font-size:11px;text-anchor:end}"
    ".ff .ff-text{fill:var(--ff-soft);font:12px ui-monospace,Menlo,Consolas,monospace;"
    "white-space:pre}"
    ".ff .ff-note{font-size:11px;font-weight:600;text-anchor:middle;fill:var(--ff-card)}"
    ".ff-card{fill:var(--ff-card);stroke:var(--ff-line)}"
    ".ff-edge{fill:none;stroke:var(--ff-edge);stroke-width:1.5}"
    ".ff-arrow{fill:var(--ff-edge)}"
    ".ff-bar,.ff-pill{fill:var(--ff-kind)}"
    ".ff-source{--ff-kind:var(--ff-source)}.ff-plain{--ff-kind:var(--ff-plain)}"
    ".ff-state{--ff-kind:var(--ff-state)}.ff-time{--ff-kind:var(--ff-time)}"
    ".ff-join{--ff-kind:var(--ff-join)}.ff-script{--ff-kind:var(--ff-script)}"
    ".ff-emit{--ff-kind:var(--ff-emit)}"
    ".ff-node:hover .ff-card{stroke:var(--ff-kind)}";

static void add_words(struct text *out, const char *class, int x, int y, struct ever_slice words)
{
    text_printf(out, "<text class=\"ff-%s\" x=\"%d\" y=\"%d\">", class, x, y);
    markup_write(out, words);
    text_add_text(out, "</text>\n");
}

/* --- Measures -------------------------------------------------------------------------------- */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int words_width(struct ever_slice words, int character)
{
    return ((int)draw_width(words) * character + 99) / 100;
}

static int card_width(const struct draw_node *node)
{
    int inside = words_width(node->title, TITLE_CHARACTER);
    if (node->name.size > 0) {
        inside += 18 + words_width(node->name, NAME_CHARACTER);
    }
    for (size_t i = 0; i < node->line_count; i++) {
        inside = larger(inside, words_width(node->lines[i], LINE_CHARACTER));
    }
    return larger(CARD_WIDTH_MIN, (inside + 32 + 1) / 2 * 2); /* even: it has a middle */
}

static int card_height(const struct draw_node *node)
{
    int lines = (int)node->line_count * LINE_HEIGHT;
    return TITLE_HEIGHT + (lines > 0 ? lines + 6 : 0);
}

static void measure(struct plan *plan, struct arena *arena)
{
    const struct draw_layout *layout = &plan->drawing->layout;
    plan->widths = arena_alloc_zero(arena, layout->item_count * sizeof *plan->widths);
    plan->heights = arena_alloc_zero(arena, layout->item_count * sizeof *plan->heights);
    plan->lefts = arena_alloc_zero(arena, layout->item_count * sizeof *plan->lefts);
    plan->tops = arena_alloc_zero(arena, layout->layer_count * sizeof *plan->tops);
    plan->layer_heights = arena_alloc_zero(arena, layout->layer_count * sizeof *plan->tops);
    for (size_t i = 0; i < layout->item_count; i++) {
        const struct draw_item *item = &layout->items[i];
        bool bend = item->node == DRAW_BEND;
        const struct draw_node *node = bend ? NULL : &plan->drawing->nodes[item->node];
        plan->widths[i] = bend ? BEND_WIDTH : card_width(node);
        plan->heights[i] = bend ? 0 : card_height(node);
        plan->layer_heights[item->layer] =
            larger(plan->layer_heights[item->layer], plan->heights[i]);
    }
    draw_layout_place(layout, plan->widths, CARD_GAP, arena, plan->lefts);
    for (size_t i = 0; i < layout->item_count; i++) {
        plan->width = larger(plan->width, plan->lefts[i] + plan->widths[i]);
    }
    plan->height = HEADING_HEIGHT;
    for (size_t l = 0; l < layout->layer_count; l++) {
        plan->tops[l] = plan->height;
        plan->height += plan->layer_heights[l] + LAYER_GAP;
    }
    plan->height -= LAYER_GAP;
    plan->width = larger(plan->width, plan->heading_width);
}

static struct ever_slice heading_of(const struct flow_drawing *drawing, struct arena *arena)
{
    bool both = drawing->place.size > 0 && drawing->options.size > 0;
    return arena_printf(arena, "%.*s%s%.*s", SLICE_PRINT(drawing->place), both ? " · " : "",
                        SLICE_PRINT(drawing->options));
}

/* --- Edges ----------------------------------------------------------------------------------- */

static int middle_of(const struct plan *plan, size_t item)
{
    return plan->lefts[item] + plan->widths[item] / 2;
}

/* Where the arrow from the `index`-th input arrives: from left to right as the inputs stand. */
static int port_of(const struct plan *plan, size_t item, size_t index)
{
    const struct draw_item *to = &plan->drawing->layout.items[item];
    int straight = middle_of(plan, to->above[0]);
    if (to->above_count == 1 && abs(straight - middle_of(plan, item)) <= PORT_REACH) {
        return straight;
    }
    int rank = 0;
    for (size_t i = 0; i < to->above_count; i++) {
        int own = middle_of(plan, to->above[index]);
        int other = middle_of(plan, to->above[i]);
        rank += other < own || (other == own && i < index);
    }
    int room = (plan->widths[item] - 40) / (int)to->above_count;
    int gap = room < PORT_GAP ? room : PORT_GAP;
    return middle_of(plan, item) + (2 * rank - (int)to->above_count + 1) * gap / 2;
}

static void add_curve(struct text *out, int from_x, int from_y, int to_x, int to_y)
{
    if (from_x == to_x) {
        text_printf(out, " V%d", to_y);
    } else {
        int half = (from_y + to_y) / 2;
        text_printf(out, " C%d %d %d %d %d %d", from_x, half, to_x, half, to_x, to_y);
    }
}

/* The way from the card above to the bottom of a bend, the bend's own layer included. Gives where
 * it has come to. */
static int add_way(struct text *out, const struct plan *plan, size_t item)
{
    const struct draw_layout *layout = &plan->drawing->layout;
    const struct draw_item *at = &layout->items[item];
    int x = middle_of(plan, item);
    if (at->node != DRAW_BEND) {
        int bottom = plan->tops[at->layer] + plan->heights[item];
        int end = plan->tops[at->layer] + plan->layer_heights[at->layer];
        text_printf(out, "M%d %d", x, bottom);
        if (end > bottom) {
            text_printf(out, " V%d", end);
        }
        return end;
    }
    int from_y = add_way(out, plan, at->above[0]); /* as deep as there are layers */
    add_curve(out, middle_of(plan, at->above[0]), from_y, x, plan->tops[at->layer]);
    int end = plan->tops[at->layer] + plan->layer_heights[at->layer];
    text_printf(out, " V%d", end);
    return end;
}

static void add_edges(struct text *out, const struct plan *plan, size_t item)
{
    const struct draw_item *to = &plan->drawing->layout.items[item];
    int top = plan->tops[to->layer];
    for (size_t i = 0; i < to->above_count; i++) {
        int x = port_of(plan, item, i);
        text_add_text(out, "<path class=\"ff-edge\" d=\"");
        int from_y = add_way(out, plan, to->above[i]);
        add_curve(out, middle_of(plan, to->above[i]), from_y, x, top - ARROW_HEIGHT);
        text_printf(out, "\"/><path class=\"ff-arrow\" d=\"M%d %dl-5 -9q5 3 10 0z\"/>\n", x, top);
    }
}

/* --- Cards ----------------------------------------------------------------------------------- */

static void add_note(struct text *out, const struct draw_node *node, int right, int bottom)
{
    int width = words_width(node->note, NAME_CHARACTER) + 16;
    int left = right - 12 - width;
    text_printf(out,
                "<rect class=\"ff-pill\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" rx=\"9\"/>",
                left, bottom - 9, width);
    add_words(out, "note", left + width / 2, bottom + 4, node->note);
}

static void add_card(struct text *out, const struct plan *plan, size_t item)
{
    const struct draw_item *at = &plan->drawing->layout.items[item];
    const struct draw_node *node = &plan->drawing->nodes[at->node];
    int left = plan->lefts[item];
    int top = plan->tops[at->layer];
    int width = plan->widths[item];
    int height = plan->heights[item];
    text_printf(out, "<g class=\"ff-node ff-%s\" data-node=\"%zu\"><title>",
                draw_kind_name(node->kind), at->node);
    markup_write(out, node->tip);
    text_printf(out,
                "</title>\n<rect class=\"ff-card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                "rx=\"9\"/>\n<path class=\"ff-bar\" d=\"M%d %dh-1a8 8 0 0 0 -8 8v%da8 8 0 0 0 8 "
                "8h1z\"/>\n",
                left, top, width, height, left + 9, top, height - 16);
    add_words(out, "title", left + 20, top + 24, node->title);
    if (node->name.size > 0) {
        add_words(out, "name", left + width - 12, top + 24, node->name);
    }
    for (size_t i = 0; i < node->line_count; i++) {
        add_words(out, "text", left + 20, top + TITLE_HEIGHT + 7 + (int)i * LINE_HEIGHT,
                  node->lines[i]);
    }
    if (node->note.size > 0) {
        add_note(out, node, left + width, top + height);
    }
    text_add_text(out, "</g>\n");
}

/* --- The document ---------------------------------------------------------------------------- */

static void add_flow(struct text *out, const struct plan *plan, int top, struct arena *arena)
{
    const struct draw_layout *layout = &plan->drawing->layout;
    text_printf(out, "<g transform=\"translate(%d %d)\">\n", MARGIN, top);
    add_words(out, "flow", 0, 18, plan->drawing->name);
    add_words(out, "soft", 0, 38, heading_of(plan->drawing, arena));
    for (size_t i = 0; i < layout->item_count; i++) {
        if (layout->items[i].node != DRAW_BEND) {
            add_edges(out, plan, i);
        }
    }
    for (size_t i = 0; i < layout->item_count; i++) {
        if (layout->items[i].node != DRAW_BEND) {
            add_card(out, plan, i);
        }
    }
    text_add_text(out, "</g>\n");
}

static void begin(struct text *out, int width, int height)
{
    text_printf(out,
                "<svg class=\"ff\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
                "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<style>",
                width, height, width, height);
    text_add_text(out, style);
    text_add_text(out, "</style>\n<rect class=\"ff-back\" width=\"100%\" height=\"100%\"/>\n");
}

void flow_drawings_svg(struct flow_drawing *const *drawings, size_t count, struct text *out)
{
    struct arena arena;
    arena_init(&arena);
    struct plan *plans = arena_alloc_zero(&arena, count * sizeof *plans);
    int width = 0;
    int height = MARGIN;
    for (size_t i = 0; i < count; i++) {
        struct ever_slice heading = heading_of(drawings[i], &arena);
        plans[i].drawing = drawings[i];
        plans[i].heading_width = larger(words_width(heading, NAME_CHARACTER + 60),
                                        words_width(drawings[i]->name, TITLE_CHARACTER * 3 / 2));
        measure(&plans[i], &arena);
        width = larger(width, plans[i].width);
        height += plans[i].height + MARGIN * 2;
    }
    begin(out, width + 2 * MARGIN, height - MARGIN);
    int top = MARGIN;
    for (size_t i = 0; i < count; i++) {
        add_flow(out, &plans[i], top, &arena);
        top += plans[i].height + MARGIN * 2;
    }
    text_add_text(out, "</svg>\n");
    arena_deinit(&arena);
}
