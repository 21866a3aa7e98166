/* problem.h - every error the API answers with (RFC 9457): one table, also served to people at
 * /problems/NAME. Clients branch on "type"; a name never changes its meaning. */
#pragma once
#include "base/assert.h"
#include "base/text.h"

enum problem {
    /* The request cannot be understood. */
    PROBLEM_MALFORMED_REQUEST,
    PROBLEM_BAD_NAME,
    PROBLEM_BAD_PARAMETER,
    PROBLEM_BAD_HEADER,
    PROBLEM_MALFORMED_JSON,
    PROBLEM_BAD_BODY,
    PROBLEM_BAD_EXPRESSION,
    PROBLEM_POSITION_AHEAD_OF_LOG,
    PROBLEM_STREAM_RESERVED,
    PROBLEM_FLOW_STREAM,
    PROBLEM_CROSS_SITE_REQUEST,
    PROBLEM_HOST_REFUSED,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_NOT_ACCEPTABLE,
    PROBLEM_REQUEST_TIMEOUT,
    PROBLEM_TOO_LARGE,
    PROBLEM_TARGET_TOO_LONG,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_HEADERS_TOO_LARGE,
    PROBLEM_METHOD_UNKNOWN,
    PROBLEM_VERSION_UNSUPPORTED,
    /* There is no such thing. */
    PROBLEM_NOT_FOUND,
    PROBLEM_STREAM_NOT_FOUND,
    PROBLEM_EVENT_NOT_FOUND,
    PROBLEM_DECIDER_NOT_FOUND,
    PROBLEM_COMMAND_NOT_FOUND,
    PROBLEM_VIEW_NOT_FOUND,
    PROBLEM_QUERY_NOT_FOUND,
    PROBLEM_ROW_NOT_FOUND,
    PROBLEM_FLOW_NOT_FOUND,
    /* It was understood and refused. */
    PROBLEM_APPEND_CONDITION_FAILED,
    PROBLEM_PRECONDITION_FAILED,
    PROBLEM_EVENT_ID_REUSED,
    PROBLEM_COMMAND_REJECTED,
    PROBLEM_IDEMPOTENCY_KEY_REUSED,
    PROBLEM_RESULT_TOO_LARGE,
    PROBLEM_EXPRESSION_FAILED,
    /* It may work later. */
    PROBLEM_BUSY,
    PROBLEM_OVERTAKEN,
    PROBLEM_WORKER_UNAVAILABLE,
    PROBLEM_VIEW_BEHIND,
    PROBLEM_VIEW_BUILDING,
    PROBLEM_FLOW_BEHIND,
    PROBLEM_FLOW_BUILDING,
    PROBLEM_LOG_BEHIND,
    PROBLEM_QUERY_TIME_LIMIT,
    PROBLEM_WRITING_STOPPED,
    PROBLEM_SHUTTING_DOWN,
    PROBLEM_DISK_FULL,
    /* Something is wrong here. */
    PROBLEM_DECIDER_FAILED,
    PROBLEM_DECIDER_TIME_LIMIT,
    PROBLEM_DECIDER_MEMORY_LIMIT,
    PROBLEM_QUERY_FAILED,
    PROBLEM_DATA_DAMAGED,
    PROBLEM_OUTCOME_UNKNOWN,
    PROBLEM_INTERNAL,
    PROBLEM_COUNT,
};
static_assert(PROBLEM_COUNT <= 64, "a set of problems is a uint64_t");
#define PROBLEM_BIT(problem) (UINT64_C(1) << (problem))

struct problem_info {
    const char *name; /* of the type: /problems/NAME */
    unsigned status;
    const char *title;
    const char *explanation; /* some sentences: why it happens, what to do */
};

const struct problem_info *problem_info(enum problem problem);
const struct problem_info *problem_find(struct ever_slice name); /* NULL: no such name */

/* What a request refused before it was one is called. */
enum problem problem_of_status(unsigned status);

/* Appends the document. `members` is further JSON members, each beginning with a comma, or empty;
 * `instance` may be empty. */
void problem_write(struct text *out, const struct problem_info *info, unsigned status,
                   struct ever_slice detail, struct ever_slice instance, struct ever_slice members);
