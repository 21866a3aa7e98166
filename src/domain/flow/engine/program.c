/* program.c - a program from graphs: nodes, their kinds, their paths. */
#include "domain/flow/engine/engine_priv.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- For the kinds' parse --------------------------------------------------------------------- */

void parse_fault(struct derive_parse *parse, const struct derive_node *node, const char *format,
                 ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    graph_fault(parse->report, parse->flow->graph, node->graph->line, "%.*s: %s",
                SLICE_PRINT(node->graph->name), sentence);
    parse->faults++;
}

void *parse_alloc(struct derive_parse *parse, size_t size)
{
    return arena_alloc_zero(&parse->program->arena, size);
}

struct derive_path *parse_path(struct derive_parse *parse, struct derive_node *node,
                               struct ever_slice text)
{
    struct derive_path *path = parse_alloc(parse, sizeof *path);
    const char *wrong = path_parse(text, &parse->program->arena, path);
    if (wrong != NULL) {
        parse_fault(parse, node, "the path '%.*s': %s", SLICE_PRINT(text), wrong);
        return NULL;
    }
    size_t size = (node->path_count + 1) * sizeof node->paths[0];
    node->paths = mem_grow(node->paths, size);
    node->paths[node->path_count++] = path;
    return path;
}

struct derive_path *parse_path_member(struct derive_parse *parse, struct derive_node *node,
                                      const char *name)
{
    struct json_value value;
    if (!json_member(node->graph->json, slice_of_text(name), &value)) {
        return NULL;
    }
    if (value.kind != JSON_STRING) {
        parse_fault(parse, node, "\"%s\" must be a path, as in 'data.amount'", name);
        return NULL;
    }
    return parse_path(parse, node, json_string(value, &parse->program->arena));
}

int64_t parse_whole(struct derive_parse *parse, const struct derive_node *node,
                    struct json_value object, const char *name, int64_t least, int64_t most,
                    int64_t missing)
{
    struct json_value value;
    if (!json_member(object, slice_of_text(name), &value) || value.kind == JSON_NULL) {
        return missing;
    }
    int64_t whole;
    if (!json_integer(value, &whole) || whole < least || whole > most) {
        parse_fault(parse, node, "\"%s\" must be a whole number from %lld to %lld", name,
                    (long long)least, (long long)most);
        return missing;
    }
    return whole;
}

struct ever_slice parse_text(struct derive_parse *parse, struct json_value object, const char *name)
{
    struct json_value value;
    if (!json_member(object, slice_of_text(name), &value) || value.kind != JSON_STRING) {
        return SLICE_NONE;
    }
    return json_string(value, &parse->program->arena);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

static void link_inputs(struct derive_parse *parse, struct derive_node *node)
{
    const struct graph_node *graph = node->graph;
    const struct derive_kind *kind = node->kind;
    if (graph->input_count < kind->inputs_least || graph->input_count > kind->inputs_most) {
        parse_fault(parse, node, "%s reads %u to %u streams, not %u", kind->op, kind->inputs_least,
                    kind->inputs_most, graph->input_count);
        return;
    }
    node->inputs = parse_alloc(parse, (graph->input_count + 1) * sizeof node->inputs[0]);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        node->inputs[i] = &parse->flow->nodes[graph->inputs[i]];
    }
    node->input_count = graph->input_count;
    node->key_paths = graph->input_count > 0 ? node->inputs[0]->key_paths : 0;
}

/* State is kept by key: what meets in a node must be keyed alike. */
static void check_keys(struct derive_parse *parse, const struct derive_node *node)
{
    uint32_t first = node->key_paths;
    for (uint32_t i = 1; i < node->input_count; i++) {
        uint32_t other = node->inputs[i]->key_paths;
        bool fine = node->kind->keys == KEYS_ANY || other == first ||
                    (node->kind->keys == KEYS_OF_FIRST && other == 0);
        if (!fine) {
            parse_fault(parse, node,
                        "the streams '%.*s' and '%.*s' are not keyed alike; give both the same "
                        "keyBy, or put one behind %s",
                        SLICE_PRINT(node->inputs[0]->graph->name),
                        SLICE_PRINT(node->inputs[i]->graph->name), node->kind->op);
            return;
        }
    }
}

static void parse_node(struct derive_parse *parse, struct derive_node *node)
{
    const struct graph_options *options = &parse->flow->graph->options;
    node->kind = kind_find(node->graph->op);
    if (node->kind == NULL) {
        parse_fault(parse, node, "there is no operator '%.*s' for flows",
                    SLICE_PRINT(node->graph->op));
        return;
    }
    size_t faults = parse->faults;
    link_inputs(parse, node);
    check_keys(parse, node);
    if (faults == parse->faults && node->kind->parse != NULL) {
        node->kind->parse(parse, node);
    }
    if (node->kind->has_state) {
        table_init(&node->table, options->keys, options->bytes);
    }
}

static bool has_emit(const struct derive_flow *flow)
{
    for (uint32_t i = 0; i < flow->node_count; i++) {
        if (slice_is(flow->nodes[i].graph->op, "emit")) {
            return true;
        }
    }
    return false;
}

static void parse_time(struct derive_parse *parse)
{
    struct ever_slice text = parse->flow->graph->options.time;
    if (text.size == 0) {
        return;
    }
    struct derive_path *path = parse_alloc(parse, sizeof *path);
    const char *wrong = path_parse(text, &parse->program->arena, path);
    if (wrong != NULL) {
        graph_fault(parse->report, parse->flow->graph, 0, "option time '%.*s': %s",
                    SLICE_PRINT(text), wrong);
        parse->faults++;
        return;
    }
    parse->flow->time = path;
}

static void parse_flow(struct derive_parse *parse, size_t index)
{
    struct derive_program *program = parse->program;
    struct derive_flow *flow = &program->flows[index];
    parse->flow = flow;
    const struct graph_flow *graph = &program->graph.flows[index];
    *flow = (struct derive_flow){
        .program = program,
        .graph = graph,
        .index = index,
        .lateness_us = graph->options.lateness_ms * 1000,
        .idle_us = graph->options.idle_ms * 1000,
        .ahead_us = graph->options.ahead_ms * 1000,
        .nodes = parse_alloc(parse, graph->node_count * sizeof flow->nodes[0]),
        .sources = parse_alloc(parse, graph->node_count * sizeof flow->sources[0]),
        .node_count = graph->node_count,
        .now = {.watermark_us = NO_TIME},
        .newest_us = parse_alloc(parse, graph->node_count * sizeof flow->newest_us[0]),
        .saved_newest_us = parse_alloc(parse, graph->node_count * sizeof flow->newest_us[0]),
        .watermarks_us = parse_alloc(parse, STRETCH_ROOTS * sizeof flow->watermarks_us[0]),
    };
    parse_time(parse);
    for (uint32_t i = 0; i < flow->node_count; i++) {
        flow->newest_us[i] = NO_TIME;
        flow->nodes[i].graph = &graph->nodes[i];
        flow->nodes[i].flow = flow;
        flow->nodes[i].index = i;
        parse_node(parse, &flow->nodes[i]);
    }
    if (!has_emit(flow)) {
        graph_fault(parse->report, graph, 0,
                    "flow '%.*s' emits nothing; end it with .emit('TypeOfEvent')",
                    SLICE_PRINT(graph->name));
        parse->faults++;
    }
}

/* --- Life ------------------------------------------------------------------------------------- */

static void destroyp(struct derive_program **program)
{
    derive_program_destroy(*program);
}

struct ever_err derive_program_create(struct ever_slice graphs, struct text *report,
                                      struct derive_program **out_program)
{
    CLEANUP(destroyp) struct derive_program *program = mem_alloc_zero(sizeof *program);
    arena_init(&program->arena);
    arena_init(&program->stretch_arena);
    arena_init(&program->out_arena);
    program->no_key_hash = table_hash(SLICE_NONE);
    program->stretch_roots = STRETCH_ROOTS / 16; /* until it is seen how large items are */
    TRY(graph_parse(graphs, &program->arena, report, &program->graph));
    struct derive_parse parse = {.program = program, .report = report};
    size_t count = program->graph.flow_count;
    program->flows = arena_alloc_zero(&program->arena, (count + 1) * sizeof program->flows[0]);
    program->flow_count = count;
    program->events = arena_alloc_zero(&program->arena, STRETCH_ROOTS * sizeof program->events[0]);
    for (size_t i = 0; i < count; i++) {
        parse_flow(&parse, i);
    }
    if (parse.faults > 0) {
        return FAIL(EVER_INVALID, "make a program of flows");
    }
    source_prepare(program);
    *out_program = TAKE(program);
    return ERR_OK;
}

static void destroy_flow(struct derive_flow *flow)
{
    for (uint32_t i = 0; i < flow->node_count; i++) {
        struct derive_node *node = &flow->nodes[i];
        table_deinit(&node->table);
        alarms_deinit(&node->alarms);
        free(node->paths);
        free(node->out.items);
        free(node->waiting.items);
    }
    text_deinit(&flow->stop_message);
    free(flow->raws);
    free(flow->given);
}

void derive_program_destroy(struct derive_program *program)
{
    if (program == NULL) {
        return;
    }
    for (size_t i = 0; i < program->flow_count; i++) {
        destroy_flow(&program->flows[i]);
    }
    source_deinit(program);
    free(program->outputs);
    text_deinit(&program->text);
    text_deinit(&program->state);
    text_deinit(&program->joins[0]);
    text_deinit(&program->joins[1]);
    arena_deinit(&program->arena);
    arena_deinit(&program->stretch_arena);
    arena_deinit(&program->out_arena);
    free(program);
}

/* --- Questions -------------------------------------------------------------------------------- */

size_t derive_flow_count(const struct derive_program *program)
{
    return program->flow_count;
}

static const struct derive_flow *flow_at(const struct derive_program *program, size_t index)
{
    ASSERT(index < program->flow_count);
    return &program->flows[index];
}

void derive_flow_info(const struct derive_program *program, size_t flow,
                      struct derive_flow_info *out_info)
{
    const struct graph_flow *graph = flow_at(program, flow)->graph;
    *out_info = (struct derive_flow_info){
        .name = graph->name,
        .file = graph->file,
        .line = graph->line,
        .level = graph->level,
        .upstreams = graph->upstreams,
        .upstream_count = graph->upstream_count,
        .node_count = graph->node_count,
        .tick_ms = graph->options.tick_ms,
        .graph = graph->text,
        .canonical = graph->canonical,
    };
}

void derive_flow_set_version(struct derive_program *program, size_t flow, struct ever_slice version)
{
    ASSERT(flow < program->flow_count);
    ASSERT(version.size <= 32);
    program->flows[flow].version = arena_copy(&program->arena, version);
}

const struct ever_read *derive_program_reads(const struct derive_program *program,
                                             size_t *out_count)
{
    *out_count = program->read_count;
    return program->reads;
}

void derive_flow_status(const struct derive_program *program, size_t flow,
                        struct derive_flow_status *out_status)
{
    const struct derive_flow *at = flow_at(program, flow);
    *out_status = (struct derive_flow_status){
        .position = at->now.position,
        .stopped = at->stopped,
        .stop_position = at->stop_position,
        .stop_node = at->stop_node == NULL ? SLICE_NONE : at->stop_node->graph->name,
        .stop_message = text_slice(&at->stop_message),
        .has_watermark = at->now.watermark_us != NO_TIME,
        .watermark_us = at->now.watermark_us == NO_TIME ? 0 : at->now.watermark_us,
        .in = at->now.in,
        .out = at->now.out,
        .late = at->now.late,
        .errors = at->now.errors,
    };
    for (uint32_t i = 0; i < at->node_count; i++) {
        out_status->keys += at->nodes[i].table.count;
        out_status->bytes += at->nodes[i].table.bytes;
        out_status->pending =
            out_status->pending || (at->nodes[i].gives_later && at->nodes[i].table.count > 0);
    }
}

void derive_node_status(const struct derive_program *program, size_t flow, size_t node,
                        struct derive_node_status *out_status)
{
    const struct derive_flow *at = flow_at(program, flow);
    ASSERT(node < at->node_count);
    const struct derive_node *found = &at->nodes[node];
    *out_status = (struct derive_node_status){
        .name = found->graph->name,
        .op = found->graph->op,
        .in = found->counts.in,
        .out = found->counts.out,
        .keys = found->table.count,
        .bytes = found->table.bytes,
    };
}

void derive_flow_tap(struct derive_program *program, size_t flow, derive_tap_fn *fn, void *arg)
{
    ASSERT(flow < program->flow_count);
    program->flows[flow].tap = fn;
    program->flows[flow].tap_arg = arg;
}
