/* flows.c - which flows there are, where they stand, and pictures of them. */
#include "base/slice.h"
#include "gateway/flow/flow_json.h"
#include "gateway/flow/flow_page.h"
#include "gateway/flow/flow_picture.h"
#include "gateway/follow/marbles.h"
#include "gateway/gateway_priv.h"
#include "gateway/html.h"
#include "gateway/operations/flow_events.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/targets.h"

static struct flow_shown shown_of(const struct gateway *gateway, struct flow *flow)
{
    return (struct flow_shown){
        .flow = flow, .flows = gateway->parts.flows, .store = gateway->parts.store};
}

/* --- The list -------------------------------------------------------------------------------- */

static void list_flows(struct call *call)
{
    struct flows *flows = call->gateway->parts.flows;
    size_t count = flows == NULL ? 0 : flows_count(flows);
    struct text *body = call_text(call);
    if (call->gives == MEDIA_HTML) {
        flows_page_write(body, flows);
        html_answer(call, body);
        return;
    }
    text_add_byte(body, '[');
    for (size_t i = 0; i < count; i++) {
        struct flow_shown shown = shown_of(call->gateway, flows_at(flows, i));
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        flow_write(body, &shown, false);
    }
    text_add_byte(body, ']');
    call_answer_text(call, 200, body);
}

/* --- One flow -------------------------------------------------------------------------------- */

static void answer_json(struct call *call, const struct flow_shown *shown)
{
    struct text *body = call_text(call);
    flow_write(body, shown, true);
    call_answer_text(call, 200, body);
}

/* What the page shows above the graph. */
static void write_stop(struct text *out, const struct flow *flow)
{
    struct flow_status status;
    flow_status(flow, &status);
    if (status.failure[0] == '\0') {
        return;
    }
    text_printf(out, "\n%s", flow_state_name(status.state));
    if (status.failed_position > 0) {
        text_printf(out, " at position %llu", (unsigned long long)status.failed_position);
    }
    text_printf(out, "%s%s: %s\n", status.failed_node[0] == '\0' ? "" : ", ", status.failed_node,
                status.failure);
}

static void answer_picture(struct call *call, const struct flow_shown *shown)
{
    struct text *body = call_text(call);
    struct flow_drawing *drawing = flow_picture(shown, call->arena);
    if (drawing == NULL) {
        call_problem(call, PROBLEM_INTERNAL, SLICE_NONE, "The flow's graph cannot be drawn.");
        return;
    }
    if (call->gives == MEDIA_SVG) {
        flow_drawings_svg(&drawing, 1, body);
    } else {
        flow_drawing_text(drawing, body);
        write_stop(body, shown->flow);
    }
    call_answer(call, 200, call->gives, text_slice(body));
}

static void answer_page(struct call *call, const struct flow_shown *shown)
{
    struct text *body = call_text(call);
    flow_page_write(body, shown, call->arena);
    html_answer_with_script(call, body);
}

static void read_flow(struct call *call)
{
    struct flow *flow;
    if (!flow_find(call, &flow)) {
        return;
    }
    struct flow_shown shown = shown_of(call->gateway, flow);
    call_position(call, flow_position(flow));
    if (call->gives == MEDIA_HTML) {
        answer_page(call, &shown);
        return;
    }
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    if (call->gives == MEDIA_JSON) {
        answer_json(call, &shown);
    } else {
        answer_picture(call, &shown);
    }
}

static void follow_marbles(struct call *call)
{
    struct flow *flow;
    if (flow_find(call, &flow)) {
        marbles_start(call, flow);
    }
}

/* --- The table ------------------------------------------------------------------------------- */

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/flows",
        .run = list_flows,
        .id = "listFlows",
        .group = "flows",
        .summary = "List the flows",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_HTML),
        .status = 200,
        .answer_type = "Flows",
        .answer = "state, version, position, lag and counts of each",
    },
    {
        .method = METHOD_GET,
        .path = "/flows/{flow}",
        .run = read_flow,
        .id = "readFlow",
        .group = "flows",
        .summary = "See a flow: its graph, where it stands, what passed each operator",
        .description =
            "As JSON, as a page with a live marble diagram (text/html), as a drawing "
            "(image/svg+xml) or as a drawing in characters (text/plain). Counts of nodes are since "
            "the server started. matched false at an input: no event of the log was ever one of "
            "its events.",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_HTML) | MEDIA_BIT(MEDIA_SVG) |
                 MEDIA_BIT(MEDIA_TEXT),
        .problems = PROBLEM_BIT(PROBLEM_FLOW_NOT_FOUND),
        .status = 200,
        .answer_type = "Flow",
        .answer = "the flow",
    },
    {
        .method = METHOD_GET,
        .path = "/flows/{flow}/events",
        .run = read_flow_events,
        .id = "readFlowEvents",
        .group = "flows",
        .summary = "Read what a flow has made: the events of the version that serves",
        .description =
            "In the same three forms as a stream; side shows what came too late, or failed. "
            "Everfold-Position is the flow's: every event of the log up to it has passed through. "
            "Event streams get `superseded` when another version takes over, and end.",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_NDJSON) | MEDIA_BIT(MEDIA_SSE),
        .parameters = PARAMETER_BIT(PARAMETER_SIDE) | PARAMETER_BIT(PARAMETER_FROM_REVISION) |
                      PARAMETER_BIT(PARAMETER_AFTER) | PARAMETER_BIT(PARAMETER_LIMIT) |
                      PARAMETER_BIT(PARAMETER_DIRECTION) | PARAMETER_BIT(PARAMETER_AT) |
                      PARAMETER_BIT(PARAMETER_IF_NONE_MATCH) | PARAMETER_BIT(PARAMETER_PREFER) |
                      PARAMETER_BIT(PARAMETER_MIN_POSITION) |
                      PARAMETER_BIT(PARAMETER_LAST_EVENT_ID),
        .problems = PROBLEM_BIT(PROBLEM_FLOW_NOT_FOUND) | PROBLEM_BIT(PROBLEM_FLOW_BUILDING) |
                    PROBLEM_BIT(PROBLEM_FLOW_BEHIND) | PROBLEM_BIT(PROBLEM_BAD_PARAMETER) |
                    PROBLEM_BIT(PROBLEM_BAD_HEADER) | PROBLEM_BIT(PROBLEM_POSITION_AHEAD_OF_LOG),
        .status = 200,
        .answer_type = "StreamPage",
        .answer = "events of the flow",
    },
    {
        .method = METHOD_GET,
        .path = "/flows/{flow}/marbles",
        .run = follow_marbles,
        .id = "followMarbles",
        .group = "flows",
        .summary = "Watch what passes each operator",
        .description =
            "An event `mark` for each item that leaves an operator: node, t (event time), position "
            "of the cause, key, value (or `short`, when it is long). An event `flow` once a second "
            "when something has changed: where the flow stands. What is too fast to be shown is "
            "counted in `dropped`; the flow never waits.",
        .gives = MEDIA_BIT(MEDIA_SSE),
        .problems = PROBLEM_BIT(PROBLEM_FLOW_NOT_FOUND) | PROBLEM_BIT(PROBLEM_BUSY),
        .status = 200,
        .answer = "marks, for ever",
    },
};

const struct operation_group flow_operations = OPERATION_GROUP(rows);
