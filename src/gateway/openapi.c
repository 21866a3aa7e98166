#include "gateway/openapi.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "gateway/assets.h"
#include "gateway/operations/commands.h"
#include "gateway/operations/views.h"
#include "gateway/routes.h"

/* What every operation may answer. */
#define COMMON_PROBLEMS                                                                            \
    (PROBLEM_BIT(PROBLEM_BAD_NAME) | PROBLEM_BIT(PROBLEM_BAD_PARAMETER) |                          \
     PROBLEM_BIT(PROBLEM_NOT_ACCEPTABLE) | PROBLEM_BIT(PROBLEM_SHUTTING_DOWN) |                    \
     PROBLEM_BIT(PROBLEM_HOST_REFUSED) | PROBLEM_BIT(PROBLEM_INTERNAL))

/* One operation as it stands on one path: a row of the table, or what a decider, a view or a route
 * makes of one. */
struct described {
    const struct operation *operation;
    struct ever_slice path;
    enum method method;
    struct ever_slice id; /* operationId */
    struct ever_slice summary;
    const char *const *arguments; /* further query parameters */
    size_t argument_count;
    const struct route *route; /* its arguments are filled from the path */
    const char *answer_type;
};

/* --- Parameters ------------------------------------------------------------------------------ */

static void write_parameter_head(struct text *out, bool *first, struct ever_slice name,
                                 const char *place)
{
    text_add_text(out, *first ? "{\"name\":" : ",{\"name\":");
    *first = false;
    json_write_string(out, name);
    text_printf(out, ",\"in\":\"%s\"", place);
}

static void write_path_parameters(struct text *out, bool *first, struct ever_slice path)
{
    struct ever_slice rest = path;
    while (slice_find_byte(rest, '{') < rest.size) {
        rest = slice_from(rest, slice_find_byte(rest, '{') + 1);
        write_parameter_head(out, first, slice_first(rest, slice_find_byte(rest, '}')), "path");
        text_add_text(out, ",\"required\":true,\"schema\":{\"type\":\"string\"}}");
    }
}

static void write_shared_parameters(struct text *out, bool *first, uint64_t parameters)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if ((parameters & PARAMETER_BIT(i)) == 0) {
            continue;
        }
        const struct parameter_info *info = parameter_info((enum parameter)i);
        write_parameter_head(out, first, slice_of_text(info->name), info->place);
        text_add_text(out, ",\"description\":");
        json_write_string(out, slice_of_text(info->description));
        text_printf(out, ",\"schema\":%s}", info->schema);
    }
}

static bool is_filled_by_route(const struct route *route, const char *name)
{
    for (size_t i = 0; route != NULL && i < route->argument_count; i++) {
        if (slice_is(route->arguments[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void write_arguments(struct text *out, bool *first, const struct described *described)
{
    for (size_t i = 0; i < described->argument_count; i++) {
        if (is_filled_by_route(described->route, described->arguments[i])) {
            continue;
        }
        write_parameter_head(out, first, slice_of_text(described->arguments[i]), "query");
        text_add_text(out, ",\"required\":true,\"schema\":{\"type\":\"string\"}}");
    }
}

/* --- Bodies and answers ---------------------------------------------------------------------- */

static void write_reference(struct text *out, const char *type)
{
    text_printf(out, "{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}", type);
}

static void write_content(struct text *out, media_set set, const char *json_type)
{
    text_add_text(out, ",\"content\":{");
    const char *separator = "";
    for (unsigned i = 0; i < MEDIA_COUNT; i++) {
        if ((set & MEDIA_BIT(i)) == 0) {
            continue;
        }
        text_add_text(out, separator);
        json_write_string(out, slice_of_text(media_name((enum media)i)));
        text_add_byte(out, ':');
        if (i == MEDIA_JSON && json_type != NULL) {
            write_reference(out, json_type);
        } else {
            text_add_text(out, "{\"schema\":{\"type\":\"string\"}}");
        }
        separator = ",";
    }
    text_add_byte(out, '}');
}

static void write_body(struct text *out, const struct operation *operation)
{
    if (operation->takes == 0) {
        return;
    }
    text_printf(out, ",\"requestBody\":{\"required\":%s",
                operation->body_optional ? "false" : "true");
    write_content(out, operation->takes, operation->body_type);
    text_add_byte(out, '}');
}

/* All problems of one status stand together, as OpenAPI wants it. */
static void write_problems_of_status(struct text *out, uint64_t problems, unsigned status)
{
    text_printf(out, ",\"%u\":{\"description\":\"", status);
    const char *separator = "";
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        const struct problem_info *info = problem_info((enum problem)i);
        if ((problems & PROBLEM_BIT(i)) != 0 && info->status == status) {
            text_printf(out, "%s/problems/%s", separator, info->name);
            separator = ", ";
        }
    }
    text_add_byte(out, '"');
    text_add_text(out, ",\"content\":{\"application/problem+json\":");
    write_reference(out, "Problem");
    text_add_text(out, "}}");
}

static bool is_first_of_status(uint64_t problems, unsigned index)
{
    unsigned status = problem_info((enum problem)index)->status;
    for (unsigned i = 0; i < index; i++) {
        if ((problems & PROBLEM_BIT(i)) != 0 && problem_info((enum problem)i)->status == status) {
            return false;
        }
    }
    return true;
}

static void write_responses(struct text *out, const struct described *described)
{
    const struct operation *operation = described->operation;
    uint64_t problems = operation->problems | COMMON_PROBLEMS;
    text_printf(out, ",\"responses\":{\"%u\":{\"description\":", operation->status);
    json_write_string(out, slice_of_text(operation->answer));
    write_content(out, operation->gives, described->answer_type);
    text_add_byte(out, '}');
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        if ((problems & PROBLEM_BIT(i)) != 0 && is_first_of_status(problems, i)) {
            write_problems_of_status(out, problems, problem_info((enum problem)i)->status);
        }
    }
    text_add_byte(out, '}');
}

/* --- Operations and paths -------------------------------------------------------------------- */

static void write_method(struct text *out, const struct described *described)
{
    static const char *const lower[METHOD_COUNT] = {
        [METHOD_GET] = "get",     [METHOD_POST] = "post",     [METHOD_PUT] = "put",
        [METHOD_PATCH] = "patch", [METHOD_DELETE] = "delete",
    };
    const struct operation *operation = described->operation;
    text_printf(out, "\"%s\":{\"operationId\":", lower[described->method]);
    json_write_string(out, described->id);
    text_printf(out, ",\"tags\":[\"%s\"],\"summary\":", operation->group);
    json_write_string(out, described->summary);
    if (operation->description != NULL) {
        text_add_text(out, ",\"description\":");
        json_write_string(out, slice_of_text(operation->description));
    }
    bool first = true;
    text_add_text(out, ",\"parameters\":[");
    write_path_parameters(out, &first, described->path);
    write_shared_parameters(out, &first, operation->parameters);
    write_arguments(out, &first, described);
    text_add_byte(out, ']');
    write_body(out, operation);
    write_responses(out, described);
    text_add_byte(out, '}');
}

/* All that is described, in one list; its memory is one arena's. */
struct description {
    struct arena arena;
    struct described *all;
    size_t count;
    size_t capacity;
};

static struct described *add(struct description *description)
{
    ASSERT(description->count < description->capacity);
    struct described *described = &description->all[description->count++];
    *described = (struct described){0};
    return described;
}

static bool is_first_of_path(const struct description *description, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (slice_equal(description->all[i].path, description->all[index].path)) {
            return false;
        }
    }
    return true;
}

static void write_paths(struct text *out, const struct description *description)
{
    text_add_text(out, ",\"paths\":{");
    for (size_t i = 0; i < description->count; i++) {
        if (!is_first_of_path(description, i)) {
            continue;
        }
        text_add_text(out, i == 0 ? "" : ",");
        json_write_string(out, description->all[i].path);
        text_add_text(out, ":{");
        for (size_t k = i; k < description->count; k++) {
            if (slice_equal(description->all[k].path, description->all[i].path)) {
                text_add_text(out, k == i ? "" : ",");
                write_method(out, &description->all[k]);
            }
        }
        text_add_byte(out, '}');
    }
    text_add_byte(out, '}');
}

/* --- What there is --------------------------------------------------------------------------- */

static void add_table(struct description *description)
{
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *operation = operation_at(i);
        struct described *described = add(description);
        described->operation = operation;
        described->path = slice_of_text(operation->path);
        described->method = operation->method;
        described->id = slice_of_text(operation->id);
        described->summary = slice_of_text(operation->summary);
        described->answer_type = operation->answer_type;
    }
}

static void add_commands(struct description *description, const struct deciders *deciders)
{
    for (size_t i = 0; deciders != NULL && i < deciders_count(deciders); i++) {
        const struct decider_info *decider = deciders_at(deciders, i);
        for (size_t k = 0; k < decider->command_count; k++) {
            struct described *described = add(description);
            const char *command = decider->commands[k];
            described->operation = &command_operation;
            described->method = METHOD_POST;
            described->path =
                arena_printf(&description->arena, "/deciders/%s/{id}/%s", decider->name, command);
            described->id =
                arena_printf(&description->arena, "command.%s.%s", decider->name, command);
            described->summary = arena_printf(
                &description->arena, "Give the command %s to decider %s", command, decider->name);
            described->answer_type = command_operation.answer_type;
        }
    }
}

static void add_queries(struct description *description, struct views *views)
{
    for (size_t i = 0; views != NULL && i < views_count(views); i++) {
        struct view *view = views_at(views, i);
        for (size_t k = 0; k < view_query_count(view); k++) {
            const struct view_query_info *query = view_query_at(view, k);
            struct described *described = add(description);
            described->operation = &query_operation;
            described->method = METHOD_GET;
            described->path =
                arena_printf(&description->arena, "/views/%s/%s", view_name(view), query->name);
            described->id =
                arena_printf(&description->arena, "query.%s.%s", view_name(view), query->name);
            described->summary = arena_printf(&description->arena, "Ask the query %s of view %s",
                                              query->name, view_name(view));
            described->arguments = query->arguments;
            described->argument_count = query->argument_count;
            described->answer_type = query_operation.answer_type;
        }
    }
}

static void describe_query_route(struct description *description, struct described *described,
                                 const struct route *route)
{
    described->operation = &query_operation;
    described->arguments = route->query->arguments;
    described->argument_count = route->query->argument_count;
    described->answer_type = route->one ? "Row" : query_operation.answer_type;
    described->summary = arena_printf(&description->arena, "The query %s of view %s",
                                      route->query->name, view_name(route->view));
}

static void add_routes(struct description *description, const struct routes *routes)
{
    for (size_t i = 0; i < routes_count(routes); i++) {
        const struct route *route = routes_at(routes, i);
        struct described *described = add(description);
        described->method = route->method;
        described->path = route->pattern;
        described->route = route;
        described->id = arena_printf(&description->arena, "route.%zu", i + 1);
        if (route->decider == NULL) {
            describe_query_route(description, described, route);
            continue;
        }
        described->operation = &command_operation;
        described->answer_type = command_operation.answer_type;
        described->summary = arena_printf(&description->arena, "The command %.*s of decider %s",
                                          SLICE_PRINT(route->command), route->decider->name);
    }
}

static size_t count_all(const struct gateway *gateway)
{
    size_t count = operation_count() + routes_count(gateway->routes);
    const struct deciders *deciders = gateway->parts.deciders;
    for (size_t i = 0; deciders != NULL && i < deciders_count(deciders); i++) {
        count += deciders_at(deciders, i)->command_count;
    }
    struct views *views = gateway->parts.views;
    for (size_t i = 0; views != NULL && i < views_count(views); i++) {
        count += view_query_count(views_at(views, i));
    }
    return count;
}

void openapi_write(struct text *out, const struct gateway *gateway)
{
    struct description description = {.capacity = count_all(gateway)};
    arena_init(&description.arena);
    description.all =
        arena_alloc(&description.arena, description.capacity * sizeof *description.all);
    add_table(&description);
    add_commands(&description, gateway->parts.deciders);
    add_queries(&description, gateway->parts.views);
    add_routes(&description, gateway->routes);

    text_add_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Everfold\",\"version\":"
                       "\"" EVERFOLD_VERSION "\",\"description\":\"Events for ever, state as a "
                       "fold.\"},\"servers\":[{\"url\":\"/\"}]");
    write_paths(out, &description);
    text_add_text(out, ",\"components\":{\"schemas\":");
    text_add(out, ASSET(schemas_json));
    text_add_text(out, "}}");
    arena_deinit(&description.arena);
}
