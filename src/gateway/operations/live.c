/* live.c - live subscriptions: an expression in JavaScript, and what comes out of it as it happens.
 */
#include "domain/live/live.h"
#include "base/slice.h"
#include "gateway/follow/live_feed.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/groups.h"

static bool read_position(struct call *call, struct ever_slice text, const char *what,
                          uint64_t *out_position)
{
    if (slice_parse_u64(text, out_position) && *out_position < UINT64_MAX) {
        return true;
    }
    call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE, "%s is not a whole number.", what);
    return false;
}

/* Last-Event-ID wins: a client that comes again goes on behind what it has seen. */
static bool read_from(struct call *call, uint64_t *out_from)
{
    struct ever_slice last = call_request_header(call, "Last-Event-ID");
    struct ever_slice from;
    *out_from = ever_last_position(call->gateway->parts.store) + 1;
    if (last.data != NULL && last.size > 0) {
        bool fine = read_position(call, last, "Last-Event-ID", out_from);
        *out_from += fine ? 1 : 0;
        return fine;
    }
    if (!query_get(&call->query, "from", &from)) {
        return true;
    }
    if (!read_position(call, from, "The parameter from", out_from)) {
        return false;
    }
    *out_from = *out_from == 0 ? 1 : *out_from;
    return true;
}

static void start(struct call *call, struct ever_slice expression)
{
    uint64_t from;
    if (slice_trim(expression).size == 0) {
        call_problem(call, PROBLEM_BAD_EXPRESSION, SLICE_NONE,
                     "There is no expression; one is from('account').map(e => e.data).");
    } else if (expression.size > LIVE_EXPRESSION_BYTES_MAX) {
        call_problem(call, PROBLEM_TOO_LARGE, SLICE_NONE, "An expression has 64 KiB at most.");
    } else if (read_from(call, &from)) {
        live_feed_start(call, expression, from);
    }
}

static void subscribe_with_body(struct call *call)
{
    start(call, call->request->body);
}

static void subscribe_with_query(struct call *call)
{
    struct ever_slice expression = SLICE_NONE;
    (void)query_get(&call->query, "expression", &expression); /* start() misses it */
    start(call, expression);
}

#define DESCRIPTION                                                                                \
    "All names of docs/flows.md, section Live, are in scope. The values of the expression's "      \
    "stream "                                                                                      \
    "are pushed; id is the position of the last event before each. Without from it hears what is " \
    "appended from now on; with it, time goes along with the events until it has caught up. "      \
    "Last-Event-ID begins behind that position, with a state that is new. Further events: end, "   \
    "error, evicted."

static const struct operation rows[] = {
    {
        .method = METHOD_GET,
        .path = "/live",
        .run = subscribe_with_query,
        .id = "subscribeLiveByQuery",
        .group = "live",
        .summary = "Subscribe to an expression over event streams, given in the query",
        .description = DESCRIPTION,
        .gives = MEDIA_BIT(MEDIA_SSE),
        .parameters = PARAMETER_BIT(PARAMETER_EXPRESSION) | PARAMETER_BIT(PARAMETER_FROM_POSITION) |
                      PARAMETER_BIT(PARAMETER_LAST_EVENT_ID),
        .problems = PROBLEM_BIT(PROBLEM_BAD_PARAMETER) | PROBLEM_BIT(PROBLEM_BAD_EXPRESSION) |
                    PROBLEM_BIT(PROBLEM_EXPRESSION_FAILED) | PROBLEM_BIT(PROBLEM_BUSY) |
                    PROBLEM_BIT(PROBLEM_WORKER_UNAVAILABLE),
        .status = 200,
        .answer = "the expression's values, as they come",
    },
    {
        .method = METHOD_POST,
        .path = "/live",
        .run = subscribe_with_body,
        .id = "subscribeLive",
        .group = "live",
        .summary = "Subscribe to an expression over event streams",
        .description = DESCRIPTION,
        .gives = MEDIA_BIT(MEDIA_SSE),
        .takes = MEDIA_BIT(MEDIA_JAVASCRIPT) | MEDIA_BIT(MEDIA_TEXT),
        .parameters =
            PARAMETER_BIT(PARAMETER_FROM_POSITION) | PARAMETER_BIT(PARAMETER_LAST_EVENT_ID),
        .problems = PROBLEM_BIT(PROBLEM_BAD_PARAMETER) | PROBLEM_BIT(PROBLEM_BAD_EXPRESSION) |
                    PROBLEM_BIT(PROBLEM_EXPRESSION_FAILED) | PROBLEM_BIT(PROBLEM_BUSY) |
                    PROBLEM_BIT(PROBLEM_WORKER_UNAVAILABLE),
        .status = 200,
        .answer = "the expression's values, as they come",
    },
};

const struct operation_group live_operations = OPERATION_GROUP(rows);
