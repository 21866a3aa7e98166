/* router.h - from method and path to an operation and the names that stand in the path.
 *
 * Holds the operations of the table and the routes of the APP in the same list, the more specific
 * pattern first. No I/O. */
#pragma once
#include "gateway/operation.h"
#include "gateway/wire/name.h"

struct route;  /* of routes.js; the router only carries it */
struct router; /* Opaque. */

struct router *router_create(void);
void router_destroy(struct router *router); /* NULL-safe. */

/* Adds "/a/{b}" for one method. `pattern` is copied, the others are kept. Gives NULL, or what is
 * wrong with the pattern, as a sentence's end: "has an empty segment". */
const char *router_add(struct router *router, enum method method, struct ever_slice pattern,
                       const struct operation *operation, const struct route *route);

/* The index of {name} in the pattern, in the order of their standing, or -1. */
int pattern_variable(struct ever_slice pattern, struct ever_slice name);

struct match {
    const struct operation *operation; /* NULL: no pattern has the method */
    const struct route *route;         /* NULL: an operation of the table itself */
    struct ever_slice variables[PATH_SEGMENTS_MAX];
    size_t variable_count;
    unsigned allowed; /* bits of enum method that the path knows; 0: it matches nothing */
};
void router_find(const struct router *router, const struct path *path, enum method method,
                 struct match *out_match);
