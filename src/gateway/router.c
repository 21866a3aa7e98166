#include "gateway/router.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>

/* One method on one pattern. Entries with as many segments stand together, the more specific
 * first: a name that is written out goes before {anything}, from left to right. */
struct entry {
    struct entry *next;
    char *pattern;
    struct ever_slice segments[PATH_SEGMENTS_MAX]; /* data NULL: a variable */
    size_t segment_count;
    enum method method;
    const struct operation *operation;
    const struct route *route;
};

struct router {
    struct entry *entries[PATH_SEGMENTS_MAX + 1]; /* by number of segments */
};

struct router *router_create(void)
{
    return mem_alloc_zero(sizeof(struct router));
}

static void entry_destroy(struct entry *entry)
{
    free(entry->pattern);
    free(entry);
}

void router_destroy(struct router *router)
{
    if (router == NULL) {
        return;
    }
    for (size_t i = 0; i <= PATH_SEGMENTS_MAX; i++) {
        while (router->entries[i] != NULL) {
            struct entry *entry = router->entries[i];
            router->entries[i] = entry->next;
            entry_destroy(entry);
        }
    }
    free(router);
}

/* --- Patterns -------------------------------------------------------------------------------- */

static bool is_variable(struct ever_slice segment)
{
    return segment.size > 2 && segment.data[0] == '{' && segment.data[segment.size - 1] == '}';
}

static bool has_brace(struct ever_slice text)
{
    return slice_find_byte(text, '{') < text.size || slice_find_byte(text, '}') < text.size;
}

/* Takes the next segment off *rest, which stands behind a slash. False: there is none. */
static bool next_segment(struct ever_slice *rest, struct ever_slice *out_segment)
{
    if (rest->data == NULL) {
        return false;
    }
    size_t size = slice_find_byte(*rest, '/');
    *out_segment = slice_first(*rest, size);
    *rest = size == rest->size ? SLICE_NONE : slice_from(*rest, size + 1);
    return true;
}

int pattern_variable(struct ever_slice pattern, struct ever_slice name)
{
    struct ever_slice rest = slice_from(pattern, 1);
    struct ever_slice segment;
    int index = 0;
    while (next_segment(&rest, &segment)) {
        if (!is_variable(segment)) {
            continue;
        }
        if (slice_equal(slice_of(segment.data + 1, segment.size - 2), name)) {
            return index;
        }
        index++;
    }
    return -1;
}

static const char *check_segment(struct ever_slice segment, bool is_root)
{
    if (segment.size == 0 && !is_root) {
        return "has an empty segment";
    }
    struct ever_slice inside =
        is_variable(segment) ? slice_of(segment.data + 1, segment.size - 2) : segment;
    return has_brace(inside) ? "has a brace that is not around a whole segment" : NULL;
}

static const char *parse_pattern(struct entry *entry)
{
    struct ever_slice pattern = slice_of_text(entry->pattern);
    if (pattern.size == 0 || pattern.data[0] != '/') {
        return "does not begin with a slash";
    }
    struct ever_slice rest = slice_from(pattern, 1);
    struct ever_slice segment;
    while (next_segment(&rest, &segment)) {
        const char *fault = check_segment(segment, pattern.size == 1);
        if (fault != NULL) {
            return fault;
        }
        if (entry->segment_count == PATH_SEGMENTS_MAX) {
            return "has more than 16 segments";
        }
        entry->segments[entry->segment_count++] = is_variable(segment) ? SLICE_NONE : segment;
    }
    return NULL;
}

/* Below 0: `a` is the more specific. 0: they match the same paths. */
static int compare_patterns(const struct entry *a, const struct entry *b)
{
    ASSERT(a->segment_count == b->segment_count);
    for (size_t i = 0; i < a->segment_count; i++) {
        bool a_varies = a->segments[i].data == NULL;
        bool b_varies = b->segments[i].data == NULL;
        if (a_varies != b_varies) {
            return a_varies ? 1 : -1;
        }
        int order = slice_compare(a->segments[i], b->segments[i]);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static const char *insert(struct router *router, struct entry *entry)
{
    struct entry **at = &router->entries[entry->segment_count];
    while (*at != NULL && compare_patterns(*at, entry) <= 0) {
        if (compare_patterns(*at, entry) == 0 && (*at)->method == entry->method) {
            return "matches the same paths as another one of the same method";
        }
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
    return NULL;
}

const char *router_add(struct router *router, enum method method, struct ever_slice pattern,
                       const struct operation *operation, const struct route *route)
{
    struct entry *entry = mem_alloc_zero(sizeof *entry);
    entry->pattern = mem_copy_text(pattern);
    entry->method = method;
    entry->operation = operation;
    entry->route = route;
    const char *fault = parse_pattern(entry);
    if (fault == NULL) {
        fault = insert(router, entry);
    }
    if (fault != NULL) {
        entry_destroy(entry);
    }
    return fault;
}

/* --- Finding --------------------------------------------------------------------------------- */

static bool matches(const struct entry *entry, const struct path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        if (entry->segments[i].data != NULL &&
            !slice_equal(entry->segments[i], path->segments[i])) {
            return false;
        }
    }
    return true;
}

static void take_variables(const struct entry *entry, const struct path *path, struct match *match)
{
    for (size_t i = 0; i < path->count; i++) {
        if (entry->segments[i].data == NULL) {
            match->variables[match->variable_count++] = path->segments[i];
        }
    }
}

void router_find(const struct router *router, const struct path *path, enum method method,
                 struct match *out_match)
{
    out_match->operation = NULL;
    out_match->route = NULL;
    out_match->variable_count = 0;
    out_match->allowed = 0;
    if (path->count > PATH_SEGMENTS_MAX) {
        return;
    }
    for (const struct entry *entry = router->entries[path->count]; entry != NULL;
         entry = entry->next) {
        if (!matches(entry, path)) {
            continue;
        }
        out_match->allowed |= 1u << entry->method;
        if (entry->method == method) {
            out_match->operation = entry->operation;
            out_match->route = entry->route;
            take_variables(entry, path, out_match);
            return;
        }
    }
}
