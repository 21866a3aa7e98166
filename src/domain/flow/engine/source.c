/* source.c - `from`: which events a flow reads, their event times, and the watermark.
 *
 * For each root the sources that read it are found first. Which data.* paths those sources' flows
 * look up is known from the graph, so one pass over the data finds them all (a plan, kept for each
 * set of sources that was met). */
#include "domain/flow/engine/engine_priv.h"

#include "base/mem.h"
#include "base/timestamp.h"

#include <stdlib.h>

#define PLANS_MAX 64u /* more sets of sources share one plan with all columns */

struct derive_source {
    struct derive_node *node;
    struct ever_read read;   /* what of the log, if upstream is NULL */
    struct ever_slice start; /* "category-", or the prefix; empty: any stream */
    struct derive_flow *upstream;
    bool whole;        /* somebody looks at whole events: the data is checked first */
    uint64_t *columns; /* bits: data.* paths looked up in its events */
    uint32_t *roots;   /* of one stretch: those it reads, ascending */
    uint32_t count;
};

/* --- Parsing ---------------------------------------------------------------------------------- */

static struct ever_slice *parse_texts(struct derive_parse *parse, struct derive_node *node,
                                      const char *name, uint32_t *out_count)
{
    struct arena *arena = &parse->program->arena;
    struct json_value list;
    *out_count = 0;
    if (!json_member(node->graph->json, slice_of_text(name), &list)) {
        return NULL;
    }
    if (list.kind != JSON_ARRAY) {
        parse_fault(parse, node, "\"%s\" must be a list of texts", name);
        return NULL;
    }
    struct ever_slice *texts = arena_alloc(arena, list.text.size * sizeof texts[0]);
    for (struct json_iter i = json_iter(list); json_next(&i);) {
        if (i.value.kind != JSON_STRING) {
            parse_fault(parse, node, "\"%s\" must be a list of texts", name);
            return NULL;
        }
        texts[(*out_count)++] = json_string(i.value, arena);
    }
    return texts;
}

static struct derive_flow *find_upstream(struct derive_program *program, struct ever_slice name)
{
    for (size_t i = 0; i < program->flow_count; i++) {
        if (slice_equal(program->graph.flows[i].name, name)) {
            return &program->flows[i];
        }
    }
    return NULL;
}

static void parse_from(struct derive_parse *parse, struct derive_node *node)
{
    struct arena *arena = &parse->program->arena;
    struct json_value json = node->graph->json;
    struct derive_source *source = parse_alloc(parse, sizeof *source);
    node->own = source;
    source->node = node;
    parse->flow->sources[parse->flow->source_count++] = node;
    struct ever_read *read = &source->read;
    read->category = parse_text(parse, json, "category");
    read->stream = parse_text(parse, json, "stream");
    read->prefix = parse_text(parse, json, "prefix");
    read->types = parse_texts(parse, node, "types", &read->type_count);
    read->tags = parse_texts(parse, node, "tags", &read->tag_count);
    struct ever_slice flow = parse_text(parse, json, "flow");
    int chosen = (read->category.size > 0) + (read->stream.size > 0) + (read->prefix.size > 0) +
                 (flow.size > 0);
    if (chosen > 1) {
        parse_fault(parse, node, "from takes one of category, stream, prefix and flow");
    }
    if (slice_is(read->category, "flow") ||
        slice_starts_with(read->stream, SLICE_LITERAL("flow-"))) {
        parse_fault(parse, node, "streams of flows are read by from(FLOW), not by their names");
    }
    source->start = read->category.size > 0
                        ? arena_printf(arena, "%.*s-", SLICE_PRINT(read->category))
                        : read->prefix;
    if (flow.size > 0) {
        source->upstream = find_upstream(parse->program, flow); /* graph.c found it before */
        ASSERT(source->upstream != NULL);
    }
}

/* --- What to read, and which columns ---------------------------------------------------------- */

static bool reads_log(const struct derive_node *node)
{
    return slice_is(node->graph->op, "from") &&
           ((const struct derive_source *)node->own)->upstream == NULL;
}

static bool is_data_path(const struct derive_path *path)
{
    return path->place == PATH_VALUE && path->step_count > 0 && slice_is(path->steps[0], "data");
}

static void give_column(struct derive_program *program, struct derive_path *path)
{
    for (uint32_t i = 0; i < program->column_count; i++) {
        if (slice_equal(program->columns[i]->text, path->text)) {
            path->column = i;
            return;
        }
    }
    size_t size = (program->column_count + 1) * sizeof program->columns[0];
    program->columns = mem_grow(program->columns, size);
    path->column = program->column_count;
    program->columns[program->column_count++] = path;
}

static void give_columns(struct derive_program *program)
{
    for (size_t i = 0; i < program->flow_count; i++) {
        struct derive_flow *flow = &program->flows[i];
        if (flow->time != NULL && is_data_path(flow->time)) {
            give_column(program, flow->time);
        }
        for (uint32_t j = 0; j < flow->node_count; j++) {
            for (uint32_t k = 0; k < flow->nodes[j].path_count; k++) {
                if (is_data_path(flow->nodes[j].paths[k])) {
                    give_column(program, flow->nodes[j].paths[k]);
                }
            }
        }
    }
}

static void want_column(struct derive_source *source, const struct derive_path *path)
{
    if (path->column != PATH_NO_COLUMN) {
        source->columns[path->column / 64] |= UINT64_C(1) << (path->column % 64);
    }
}

/* Follows the source's events through the nodes that give them on as they are. */
static void follow(struct derive_source *source)
{
    struct derive_flow *flow = source->node->flow;
    bool reached[GRAPH_NODES_MAX] = {false};
    reached[source->node->index] = true;
    for (uint32_t i = source->node->index + 1; i < flow->node_count; i++) {
        struct derive_node *node = &flow->nodes[i];
        bool reads = false;
        for (uint32_t j = 0; j < node->input_count; j++) {
            reads = reads || reached[node->inputs[j]->index];
        }
        if (!reads) {
            continue;
        }
        reached[i] = node->kind->passes_values;
        source->whole = source->whole || node->takes_whole;
        for (uint32_t k = 0; k < node->path_count; k++) {
            want_column(source, node->paths[k]);
        }
    }
}

static void add_read(struct derive_program *program, const struct ever_read *read)
{
    size_t size = (program->read_count + 1) * sizeof program->reads[0];
    program->reads = mem_grow(program->reads, size);
    program->reads[program->read_count++] = *read;
}

void source_prepare(struct derive_program *program)
{
    bool ticks = false;
    give_columns(program);
    for (size_t i = 0; i < program->flow_count; i++) {
        struct derive_flow *flow = &program->flows[i];
        ticks = ticks || flow->graph->options.tick_ms > 0;
        for (uint32_t j = 0; j < flow->node_count; j++) {
            if (!reads_log(&flow->nodes[j])) {
                continue;
            }
            struct derive_source *source = flow->nodes[j].own;
            size_t words = program->column_count / 64 + 1;
            source->columns = arena_alloc_zero(&program->arena, words * sizeof(uint64_t));
            source->roots =
                arena_alloc_zero(&program->arena, STRETCH_ROOTS * sizeof source->roots[0]);
            if (flow->time != NULL) {
                want_column(source, flow->time);
            }
            follow(source);
            add_read(program, &source->read);
            size_t size = (program->source_count + 1) * sizeof program->sources[0];
            program->sources = mem_grow(program->sources, size);
            program->sources[program->source_count++] = source;
        }
    }
    if (ticks) {
        add_read(program, &(struct ever_read){.stream = SLICE_LITERAL("$tick")});
    }
}

void source_deinit(struct derive_program *program)
{
    for (size_t i = 0; i < program->plan_count; i++) {
        free(program->plan_masks[i]);
    }
    free(program->plan_masks);
    free(program->plans);
    free(program->columns);
    free(program->reads);
    free(program->sources);
}

/* --- Matching --------------------------------------------------------------------------------- */

static bool has_tag(const struct ever_slice *tags, uint32_t count, struct ever_slice tag)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_equal(tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool has_all_tags(const struct ever_read *read, const struct ever_slice *tags,
                         uint32_t count)
{
    for (uint32_t i = 0; i < read->tag_count; i++) {
        if (!has_tag(tags, count, read->tags[i])) {
            return false;
        }
    }
    return true;
}

static bool type_matches(const struct ever_read *read, struct ever_slice type)
{
    for (uint32_t i = 0; i < read->type_count; i++) {
        if (slice_equal(read->types[i], type)) {
            return true;
        }
    }
    return read->type_count == 0;
}

static bool matches(const struct derive_source *source, const struct ever_event *event)
{
    const struct ever_read *read = &source->read;
    return slice_starts_with(event->stream, source->start) &&
           (read->stream.size == 0 || slice_equal(read->stream, event->stream)) &&
           type_matches(read, event->type) && has_all_tags(read, event->tags, event->tag_count);
}

static bool is_root(struct ever_slice stream)
{
    return !slice_starts_with(stream, SLICE_LITERAL("flow-")) &&
           !slice_starts_with(stream, SLICE_LITERAL("$command-")) && !slice_is(stream, "$tick");
}

/* --- Plans ------------------------------------------------------------------------------------ */

static struct derive_plan *make_plan(struct derive_program *program, const uint64_t *mask)
{
    struct derive_plan *plan = arena_alloc_zero(&program->arena, sizeof *plan);
    size_t words = program->column_count / 64 + 1;
    uint64_t *wanted = mem_alloc_zero(words * sizeof wanted[0]);
    for (size_t i = 0; i < program->source_count; i++) {
        if (mask == NULL || (mask[i / 64] >> (i % 64) & 1) != 0) {
            for (size_t j = 0; j < words; j++) {
                wanted[j] |= program->sources[i]->columns[j];
            }
        }
    }
    plan->data.slot = SCAN_NO_SLOT;
    plan->slot_of_column = arena_alloc_zero(&program->arena, (program->column_count + 1) *
                                                                 sizeof plan->slot_of_column[0]);
    for (uint32_t i = 0; i < program->column_count; i++) {
        plan->slot_of_column[i] = SCAN_NO_SLOT;
        if ((wanted[i / 64] >> (i % 64) & 1) != 0) {
            const struct derive_path *path = program->columns[i];
            plan->slot_of_column[i] = plan->slot_count;
            scan_trie_add(&plan->data, path->steps + 1, path->step_count - 1, plan->slot_count++,
                          &program->arena);
        }
    }
    free(wanted);
    return plan;
}

static size_t mask_words(const struct derive_program *program)
{
    return program->source_count / 64 + 1;
}

static struct derive_plan *find_plan(struct derive_program *program, const uint64_t *mask)
{
    size_t bytes = mask_words(program) * sizeof mask[0];
    for (size_t i = 0; i < program->plan_count; i++) {
        if (memcmp(program->plan_masks[i], mask, bytes) == 0) {
            return program->plans[i];
        }
    }
    if (program->plan_count == PLANS_MAX) {
        return program->plans[0];
    }
    size_t count = program->plan_count + 1;
    program->plans = mem_grow(program->plans, count * sizeof program->plans[0]);
    program->plan_masks = mem_grow(program->plan_masks, count * sizeof program->plan_masks[0]);
    program->plan_masks[count - 1] = mem_alloc(bytes);
    memcpy(program->plan_masks[count - 1], mask, bytes);
    program->plans[count - 1] = make_plan(program, mask);
    program->plan_count = count;
    return program->plans[count - 1];
}

static void prepare_event(struct derive_program *program, uint32_t root, const uint64_t *mask)
{
    const struct ever_event *given = &program->roots[root];
    struct derive_event *event = &program->events[root];
    *event = (struct derive_event){
        .root = given,
        .type = given->type,
        .data = given->content == EVER_JSON ? given->data : SLICE_NONE,
        .metadata = given->metadata,
        .tags = given->tags,
        .tag_count = given->tag_count,
        .plan = find_plan(program, mask),
    };
    uint32_t slots = event->plan->slot_count;
    if (slots > 0) {
        struct derive_value *columns =
            arena_alloc(&program->stretch_arena, slots * sizeof columns[0]);
        memset(columns, 0, slots * sizeof columns[0]); /* VALUE_MISSING */
        scan_find(&event->plan->data, event->data, columns);
        event->columns = columns;
    }
}

static void match_root(struct derive_program *program, uint32_t root, uint64_t *mask)
{
    const struct ever_event *event = &program->roots[root];
    if (!is_root(event->stream)) {
        return;
    }
    bool any = false;
    for (size_t i = 0; i < program->source_count; i++) {
        struct derive_source *source = program->sources[i];
        if (matches(source, event)) {
            source->roots[source->count++] = root;
            mask[i / 64] |= UINT64_C(1) << (i % 64);
            any = true;
        }
    }
    if (any) {
        prepare_event(program, root, mask);
        memset(mask, 0, mask_words(program) * sizeof mask[0]);
    }
}

static void make_general_plan(struct derive_program *program)
{
    size_t bytes = mask_words(program) * sizeof(uint64_t);
    program->plans = mem_alloc(sizeof program->plans[0]);
    program->plan_masks = mem_alloc(sizeof program->plan_masks[0]);
    program->plan_masks[0] = mem_alloc(bytes);
    memset(program->plan_masks[0], 0xff, bytes); /* no set: there is a bit that stands for nobody */
    program->plans[0] = make_plan(program, NULL);
    program->plan_count = 1;
}

void source_match(struct derive_program *program)
{
    if (program->plan_count == 0) {
        make_general_plan(program);
    }
    for (size_t i = 0; i < program->source_count; i++) {
        program->sources[i]->count = 0;
    }
    uint64_t *mask = mem_alloc_zero(mask_words(program) * sizeof mask[0]);
    for (uint32_t i = 0; i < program->root_count; i++) {
        match_root(program, i, mask);
    }
    free(mask);
}

/* --- Event times ------------------------------------------------------------------------------ */

static bool time_of_value(const struct derive_value *value, struct arena *arena, int64_t *out_us)
{
    struct derive_number number;
    if (value_number(value, &number)) {
        const double us = number.real * 1000;
        if (!(us >= (double)VALUE_TIME_LEAST_US && us <= (double)VALUE_TIME_MOST_US)) {
            return false;
        }
        *out_us = number.is_whole ? number.whole * 1000 : (int64_t)us;
        return true;
    }
    if (value->kind == VALUE_TIME) { /* @time */
        *out_us = value->whole;
        return true;
    }
    int64_t ns;
    if (value->kind != VALUE_STRING || !timestamp_parse(value_string(value, arena), &ns)) {
        return false;
    }
    *out_us = ns / 1000 - (ns % 1000 < 0);
    return true;
}

static void fail_time(struct derive_node *node, uint32_t root, const struct derive_value *value)
{
    struct ever_slice path = node->flow->time->text;
    if (value->kind == VALUE_MISSING) {
        node_fail(node, root,
                  "the event has no %.*s, where its time should be; choose events that have it, or "
                  "leave the option time out to use the time of commit",
                  SLICE_PRINT(path));
        return;
    }
    struct ever_slice json = node_json(node, value, 0);
    node_fail(
        node, root,
        "%.*s is %.*s%s: not a time; RFC 3339 text, or ms since 1970, of the years 1678 to 2261 "
        "is needed",
        SLICE_PRINT(path), (int)(json.size > 60 ? 60 : json.size), json.data,
        json.size > 60 ? "..." : "");
}

/* False after a failure. */
static bool event_time(struct derive_node *node, const struct derive_item *item, int64_t *out_us)
{
    struct derive_flow *flow = node->flow;
    int64_t commit_us = node_root(node, item->root)->time_ns / 1000;
    *out_us = commit_us;
    if (flow->time == NULL) {
        return true;
    }
    struct derive_value value = node_get(node, flow->time, item);
    if (!time_of_value(&value, node_arena(node), out_us)) {
        fail_time(node, item->root, &value);
        return false;
    }
    if (*out_us > commit_us + flow->ahead_us) {
        struct ever_slice json = node_json(node, &value, 0);
        node_fail(node, item->root,
                  "%.*s is %.*s, more than %lld ms after the event was committed; the option ahead "
                  "allows more",
                  SLICE_PRINT(flow->time->text), SLICE_PRINT(json),
                  (long long)flow->graph->options.ahead_ms);
        return false;
    }
    return true;
}

/* --- Running ---------------------------------------------------------------------------------- */

static void give_root(struct derive_node *node, uint32_t root)
{
    const struct derive_source *source = node->own;
    struct derive_event *event = &node->flow->program->events[root];
    struct derive_item item = {.root = root,
                               .hash = node->flow->program->no_key_hash,
                               .origin = event->root,
                               .value = {.kind = VALUE_EVENT, .event = event}};
    node->counts.in++;
    node->flow->now.in++;
    if (source->whole && event->data.size > 0 && !event->data_is_checked) {
        event->data_is_checked = json_check(event->data, NULL);
        if (!event->data_is_checked) {
            node_fail(node, root, "its data is not JSON");
            return;
        }
    }
    if (event_time(node, &item, &item.time_us)) {
        node_give(node, &item);
    }
}

static void run_from_flow(struct derive_node *node, const struct derive_source *source)
{
    const struct derive_flow *upstream = source->upstream;
    const struct derive_flow *flow = node->flow;
    for (size_t i = 0; i < upstream->given_count; i++) {
        const struct derive_given *given = &upstream->given[i];
        if (given->root < flow->first || given->root >= flow->limit ||
            !type_matches(&source->read, given->event.type) ||
            !has_all_tags(&source->read, given->event.tags, given->event.tag_count)) {
            continue;
        }
        node->counts.in++;
        node->flow->now.in++;
        struct derive_item item = {.root = given->root,
                                   .hash = node->flow->program->no_key_hash,
                                   .time_us = given->time_us,
                                   .origin = given->event.root,
                                   .value = {.kind = VALUE_EVENT, .event = &given->event}};
        node_give(node, &item);
    }
}

static void run_from(struct derive_node *node)
{
    const struct derive_source *source = node->own;
    if (source->upstream != NULL) {
        run_from_flow(node, source);
        return;
    }
    for (uint32_t i = 0; i < source->count; i++) {
        uint32_t root = source->roots[i];
        if (root >= node->flow->first && root < node->flow->limit) {
            give_root(node, root);
        }
    }
}

const struct derive_kind kind_from = {.op = "from", .parse = parse_from, .run = run_from};

/* --- The watermark ---------------------------------------------------------------------------- */

static int64_t tick_time(const struct ever_event *tick)
{
    const struct ever_slice step = SLICE_LITERAL("time");
    struct derive_value value = tick->content == EVER_JSON
                                    ? scan_find_one(tick->data, &step, 1)
                                    : (struct derive_value){.kind = VALUE_MISSING};
    struct arena arena;
    arena_init(&arena);
    int64_t time_us;
    if (!time_of_value(&value, &arena, &time_us)) {
        time_us = tick->time_ns / 1000;
    }
    arena_deinit(&arena);
    return time_us;
}

static void raise(int64_t *time_us, int64_t to_us)
{
    *time_us = *time_us < to_us ? to_us : *time_us;
}

/* W = max(newest - idle, oldest) - lateness; NO_TIME while no input has had an event. */
static int64_t watermark_of(const struct derive_flow *flow)
{
    int64_t newest = NO_TIME;
    int64_t oldest = INT64_MAX;
    for (uint32_t i = 0; i < flow->source_count; i++) {
        int64_t time_us = flow->newest_us[i];
        newest = newest < time_us ? time_us : newest;
        oldest = oldest > time_us ? time_us : oldest;
    }
    if (newest == NO_TIME) {
        return NO_TIME;
    }
    int64_t held = newest - flow->idle_us;
    return (held < oldest ? oldest : held) - flow->lateness_us;
}

void source_watermarks(struct derive_flow *flow)
{
    const struct derive_program *program = flow->program;
    size_t *cursors = mem_alloc_zero((flow->source_count + 1) * sizeof cursors[0]);
    bool ticks = flow->graph->options.tick_ms > 0;
    for (uint32_t root = flow->first; root < flow->limit; root++) {
        for (uint32_t i = 0; i < flow->source_count; i++) {
            const struct derive_list *out = &flow->sources[i]->out;
            while (cursors[i] < out->count && out->items[cursors[i]].root == root) {
                raise(&flow->newest_us[i], out->items[cursors[i]++].time_us);
            }
        }
        if (ticks && slice_is(program->roots[root].stream, "$tick")) {
            int64_t time_us = tick_time(&program->roots[root]);
            for (uint32_t i = 0; i < flow->source_count; i++) {
                raise(&flow->newest_us[i], time_us);
            }
        }
        raise(&flow->now.watermark_us, watermark_of(flow));
        flow->watermarks_us[root] = flow->now.watermark_us;
    }
    free(cursors);
}
