/* query.h - the part of a URL behind the question mark: names and values, decoded once. "+" is a
 * space, as browsers and every form library write it. No I/O. */
#pragma once
#include "base/arena.h"

#define QUERY_PAIRS_MAX 64

struct query_pair {
    struct ever_slice name;
    struct ever_slice value;
};

struct query {
    struct query_pair *pairs; /* in the order sent; in the arena */
    size_t count;
};

/* Gives NULL, or what is wrong as a sentence's end: "holds a bad percent escape". */
const char *query_parse(struct ever_slice raw, struct arena *arena, struct query *out_query);

/* The first value of that name; false when there is none. */
bool query_get(const struct query *query, const char *name, struct ever_slice *out_value);
size_t query_count(const struct query *query, const char *name);
