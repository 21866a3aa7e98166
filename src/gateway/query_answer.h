/* query_answer.h - rows of a query as the API shows them, and what goes wrong with queries. */
#pragma once
#include "gateway/query_target.h"

/* Appends {"view", "query", "position", "rows"}, or with `one` the first row. False: `one`, and
 * there is no row; then "null" was appended. */
bool query_answer_write(struct text *out, const struct query_target *target, struct ever_slice rows,
                        uint64_t position);

/* What a failed query is called. */
enum problem query_answer_problem(struct ever_err err);
