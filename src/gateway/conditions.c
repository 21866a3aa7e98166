#include "gateway/conditions.h"

#include "base/assert.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/wire/precondition.h"

#include <stdio.h>

static bool read_tags(struct call *call, const char *name, struct tag_list *out_list)
{
    const char *fault = tag_list_parse(call_request_header(call, name), call->arena, out_list);
    if (fault != NULL) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE, "%s: %s", name, fault);
        return false;
    }
    return true;
}

static struct ever_slice revision_tag(char out_digits[static 24], int64_t revision)
{
    int size = snprintf(out_digits, 24, "%lld", (long long)revision);
    return slice_of(out_digits, (size_t)size);
}

/* Which of several tags is the revision of now? */
static bool condition_of_tags(struct call *call, struct ever_slice stream,
                              const struct tag_list *tags, struct write_condition *out_condition)
{
    int64_t actual;
    struct ever_err err = ever_last_revision(call->gateway->parts.store, stream, &actual);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return false;
    }
    char digits[24];
    if (actual == EVER_NO_REVISION ||
        !tag_list_matches(tags, revision_tag(digits, actual), TAGS_STRONG)) {
        condition_failed(call, actual);
        return false;
    }
    *out_condition = (struct write_condition){.expect = EVER_EXACT, .revision = (uint64_t)actual};
    return true;
}

static bool condition_of_match(struct call *call, struct ever_slice stream,
                               const struct tag_list *tags, struct write_condition *out_condition)
{
    *out_condition = (struct write_condition){.expect = EVER_EXACT};
    if (tags->any) {
        out_condition->expect = EVER_EXISTS;
        return true;
    }
    if (tag_list_revision(tags, &out_condition->revision)) {
        return true;
    }
    return condition_of_tags(call, stream, tags, out_condition);
}

bool condition_of_write(struct call *call, struct ever_slice stream,
                        struct write_condition *out_condition)
{
    *out_condition = (struct write_condition){.expect = EVER_ANY};
    struct tag_list match;
    struct tag_list none_match;
    if (!read_tags(call, "If-Match", &match) || !read_tags(call, "If-None-Match", &none_match)) {
        return false;
    }
    if (match.given && none_match.given) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "If-Match and If-None-Match together can never hold for a write.");
        return false;
    }
    if (none_match.given && !none_match.any) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "On a write If-None-Match takes * alone: the stream must not exist.");
        return false;
    }
    if (none_match.given) {
        out_condition->expect = EVER_NO_STREAM;
    }
    return !match.given || condition_of_match(call, stream, &match, out_condition);
}

void condition_failed(struct call *call, int64_t actual)
{
    char members[48];
    if (actual == EVER_NO_REVISION) {
        call_problem(call, PROBLEM_APPEND_CONDITION_FAILED, SLICE_LITERAL(",\"revision\":null"),
                     "The stream does not exist.");
        return;
    }
    (void)snprintf(members, sizeof members, ",\"revision\":%lld", (long long)actual); /* fits */
    call_etag(call, (uint64_t)actual);
    call_problem(call, PROBLEM_APPEND_CONDITION_FAILED, slice_of_text(members),
                 "The stream's last revision is %lld.", (long long)actual);
}

/* The order of RFC 9110, 13.2.2: If-Match first. */
bool condition_answers_read(struct call *call, struct ever_slice etag)
{
    struct tag_list match;
    struct tag_list none_match;
    if (!read_tags(call, "If-Match", &match) || !read_tags(call, "If-None-Match", &none_match)) {
        return true;
    }
    if (match.given && !tag_list_matches(&match, etag, TAGS_STRONG)) {
        call_problem(call, PROBLEM_PRECONDITION_FAILED, SLICE_NONE, "The ETag of now is \"%.*s\".",
                     SLICE_PRINT(etag));
        return true;
    }
    if (none_match.given && tag_list_matches(&none_match, etag, TAGS_WEAK)) {
        call_answer_empty(call, 304);
        return true;
    }
    return false;
}

bool condition_is_ahead_of_log(struct call *call, uint64_t last_position)
{
    struct ever_slice value = call_request_header(call, "Everfold-Min-Position");
    uint64_t wanted = 0;
    if (value.data != NULL && !slice_parse_u64(value, &wanted)) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "Everfold-Min-Position is not a whole number.");
        return true;
    }
    if (wanted <= last_position) {
        return false;
    }
    char members[96];
    (void)snprintf(members, sizeof members, ",\"position\":%llu,\"minPosition\":%llu",
                   (unsigned long long)last_position, (unsigned long long)wanted); /* fits */
    call_header_u64(call, SLICE_LITERAL("Retry-After"), 1);
    call_problem(call, PROBLEM_LOG_BEHIND, slice_of_text(members), "The log ends at position %llu.",
                 (unsigned long long)last_position);
    return true;
}
