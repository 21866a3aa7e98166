#include "gateway/flow/flow_json.h"

#include "base/json.h"
#include "base/slice.h"
#include "base/timestamp.h"

#include <string.h>

#define MILLISECONDS_BYTES (sizeof "2026-11-23T23:31:00.123" - 1)

void flow_write_time(struct text *out, int64_t time_us)
{
    if (time_us > INT64_MAX / 1000 || time_us < INT64_MIN / 1000) {
        text_add_text(out, "null");
        return;
    }
    char time[TIMESTAMP_TEXT_BYTES];
    timestamp_format(time_us * 1000, time);
    text_printf(out, "\"%.*sZ\"", (int)MILLISECONDS_BYTES, time);
}

/* --- Where it stands ------------------------------------------------------------------------- */

static void write_failure(struct text *out, const struct flow_status *status)
{
    if (status->failure[0] == '\0') {
        return;
    }
    if (status->failed_position > 0) {
        text_printf(out, ",\"failedPosition\":%llu", (unsigned long long)status->failed_position);
    }
    if (status->failed_node[0] != '\0') {
        text_add_text(out, ",\"failedNode\":");
        json_write_string(out, slice_of_text(status->failed_node));
    }
    text_add_text(out, ",\"failure\":");
    json_write_string(out, slice_of_text(status->failure));
}

static void write_serving(struct text *out, const struct flow_status *status)
{
    if (status->serving[0] == '\0') {
        text_add_text(out, ",\"serving\":null");
    } else {
        text_printf(out, ",\"serving\":\"%s\",\"servingFrom\":%llu", status->serving,
                    (unsigned long long)status->serving_from);
    }
}

/* Members without braces. */
static void write_status(struct text *out, const struct flow_status *status)
{
    text_printf(out, "\"state\":\"%s\",\"position\":%llu,\"lag\":%llu,\"watermark\":",
                flow_state_name(status->state), (unsigned long long)status->position,
                (unsigned long long)status->lag);
    flow_write_time(out, status->watermark_us);
    text_printf(out,
                ",\"taken\":%llu,\"events\":%llu,\"late\":%llu,\"errors\":%llu,\"keys\":%llu,"
                "\"bytes\":%llu",
                (unsigned long long)status->roots, (unsigned long long)status->events,
                (unsigned long long)status->late, (unsigned long long)status->errors,
                (unsigned long long)status->keys, (unsigned long long)status->bytes);
    write_serving(out, status);
    text_printf(out, ",\"hash\":\"%s\"", status->hash);
    write_failure(out, status);
}

static void write_counts(struct text *out, const struct flow *flow, size_t node)
{
    struct flow_node_status counts;
    flow_node_status(flow, node, &counts);
    text_printf(out, "{\"in\":%llu,\"out\":%llu,\"keys\":%llu,\"bytes\":%llu}",
                (unsigned long long)counts.in, (unsigned long long)counts.out,
                (unsigned long long)counts.keys, (unsigned long long)counts.bytes);
}

void flow_write_live(struct text *out, const struct flow *flow, uint64_t last_position)
{
    struct flow_status status;
    flow_status(flow, &status);
    text_add_byte(out, '{');
    write_status(out, &status);
    text_printf(out, ",\"logPosition\":%llu,\"counts\":[", (unsigned long long)last_position);
    for (size_t i = 0; i < flow_info(flow)->node_count; i++) {
        text_add_text(out, i == 0 ? "" : ",");
        write_counts(out, flow, i);
    }
    text_add_text(out, "]}");
}

/* --- The graph ------------------------------------------------------------------------------- */

/* The node as it was declared, with its counts. */
static void write_node(struct text *out, const struct flow_shown *shown, size_t index,
                       struct json_value node)
{
    text_add(out, slice_first(node.text, node.text.size - 1)); /* up to its closing brace */
    text_add_text(out, ",\"counts\":");
    write_counts(out, shown->flow, index);
    enum flow_input_match match = flow_input_match(shown, index, node);
    if (match != FLOW_INPUT_UNKNOWN) {
        text_printf(out, ",\"matched\":%s", match == FLOW_INPUT_SEEN ? "true" : "false");
    }
    text_add_byte(out, '}');
}

static void write_graph(struct text *out, const struct flow_shown *shown)
{
    struct json_value graph = json_value_of(flow_info(shown->flow)->graph);
    struct json_value part;
    if (json_member(graph, SLICE_LITERAL("options"), &part)) {
        text_printf(out, ",\"options\":%.*s", SLICE_PRINT(part.text));
    }
    if (!json_member(graph, SLICE_LITERAL("nodes"), &part)) {
        return;
    }
    size_t index = 0;
    text_add_text(out, ",\"nodes\":[");
    for (struct json_iter i = json_iter(part); json_next(&i); index++) {
        text_add_text(out, index == 0 ? "" : ",");
        write_node(out, shown, index, i.value);
    }
    text_add_byte(out, ']');
}

void flow_write(struct text *out, const struct flow_shown *shown, bool graph)
{
    const struct flow_info *info = flow_info(shown->flow);
    struct flow_status status;
    flow_status(shown->flow, &status);
    text_printf(out, "{\"name\":\"%s\",\"file\":", info->name);
    json_write_string(out, slice_of_text(info->file));
    text_printf(out, ",\"line\":%u,\"version\":\"%s\",\"stream\":\"%s\",", info->line,
                info->version, info->stream);
    write_status(out, &status);
    if (graph) {
        write_graph(out, shown);
    }
    text_add_byte(out, '}');
}
