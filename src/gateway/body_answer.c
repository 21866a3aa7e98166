#include "gateway/body_answer.h"

#include "base/assert.h"
#include "base/slice.h"

static void answer_not_json(struct call *call, const struct body_faults *faults)
{
    struct ever_slice members = arena_printf(
        call->arena, ",\"offset\":%llu,\"line\":%llu,\"column\":%llu",
        (unsigned long long)faults->not_json_offset, (unsigned long long)faults->not_json_line,
        (unsigned long long)faults->not_json_column);
    call_problem(call, PROBLEM_MALFORMED_JSON, members, "Line %llu, column %llu: %s.",
                 (unsigned long long)faults->not_json_line,
                 (unsigned long long)faults->not_json_column, faults->not_json);
}

static void answer_wrong_shape(struct call *call, const struct body_faults *faults)
{
    struct ever_slice members =
        arena_printf(call->arena, ",\"errors\":[%.*s]", SLICE_PRINT(text_slice(&faults->json)));
    enum problem problem =
        faults->count == faults->flow_streams ? PROBLEM_FLOW_STREAM : PROBLEM_BAD_BODY;
    if (faults->count == 1) {
        call_problem(call, problem, members, "%s", faults->first.data);
    } else {
        call_problem(call, problem, members, "%s (and %zu more)", faults->first.data,
                     faults->count - 1);
    }
}

void answer_bad_body(struct call *call, struct body_faults *faults)
{
    ASSERT(!body_is_fine(faults));
    struct body_faults taken = *faults; /* where they stand may go with the call */
    if (taken.not_json != NULL) {
        answer_not_json(call, &taken);
    } else if (taken.too_large != NULL) {
        call_problem(call, PROBLEM_TOO_LARGE, SLICE_NONE, "%s", taken.too_large);
    } else {
        answer_wrong_shape(call, &taken);
    }
    body_faults_deinit(&taken);
}
