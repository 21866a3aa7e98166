/* assets.c - the scripts of our own pages, bytes of the program. */
#include "gateway/assets.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"

static void read_asset(struct call *call)
{
    if (!slice_is(call->variables[0], "flow.js")) {
        call_problem(call, PROBLEM_NOT_FOUND, SLICE_NONE, "There is no asset \"%.*s\".",
                     SLICE_PRINT(call->variables[0]));
        return;
    }
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-cache"));
    call_header(call, SLICE_LITERAL("X-Content-Type-Options"), SLICE_LITERAL("nosniff"));
    call_answer(call, 200, MEDIA_JAVASCRIPT, ASSET(flow_js));
}

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/assets/{file}",
        .run = read_asset,
        .id = "readAsset",
        .group = "description",
        .summary = "Read a script of the pages that the server shows to people",
        .gives = MEDIA_BIT(MEDIA_JAVASCRIPT),
        .problems = PROBLEM_BIT(PROBLEM_NOT_FOUND),
        .status = 200,
        .answer = "the script",
    },
};

const struct operation_group asset_operations = OPERATION_GROUP(rows);
