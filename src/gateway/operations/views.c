/* views.c - which views there are and where they stand, and their queries. */
#include "gateway/operations/views.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "gateway/conditions.h"
#include "gateway/follow/live_query.h"
#include "gateway/follow/query_job.h"
#include "gateway/follow/wait.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"
#include "gateway/operations/targets.h"
#include "gateway/query_answer.h"

/* --- The list -------------------------------------------------------------------------------- */

const char *view_state_name(enum view_state state)
{
    static const char *const names[] = {
        [VIEW_CATCHING_UP] = "catching-up", [VIEW_LIVE] = "live", [VIEW_STOPPED] = "stopped"};
    return names[state];
}

static void write_queries(struct text *body, const struct view *view)
{
    text_add(body, SLICE_LITERAL(",\"queries\":["));
    for (size_t i = 0; i < view_query_count(view); i++) {
        const struct view_query_info *query = view_query_at(view, i);
        text_add_text(body, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_write_string(body, slice_of_text(query->name));
        text_add(body, SLICE_LITERAL(",\"arguments\":["));
        for (size_t k = 0; k < query->argument_count; k++) {
            text_add(body, k == 0 ? SLICE_NONE : SLICE_LITERAL(","));
            json_write_string(body, slice_of_text(query->arguments[k]));
        }
        text_add(body, SLICE_LITERAL("]}"));
    }
    text_add_byte(body, ']');
}

static void write_building(struct text *body, const struct view_status *status)
{
    if (strcmp(status->version, status->serving) != 0) {
        text_printf(body, ",\"serving\":\"%s\",\"buildPosition\":%llu", status->serving,
                    (unsigned long long)status->build_position);
    }
}

static void write_failure(struct text *body, const struct view_status *status)
{
    if (status->skipped > 0) {
        text_printf(body, ",\"skipped\":%llu", (unsigned long long)status->skipped);
    }
    if (status->failed_position > 0) {
        text_printf(body, ",\"failedPosition\":%llu", (unsigned long long)status->failed_position);
    }
    if (status->failure[0] != '\0') {
        text_add(body, SLICE_LITERAL(",\"failure\":"));
        json_write_string(body, slice_of_text(status->failure));
    }
}

static void write_view(struct text *body, const struct view *view, uint64_t last_position)
{
    struct view_status status;
    view_status(view, &status);
    uint64_t lag = last_position > status.position ? last_position - status.position : 0;
    text_printf(body,
                "{\"name\":\"%s\",\"state\":\"%s\",\"version\":\"%s\",\"position\":%llu,"
                "\"lag\":%llu",
                view_name(view), view_state_name(status.state), status.version,
                (unsigned long long)status.position, (unsigned long long)lag);
    write_queries(body, view);
    write_building(body, &status);
    write_failure(body, &status);
    text_add_byte(body, '}');
}

static void list_views(struct call *call)
{
    struct views *views = call->gateway->parts.views;
    uint64_t last_position = ever_last_position(call->gateway->parts.store);
    struct text *body = call_text(call);
    text_add_byte(body, '[');
    for (size_t i = 0; views != NULL && i < views_count(views); i++) {
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        write_view(body, views_at(views, i), last_position);
    }
    text_add_byte(body, ']');
    call_answer_text(call, 200, body);
}

static void read_view(struct call *call)
{
    struct view *view;
    if (!view_find(call, &view)) {
        return;
    }
    struct text *body = call_text(call);
    write_view(body, view, ever_last_position(call->gateway->parts.store));
    call_position(call, view_position(view));
    call_answer_text(call, 200, body);
}

/* --- A query --------------------------------------------------------------------------------- */

struct asked_query { /* in the call's arena */
    struct call *call;
    struct query_target target;
    struct query_job job;
    struct prefer prefer;
    uint64_t min_position; /* 0: none */
    struct view *view;     /* what `wait` waits for */
    struct wait wait;
};

/* The rows depend on the view's version, what it has applied, and nothing else. */
static struct ever_slice tag_of(const struct asked_query *asked, uint64_t position)
{
    struct view_status status;
    view_status(asked->target.view, &status);
    return arena_printf(asked->call->arena, "%s-%llu", status.serving,
                        (unsigned long long)position);
}

static void answer_failed(struct asked_query *asked)
{
    const struct query_job *job = &asked->job;
    enum problem problem = query_answer_problem(job->err);
    if (problem_info(problem)->status == 503) {
        call_header(asked->call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
    }
    call_problem_as(asked->call, problem_info(problem)->status, problem, SLICE_NONE,
                    text_slice(&job->report));
}

static void answer_no_row(struct asked_query *asked)
{
    call_problem(asked->call, PROBLEM_ROW_NOT_FOUND, SLICE_NONE,
                 "The query %s of view %s gives no row for this.", asked->target.query->name,
                 view_name(asked->target.view));
}

static void answer_rows(struct asked_query *asked)
{
    struct call *call = asked->call;
    call_position(call, asked->job.position);
    call_etag_text(call, tag_of(asked, asked->job.position));
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    struct text *body = call_text(call);
    if (query_answer_write(body, &asked->target, text_slice(&asked->job.rows),
                           asked->job.position)) {
        call_answer_text(call, 200, body);
    } else {
        answer_no_row(asked);
    }
}

static void on_done(struct query_job *job)
{
    struct asked_query *asked =
        (struct asked_query *)((char *)job - offsetof(struct asked_query, job));
    if (IS_OK(job->err)) {
        answer_rows(asked);
    } else {
        answer_failed(asked);
    }
}

/* The same rows again need no run: their tag is known from where the view stands. */
static bool is_known(struct asked_query *asked)
{
    struct call *call = asked->call;
    if (http_request_header(call->request, "If-None-Match").data == NULL &&
        http_request_header(call->request, "If-Match").data == NULL) {
        return false;
    }
    uint64_t position = view_position(asked->target.view);
    struct ever_slice tag = tag_of(asked, position);
    size_t header_count = call->header_count;
    call_position(call, position);
    call_etag_text(call, tag);
    if (condition_answers_read(call, tag)) {
        return true;
    }
    call->header_count = header_count; /* the rows bring their own */
    return false;
}

static void run_query(struct asked_query *asked)
{
    if (is_known(asked)) {
        return;
    }
    asked->job.gateway = asked->call->gateway;
    asked->job.view = asked->target.view;
    asked->job.query = asked->target.query;
    asked->job.arguments = asked->target.arguments;
    asked->job.argument_count = asked->target.argument_count;
    asked->job.done = on_done;
    struct ever_err err = query_job_start(&asked->job);
    if (!IS_OK(err)) {
        call_header(asked->call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
        call_problem(asked->call, PROBLEM_BUSY, SLICE_NONE, "Too many queries run already.");
    }
}

static void answer_behind(struct asked_query *asked)
{
    struct call *call = asked->call;
    uint64_t position = view_position(asked->target.view);
    struct ever_slice members =
        arena_printf(call->arena, ",\"position\":%llu,\"minPosition\":%llu",
                     (unsigned long long)position, (unsigned long long)asked->min_position);
    call_position(call, position);
    call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("1"));
    struct view_status status;
    view_status(asked->target.view, &status);
    if (status.state == VIEW_STOPPED) {
        call_problem(call, PROBLEM_VIEW_BEHIND, members,
                     "The view %s has stopped at position %llu, because an event failed: %s",
                     view_name(asked->target.view), (unsigned long long)position, status.failure);
        return;
    }
    call_problem(call, PROBLEM_VIEW_BEHIND, members, "The view %s is at position %llu of %llu.",
                 view_name(asked->target.view), (unsigned long long)position,
                 (unsigned long long)asked->min_position);
}

static void on_waited(void *arg, bool reached)
{
    struct asked_query *asked = arg;
    if (reached || asked->prefer.lenient) {
        run_query(asked);
    } else {
        answer_behind(asked);
    }
}

static void wait_for_view(struct asked_query *asked)
{
    struct call *call = asked->call;
    call_prefer_applied(call, &asked->prefer);
    asked->view = asked->target.view;
    asked->wait.views = &asked->view;
    asked->wait.view_count = 1;
    asked->wait.position = asked->min_position;
    asked->wait.done = on_waited;
    asked->wait.arg = asked;
    waits_add(call->gateway->waits, &asked->wait, asked->prefer.wait_seconds);
}

static bool read_min_position(struct asked_query *asked)
{
    struct ever_slice value = http_request_header(asked->call->request, "Everfold-Min-Position");
    if (value.data != NULL && !slice_parse_u64(value, &asked->min_position)) {
        call_problem(asked->call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "Everfold-Min-Position is not a whole number.");
        return false;
    }
    return true;
}

static void ask_query(struct call *call)
{
    struct asked_query *asked = arena_alloc_zero(call->arena, sizeof *asked);
    asked->call = call;
    if (!query_target_find(call, &asked->target) || !read_min_position(asked) ||
        !call_prefer(call, &asked->prefer)) {
        return;
    }
    if (call->gives == MEDIA_SSE) {
        live_query_start(call, &asked->target);
    } else if (asked->min_position > 0) {
        wait_for_view(asked);
    } else {
        run_query(asked);
    }
}

/* --- The table ------------------------------------------------------------------------------- */

const struct operation query_operation = {
    .method = METHOD_GET,
    .path = "/views/{view}/{query}",
    .run = ask_query,
    .id = "askQuery",
    .group = "views",
    .summary = "Ask a query of a view",
    .description =
        "The query's arguments are parameters of the URL. Everfold-Position says what the rows "
        "reflect. With Accept: text/event-stream the rows are sent again whenever they change.",
    .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_SSE),
    .any_query = true,
    .parameters = PARAMETER_BIT(PARAMETER_MIN_POSITION) | PARAMETER_BIT(PARAMETER_PREFER) |
                  PARAMETER_BIT(PARAMETER_IF_NONE_MATCH),
    .problems = PROBLEM_BIT(PROBLEM_VIEW_NOT_FOUND) | PROBLEM_BIT(PROBLEM_QUERY_NOT_FOUND) |
                PROBLEM_BIT(PROBLEM_ROW_NOT_FOUND) | PROBLEM_BIT(PROBLEM_BAD_PARAMETER) |
                PROBLEM_BIT(PROBLEM_BAD_HEADER) | PROBLEM_BIT(PROBLEM_VIEW_BEHIND) |
                PROBLEM_BIT(PROBLEM_VIEW_BUILDING) | PROBLEM_BIT(PROBLEM_QUERY_TIME_LIMIT) |
                PROBLEM_BIT(PROBLEM_RESULT_TOO_LARGE) | PROBLEM_BIT(PROBLEM_QUERY_FAILED) |
                PROBLEM_BIT(PROBLEM_BUSY),
    .status = 200,
    .answer_type = "Rows",
    .answer = "the rows",
};

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/views",
        .run = list_views,
        .id = "listViews",
        .group = "views",
        .summary = "List the views",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .status = 200,
        .answer_type = "Views",
        .answer = "state, position, lag and queries of each",
    },
    {
        .method = METHOD_GET,
        .path = "/views/{view}",
        .run = read_view,
        .id = "readView",
        .group = "views",
        .summary = "See where a view stands",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .problems = PROBLEM_BIT(PROBLEM_VIEW_NOT_FOUND),
        .status = 200,
        .answer_type = "View",
        .answer = "its state, position, lag and queries",
    },
};

const struct operation_group view_operations = OPERATION_GROUP(rows);
const struct operation_group query_operations = {.operations = &query_operation, .count = 1};
