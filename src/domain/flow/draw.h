/* draw.h - pictures of a flow: its graph as text for a terminal and as SVG for a browser.
 *
 * Both are drawn from the graph's JSON alone and are the same bytes for the same graph. Nodes stand
 * in layers, each below everything it reads. Memory comes from the arena given at the beginning; no
 * I/O. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct flow_drawing;

/* Reads the graph of one flow (checked JSON, lent as long as the drawing) and lays it out.
 * EVER_INVALID: it is no graph. */
struct ever_err flow_drawing_create(struct ever_slice graph, struct arena *arena,
                                    struct flow_drawing **out_drawing);

size_t flow_drawing_node_count(const struct flow_drawing *drawing);
/* The name of an operator, and what it is in a few words: "tumbling 1h". */
struct ever_slice flow_drawing_node_name(const struct flow_drawing *drawing, size_t node);
struct ever_slice flow_drawing_node_title(const struct flow_drawing *drawing, size_t node);
/* The first of the lines below it: "types Withdrawn"; empty when there is none. */
struct ever_slice flow_drawing_node_detail(const struct flow_drawing *drawing, size_t node);
/* What sort of operator it is, which gives its colour: "source", "plain", "state", "time", "join",
 * "script", "emit". */
const char *flow_drawing_node_kind(const struct flow_drawing *drawing, size_t node);

/* Shown at the node, as "1,204"; lent as long as the drawing. */
void flow_drawing_note(struct flow_drawing *drawing, size_t node, struct ever_slice note);

/* UTF-8, with box-drawing characters; a heading, then the graph from top to bottom. */
void flow_drawing_text(const struct flow_drawing *drawing, struct text *out);

/* One SVG document of several flows, one below the other. It needs nothing from elsewhere, follows
 * the reader's light or dark colours, and shows what was cut short when a node is pointed at. */
void flow_drawings_svg(struct flow_drawing *const *drawings, size_t count, struct text *out);
