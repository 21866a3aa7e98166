/* run.c - roots through flows: stretches, stops, outputs. */
#include "domain/flow/engine/engine_priv.h"
#include "domain/flow/engine/script_priv.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- One flow over one stretch ---------------------------------------------------------------- */

static void mark(struct derive_flow *flow)
{
    flow->saved = flow->now;
    memcpy(flow->saved_newest_us, flow->newest_us, flow->source_count * sizeof flow->newest_us[0]);
    for (uint32_t i = 0; i < flow->node_count; i++) {
        struct derive_node *node = &flow->nodes[i];
        node->saved_counts = node->counts;
        if (node->kind->has_state) {
            table_begin(&node->table);
        }
    }
    flow->raw_count = 0;
}

static void go_back(struct derive_flow *flow)
{
    flow->now = flow->saved;
    memcpy(flow->newest_us, flow->saved_newest_us, flow->source_count * sizeof flow->newest_us[0]);
    for (uint32_t i = 0; i < flow->node_count; i++) {
        struct derive_node *node = &flow->nodes[i];
        node->counts = node->saved_counts;
        if (node->kind->has_state) {
            table_undo(&node->table);
            node_make_alarms(node);
            script_forget(node);
        }
    }
    flow->raw_count = 0;
}

/* The flow can go as far as the flows it reads; `*out_upstream` is the one that stopped. */
static uint32_t reach(const struct derive_flow *flow, const struct derive_flow **out_upstream)
{
    const struct derive_program *program = flow->program;
    uint32_t limit = program->root_count;
    for (size_t i = 0; i < flow->graph->upstream_count; i++) {
        const struct derive_flow *upstream = &program->flows[flow->graph->upstreams[i]];
        if (upstream->stopped && upstream->limit < limit) {
            limit = upstream->limit;
            *out_upstream = upstream;
        }
    }
    return limit;
}

static void show_taps(const struct derive_flow *flow)
{
    struct text value = {0};
    for (uint32_t i = 0; i < flow->node_count; i++) {
        const struct derive_list *out = &flow->nodes[i].out;
        for (size_t j = 0; j < out->count; j++) {
            const struct derive_item *item = &out->items[j];
            text_clear(&value);
            value_write(&value, &item->value, item->time_us);
            struct derive_tap_item shown = {
                .flow = flow->index,
                .node = i,
                .position = flow->program->roots[item->root].position,
                .time_us = item->time_us,
                .key = item_key(item),
                .value = text_slice(&value),
            };
            flow->tap(flow->tap_arg, &shown);
        }
    }
    text_deinit(&value);
}

static void stop_flow(struct derive_flow *flow, uint32_t root, const struct derive_flow *upstream)
{
    flow->stopped = true;
    flow->stop_position = flow->program->roots[root].position;
    if (upstream != NULL) {
        flow->stop_node = NULL;
        text_clear(&flow->stop_message);
        text_printf(&flow->stop_message, "flow '%.*s', which it reads, has stopped there",
                    SLICE_PRINT(upstream->graph->name));
    }
}

static void run_flow(struct derive_flow *flow)
{
    const struct derive_program *program = flow->program;
    const struct derive_flow *upstream = NULL;
    uint32_t reached = reach(flow, &upstream);
    flow->first = 0;
    while (flow->first < reached && program->roots[flow->first].position <= flow->now.position) {
        flow->first++;
    }
    flow->limit = reached;
    flow->careful = flow->again = false;
    mark(flow);
    run_nodes(flow);
    if (flow->again) {
        go_back(flow);
        flow->limit = reached;
        run_nodes(flow);
    }
    if (program->abandoned) {
        return;
    }
    if (flow->limit < reached) { /* a node stopped it */
        uint32_t limit = flow->limit;
        upstream = NULL;
        go_back(flow);
        run_nodes(flow);
        ASSERT(flow->limit == limit); /* what went well goes well again */
        stop_flow(flow, limit, NULL);
    } else if (upstream != NULL) {
        stop_flow(flow, reached, upstream);
    }
    if (flow->limit > flow->first) {
        flow->now.position = program->roots[flow->limit - 1].position;
    }
    if (flow->tap != NULL) {
        show_taps(flow);
    }
}

/* --- Outputs ---------------------------------------------------------------------------------- */

static int compare_raws(const void *a, const void *b)
{
    const struct derive_raw *left = *(const struct derive_raw *const *)a;
    const struct derive_raw *right = *(const struct derive_raw *const *)b;
    if (left->root != right->root) {
        return left->root < right->root ? -1 : 1;
    }
    return left < right ? -1 : left > right; /* as they came: node by node */
}

static struct ever_slice write_metadata(struct derive_flow *flow, uint64_t cause, int64_t time_us)
{
    struct text *text = &flow->program->text;
    text_clear(text);
    text_add_text(text, "{\"flow\":");
    json_write_string(text, flow->graph->name);
    text_add_text(text, ",\"version\":");
    json_write_string(text, flow->version);
    text_add_text(text, ",\"cause\":");
    text_add_u64(text, cause);
    text_add_text(text, ",\"time\":");
    value_write_time(text, time_us);
    text_add_byte(text, '}');
    return arena_copy(&flow->program->out_arena, text_slice(text));
}

static void add_given(struct derive_flow *flow, const struct derive_raw *raw,
                      struct ever_slice metadata)
{
    if (flow->given_count == flow->given_capacity) {
        flow->given_capacity = flow->given_capacity * 2 + 16;
        flow->given = mem_grow(flow->given, flow->given_capacity * sizeof flow->given[0]);
    }
    flow->given[flow->given_count++] = (struct derive_given){
        .root = raw->root,
        .time_us = raw->time_us,
        .event = {.root = &flow->program->roots[raw->root],
                  .type = raw->type,
                  .data = raw->data,
                  .data_is_checked = true,
                  .metadata = metadata,
                  .tags = raw->tags,
                  .tag_count = raw->tag_count},
    };
}

static void add_output(struct derive_flow *flow, const struct derive_raw *raw, uint32_t k)
{
    struct derive_program *program = flow->program;
    if (program->output_count == program->output_capacity) {
        program->output_capacity = program->output_capacity * 2 + 16;
        program->outputs =
            mem_grow(program->outputs, program->output_capacity * sizeof program->outputs[0]);
    }
    uint64_t cause = program->roots[raw->root].position;
    struct ever_slice metadata = write_metadata(flow, cause, raw->time_us);
    program->outputs[program->output_count++] = (struct derive_output){
        .flow = (uint32_t)flow->index,
        .k = k,
        .side = raw->side,
        .cause = cause,
        .time_us = raw->time_us,
        .type = raw->type,
        .data = raw->data,
        .metadata = metadata,
        .tags = raw->tags,
        .tag_count = raw->tag_count,
    };
    if (raw->side == DERIVE_MAIN) {
        flow->now.out++;
        add_given(flow, raw, metadata);
    }
}

/* Numbers the flow's outputs of the stretch and adds them to those of the run. */
static void take_outputs(struct derive_flow *flow)
{
    flow->given_count = 0;
    if (flow->raw_count == 0) {
        return;
    }
    const struct derive_raw **order = mem_alloc(flow->raw_count * sizeof order[0]);
    for (size_t i = 0; i < flow->raw_count; i++) {
        order[i] = &flow->raws[i];
    }
    qsort((void *)order, flow->raw_count, sizeof order[0], compare_raws);
    uint32_t k = 0;
    for (size_t i = 0; i < flow->raw_count; i++) {
        k = i > 0 && order[i]->root == order[i - 1]->root ? k + 1 : 0;
        add_output(flow, order[i], k);
    }
    free((void *)order);
}

static int compare_outputs(const void *a, const void *b)
{
    const struct derive_output *left = a;
    const struct derive_output *right = b;
    if (left->cause != right->cause) {
        return left->cause < right->cause ? -1 : 1;
    }
    if (left->flow != right->flow) {
        return left->flow < right->flow ? -1 : 1;
    }
    return left->k < right->k ? -1 : left->k > right->k;
}

/* --- A run ------------------------------------------------------------------------------------ */

static void run_stretch(struct derive_program *program, struct derive_result *result)
{
    size_t first_output = program->output_count;
    arena_reset(&program->stretch_arena);
    source_match(program);
    for (size_t i = 0; i < program->flow_count; i++) {
        struct derive_flow *flow = &program->flows[i];
        if (flow->stopped) {
            flow->limit = 0;
            flow->given_count = 0;
            continue;
        }
        run_flow(flow);
        if (program->abandoned) {
            return;
        }
        take_outputs(flow);
        result->stopped_count += flow->stopped;
    }
    if (program->output_count > first_output) {
        qsort(program->outputs + first_output, program->output_count - first_output,
              sizeof program->outputs[0], compare_outputs);
    }
}

/* Where items are large, as whole windows of arrays are, a stretch is shorter. */
static void fit_stretch(struct derive_program *program)
{
    size_t bytes = arena_bytes(&program->stretch_arena);
    uint32_t roots = program->stretch_roots;
    if (bytes > STRETCH_BYTES && roots > 1) {
        program->stretch_roots = roots / 2;
    } else if (bytes < STRETCH_BYTES / 4 && roots < STRETCH_ROOTS) {
        program->stretch_roots = roots * 2;
    }
}

static bool reads(const struct derive_flow *flow, size_t upstream)
{
    for (size_t i = 0; i < flow->graph->upstream_count; i++) {
        if (flow->graph->upstreams[i] == upstream) {
            return true;
        }
    }
    return false;
}

void derive_flow_stop(struct derive_program *program, size_t flow, uint64_t position,
                      struct ever_slice message)
{
    ASSERT(flow < program->flow_count);
    struct derive_flow *stopped = &program->flows[flow];
    if (stopped->stopped) {
        return;
    }
    stopped->stopped = true;
    stopped->stop_position = position;
    stopped->stop_node = NULL;
    text_clear(&stopped->stop_message);
    text_add(&stopped->stop_message, message);
    struct text sentence = {0};
    text_printf(&sentence, "flow '%.*s', which it reads, has stopped there",
                SLICE_PRINT(stopped->graph->name));
    for (size_t i = flow + 1; i < program->flow_count; i++) {
        if (reads(&program->flows[i], flow)) {
            derive_flow_stop(program, i, position, text_slice(&sentence));
        }
    }
    text_deinit(&sentence);
}

void derive_program_run(struct derive_program *program, const struct ever_event *roots,
                        size_t count, const struct derive_script *script,
                        struct derive_result *out_result)
{
    struct derive_result result = {0};
    arena_reset(&program->out_arena);
    program->output_count = 0;
    program->script = script;
    for (size_t done = 0; done < count && !program->abandoned;) {
        size_t left = count - done;
        program->roots = roots + done;
        program->root_count =
            (uint32_t)(left < program->stretch_roots ? left : program->stretch_roots);
        run_stretch(program, &result);
        fit_stretch(program);
        done += program->root_count;
    }
    program->roots = NULL;
    result.outputs = program->outputs;
    result.count = program->output_count;
    result.abandoned = program->abandoned;
    *out_result = result;
}
