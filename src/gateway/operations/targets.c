#include "gateway/operations/targets.h"

#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/routes.h"

/* --- Deciders -------------------------------------------------------------------------------- */

/* The names are those of files and routes; together they must still be the name of a stream. */
static bool make_stream(struct call *call, struct decider_instance *instance)
{
    struct ever_slice decider = slice_of_text(instance->decider->name);
    struct ever_slice id = instance->id;
    size_t size = decider.size + 1 + id.size;
    const char *fault = name_fault(id);
    if (fault == NULL && size > EVER_STREAM_NAME_BYTES_MAX) {
        fault = "is too long: with the decider's name and a dash it may have 512 bytes";
    }
    if (fault != NULL) {
        call_problem(call, PROBLEM_BAD_NAME, SLICE_NONE, "The id %s.", fault);
        return false;
    }
    char *stream = arena_alloc(call->arena, size);
    memcpy(stream, decider.data, decider.size);
    stream[decider.size] = '-';
    memcpy(stream + decider.size + 1, id.data, id.size);
    instance->stream = slice_of(stream, size);
    return true;
}

bool decider_instance_find(struct call *call, struct decider_instance *out_instance)
{
    struct deciders *deciders = call->gateway->parts.deciders;
    struct ever_slice name = call->variables[0];
    out_instance->decider = deciders == NULL ? NULL : deciders_find(deciders, name);
    out_instance->id = call->variables[1];
    if (out_instance->decider == NULL) {
        call_problem(call, PROBLEM_DECIDER_NOT_FOUND, SLICE_NONE, "There is no decider \"%.*s\".",
                     SLICE_PRINT(name));
        return false;
    }
    return make_stream(call, out_instance);
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

bool command_target_find(struct call *call, struct command_target *out_target)
{
    if (call->route != NULL) {
        out_target->instance.decider = call->route->decider;
        out_target->instance.id = template_fill(&call->route->id, call);
        out_target->name = call->route->command;
        return make_stream(call, &out_target->instance);
    }
    if (!decider_instance_find(call, &out_target->instance)) {
        return false;
    }
    out_target->name = call->variables[2];
    if (!has_command(out_target->instance.decider, out_target->name)) {
        call_problem(call, PROBLEM_COMMAND_NOT_FOUND, SLICE_NONE,
                     "The decider %s has no command \"%.*s\".", out_target->instance.decider->name,
                     SLICE_PRINT(out_target->name));
        return false;
    }
    return true;
}

/* --- Views ----------------------------------------------------------------------------------- */

bool view_find(struct call *call, struct view **out_view)
{
    struct views *views = call->gateway->parts.views;
    struct ever_slice name = call->variables[0];
    *out_view = views == NULL ? NULL : views_find(views, name);
    if (*out_view == NULL) {
        call_problem(call, PROBLEM_VIEW_NOT_FOUND, SLICE_NONE, "There is no view \"%.*s\".",
                     SLICE_PRINT(name));
        return false;
    }
    return true;
}

bool flow_find(struct call *call, struct flow **out_flow)
{
    struct flows *flows = call->gateway->parts.flows;
    struct ever_slice name = call->variables[0];
    *out_flow = flows == NULL ? NULL : flows_find(flows, name);
    if (*out_flow == NULL) {
        call_problem(call, PROBLEM_FLOW_NOT_FOUND, SLICE_NONE, "There is no flow \"%.*s\".",
                     SLICE_PRINT(name));
        return false;
    }
    return true;
}

static void answer_no_query(struct call *call, const struct view *view, struct ever_slice name)
{
    struct text names = {0};
    for (size_t i = 0; i < view_query_count(view); i++) {
        text_printf(&names, "%s%s", i == 0 ? "; it has " : ", ", view_query_at(view, i)->name);
    }
    call_problem(call, PROBLEM_QUERY_NOT_FOUND, SLICE_NONE, "The view %s has no query \"%.*s\"%s.",
                 view_name(view), SLICE_PRINT(name), names.size == 0 ? "" : names.data);
    text_deinit(&names);
}

static bool find_query(struct call *call, struct query_target *target)
{
    if (call->route != NULL) {
        target->view = call->route->view;
        target->query = call->route->query;
        target->one = call->route->one;
        return true;
    }
    if (!view_find(call, &target->view)) {
        return false;
    }
    struct ever_slice name = call->variables[1];
    target->query = view_query_find(target->view, name);
    target->one = false;
    if (target->query == NULL) {
        answer_no_query(call, target->view, name);
        return false;
    }
    return true;
}

static bool is_argument(const struct view_query_info *query, struct ever_slice name)
{
    for (size_t i = 0; i < query->argument_count; i++) {
        if (slice_is(name, query->arguments[i])) {
            return true;
        }
    }
    return false;
}

static bool has_argument(const struct query_target *target, struct ever_slice name)
{
    for (size_t i = 0; i < target->argument_count; i++) {
        if (slice_equal(target->arguments[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool refuse_argument(struct call *call, const struct query_target *target,
                            struct ever_slice name, const char *what)
{
    call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE, "The argument \"%.*s\" of query %s %s.",
                 SLICE_PRINT(name), target->query->name, what);
    return false;
}

static void add_route_arguments(struct call *call, struct query_target *target)
{
    for (size_t i = 0; call->route != NULL && i < call->route->argument_count; i++) {
        const struct route_argument *argument = &call->route->arguments[i];
        target->arguments[target->argument_count++] = (struct view_argument){
            .name = argument->name, .value = template_fill(&argument->value, call)};
    }
}

static bool add_query_arguments(struct call *call, struct query_target *target)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const struct query_pair *pair = &call->query.pairs[i];
        if (!is_argument(target->query, pair->name)) {
            return refuse_argument(call, target, pair->name, "is not known");
        }
        if (has_argument(target, pair->name)) {
            return refuse_argument(call, target, pair->name, "is given more than once");
        }
        target->arguments[target->argument_count++] =
            (struct view_argument){.name = pair->name, .value = pair->value};
    }
    return true;
}

bool query_target_find(struct call *call, struct query_target *out_target)
{
    if (!find_query(call, out_target)) {
        return false;
    }
    size_t count = out_target->query->argument_count;
    out_target->arguments = arena_alloc(call->arena, (count + 1) * sizeof *out_target->arguments);
    out_target->argument_count = 0;
    add_route_arguments(call, out_target);
    if (!add_query_arguments(call, out_target)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct ever_slice name = slice_of_text(out_target->query->arguments[i]);
        if (!has_argument(out_target, name)) {
            return refuse_argument(call, out_target, name, "is missing");
        }
    }
    return true;
}
