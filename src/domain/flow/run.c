#include "domain/flow/run_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flow_stream.h"
#include "domain/flow/flows_priv.h"

#include <stdlib.h>

#define BATCH_BYTES_MAX (16u << 20)
#define GATHER_NS_MAX INT64_C(20000000)

static const struct ever_slice commands_prefix = SLICE_LITERAL("$command-");

/* --- Making ----------------------------------------------------------------------------------- */

static void add_graphs(struct text *out, struct flow *const *flows, size_t count)
{
    text_add_text(out, "{\"flows\":[");
    for (size_t i = 0; i < count; i++) {
        text_add_text(out, i == 0 ? "" : ",");
        text_add(out, flows[i]->info.graph);
    }
    text_add_text(out, "]}");
}

static struct flow *find(struct flow *const *flows, size_t count, struct ever_slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is(name, flows[i]->info.name)) {
            return flows[i];
        }
    }
    return NULL;
}

/* The program numbers flows as it runs them. */
static void order_flows(struct flow_run *run, struct flow *const *flows)
{
    ASSERT(derive_flow_count(run->program) == run->count);
    run->flows = mem_alloc(run->count * sizeof(struct flow *));
    run->parts = mem_alloc_zero(run->count * sizeof run->parts[0]);
    for (size_t i = 0; i < run->count; i++) {
        struct derive_flow_info info;
        derive_flow_info(run->program, i, &info);
        run->flows[i] = find(flows, run->count, info.name);
        ASSERT(run->flows[i] != NULL);
        derive_flow_set_version(run->program, i, slice_of_text(run->flows[i]->info.version));
    }
}

static void init_filters(struct flow_run *run)
{
    size_t count;
    const struct ever_read *reads = derive_program_reads(run->program, &count);
    ASSERT(count > 0); /* a flow that reads flows only has those with it */
    run->filters = mem_alloc(count * sizeof run->filters[0]);
    for (size_t i = 0; i < count; i++) {
        struct ever_err err = filter_init(&run->filters[i], &reads[i]);
        ASSERT(IS_OK(err)); /* memory ran out: as mem_alloc() */
    }
    run->filter_count = count;
}

struct flow_run *flow_run_create(struct flows *owner, struct flow *const *flows, size_t count,
                                 const char *instance)
{
    ASSERT(count > 0);
    struct flow_run *run = mem_alloc_zero(sizeof *run);
    CLEANUP(text_deinit) struct text graphs = {0};
    CLEANUP(text_deinit) struct text report = {0};
    run->owner = owner;
    run->store = owner->store;
    run->instance = instance;
    run->count = count;
    run->root_max = owner->options.batch_roots;
    add_graphs(&graphs, flows, count);
    struct ever_err err = derive_program_create(text_slice(&graphs), &report, &run->program);
    ASSERT(IS_OK(err)); /* the same graphs were taken at start */
    order_flows(run, flows);
    init_filters(run);
    run->roots = mem_alloc(run->root_max * sizeof run->roots[0]);
    arena_init(&run->arena);
    flow_writer_init(&run->writer, run->store);
    return run;
}

void flow_run_destroy(struct flow_run *run)
{
    if (run == NULL) {
        return;
    }
    ever_cursor_close(run->cursor);
    flow_writer_deinit(&run->writer);
    for (size_t i = 0; i < run->count; i++) {
        flow_part_close(&run->parts[i]);
    }
    for (size_t i = 0; i < run->filter_count; i++) {
        filter_deinit(&run->filters[i]);
    }
    derive_program_destroy(run->program);
    arena_deinit(&run->arena);
    free(run->filters);
    free(run->parts);
    free(run->flows);
    free(run->roots);
    free(run);
}

struct flow_part *flow_run_part(struct flow_run *run, const struct flow *flow)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->flows[i] == flow) {
            return &run->parts[i];
        }
    }
    return NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool same_source(const struct ever_read *a, const struct ever_read *b)
{
    return slice_equal(a->stream, b->stream) && slice_equal(a->category, b->category) &&
           slice_equal(a->prefix, b->prefix);
}

/* What all filters have in common, so that the store's index may find it. One filter: just that. */
static struct ever_read common_read(const struct flow_run *run)
{
    struct ever_read common = run->filters[0].read;
    for (size_t i = 1; i < run->filter_count; i++) {
        if (!same_source(&common, &run->filters[i].read)) {
            return (struct ever_read){0};
        }
    }
    if (run->filter_count > 1) {
        common.types = NULL;
        common.type_count = 0;
        common.tags = NULL;
        common.tag_count = 0;
    }
    return common;
}

static struct ever_err open_cursor(struct flow_run *run)
{
    struct ever_read read = common_read(run);
    read.from = run->position + 1;
    if (read.stream.size > 0) { /* then `from` would be a revision: its prefix is as good */
        read.prefix = read.stream;
        read.stream = SLICE_NONE;
    }
    return ever_cursor_open(run->store, &read, &run->cursor);
}

static void close_cursor(struct flow_run *run)
{
    ever_cursor_close(run->cursor);
    run->cursor = NULL;
}

static bool is_wanted(const struct flow_run *run, const struct ever_event *event)
{
    if (flow_stream_is(event->stream, NULL) || slice_starts_with(event->stream, commands_prefix)) {
        return false;
    }
    bool wanted =
        run->filter_count == 1 && run->filters[0].read.stream.size == 0; /* by the cursor */
    for (size_t i = 0; i < run->filter_count && !wanted; i++) {
        wanted = filter_matches(&run->filters[i], event);
    }
    return wanted;
}

static char *put(char *at, struct ever_slice *slice)
{
    if (slice->size > 0) {
        memcpy(at, slice->data, slice->size);
    }
    slice->data = at;
    return at + slice->size;
}

/* The cursor lends an event until its next call; a batch has to keep it. */
static size_t keep_root(struct flow_run *run, const struct ever_event *event)
{
    struct ever_event *root = &run->roots[run->root_count++];
    size_t size = event->stream.size + event->type.size + event->data.size + event->metadata.size +
                  event->tag_count * sizeof(struct ever_slice);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        size += event->tags[i].size;
    }
    struct ever_slice *tags = arena_alloc(&run->arena, size);
    char *at = (char *)(tags + event->tag_count);
    *root = *event;
    at = put(at, &root->stream);
    at = put(at, &root->type);
    at = put(at, &root->data);
    at = put(at, &root->metadata);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        tags[i] = event->tags[i];
        at = put(at, &tags[i]);
    }
    root->tags = tags;
    return size;
}

/* No flow can know what the damaged stretch held, so none goes on. */
static void stop_as_damaged(struct flow_run *run)
{
    uint64_t behind = ever_cursor_position(run->cursor);
    uint64_t position = behind > run->position ? behind : run->position + 1;
    for (size_t i = 0; i < run->count; i++) {
        flow_part_stop(&run->parts[i], position,
                       "the log is damaged at position %llu: what flows read cannot be known from "
                       "there on. Restore the data folder from a copy",
                       (unsigned long long)position);
    }
}

enum reading { READ_ROOM, READ_LIMIT, READ_END, READ_DAMAGE };

/* Reads until the batch is full, the limit or the end is reached. */
static struct ever_err read_roots(struct flow_run *run, uint64_t limit, enum reading *out_why)
{
    size_t bytes = 0;
    *out_why = READ_ROOM;
    while (run->root_count < run->root_max && bytes < BATCH_BYTES_MAX) {
        const struct ever_event *event;
        struct ever_err err = ever_next(run->cursor, &event);
        if (err.code == EVER_END) {
            *out_why = READ_END;
            break;
        }
        if (err.code == EVER_CORRUPT) {
            *out_why = READ_DAMAGE;
            break;
        }
        TRY(err);
        if (event->position > limit) {
            *out_why = READ_LIMIT;
            break;
        }
        if (is_wanted(run, event)) {
            bytes += keep_root(run, event);
        }
        run->position = event->position;
    }
    run->bytes_since_save += bytes;
    return ERR_OK;
}

/* Where the batch ended. What was read beyond the limit is read again. */
static void settle_position(struct flow_run *run, uint64_t limit, enum reading why,
                            uint64_t log_end)
{
    run->is_at_end = false;
    if (why == READ_END) {
        uint64_t seen = ever_cursor_position(run->cursor);
        run->position = seen > run->position ? seen : run->position;
        run->is_at_end = run->position >= log_end;
    }
    if (why == READ_LIMIT || run->position > limit) {
        run->position = limit;
        close_cursor(run);
    }
}

/* --- Deriving --------------------------------------------------------------------------------- */

static const enum flow_side sides[] = {
    [DERIVE_MAIN] = FLOW_MAIN, [DERIVE_LATE] = FLOW_LATE, [DERIVE_ERRORS] = FLOW_ERRORS};

static struct ever_err take_output(struct flow_run *run, const struct derive_output *output)
{
    struct flow_part *part = &run->parts[output->flow];
    if (part->stop.is_set) {
        return ERR_OK;
    }
    struct ever_new_event event = {
        .id = flow_event_id(part->info, output->cause, output->k),
        .content = EVER_JSON,
        .type = output->type,
        .data = output->data,
        .metadata = output->metadata,
        .tags = output->tags,
        .tag_count = output->tag_count,
    };
    bool is_new;
    TRY(flow_part_take(part, sides[output->side], output->cause, &event, &is_new));
    if (is_new && !part->stop.is_set && !run->is_proof) {
        flow_writer_add(&run->writer, part, sides[output->side], output->cause, &event);
    }
    return ERR_OK;
}

static struct ever_err take_outputs(struct flow_run *run)
{
    for (; run->taken < run->result.count; run->taken++) {
        TRY(take_output(run, &run->result.outputs[run->taken]));
    }
    return ERR_OK;
}

/* What a restart needs to try the event again. */
static void keep_state(struct flow_run *run, size_t index, uint64_t stop_position)
{
    struct flow_kept *kept = &run->flows[index]->kept;
    const struct flow_part *part = &run->parts[index];
    text_clear(&kept->state);
    derive_flow_save(run->program, index, &kept->state);
    kept->position = stop_position - 1;
    kept->hash = part->hash;
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        kept->counts[i] = part->sides[i].count;
    }
    kept->is_set = true;
}

static void note_engine_stop(struct flow_run *run, size_t index)
{
    struct flow_part *part = &run->parts[index];
    struct derive_flow_status status;
    derive_flow_status(run->program, index, &status);
    if (!status.stopped || part->stop.is_set) {
        return;
    }
    flow_part_stop(part, status.stop_position, "%.*s", SLICE_PRINT(status.stop_message));
    (void)snprintf(part->stop.node, sizeof part->stop.node, "%.*s", SLICE_PRINT(status.stop_node));
    if (part->is_written) {
        keep_state(run, index, status.stop_position);
    }
}

/* A flow does not go on without what it reads. Upstreams stand before it. */
static void stop_readers(struct flow_run *run, size_t index)
{
    struct derive_flow_info info;
    derive_flow_info(run->program, index, &info);
    for (size_t i = 0; i < info.upstream_count; i++) {
        const struct flow_part *upstream = &run->parts[info.upstreams[i]];
        if (upstream->stop.is_set) {
            flow_part_stop(&run->parts[index], upstream->stop.position,
                           "it reads the flow %s, which has stopped", upstream->info->name);
        }
    }
}

static void note_stops(struct flow_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->result.stopped_count > 0) {
            note_engine_stop(run, i);
        }
        stop_readers(run, i);
    }
}

static struct ever_err finish_batch(struct flow_run *run)
{
    TRY(take_outputs(run));
    note_stops(run);
    run->result = (struct derive_result){0};
    run->taken = 0;
    run->root_count = 0;
    arena_reset(&run->arena);
    return ERR_OK;
}

static void derive(struct flow_run *run, const struct derive_script *script)
{
    run->roots_since_save += run->root_count;
    derive_program_run(run->program, run->roots, run->root_count, script, &run->result);
    run->taken = 0;
}

/* --- Stepping --------------------------------------------------------------------------------- */

bool flow_run_is_settled(const struct flow_run *run)
{
    return run->taken == run->result.count && run->durable == run->position;
}

bool flow_run_is_dead(const struct flow_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->parts[i].is_written && !run->parts[i].stop.is_set) {
            return false;
        }
    }
    return true;
}

/* Everything in the log has passed by: what a stream has too much is another hand's. */
static struct ever_err check_end(struct flow_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->parts[i].is_written) {
            TRY(flow_part_check_end(&run->parts[i], run->position));
        }
    }
    note_stops(run);
    run->end_is_checked = true;
    return ERR_OK;
}

struct ever_err flow_run_flush(struct flow_run *run)
{
    ASSERT(run->taken == run->result.count);
    if (run->writer.count > 0) {
        TRY(flow_writer_flush(&run->writer));
        note_stops(run); /* another hand may have written to a stream */
    }
    run->durable = run->position;
    run->gathering_since_ns = 0;
    if (run->is_at_end && !run->end_is_checked) {
        TRY(check_end(run));
    }
    return ERR_OK;
}

static struct ever_err flush_when_due(struct flow_run *run, bool more)
{
    struct env *env = env_real();
    if (more && run->writer.count > 0 && !flow_writer_is_full(&run->writer)) {
        int64_t now_ns = env->monotonic_ns(env);
        if (run->gathering_since_ns == 0) {
            run->gathering_since_ns = now_ns;
        }
        if (now_ns - run->gathering_since_ns < GATHER_NS_MAX) {
            return ERR_OK;
        }
    }
    return flow_run_flush(run);
}

struct ever_err flow_run_step(struct flow_run *run, uint64_t limit,
                              const struct derive_script *script, bool *out_more)
{
    *out_more = false;
    if (run->taken < run->result.count) {
        TRY(finish_batch(run)); /* what a failed read left */
    }
    if (flow_run_is_dead(run) || run->position >= limit) {
        return flow_run_flush(run);
    }
    if (run->cursor == NULL) {
        TRY(open_cursor(run));
    }
    uint64_t log_end = ever_last_position(run->store); /* before reading: what comes is more */
    enum reading why;
    TRY(read_roots(run, limit, &why));
    if (run->root_count > 0) {
        derive(run, script);
    }
    if (run->owner->script_abandoned) {
        return FAIL(EVER_CLOSED, "derive events: the server is shutting down");
    }
    settle_position(run, limit, why, log_end);
    TRY(finish_batch(run));
    if (why == READ_DAMAGE) {
        stop_as_damaged(run);
    }
    *out_more = !run->is_at_end && run->position < limit && why != READ_DAMAGE;
    return flush_when_due(run, *out_more);
}
