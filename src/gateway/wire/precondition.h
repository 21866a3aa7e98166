/* precondition.h - If-Match and If-None-Match (RFC 9110, 8.8.3 and 13.1). No I/O. */
#pragma once
#include "base/arena.h"

#define PRECONDITION_TAGS_MAX 32

struct entity_tag {
    struct ever_slice text; /* what stands between the quotes */
    bool weak;
};

struct tag_list {
    bool given;
    bool any; /* "*" */
    struct entity_tag *tags;
    size_t count;
};

/* Reads the value of such a header; `value` with data NULL: not given. Gives NULL or what is wrong,
 * as a sentence. */
const char *tag_list_parse(struct ever_slice value, struct arena *arena, struct tag_list *out_list);

/* Is the strong tag `tag` (without quotes) in the list, or is the list "*"? If-Match compares
 * strongly: weak tags never match. If-None-Match compares weakly: W/"3" matches "3". */
enum tag_comparison { TAGS_STRONG, TAGS_WEAK };
bool tag_list_matches(const struct tag_list *list, struct ever_slice tag,
                      enum tag_comparison comparison);

/* Is the list one strong tag that is a revision? Then the store itself can hold the condition. */
bool tag_list_revision(const struct tag_list *list, uint64_t *out_revision);
