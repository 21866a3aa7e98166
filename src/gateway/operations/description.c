/* description.c - the API describes itself: the page at /, openapi.json, what problems mean. */
#include "base/json.h"
#include "base/markup.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/html.h"
#include "gateway/index_page.h"
#include "gateway/openapi.h"
#include "gateway/operations/groups.h"

static void answer_index(struct call *call)
{
    struct text *page = call_text(call);
    index_page_write(page, call->gateway, http_request_header(call->request, "Host"));
    call_header(call, SLICE_LITERAL("Link"),
                SLICE_LITERAL("</openapi.json>; rel=\"service-desc\""));
    html_answer(call, page);
}

static void answer_openapi(struct call *call)
{
    struct text *body = call_text(call);
    openapi_write(body, call->gateway);
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    call_answer_text(call, 200, body);
}

/* --- Problems -------------------------------------------------------------------------------- */

static void write_explained(struct text *out, const struct problem_info *info)
{
    text_printf(out, "{\"type\":\"/problems/%s\",\"title\":", info->name);
    json_write_string(out, slice_of_text(info->title));
    text_printf(out, ",\"status\":%u,\"explanation\":", info->status);
    json_write_string(out, slice_of_text(info->explanation));
    text_add_byte(out, '}');
}

static void write_problem_page(struct text *out, const struct problem_info *info)
{
    html_begin(out, info->title);
    text_printf(out, "<h1>%s</h1>\n<p class=\"soft\"><code>/problems/%s</code>, status %u</p>\n<p>",
                info->title, info->name, info->status);
    markup_write(out, slice_of_text(info->explanation));
    text_add_text(out, "</p>\n<p><a href=\"/problems\">All problems</a></p>\n");
    html_end(out);
}

static void answer_problem(struct call *call)
{
    const struct problem_info *info = problem_find(call->variables[0]);
    if (info == NULL) {
        call_problem(call, PROBLEM_NOT_FOUND, SLICE_NONE, "There is no problem named \"%.*s\".",
                     SLICE_PRINT(call->variables[0]));
        return;
    }
    struct text *body = call_text(call);
    if (call->gives == MEDIA_HTML) {
        write_problem_page(body, info);
        html_answer(call, body);
    } else {
        write_explained(body, info);
        call_answer_text(call, 200, body);
    }
}

static void write_problems_page(struct text *out)
{
    html_begin(out, "Problems");
    text_add_text(out, "<h1>What errors mean</h1>\n<p class=\"soft\">Every error is a document "
                       "(RFC 9457) whose type is one of these.</p>\n<table>\n");
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        const struct problem_info *info = problem_info((enum problem)i);
        text_printf(out, "<tr><td>%u</td><td><a href=\"/problems/%s\">%s</a></td><td>",
                    info->status, info->name, info->name);
        markup_write(out, slice_of_text(info->title));
        text_add_text(out, "</td></tr>\n");
    }
    text_add_text(out, "</table>\n");
    html_end(out);
}

static void list_problems(struct call *call)
{
    struct text *body = call_text(call);
    if (call->gives == MEDIA_HTML) {
        write_problems_page(body);
        html_answer(call, body);
        return;
    }
    text_add_byte(body, '[');
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        text_add(body, i == 0 ? SLICE_NONE : SLICE_LITERAL(","));
        write_explained(body, problem_info((enum problem)i));
    }
    text_add_byte(body, ']');
    call_answer_text(call, 200, body);
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/",
        .run = answer_index,
        .id = "index",
        .group = "description",
        .summary = "A page with links to everything",
        .gives = MEDIA_BIT(MEDIA_HTML),
        .status = 200,
        .answer = "the page",
    },
    {
        .method = METHOD_GET,
        .path = "/openapi.json",
        .run = answer_openapi,
        .id = "openapi",
        .group = "description",
        .summary = "This description",
        .gives = MEDIA_BIT(MEDIA_JSON),
        .status = 200,
        .answer = "OpenAPI 3.1",
    },
    {
        .method = METHOD_GET,
        .path = "/problems",
        .run = list_problems,
        .id = "listProblems",
        .group = "description",
        .summary = "What errors mean",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_HTML),
        .status = 200,
        .answer_type = "ProblemsExplained",
        .answer = "all problems",
    },
    {
        .method = METHOD_GET,
        .path = "/problems/{problem}",
        .run = answer_problem,
        .id = "explainProblem",
        .group = "description",
        .summary = "What one error means",
        .gives = MEDIA_BIT(MEDIA_JSON) | MEDIA_BIT(MEDIA_HTML),
        .problems = PROBLEM_BIT(PROBLEM_NOT_FOUND),
        .status = 200,
        .answer_type = "ProblemExplained",
        .answer = "the problem",
    },
};

const struct operation_group description_operations = OPERATION_GROUP(rows);
