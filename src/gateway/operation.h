/* operation.h - what the API can do: one table row for each method on each path pattern.
 *
 * The row is the whole truth about an operation: the router, the answers 404, 405, 406, 415 and
 * OPTIONS, the check of query parameters, the metrics and openapi.json all come from it. A handler
 * (`run`) is called when all that the row promises holds, and answers the call once, at once or
 * later (call.h). To add an operation: a row in the group's file below operations/. */
#pragma once
#include "gateway/problem.h"
#include "gateway/wire/media.h"

struct call;

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };

const char *method_name(enum method method);
bool method_parse(struct ever_slice text, enum method *out_method); /* HEAD is not among them */

/* Query parameters and request headers that operations share. */
enum parameter {
    PARAMETER_FROM_REVISION,
    PARAMETER_FROM_POSITION,
    PARAMETER_AFTER,
    PARAMETER_EXPRESSION,
    PARAMETER_LIMIT,
    PARAMETER_DIRECTION,
    PARAMETER_AT,
    PARAMETER_TYPE,
    PARAMETER_CATEGORY,
    PARAMETER_PREFIX,
    PARAMETER_TAG,
    PARAMETER_SIDE,
    PARAMETER_KNOWN,
    PARAMETER_IF_MATCH,
    PARAMETER_IF_NONE_MATCH,
    PARAMETER_IDEMPOTENCY_KEY,
    PARAMETER_PREFER,
    PARAMETER_MIN_POSITION,
    PARAMETER_LAST_EVENT_ID,
    PARAMETER_COUNT,
};
#define PARAMETER_BIT(parameter) (UINT64_C(1) << (parameter))

struct parameter_info {
    const char *name;
    const char *place;  /* "query" or "header", as OpenAPI says */
    const char *schema; /* JSON Schema, as text */
    const char *description;
    bool repeatable;
};
const struct parameter_info *parameter_info(enum parameter parameter);

struct operation {
    enum method method;
    const char *path; /* "/streams/{stream}/{revision}" */
    void (*run)(struct call *call);

    const char *id;          /* unique; in metrics and as operationId */
    const char *group;       /* heading in the description */
    const char *summary;     /* a few words */
    const char *description; /* sentences; NULL: the summary says it all */

    media_set gives;         /* what an answer can be shown as */
    media_set takes;         /* what the body may be; 0: no body is looked at */
    bool body_optional;      /* an empty body needs no Content-Type */
    bool any_query;          /* the query's names are not this table's business */
    uint64_t parameters;     /* PARAMETER_BIT()s */
    uint64_t problems;       /* PROBLEM_BIT()s beside those that every operation has */
    const char *body_type;   /* name of a schema in openapi.json; NULL: none */
    unsigned status;         /* of success */
    const char *answer_type; /* as body_type */
    const char *answer;      /* what the answer is, in a few words */
};

/* All groups' operations, in the order of the documentation. */
size_t operation_count(void);
const struct operation *operation_at(size_t index);
