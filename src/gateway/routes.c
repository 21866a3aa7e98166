#include "gateway/routes.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/operations/commands.h"
#include "gateway/operations/views.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct routes {
    struct arena arena;
    struct route *all;
    size_t count;
};

/* One route while it is compiled. */
struct compiler {
    struct gateway *gateway;
    struct arena *arena;
    struct text *report;
    struct ever_slice key; /* "POST /api/accounts/{id}" */
    struct route route;
    uint32_t used; /* bits of the path's variables that something uses */
    struct json_value id;
    bool has_id;
    struct json_value arguments;
    bool has_arguments;
    struct ever_slice decider;
    struct ever_slice view;
    struct ever_slice query;
};

static bool complain(struct compiler *compiler, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(struct compiler *compiler, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    text_printf(compiler->report, "routes.js: '%.*s': %s\n", SLICE_PRINT(compiler->key), sentence);
    return false;
}

/* --- The members of one route ---------------------------------------------------------------- */

static bool read_text(struct compiler *compiler, const char *name, struct json_value value,
                      struct ever_slice *out_text)
{
    if (value.kind != JSON_STRING) {
        return complain(compiler, "%s must be text", name);
    }
    *out_text = json_string(value, compiler->arena);
    return true;
}

static bool read_one(struct compiler *compiler, struct json_value value)
{
    if (value.kind != JSON_TRUE && value.kind != JSON_FALSE) {
        return complain(compiler, "one must be true or false");
    }
    compiler->route.one = value.kind == JSON_TRUE;
    return true;
}

static bool read_arguments(struct compiler *compiler, struct json_value value)
{
    if (value.kind != JSON_OBJECT) {
        return complain(compiler, "arguments must be an object");
    }
    compiler->arguments = value;
    compiler->has_arguments = true;
    return true;
}

static bool read_member(struct compiler *compiler, struct ever_slice name, struct json_value value)
{
    if (slice_is(name, "decider")) {
        return read_text(compiler, "decider", value, &compiler->decider);
    }
    if (slice_is(name, "command")) {
        return read_text(compiler, "command", value, &compiler->route.command);
    }
    if (slice_is(name, "view")) {
        return read_text(compiler, "view", value, &compiler->view);
    }
    if (slice_is(name, "query")) {
        return read_text(compiler, "query", value, &compiler->query);
    }
    if (slice_is(name, "id")) {
        compiler->id = value;
        compiler->has_id = true;
        return true;
    }
    if (slice_is(name, "arguments")) {
        return read_arguments(compiler, value);
    }
    if (slice_is(name, "one")) {
        return read_one(compiler, value);
    }
    return complain(compiler,
                    "\"%.*s\" is not known; a route has decider, id and command, or view, query, "
                    "arguments and one",
                    SLICE_PRINT(name));
}

static bool read_members(struct compiler *compiler, struct json_value value)
{
    if (value.kind != JSON_OBJECT) {
        return complain(compiler, "must be an object");
    }
    for (struct json_iter i = json_iter(value); json_next(&i);) {
        if (!read_member(compiler, json_string(i.key, compiler->arena), i.value)) {
            return false;
        }
    }
    return true;
}

/* --- Looking names up ------------------------------------------------------------------------ */

static bool fill_template(struct compiler *compiler, const char *what, struct json_value value,
                          struct template *out_template)
{
    struct ever_slice text;
    struct ever_slice unknown;
    if (!read_text(compiler, what, value, &text)) {
        return false;
    }
    if (text.size == 0) {
        return complain(compiler, "%s is empty", what);
    }
    if (!template_parse(text, compiler->route.pattern, out_template, &compiler->used, &unknown)) {
        return complain(compiler, "%s uses {%.*s}, which the path does not have", what,
                        SLICE_PRINT(unknown));
    }
    return true;
}

static bool has_command(const struct decider_info *decider, struct ever_slice name)
{
    for (size_t i = 0; i < decider->command_count; i++) {
        if (slice_is(name, decider->commands[i])) {
            return true;
        }
    }
    return false;
}

static bool look_up_command(struct compiler *compiler)
{
    struct route *route = &compiler->route;
    if (compiler->view.data != NULL || compiler->query.data != NULL || compiler->has_arguments ||
        route->one) {
        return complain(compiler, "mixes a command with a query");
    }
    if (route->method == METHOD_GET) {
        return complain(compiler, "GET must not give commands; use POST, PUT, PATCH or DELETE");
    }
    route->decider = deciders_find(compiler->gateway->parts.deciders, compiler->decider);
    if (route->decider == NULL) {
        return complain(compiler, "there is no decider \"%.*s\"", SLICE_PRINT(compiler->decider));
    }
    if (route->command.data == NULL || !compiler->has_id) {
        return complain(compiler, "a command needs decider, id and command");
    }
    if (!has_command(route->decider, route->command)) {
        return complain(compiler, "decider \"%s\" has no command \"%.*s\"", route->decider->name,
                        SLICE_PRINT(route->command));
    }
    return fill_template(compiler, "id", compiler->id, &route->id);
}

static bool query_has_argument(const struct view_query_info *query, struct ever_slice name)
{
    for (size_t i = 0; i < query->argument_count; i++) {
        if (slice_is(name, query->arguments[i])) {
            return true;
        }
    }
    return false;
}

static bool look_up_arguments(struct compiler *compiler)
{
    struct route *route = &compiler->route;
    if (!compiler->has_arguments) {
        return true;
    }
    route->arguments = arena_alloc_zero(compiler->arena, (route->query->argument_count + 1) *
                                                             sizeof(struct route_argument));
    for (struct json_iter i = json_iter(compiler->arguments); json_next(&i);) {
        struct ever_slice name = json_string(i.key, compiler->arena);
        if (!query_has_argument(route->query, name)) {
            return complain(compiler, "query \"%s\" of view \"%s\" has no argument \"%.*s\"",
                            route->query->name, view_name(route->view), SLICE_PRINT(name));
        }
        struct route_argument *argument = &route->arguments[route->argument_count++];
        argument->name = name;
        if (!fill_template(compiler, "an argument", i.value, &argument->value)) {
            return false;
        }
    }
    return true;
}

static bool look_up_query(struct compiler *compiler)
{
    struct route *route = &compiler->route;
    struct views *views = compiler->gateway->parts.views;
    if (route->command.data != NULL || compiler->has_id) {
        return complain(compiler, "mixes a query with a command");
    }
    if (route->method != METHOD_GET) {
        return complain(compiler, "a query answers to GET");
    }
    route->view = views == NULL ? NULL : views_find(views, compiler->view);
    if (route->view == NULL) {
        return complain(compiler, "there is no view \"%.*s\"", SLICE_PRINT(compiler->view));
    }
    if (compiler->query.data == NULL) {
        return complain(compiler, "a query needs view and query");
    }
    route->query = view_query_find(route->view, compiler->query);
    if (route->query == NULL) {
        return complain(compiler, "view \"%.*s\" has no query \"%.*s\"",
                        SLICE_PRINT(compiler->view), SLICE_PRINT(compiler->query));
    }
    return look_up_arguments(compiler);
}

static bool check_all_used(struct compiler *compiler)
{
    struct ever_slice rest = compiler->route.pattern;
    while (slice_find_byte(rest, '{') < rest.size) {
        rest = slice_from(rest, slice_find_byte(rest, '{') + 1);
        struct ever_slice name = slice_first(rest, slice_find_byte(rest, '}'));
        int index = pattern_variable(compiler->route.pattern, name);
        if (index >= 0 && (compiler->used & (1u << index)) == 0) {
            return complain(compiler, "{%.*s} of the path is not used", SLICE_PRINT(name));
        }
    }
    return true;
}

/* --- One route ------------------------------------------------------------------------------- */

static bool parse_key(struct compiler *compiler)
{
    size_t space = slice_find_byte(compiler->key, ' ');
    if (space == compiler->key.size ||
        !method_parse(slice_first(compiler->key, space), &compiler->route.method)) {
        return complain(compiler, "must begin with GET, POST, PUT, PATCH or DELETE and a space");
    }
    compiler->route.pattern = slice_trim(slice_from(compiler->key, space));
    if (!slice_starts_with(compiler->route.pattern, SLICE_LITERAL("/api/"))) {
        return complain(compiler, "the path must begin with /api/");
    }
    return true;
}

static bool look_up(struct compiler *compiler)
{
    if (compiler->decider.data != NULL) {
        return look_up_command(compiler) && check_all_used(compiler);
    }
    if (compiler->view.data != NULL) {
        return look_up_query(compiler) && check_all_used(compiler);
    }
    return complain(compiler, "names neither a decider nor a view");
}

static bool add_to_router(struct compiler *compiler, const struct route *route)
{
    const struct operation *operation =
        route->decider != NULL ? &command_operation : &query_operation;
    const char *fault =
        router_add(compiler->gateway->router, route->method, route->pattern, operation, route);
    return fault == NULL || complain(compiler, "the path %s", fault);
}

static bool compile_one(struct compiler *compiler, struct json_value value, struct route *out_route)
{
    if (!parse_key(compiler) || !read_members(compiler, value) || !look_up(compiler)) {
        return false;
    }
    *out_route = compiler->route;
    return add_to_router(compiler, out_route);
}

/* --- All of them ----------------------------------------------------------------------------- */

static bool compile_all(struct gateway *gateway, struct json_value exported, struct text *report,
                        struct routes *routes)
{
    bool fine = true;
    for (struct json_iter i = json_iter(exported); json_next(&i);) {
        struct compiler compiler = {.gateway = gateway,
                                    .arena = &routes->arena,
                                    .report = report,
                                    .key = json_string(i.key, &routes->arena)};
        if (routes->count == ROUTES_MAX) {
            return complain(&compiler, "more than %d routes", ROUTES_MAX);
        }
        if (compile_one(&compiler, i.value, &routes->all[routes->count])) {
            routes->count++;
        } else {
            fine = false;
        }
    }
    return fine;
}

static size_t count_members(struct json_value object)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        count++;
    }
    return count;
}

struct ever_err routes_compile(struct gateway *gateway, struct text *report,
                               struct routes **out_routes)
{
    struct routes *routes = mem_alloc_zero(sizeof *routes);
    arena_init(&routes->arena);
    *out_routes = routes;
    if (gateway->parts.deciders == NULL) {
        return ERR_OK;
    }
    struct json_value exported = json_value_of(deciders_routes(gateway->parts.deciders));
    if (exported.kind != JSON_OBJECT) {
        text_add_text(report, "routes.js: the default export must be an object of routes\n");
        return FAIL(EVER_INVALID, "routes.js");
    }
    routes->all = mem_alloc_zero((count_members(exported) + 1) * sizeof *routes->all);
    return compile_all(gateway, exported, report, routes) ? ERR_OK
                                                          : FAIL(EVER_INVALID, "routes.js");
}

void routes_destroy(struct routes *routes)
{
    if (routes != NULL) {
        arena_deinit(&routes->arena);
        free(routes->all);
        free(routes);
    }
}

size_t routes_count(const struct routes *routes)
{
    return routes->count;
}

const struct route *routes_at(const struct routes *routes, size_t index)
{
    ASSERT(index < routes->count);
    return &routes->all[index];
}
