/* routes.h - routes.js: REST paths of an APP, each standing for a command or a query.
 *
 *     'POST /api/accounts/{id}/deposits': { decider: 'account', id: '{id}', command: 'Deposit' }
 *     'GET /api/accounts/{id}': { view: 'balances', query: 'by_id', arguments: { id: '{id}' }, one:
 * true }
 *
 * Compiled at start: every name is looked up then, so that a wrong one stops the start and not a
 * user's request. A route runs the same operation as the native path does. */
#pragma once
#include "gateway/call.h"

#define ROUTES_MAX 1000
#define TEMPLATE_PARTS_MAX 8

struct routes;

struct template
{ /* "order-{id}": text and {names} of the path, one behind the other */
    struct {
        struct ever_slice literal; /* data NULL: the variable */
        size_t variable;           /* index in call->variables */
    } parts[TEMPLATE_PARTS_MAX];
    size_t count;
};

struct route_argument {
    struct ever_slice name;
    struct template value;
};

struct route {
    enum method method;
    struct ever_slice pattern;
    const struct decider_info *decider; /* of a command; NULL: a query */
    struct template id;
    struct ever_slice command;
    struct view *view;
    const struct view_query_info *query;
    struct route_argument *arguments;
    size_t argument_count;
    bool one;
};

/* Compiles what the deciders' routes.js exports and adds it to the gateway's router. EVER_INVALID:
 * `report` names each route that is wrong, and why. */
struct ever_err routes_compile(struct gateway *gateway, struct text *report,
                               struct routes **out_routes);
void routes_destroy(struct routes *routes); /* NULL-safe. */

size_t routes_count(const struct routes *routes);
const struct route *routes_at(const struct routes *routes, size_t index);

/* The template with the names of the call's path put in; in the call's arena. */
struct ever_slice template_fill(const struct template *template, struct call *call);

/* Reads "order-{id}" against a path pattern. False: *out_unknown is a name that the pattern does
 * not have, or the whole text when it has too many parts or an open brace. Sets bits of the
 * variables it uses in *used. */
bool template_parse(struct ever_slice text, struct ever_slice pattern,
                    struct template *out_template, uint32_t *used, struct ever_slice *out_unknown);
