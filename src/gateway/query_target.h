/* query_target.h - a query with its arguments, whether the path named it or a route. */
#pragma once
#include "gateway/call.h"

#define QUERY_ARGUMENTS_MAX 32

struct query_target {
    struct view *view;
    const struct view_query_info *query;
    struct view_argument *arguments; /* checked against the query; in the call's arena */
    size_t argument_count;
    bool one; /* the answer is the single row itself */
};
