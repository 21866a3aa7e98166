/* graph.h - the graphs of flows as the worker gives them, taken apart and checked.
 *
 * What is common to all operators is here: names, inputs, options, the order of flows. What only
 * one operator has, its file op_*.c reads from node->json. Everything points into the arena. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define GRAPH_FLOWS_MAX 256u
#define GRAPH_NODES_MAX 1024u               /* of a flow */
#define GRAPH_MS_MAX INT64_C(3155760000000) /* durations: a hundred years */

struct graph_node {
    struct ever_slice op;
    struct ever_slice name; /* unique in its flow */
    uint32_t line;          /* 0: unknown */
    const uint32_t *inputs; /* each lower than the node's own number */
    uint32_t input_count;
    struct json_value json; /* the whole node */
};

struct graph_options {
    int64_t lateness_ms;
    int64_t ahead_ms;
    int64_t idle_ms;
    int64_t tick_ms;        /* 0: none */
    struct ever_slice time; /* path; empty: commit time */
    bool skip_errors;       /* onError "skip" */
    uint64_t keys;
    uint64_t bytes;
};

struct graph_flow {
    struct ever_slice name;
    struct ever_slice file;
    uint32_t line;
    uint32_t level; /* 0: reads no flow; else one more than the highest it reads */
    struct graph_options options;
    struct graph_node *nodes;
    uint32_t node_count;
    size_t *upstreams; /* indexes of the flows it reads, each once, ascending */
    size_t upstream_count;
    struct ever_slice text;      /* its JSON as given */
    struct ever_slice canonical; /* without "file" and "line", white space removed */
};

struct graph { /* flows ordered by level, then as given */
    struct graph_flow *flows;
    size_t flow_count;
};

/* Takes `graphs` = {"flows":[...]} apart. EVER_INVALID: one line for each fault in `report`. Names
 * a cycle of flows by its members. `arena` owns all of it, a copy of the text too. */
struct ever_err graph_parse(struct ever_slice graphs, struct arena *arena, struct text *report,
                            struct graph *out_graph);

/* Adds "file:line: " and the sentence to the report. */
void graph_fault(struct text *report, const struct graph_flow *flow, uint32_t line,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
