/* run.c - roots through flows: stretches, the order of nodes, outputs, stops. */
#include "domain/flow/engine/engine_priv.h"
#include "domain/flow/engine/script_priv.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- What nodes do ---------------------------------------------------------------------------- */

void node_give(struct derive_node *node, const struct derive_item *item)
{
    struct derive_list *out = &node->out;
    ASSERT_SLOW(out->count == 0 || out->items[out->count - 1].root <= item->root);
    if (out->count == out->capacity) {
        out->capacity = out->capacity * 2 + 64;
        out->items = mem_grow(out->items, out->capacity * sizeof out->items[0]);
    }
    out->items[out->count++] = *item;
    node->counts.out++;
}

void node_output(struct derive_node *node, const struct derive_raw *raw)
{
    struct derive_flow *flow = node->flow;
    if (flow->raw_count == flow->raw_capacity) {
        flow->raw_capacity = flow->raw_capacity * 2 + 16;
        flow->raws = mem_grow(flow->raws, flow->raw_capacity * sizeof flow->raws[0]);
    }
    flow->raws[flow->raw_count++] = *raw;
}

static void stop(struct derive_node *node, uint32_t root, const char *sentence)
{
    struct derive_flow *flow = node->flow;
    if (root >= flow->limit) {
        return; /* an earlier root stopped it */
    }
    flow->limit = root;
    flow->stop_node = node;
    text_clear(&flow->stop_message);
    text_add_text(&flow->stop_message, sentence);
}

static void add_error(struct derive_node *node, uint32_t root, const char *sentence)
{
    struct derive_flow *flow = node->flow;
    const struct ever_event *event = node_root(node, root);
    struct text *text = &flow->program->text;
    text_clear(text);
    text_printf(text, "{\"position\":%llu,\"node\":", (unsigned long long)event->position);
    json_write_string(text, node->graph->name);
    text_add_text(text, ",\"message\":");
    json_write_string(text, slice_of_text(sentence));
    text_add_byte(text, '}');
    struct derive_raw raw = {
        .root = root,
        .side = DERIVE_ERRORS,
        .time_us = event->time_ns / 1000, /* the event's own may be what is wrong */
        .type = SLICE_LITERAL("$Error"),
        .data = arena_copy(&flow->program->out_arena, text_slice(text)),
    };
    node_output(node, &raw);
    flow->now.errors++;
}

#define SENTENCE_BYTES 1024

void node_fail(struct derive_node *node, uint32_t root, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    if (node->flow->graph->options.skip_errors) {
        add_error(node, root, sentence);
    } else {
        stop(node, root, sentence);
    }
}

void node_stop(struct derive_node *node, uint32_t root, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    stop(node, root, sentence);
}

void node_late(struct derive_node *node, const struct derive_item *item, int64_t start_us,
               int64_t end_us)
{
    struct derive_flow *flow = node->flow;
    struct text *text = &flow->program->text;
    text_clear(text);
    text_printf(text, "{\"position\":%llu,\"node\":",
                (unsigned long long)node_root(node, item->root)->position);
    json_write_string(text, node->graph->name);
    if (item->key_size > 0) {
        text_add_text(text, ",\"key\":");
        text_add(text, item_key(item));
    }
    text_add_text(text, ",\"start\":");
    value_write_time(text, start_us);
    text_add_text(text, ",\"end\":");
    value_write_time(text, end_us);
    text_add_text(text, ",\"value\":");
    value_write(text, &item->value, item->time_us);
    text_add_byte(text, '}');
    struct derive_raw raw = {
        .root = item->root,
        .side = DERIVE_LATE,
        .time_us = item->time_us,
        .type = SLICE_LITERAL("$Late"),
        .data = arena_copy(&flow->program->out_arena, text_slice(text)),
    };
    node_output(node, &raw);
    flow->now.late++;
}

struct ever_slice node_json(const struct derive_node *node, const struct derive_value *value,
                            int64_t time_us)
{
    struct text *text = &node->flow->program->text;
    text_clear(text);
    value_write(text, value, time_us);
    return arena_copy(node_arena(node), text_slice(text));
}

struct ever_slice node_canonical(const struct derive_node *node, const struct derive_value *value,
                                 int64_t time_us)
{
    struct text *text = &node->flow->program->text;
    text_clear(text);
    value_write_canonical(text, value, time_us);
    return arena_copy(node_arena(node), text_slice(text));
}

/* --- State ------------------------------------------------------------------------------------ */

void node_make_alarms(struct derive_node *node)
{
    alarms_clear(&node->alarms);
    if (node->kind->due == NULL) {
        return;
    }
    uint64_t cursor = 0;
    for (const struct table_entry *entry; (entry = table_next(&node->table, &cursor)) != NULL;) {
        int64_t due_us;
        if (node->kind->due(node, table_key(entry), table_state(entry), &due_us)) {
            alarms_add(&node->alarms, due_us, table_key(entry));
        }
    }
}

bool node_set_state(struct derive_node *node, uint32_t root, struct table_place place,
                    struct ever_slice key, uint64_t hash, struct ever_slice state, int64_t due_us)
{
    const struct graph_options *options = &node->flow->graph->options;
    if (!table_set(&node->table, place, key, hash, state)) {
        node_stop(node, root,
                  "it would hold more than %llu keys or %llu bytes; let keys end (a window, a ttl, "
                  "fewer paths in keyBy), or raise the options keys and bytes",
                  (unsigned long long)options->keys, (unsigned long long)options->bytes);
        return false;
    }
    if (due_us != NO_TIME) {
        alarms_add(&node->alarms, due_us, key);
        /* Entries that often get a later time leave alarms behind. */
        if (node->alarms.count > node->table.count * 2 + 1024) {
            node_make_alarms(node);
        }
    }
    return true;
}

/* --- One node --------------------------------------------------------------------------------- */

/* Rings what is due at the watermark after `root`. An entry rings until it wants no alarm that is
 * due, so that a late start of the engine and a long silence are the same. */
static void ring(struct derive_node *node, uint32_t root)
{
    int64_t now_us = node->flow->watermarks_us[root];
    for (struct alarm_at *alarm; (alarm = alarms_take(&node->alarms, now_us)) != NULL;) {
        struct ever_slice key = slice_of(alarm->key, alarm->key_size);
        struct table_place place = table_find(&node->table, key, table_hash(key));
        int64_t due_us;
        if (place.entry != NULL && node->kind->due(node, key, table_state(place.entry), &due_us) &&
            due_us == alarm->due_us) {
            node->kind->fire(node, root, alarm);
        }
        free(alarm);
    }
}

static void ring_before(struct derive_node *node, uint32_t root)
{
    if (node->kind->fire == NULL) {
        return;
    }
    for (; node->alarm_root < root && node->alarm_root < node->flow->limit; node->alarm_root++) {
        ring(node, node->alarm_root);
    }
}

const struct derive_item *node_next_item(const struct derive_node *node, size_t *cursors,
                                         uint32_t *out_input)
{
    const struct derive_item *best = NULL;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct derive_list *list = &node->inputs[i]->out;
        const struct derive_item *item = &list->items[cursors[i]];
        if (cursors[i] < list->count && (best == NULL || item->root < best->root)) {
            best = item;
            *out_input = i;
        }
    }
    if (best == NULL || best->root >= node->flow->limit) {
        return NULL;
    }
    cursors[*out_input]++;
    return best;
}

static void end_root(struct derive_node *node, uint32_t root)
{
    if (node->kind->root_end != NULL && root < node->flow->limit) {
        node->kind->root_end(node, root);
        node->waiting.count = 0;
    }
}

static void run_each(struct derive_node *node)
{
    size_t *cursors = arena_alloc_zero(node_arena(node), node->input_count * sizeof cursors[0]);
    uint32_t root = UINT32_MAX; /* of the item before */
    uint32_t input = 0;
    node->alarm_root = node->flow->first;
    node->waiting.count = 0;
    for (const struct derive_item *item; (item = node_next_item(node, cursors, &input)) != NULL;) {
        if (item->root != root && root != UINT32_MAX) {
            end_root(node, root);
        }
        root = item->root;
        ring_before(node, root);
        if (root >= node->flow->limit) { /* what rang may have stopped it */
            break;
        }
        node->counts.in++;
        node->kind->each(node, input, item);
    }
    if (root != UINT32_MAX) {
        end_root(node, root);
    }
    ring_before(node, node->flow->limit);
}

void run_nodes(struct derive_flow *flow)
{
    for (uint32_t i = 0; i < flow->node_count; i++) {
        flow->nodes[i].out.count = 0;
    }
    for (uint32_t i = 0; i < flow->source_count; i++) {
        flow->sources[i]->kind->run(flow->sources[i]);
    }
    source_watermarks(flow);
    for (uint32_t i = 0; i < flow->node_count; i++) {
        struct derive_node *node = &flow->nodes[i];
        if (node->kind->each != NULL) {
            run_each(node);
        } else if (node->input_count > 0) {
            node->kind->run(node);
        }
    }
}

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
