#include "gateway/query_answer.h"

#include "base/json.h"
#include "base/slice.h"

static bool write_one(struct text *out, struct ever_slice rows)
{
    struct json_iter iter = json_iter(json_value_of(rows));
    bool found = json_next(&iter);
    text_add(out, found ? iter.value.text : SLICE_LITERAL("null"));
    return found;
}

bool query_answer_write(struct text *out, const struct query_target *target, struct ever_slice rows,
                        uint64_t position)
{
    if (target->one) {
        return write_one(out, rows);
    }
    text_add_text(out, "{\"view\":\"");
    text_add_text(out,
                  view_name(target->view)); /* [a-z0-9_-], as the query is a word of the file */
    text_add_text(out, "\",\"query\":");
    json_write_string(out, slice_of_text(target->query->name));
    text_add_text(out, ",\"position\":");
    text_add_u64(out, position);
    text_add_text(out, ",\"rows\":");
    text_add(out, rows);
    text_add_byte(out, '}');
    return true;
}

enum problem query_answer_problem(struct ever_err err)
{
    switch (err.code) {
    case EVER_INVALID:
        return PROBLEM_BAD_PARAMETER;
    case EVER_TIMEOUT:
        return PROBLEM_QUERY_TIME_LIMIT;
    case EVER_LIMIT:
        return PROBLEM_RESULT_TOO_LARGE;
    case EVER_BUSY:
    case EVER_CORRUPT:
        return PROBLEM_VIEW_BUILDING;
    default:
        return PROBLEM_QUERY_FAILED;
    }
}
