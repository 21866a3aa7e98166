/* health.c - is the process alive, and can it do its work? */
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/views.h"

static void answer_live(struct call *call)
{
    struct text *body = call_text(call);
    text_add(body, SLICE_LITERAL("{\"status\":\"ok\"}"));
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_answer_text(call, 200, body);
}

/* A stopped view still answers, with old rows: the server is degraded, not down. */
static bool write_views(struct text *body, struct views *views)
{
    bool all_run = true;
    text_add(body, SLICE_LITERAL(",\"views\":{"));
    for (size_t i = 0; views != NULL && i < views_count(views); i++) {
        const struct view *view = views_at(views, i);
        struct view_status status;
        view_status(view, &status);
        text_printf(body, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", view_name(view),
                    view_state_name(status.state));
        all_run = all_run && status.state != VIEW_STOPPED;
    }
    text_add_byte(body, '}');
    return all_run;
}

/* Likewise: what a stopped flow has made can be read. */
static bool write_flows(struct text *body, struct flows *flows)
{
    bool all_run = true;
    text_add(body, SLICE_LITERAL(",\"flows\":{"));
    for (size_t i = 0; flows != NULL && i < flows_count(flows); i++) {
        const struct flow *flow = flows_at(flows, i);
        struct flow_status status;
        flow_status(flow, &status);
        text_printf(body, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", flow_info(flow)->name,
                    flow_state_name(status.state));
        all_run = all_run && status.state != FLOW_STOPPED;
    }
    text_add_byte(body, '}');
    return all_run;
}

static void answer_ready(struct call *call)
{
    struct gateway *gateway = call->gateway;
    struct ever_stats stats;
    ever_stats(gateway->parts.store, &stats);
    bool writes = stats.write_error == 0 && !gateway->stopping;
    struct text parts = {0};
    bool views_run = write_views(&parts, gateway->parts.views);
    bool flows_run = write_flows(&parts, gateway->parts.flows);
    struct text *body = call_text(call);
    text_printf(body, "{\"status\":\"%s\",\"position\":%llu,\"writing\":%s",
                !writes                  ? "failing"
                : views_run && flows_run ? "ok"
                                         : "degraded",
                (unsigned long long)stats.last_position, writes ? "true" : "false");
    if (stats.write_error != 0) {
        text_printf(body, ",\"writeError\":\"%s\"",
                    ever_code_name((enum ever_code)stats.write_error));
    }
    text_add(body, text_slice(&parts));
    text_add_byte(body, '}');
    text_deinit(&parts);
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_answer_text(call, writes ? 200 : 503, body);
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/health/live",
        .run = answer_live,
        .id = "healthLive",
        .group = "health",
        .summary = "Is the process alive?",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .status = 200,
        .answer_type = "Health",
        .answer = "it is",
    },
    {
        .method = METHOD_GET,
        .path = "/health/ready",
        .run = answer_ready,
        .id = "healthReady",
        .group = "health",
        .summary = "Can it do its work?",
        .description =
            "ok; degraded when a view or a flow has stopped at an event; failing, with 503, when "
            "nothing can be written.",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .status = 200,
        .answer_type = "Health",
        .answer = "it can",
    },
};

const struct operation_group health_operations = OPERATION_GROUP(rows);
