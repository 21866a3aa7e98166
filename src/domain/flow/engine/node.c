/* node.c - what nodes do while they run: giving items, failing, keeping state, ringing alarms; and
 * the order in which a flow's nodes run. */
#include "domain/flow/engine/engine_priv.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Giving and failing --------------------------------------------------------------------- */

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
        struct derive_value key = node_key_value(node, item_key(item));
        value_write(text, &key, 0);
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

void node_forget(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    (void)root; /* nothing is given */
    struct ever_slice key = slice_of(alarm->key, alarm->key_size);
    uint64_t hash = table_hash(key);
    table_remove(&node->table, table_find(&node->table, key, hash), hash);
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
