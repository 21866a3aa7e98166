/* metrics.c - what a monitor reads: Prometheus text format 0.0.4. */
#include "gateway/metrics.h"

#include "base/slice.h"
#include "gateway/follow/feed.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/views.h"

static void write_head(struct text *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_one(struct text *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    write_head(out, name, type, help);
    text_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void write_store(struct text *out, const struct ever *store)
{
    struct ever_stats stats;
    ever_stats(store, &stats);
    write_one(out, "everfold_log_position", "gauge", "Last position of the log.",
              stats.last_position);
    write_one(out, "everfold_appended_events_total", "counter", "Events appended since start.",
              stats.appended_events);
    write_one(out, "everfold_appends_total", "counter",
              "Appends since start, conflicts not counted.", stats.appends);
    write_one(out, "everfold_append_conflicts_total", "counter",
              "Appends refused because their condition did not hold.", stats.conflicts);
    write_one(out, "everfold_appends_refused_full_total", "counter",
              "Appends refused because the disk was full.", stats.refused_full);
    write_one(out, "everfold_log_blocks_total", "counter",
              "Disk writes since start; appends divided by this is the group size.", stats.blocks);
    write_one(out, "everfold_log_bytes", "gauge", "Bytes of log on disk.", stats.log_bytes);
    write_one(out, "everfold_log_segments", "gauge", "Segment files.", stats.segments);
    write_one(out, "everfold_log_writable", "gauge", "1 while the log can be written.",
              stats.write_error == 0);
}

static void write_http(struct text *out, const struct gateway *gateway)
{
    struct http_stats stats;
    http_server_stats(gateway->server, &stats);
    uint32_t feeds;
    uint32_t channels;
    feeds_count(gateway->feeds, &feeds, &channels);
    write_one(out, "everfold_http_connections", "gauge", "Open connections.", stats.connections);
    write_one(out, "everfold_http_connections_total", "counter", "Connections accepted.",
              stats.accepted);
    write_one(out, "everfold_http_refused_total", "counter",
              "Requests refused before they were understood.", stats.refused);
    write_one(out, "everfold_feeds", "gauge", "Event streams being sent.", feeds);
    write_one(out, "everfold_feed_channels", "gauge",
              "Filters that live followers share the reading of.", channels);
    write_one(out, "everfold_reading_turns_total", "counter",
              "Turns of the loop in which a long reading went on.", gateway->turns.run_count);
}

static void write_deciders(struct text *out, const struct deciders *deciders)
{
    if (deciders == NULL) {
        return;
    }
    struct decider_stats stats;
    deciders_stats(deciders, &stats);
    write_one(out, "everfold_workers", "gauge", "Worker processes for deciders.", stats.workers);
    write_one(out, "everfold_workers_replaced_total", "counter",
              "Workers that crashed or passed a limit.", stats.workers_replaced);
    write_one(out, "everfold_commands_decided_total", "counter", "Calls of decide.", stats.decided);
    write_one(out, "everfold_commands_retried_total", "counter",
              "Commands decided again because somebody else's append was faster.", stats.retried);
    write_one(out, "everfold_commands_waiting", "gauge", "Commands given and not answered.",
              stats.waiting);
}

/* One metric of all views. */
struct view_metric {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const struct view_status *status, uint64_t last_position);
};

static uint64_t position_of(const struct view_status *status, uint64_t last_position)
{
    (void)last_position; /* the others' signature */
    return status->position;
}

static uint64_t lag_of(const struct view_status *status, uint64_t last_position)
{
    return last_position > status->position ? last_position - status->position : 0;
}

static uint64_t applied_of(const struct view_status *status, uint64_t last_position)
{
    (void)last_position; /* the others' signature */
    return status->applied;
}

static uint64_t skipped_of(const struct view_status *status, uint64_t last_position)
{
    (void)last_position; /* the others' signature */
    return status->skipped;
}

static uint64_t stopped_of(const struct view_status *status, uint64_t last_position)
{
    (void)last_position; /* the others' signature */
    return status->state == VIEW_STOPPED;
}

static const struct view_metric view_metrics[] = {
    {"everfold_view_position", "gauge", "Up to which the view has applied the log.", position_of},
    {"everfold_view_lag_events", "gauge", "Positions of the log the view is behind.", lag_of},
    {"everfold_view_applied_events_total", "counter", "Events applied since start.", applied_of},
    {"everfold_view_skipped_events", "gauge", "Failed events recorded and passed over, in all.",
     skipped_of},
    {"everfold_view_stopped", "gauge", "1 while the view stands still at a failed event.",
     stopped_of},
};

static void write_views(struct text *out, struct views *views, uint64_t last_position)
{
    size_t count = views == NULL ? 0 : views_count(views);
    for (size_t i = 0; count > 0 && i < sizeof view_metrics / sizeof view_metrics[0]; i++) {
        const struct view_metric *metric = &view_metrics[i];
        write_head(out, metric->name, metric->type, metric->help);
        for (size_t k = 0; k < count; k++) {
            const struct view *view = views_at(views, k);
            struct view_status status;
            view_status(view, &status);
            text_printf(out, "%s{view=\"%s\"} %llu\n", metric->name, view_name(view),
                        (unsigned long long)metric->value(&status, last_position));
        }
    }
}

/* One metric of all flows. */
struct flow_metric {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const struct flow_status *status);
};

#define FLOW_VALUE(name, expression)                                                               \
    static uint64_t name##_of_flow(const struct flow_status *status)                               \
    {                                                                                              \
        return (expression);                                                                       \
    }
FLOW_VALUE(position, status->position)
FLOW_VALUE(lag, status->lag)
FLOW_VALUE(taken, status->roots)
FLOW_VALUE(events, status->events)
FLOW_VALUE(late, status->late)
FLOW_VALUE(errors, status->errors)
FLOW_VALUE(keys, status->keys)
FLOW_VALUE(bytes, status->bytes)
FLOW_VALUE(stopped, status->state == FLOW_STOPPED)

static const struct flow_metric flow_metrics[] = {
    {"everfold_flow_position", "gauge", "Up to which the log has passed through the flow.",
     position_of_flow},
    {"everfold_flow_lag_events", "gauge", "Positions of the log the flow is behind.", lag_of_flow},
    {"everfold_flow_taken_events", "gauge", "Events of the log that the flow took in.",
     taken_of_flow},
    {"everfold_flow_events", "gauge", "Events that the flow has made.", events_of_flow},
    {"everfold_flow_late_events", "gauge", "Events that came too late for their window.",
     late_of_flow},
    {"everfold_flow_error_events", "gauge", "Failed events recorded and passed over.",
     errors_of_flow},
    {"everfold_flow_keys", "gauge", "Keys that the flow keeps state for.", keys_of_flow},
    {"everfold_flow_state_bytes", "gauge", "Bytes of the flow's state.", bytes_of_flow},
    {"everfold_flow_stopped", "gauge", "1 while the flow stands still at an event.",
     stopped_of_flow},
};

static void write_flows(struct text *out, struct flows *flows)
{
    size_t count = flows == NULL ? 0 : flows_count(flows);
    for (size_t i = 0; count > 0 && i < sizeof flow_metrics / sizeof flow_metrics[0]; i++) {
        const struct flow_metric *metric = &flow_metrics[i];
        write_head(out, metric->name, metric->type, metric->help);
        for (size_t k = 0; k < count; k++) {
            const struct flow *flow = flows_at(flows, k);
            struct flow_status status;
            flow_status(flow, &status);
            text_printf(out, "%s{flow=\"%s\"} %llu\n", metric->name, flow_info(flow)->name,
                        (unsigned long long)metric->value(&status));
        }
    }
}

/* --- Requests -------------------------------------------------------------------------------- */

static const char *operation_label(const struct operation_metrics *row)
{
    return row->operation == NULL ? "none" : row->operation->id;
}

static uint64_t answers_of(const struct operation_metrics *row)
{
    uint64_t count = 0;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += row->by_bucket[i];
    }
    return count;
}

static void write_requests(struct text *out, const struct metrics *metrics)
{
    write_head(out, "everfold_http_requests_total", "counter",
               "Answers by operation and class of status.");
    for (size_t i = 0; i < metrics_size(metrics); i++) {
        const struct operation_metrics *row = metrics_at(metrics, i);
        for (size_t class = 1; class < 6; class ++) {
            if (row->by_class[class] > 0) {
                text_printf(out,
                            "everfold_http_requests_total{operation=\"%s\",status=\"%zuxx\"} "
                            "%llu\n",
                            operation_label(row), class, (unsigned long long)row->by_class[class]);
            }
        }
    }
}

static void write_durations_of(struct text *out, const struct operation_metrics *row)
{
    uint64_t below = 0;
    for (size_t i = 0; i < METRICS_BUCKETS - 1; i++) {
        below += row->by_bucket[i];
        text_printf(out,
                    "everfold_http_request_duration_seconds_bucket{operation=\"%s\",le=\"%g\"} "
                    "%llu\n",
                    operation_label(row), metrics_bucket_seconds(i), (unsigned long long)below);
    }
    text_printf(out,
                "everfold_http_request_duration_seconds_bucket{operation=\"%s\",le=\"+Inf\"} "
                "%llu\n"
                "everfold_http_request_duration_seconds_sum{operation=\"%s\"} %.9f\n"
                "everfold_http_request_duration_seconds_count{operation=\"%s\"} %llu\n",
                operation_label(row), (unsigned long long)answers_of(row), operation_label(row),
                (double)row->duration_ns / 1e9, operation_label(row),
                (unsigned long long)answers_of(row));
}

static void write_durations(struct text *out, const struct metrics *metrics)
{
    write_head(out, "everfold_http_request_duration_seconds", "histogram",
               "From the request's arrival to its answer; of streams to their beginning.");
    for (size_t i = 0; i < metrics_size(metrics); i++) {
        const struct operation_metrics *row = metrics_at(metrics, i);
        if (answers_of(row) > 0) {
            write_durations_of(out, row);
        }
    }
}

static void answer_metrics(struct call *call)
{
    const struct gateway *gateway = call->gateway;
    struct text *body = call_text(call);
    write_store(body, gateway->parts.store);
    write_http(body, gateway);
    write_deciders(body, gateway->parts.deciders);
    write_views(body, gateway->parts.views, ever_last_position(gateway->parts.store));
    write_flows(body, gateway->parts.flows);
    write_requests(body, gateway->metrics);
    write_durations(body, gateway->metrics);
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_answer(call, 200, MEDIA_METRICS, text_slice(body));
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/metrics",
        .run = answer_metrics,
        .id = "metrics",
        .group = "health",
        .summary = "Read the metrics, for Prometheus",
        .gives = MEDIA_BIT(MEDIA_METRICS),
        .status = 200,
        .answer = "Prometheus text format",
    },
};

const struct operation_group metric_operations = OPERATION_GROUP(rows);
