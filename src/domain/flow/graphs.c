/* graphs.c - what the declarations say: names, streams, versions. */
#include "base/assert.h"
#include "base/checksum.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flow_stream.h"
#include "domain/flow/flows_priv.h"

#include <stdio.h>
#include <stdlib.h>

struct reading {
    struct flows *flows;
    const struct derive_program *program;
    flow_file_version_fn *file_version;
    void *arg;
};

/* --- Versions --------------------------------------------------------------------------------- */

bool flow_graph_has_functions(struct ever_slice graph)
{
    struct json_value nodes;
    struct json_value op;
    bool any = false;
    if (json_member(json_value_of(graph), SLICE_LITERAL("nodes"), &nodes)) {
        for (struct json_iter i = json_iter(nodes); json_next(&i) && !any;) {
            any = json_member(i.value, SLICE_LITERAL("op"), &op) && slice_is(op.text, "\"script\"");
        }
    }
    return any;
}

/* All that a flow's bytes follow from: its graph, its functions with all they import, the rules of
 * the engine, the versions of the flows it reads. Where it stands in its file does not matter. */
static const char *version_of(const struct reading *reading, const struct derive_flow_info *info,
                              const char *file, const char *const *versions)
{
    CLEANUP(text_deinit) struct text all = {0};
    text_printf(&all, "%u\n", DERIVE_SEMANTICS);
    text_add(&all, info->canonical);
    if (flow_graph_has_functions(info->graph)) {
        char version[SCRIPT_VERSION_BYTES];
        reading->file_version(reading->arg, file, version);
        text_printf(&all, "\n%s", version);
    }
    for (size_t i = 0; i < info->upstream_count; i++) {
        text_printf(&all, "\n%s", versions[info->upstreams[i]]);
    }
    struct hash128 hash = hash128(text_slice(&all));
    return arena_printf(&reading->flows->arena, "%016llx", (unsigned long long)hash.high).data;
}

/* --- Infos ------------------------------------------------------------------------------------ */

static const char *copy(struct arena *arena, struct ever_slice text)
{
    return arena_copy(arena, text).data;
}

static void read_flow(const struct reading *reading, size_t number, const char **versions)
{
    struct flows *flows = reading->flows;
    struct arena *arena = &flows->arena;
    struct derive_flow_info info;
    derive_flow_info(reading->program, number, &info);
    const char *file = copy(arena, info.file);
    versions[number] = version_of(reading, &info, file, versions);
    struct flow *flow = &flows->list[number];
    const char *name = copy(arena, info.name);
    flow->flows = flows;
    flow->tick_ms = info.tick_ms;
    flow->info = (struct flow_info){
        .name = name,
        .file = file,
        .line = info.line,
        .version = versions[number],
        .alias = arena_printf(arena, FLOW_CATEGORY "-%s", name).data,
        .stream = arena_printf(arena, FLOW_CATEGORY "-%s.%s", name, versions[number]).data,
        .graph = arena_copy(arena, info.graph),
        .node_count = info.node_count,
    };
    flow->nodes = arena_alloc_zero(arena, info.node_count * sizeof *flow->nodes);
    flow->upstream_count = info.upstream_count;
    flow->upstreams = arena_alloc(arena, info.upstream_count * sizeof *flow->upstreams);
    memcpy(flow->upstreams, info.upstreams, info.upstream_count * sizeof *flow->upstreams);
    flow->status = (struct flow_status){.state = FLOW_BUILDING, .watermark_us = FLOW_NO_WATERMARK};
}

/* --- By name ---------------------------------------------------------------------------------- */

static int compare_flows(const void *a, const void *b)
{
    return strcmp(((const struct flow *)a)->info.name, ((const struct flow *)b)->info.name);
}

/* The numbers of upstreams are those of the program; from now on those of the sorted list. */
static void sort(struct flows *flows)
{
    const char **names = mem_alloc(flows->count * sizeof *names);
    for (size_t i = 0; i < flows->count; i++) {
        names[i] = flows->list[i].info.name;
    }
    qsort(flows->list, flows->count, sizeof flows->list[0], compare_flows);
    for (size_t i = 0; i < flows->count; i++) {
        struct flow *flow = &flows->list[i];
        for (size_t k = 0; k < flow->upstream_count; k++) {
            const struct flow *upstream =
                flows_find(flows, slice_of_text(names[flow->upstreams[k]]));
            ASSERT(upstream != NULL);
            flow->upstreams[k] = (size_t)(upstream - flows->list);
        }
    }
    free(names);
}

static bool has_long_name(const struct derive_program *program, struct text *report)
{
    bool any = false;
    for (size_t i = 0; i < derive_flow_count(program); i++) {
        struct derive_flow_info info;
        derive_flow_info(program, i, &info);
        if (info.name.size > APP_NAME_BYTES_MAX) {
            any = true;
            text_printf(report, "%.*s:%u: the name of a flow has at most %d characters\n",
                        SLICE_PRINT(info.file), info.line, APP_NAME_BYTES_MAX);
        }
    }
    return any;
}

struct ever_err flow_graphs_read(struct flows *flows, struct ever_slice graphs,
                                 flow_file_version_fn *file_version, void *arg, struct text *report)
{
    struct derive_program *program;
    TRY(derive_program_create(graphs, report, &program));
    if (has_long_name(program, report)) {
        derive_program_destroy(program);
        return FAIL(EVER_INVALID, "read the graphs of flows");
    }
    struct reading reading = {
        .flows = flows, .program = program, .file_version = file_version, .arg = arg};
    flows->count = derive_flow_count(program);
    flows->list = mem_alloc_zero((flows->count + 1) * sizeof flows->list[0]);
    const char **versions = mem_alloc((flows->count + 1) * sizeof *versions);
    for (size_t i = 0; i < flows->count; i++) {
        read_flow(&reading, i, versions);
    }
    free(versions);
    derive_program_destroy(program);
    if (flows->count > 0) {
        sort(flows);
    }
    return ERR_OK;
}

/* --- Sets of flows ---------------------------------------------------------------------------- */

void flow_mark_with_upstreams(const struct flows *flows, size_t index, bool *marks)
{
    marks[index] = true;
    for (size_t k = 0; k < flows->list[index].upstream_count; k++) {
        if (!marks[flows->list[index].upstreams[k]]) {
            flow_mark_with_upstreams(flows, flows->list[index].upstreams[k], marks);
        }
    }
}

size_t flow_list_marked(struct flows *flows, const bool *marks, struct flow **list)
{
    size_t count = 0;
    for (size_t i = 0; i < flows->count; i++) {
        if (marks[i]) {
            list[count++] = &flows->list[i];
        }
    }
    return count;
}
