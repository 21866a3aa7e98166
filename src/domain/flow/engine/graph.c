#include "domain/flow/engine/graph.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct parser {
    struct arena *arena;
    struct text *report;
    struct graph *graph;
    size_t faults;
};

void graph_fault(struct text *report, const struct graph_flow *flow, uint32_t line,
                 const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    struct ever_slice file = flow->file.size > 0 ? flow->file : SLICE_LITERAL("flows");
    text_printf(report, "%.*s:%u: %s\n", SLICE_PRINT(file), line == 0 ? flow->line : line,
                sentence);
}

/* --- Members ---------------------------------------------------------------------------------- */

static struct ever_slice text_member(struct parser *parser, struct json_value object,
                                     const char *name)
{
    struct json_value value;
    if (!json_member(object, slice_of_text(name), &value) || value.kind != JSON_STRING) {
        return SLICE_NONE;
    }
    return json_string(value, parser->arena);
}

/* False when the member is there and is not a whole number in [least, most]. */
static bool whole_member(struct json_value object, const char *name, int64_t least, int64_t most,
                         int64_t *out_value)
{
    struct json_value value;
    if (!json_member(object, slice_of_text(name), &value)) {
        return true;
    }
    int64_t whole;
    if (!json_integer(value, &whole) || whole < least || whole > most) {
        return false;
    }
    *out_value = whole;
    return true;
}

static uint32_t line_of(struct json_value object)
{
    int64_t line = 0;
    return whole_member(object, "line", 0, INT32_MAX, &line) ? (uint32_t)line : 0;
}

static size_t count_values(struct json_value array)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    return count;
}

static bool is_name(struct ever_slice name, size_t size_max)
{
    if (name.size == 0 || name.size > size_max) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if ((unsigned char)name.data[i] < 0x20) {
            return false;
        }
    }
    return true;
}

/* --- Canonical text --------------------------------------------------------------------------- */

/* Without white space. `levels`: objects this many levels deep lose "file" and "line": the flow
 * itself and its nodes, not what stands inside a node. */
static void write_compact(struct text *out, struct json_value value, int levels)
{
    if (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY) {
        text_add(out, value.text);
        return;
    }
    bool object = value.kind == JSON_OBJECT;
    bool first = true;
    text_add_byte(out, object ? '{' : '[');
    for (struct json_iter i = json_iter(value); json_next(&i);) {
        bool place = object && levels > 0 &&
                     (slice_is(i.key.text, "\"file\"") || //
                      slice_is(i.key.text, "\"line\""));
        if (place) {
            continue;
        }
        if (!first) {
            text_add_byte(out, ',');
        }
        first = false;
        bool inside = levels > 0 && (!object || slice_is(i.key.text, "\"nodes\""));
        if (object) {
            text_add(out, i.key.text);
            text_add_byte(out, ':');
        }
        write_compact(out, i.value, inside ? levels : 0);
    }
    text_add_byte(out, object ? '}' : ']');
}

static struct ever_slice canonical_text(struct parser *parser, struct json_value flow)
{
    struct text text = {0};
    write_compact(&text, flow, 1);
    struct ever_slice kept = arena_copy(parser->arena, text_slice(&text));
    text_deinit(&text);
    return kept;
}

/* --- Nodes ------------------------------------------------------------------------------------ */

#define NODE_FAULT(parser, flow, node, ...)                                                        \
    do {                                                                                           \
        graph_fault((parser)->report, (flow), (node)->line, __VA_ARGS__);                          \
        (parser)->faults++;                                                                        \
    } while (0)

static void parse_inputs(struct parser *parser, struct graph_flow *flow, struct graph_node *node)
{
    struct json_value inputs;
    if (!json_member(node->json, SLICE_LITERAL("in"), &inputs)) {
        return;
    }
    if (inputs.kind != JSON_ARRAY) {
        NODE_FAULT(parser, flow, node, "\"in\" of %.*s must be a list", SLICE_PRINT(node->name));
        return;
    }
    uint32_t *numbers = arena_alloc(parser->arena, count_values(inputs) * sizeof *numbers);
    node->inputs = numbers;
    for (struct json_iter i = json_iter(inputs); json_next(&i);) {
        int64_t number;
        if (!json_integer(i.value, &number) || number < 0 || number >= node - flow->nodes) {
            NODE_FAULT(parser, flow, node, "%.*s must read nodes that stand before it",
                       SLICE_PRINT(node->name));
            node->input_count = 0;
            return;
        }
        numbers[node->input_count++] = (uint32_t)number;
    }
}

static bool name_is_taken(const struct graph_flow *flow, const struct graph_node *node)
{
    for (const struct graph_node *other = flow->nodes; other < node; other++) {
        if (slice_equal(other->name, node->name)) {
            return true;
        }
    }
    return false;
}

static void parse_node(struct parser *parser, struct graph_flow *flow, struct graph_node *node,
                       struct json_value json)
{
    if (json.kind != JSON_OBJECT) {
        NODE_FAULT(parser, flow, node, "a node must be an object");
        return;
    }
    node->json = json;
    node->line = line_of(json);
    node->op = text_member(parser, json, "op");
    node->name = text_member(parser, json, "name");
    if (!is_name(node->op, 64) || !is_name(node->name, 256)) {
        NODE_FAULT(parser, flow, node, "a node must have \"op\" and \"name\"");
        return;
    }
    if (name_is_taken(flow, node)) {
        NODE_FAULT(parser, flow, node, "two operators are named '%.*s'; give one another .named()",
                   SLICE_PRINT(node->name));
    }
    parse_inputs(parser, flow, node);
}

static void parse_nodes(struct parser *parser, struct graph_flow *flow, struct json_value json)
{
    struct json_value nodes;
    size_t count = 0;
    if (json_member(json, SLICE_LITERAL("nodes"), &nodes) && nodes.kind == JSON_ARRAY) {
        count = count_values(nodes);
    }
    if (count == 0 || count > GRAPH_NODES_MAX) {
        graph_fault(parser->report, flow, 0, "flow '%.*s' must have 1 to %u operators",
                    SLICE_PRINT(flow->name), GRAPH_NODES_MAX);
        parser->faults++;
        return;
    }
    flow->nodes = arena_alloc_zero(parser->arena, count * sizeof flow->nodes[0]);
    for (struct json_iter i = json_iter(nodes); json_next(&i);) {
        parse_node(parser, flow, &flow->nodes[flow->node_count], i.value);
        flow->node_count++;
    }
}

/* --- Flows ------------------------------------------------------------------------------------ */

static void parse_options(struct parser *parser, struct graph_flow *flow, struct json_value json)
{
    struct graph_options *options = &flow->options;
    int64_t keys = 1000000;
    int64_t bytes = INT64_C(256) << 20;
    *options = (struct graph_options){.ahead_ms = 86400000};
    struct json_value given;
    if (json_member(json, SLICE_LITERAL("options"), &given) && given.kind == JSON_OBJECT) {
        bool fine = whole_member(given, "lateness", 0, GRAPH_MS_MAX, &options->lateness_ms) &&
                    whole_member(given, "ahead", 0, GRAPH_MS_MAX, &options->ahead_ms) &&
                    whole_member(given, "idle", 0, GRAPH_MS_MAX, &options->idle_ms) &&
                    whole_member(given, "tick", 0, GRAPH_MS_MAX, &options->tick_ms) &&
                    whole_member(given, "keys", 1, UINT32_MAX / 2, &keys) &&
                    whole_member(given, "bytes", 1, INT64_C(1) << 36, &bytes);
        options->time = text_member(parser, given, "time");
        options->skip_errors = slice_is(text_member(parser, given, "onError"), "skip");
        if (!fine) {
            graph_fault(parser->report, flow, 0,
                        "an option of flow '%.*s' is out of bounds: durations are whole "
                        "milliseconds up to a hundred years, keys up to 2,147,483,647, bytes up to "
                        "64 GiB",
                        SLICE_PRINT(flow->name));
            parser->faults++;
        }
    }
    options->keys = (uint64_t)keys;
    options->bytes = (uint64_t)bytes;
}

static void parse_flow(struct parser *parser, struct json_value json)
{
    struct graph_flow *flow = &parser->graph->flows[parser->graph->flow_count];
    if (json.kind != JSON_OBJECT) {
        graph_fault(parser->report, flow, 0, "a flow must be an object");
        parser->faults++;
        return;
    }
    flow->name = text_member(parser, json, "name");
    flow->file = text_member(parser, json, "file");
    flow->line = line_of(json);
    flow->text = json.text;
    if (!is_name(flow->name, 128)) {
        graph_fault(parser->report, flow, 0, "a flow must have a name of 1 to 128 bytes");
        parser->faults++;
        return;
    }
    for (size_t i = 0; i < parser->graph->flow_count; i++) {
        if (slice_equal(parser->graph->flows[i].name, flow->name)) {
            graph_fault(parser->report, flow, 0, "there are two flows named '%.*s'",
                        SLICE_PRINT(flow->name));
            parser->faults++;
        }
    }
    parse_options(parser, flow, json);
    parse_nodes(parser, flow, json);
    flow->canonical = canonical_text(parser, json);
    parser->graph->flow_count++;
}

/* --- Who reads whom --------------------------------------------------------------------------- */

static size_t find_flow(const struct graph *graph, struct ever_slice name)
{
    size_t index = 0;
    while (index < graph->flow_count && !slice_equal(graph->flows[index].name, name)) {
        index++;
    }
    return index;
}

static void add_upstream(struct graph_flow *flow, size_t upstream)
{
    size_t at = 0;
    while (at < flow->upstream_count && flow->upstreams[at] < upstream) {
        at++;
    }
    if (at < flow->upstream_count && flow->upstreams[at] == upstream) {
        return;
    }
    memmove(&flow->upstreams[at + 1], &flow->upstreams[at],
            (flow->upstream_count - at) * sizeof flow->upstreams[0]);
    flow->upstreams[at] = upstream;
    flow->upstream_count++;
}

static void find_upstreams(struct parser *parser, struct graph_flow *flow)
{
    flow->upstreams =
        arena_alloc_zero(parser->arena, (flow->node_count + 1) * sizeof flow->upstreams[0]);
    for (uint32_t i = 0; i < flow->node_count; i++) {
        struct graph_node *node = &flow->nodes[i];
        struct json_value name;
        if (!slice_is(node->op, "from") || !json_member(node->json, SLICE_LITERAL("flow"), &name) ||
            name.kind != JSON_STRING) {
            continue;
        }
        struct ever_slice wanted = json_string(name, parser->arena);
        size_t upstream = find_flow(parser->graph, wanted);
        if (upstream == parser->graph->flow_count) {
            NODE_FAULT(parser, flow, node, "flow '%.*s' reads flow '%.*s', which does not exist",
                       SLICE_PRINT(flow->name), SLICE_PRINT(wanted));
        } else {
            add_upstream(flow, upstream);
        }
    }
}

enum mark { UNSEEN, RUNNING, DONE };

struct walk {
    struct parser *parser;
    enum mark *marks;
    size_t *path; /* the flows being looked at, outermost first */
    size_t depth;
    size_t *order; /* done ones */
    size_t done;
};

static void report_cycle(struct walk *walk, size_t again)
{
    const struct graph_flow *flows = walk->parser->graph->flows;
    struct text names = {0};
    size_t start = walk->depth;
    while (walk->path[start - 1] != again) {
        start--;
    }
    for (size_t i = start - 1; i < walk->depth; i++) {
        text_add(&names, flows[walk->path[i]].name);
        text_add_text(&names, " reads ");
    }
    text_add(&names, flows[again].name);
    graph_fault(walk->parser->report, &flows[again], 0,
                "flows read each other in a circle: %s; feed events back by a command instead",
                names.data);
    walk->parser->faults++;
    text_deinit(&names);
}

static void walk_flow(struct walk *walk, size_t index)
{
    struct graph_flow *flow = &walk->parser->graph->flows[index];
    walk->marks[index] = RUNNING;
    walk->path[walk->depth++] = index;
    for (size_t i = 0; i < flow->upstream_count; i++) {
        size_t upstream = flow->upstreams[i];
        if (walk->marks[upstream] == RUNNING) {
            report_cycle(walk, upstream);
            continue;
        }
        if (walk->marks[upstream] == UNSEEN) {
            walk_flow(walk, upstream); /* as deep as there are flows at most */
        }
        uint32_t above = walk->parser->graph->flows[upstream].level + 1;
        flow->level = flow->level < above ? above : flow->level;
    }
    walk->depth--;
    walk->marks[index] = DONE;
}

static void reorder(struct parser *parser)
{
    struct graph *graph = parser->graph;
    size_t count = graph->flow_count;
    struct graph_flow *sorted = arena_alloc(parser->arena, (count + 1) * sizeof sorted[0]);
    size_t *new_index = arena_alloc(parser->arena, (count + 1) * sizeof new_index[0]);
    size_t placed = 0;
    for (uint32_t level = 0; placed < count; level++) {
        for (size_t i = 0; i < count; i++) {
            if (graph->flows[i].level == level) {
                new_index[i] = placed;
                sorted[placed++] = graph->flows[i];
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct graph_flow *flow = &sorted[i];
        size_t *old = flow->upstreams;
        size_t old_count = flow->upstream_count;
        flow->upstreams = arena_alloc(parser->arena, (old_count + 1) * sizeof old[0]);
        flow->upstream_count = 0;
        for (size_t j = 0; j < old_count; j++) {
            add_upstream(flow, new_index[old[j]]);
        }
    }
    graph->flows = sorted;
}

static void order_flows(struct parser *parser)
{
    size_t count = parser->graph->flow_count;
    for (size_t i = 0; i < count; i++) {
        find_upstreams(parser, &parser->graph->flows[i]);
    }
    struct walk walk = {
        .parser = parser,
        .marks = arena_alloc_zero(parser->arena, (count + 1) * sizeof walk.marks[0]),
        .path = arena_alloc_zero(parser->arena, (count + 1) * sizeof walk.path[0]),
    };
    for (size_t i = 0; i < count; i++) {
        if (walk.marks[i] == UNSEEN) {
            walk_flow(&walk, i);
        }
    }
    if (parser->faults == 0) {
        reorder(parser);
    }
}

struct ever_err graph_parse(struct ever_slice graphs, struct arena *arena, struct text *report,
                            struct graph *out_graph)
{
    struct json_fault fault;
    if (!json_check(graphs, &fault)) {
        text_printf(report, "flows: the graphs are not JSON: %s at byte %zu\n", fault.reason,
                    fault.offset);
        return FAIL(EVER_INVALID, "parse the graphs of flows");
    }
    struct graph graph = {0};
    struct parser parser = {.arena = arena, .report = report, .graph = &graph};
    struct json_value flows;
    struct json_value all = json_value_of(arena_copy(arena, graphs));
    bool listed = json_member(all, SLICE_LITERAL("flows"), &flows) && flows.kind == JSON_ARRAY;
    size_t count = listed ? count_values(flows) : 0;
    if (!listed || count > GRAPH_FLOWS_MAX) {
        text_printf(report, "flows: \"flows\" must be a list of up to %u flows\n", GRAPH_FLOWS_MAX);
        return FAIL(EVER_INVALID, "parse the graphs of flows");
    }
    graph.flows = arena_alloc_zero(arena, (count + 1) * sizeof graph.flows[0]);
    for (struct json_iter i = json_iter(flows); json_next(&i);) {
        parse_flow(&parser, i.value);
    }
    order_flows(&parser);
    if (parser.faults > 0) {
        return FAIL(EVER_INVALID, "parse the graphs of flows");
    }
    *out_graph = graph;
    return ERR_OK;
}
