/* draw_priv.h - what the files that draw a flow share: nodes with their words, and where they
 * stand.
 */
#pragma once
#include "base/json.h"
#include "domain/flow/draw.h"

#define DRAW_LINES_MAX 8            /* below a node's title; more are counted */
#define DRAW_LINE_CHARACTERS_MAX 44 /* longer ones are cut; a tooltip has them whole */
#define DRAW_NODES_MAX 1000

enum draw_kind { /* what colour a node has */
                 DRAW_SOURCE,
                 DRAW_PLAIN, /* looks at one event at a time */
                 DRAW_STATE, /* keeps something for each key */
                 DRAW_TIME,  /* waits for event time */
                 DRAW_JOIN,
                 DRAW_SCRIPT,
                 DRAW_EMIT,
};

struct draw_node {
    enum draw_kind kind;
    struct ever_slice op;
    struct ever_slice name;
    struct ever_slice title;
    struct ever_slice lines[DRAW_LINES_MAX];
    size_t line_count;
    struct ever_slice tip;  /* all of it uncut, on several lines */
    struct ever_slice note; /* flow_drawing_note() */
    const size_t *inputs;   /* node numbers below its own, each once */
    size_t input_count;
};

/* A node, or a place where an edge passes a layer on its way to one further below. */
struct draw_item {
    size_t node; /* DRAW_BEND: a passing edge */
    size_t layer;
    size_t *above; /* items of the layer above that lead here; for a node in input order */
    size_t above_count;
    size_t *below;
    size_t below_count;
};
#define DRAW_BEND SIZE_MAX

struct draw_layer {
    size_t *items; /* from left to right */
    size_t count;
};

struct draw_layout { /* items 0..node_count-1 are the nodes */
    struct draw_item *items;
    size_t item_count;
    struct draw_layer *layers;
    size_t layer_count;
};

struct flow_drawing {
    struct arena *arena;
    struct ever_slice name;
    struct ever_slice place;   /* "flows/bank.js:4"; may be empty */
    struct ever_slice options; /* those that differ from the usual; may be empty */
    struct draw_node *nodes;
    size_t node_count;
    struct draw_layout layout;
};

const char *draw_kind_name(enum draw_kind kind);

/* Reads the words of a node; `inputs` are there already. */
void draw_label(struct draw_node *node, struct json_value json, struct arena *arena);
/* "lateness 10m · time data.at"; empty when all is as usual. */
struct ever_slice draw_options(struct json_value options, struct arena *arena);

/* Characters of a text; each is counted as one column. */
size_t draw_width(struct ever_slice text);

/* Puts the nodes into layers and orders each so that few edges cross. */
void draw_layout_make(struct draw_layout *layout, const struct draw_node *nodes, size_t count,
                      struct arena *arena);

/* Finds the left edge of each item, so that what belongs together stands below each other. `widths`
 * are the items'; two of a layer keep `gap` between them. All from 0 on. */
void draw_layout_place(const struct draw_layout *layout, const int *widths, int gap,
                       struct arena *arena, int *out_lefts);
