#include "domain/view/program_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/view/value_priv.h"

#include <stdlib.h>

struct binding {
    int parameter; /* SQLite's index */
    bool is_member;
    size_t member; /* index in the handler's members */
    enum view_field field;
};

struct statement {
    sqlite3_stmt *handle;
    struct binding *bindings;
    size_t binding_count;
};

struct view_handler {
    const struct view_part *part;
    struct statement *statements;
    size_t statement_count;
    struct ever_slice *members; /* names that any statement takes from the data, each once */
    size_t member_count;
};

struct route {
    struct ever_slice type;
    struct view_handler *handler;
};

struct view_program {
    struct view_handler *handlers;
    size_t handler_count;
    struct route *routes; /* sorted by type */
    struct ever_slice *types;
    size_t type_count;
};

/* --- Building --------------------------------------------------------------------------------- */

static size_t member_index(struct view_handler *handler, const char *name)
{
    for (size_t i = 0; i < handler->member_count; i++) {
        if (slice_is(handler->members[i], name)) {
            return i;
        }
    }
    size_t size = (handler->member_count + 1) * sizeof handler->members[0];
    handler->members = mem_grow(handler->members, size);
    handler->members[handler->member_count] = slice_of_text(name); /* lives with the statement */
    return handler->member_count++;
}

static struct binding bind_to(struct view_handler *handler, sqlite3_stmt *statement, int parameter)
{
    const char *name = sqlite3_bind_parameter_name(statement, parameter);
    struct binding binding = {.parameter = parameter, .is_member = name[0] == ':'};
    if (binding.is_member) {
        binding.member = member_index(handler, name + 1);
    } else {
        bool known = view_compile_field(name, &binding.field);
        ASSERT(known); /* checked when it was compiled */
    }
    return binding;
}

static void add_statement(struct view_handler *handler, sqlite3_stmt *handle)
{
    size_t size = (handler->statement_count + 1) * sizeof handler->statements[0];
    handler->statements = mem_grow(handler->statements, size);
    struct statement *added = &handler->statements[handler->statement_count++];
    added->handle = handle;
    added->binding_count = (size_t)sqlite3_bind_parameter_count(handle);
    added->bindings = mem_alloc(added->binding_count * sizeof added->bindings[0]);
    for (size_t i = 0; i < added->binding_count; i++) {
        added->bindings[i] = bind_to(handler, handle, (int)i + 1);
    }
}

static void build_handler(struct view_compiler *compiler, const struct view_part *part,
                          struct view_handler *handler)
{
    handler->part = part;
    struct ever_slice rest = part->sql;
    size_t faults = compiler->faults;
    for (sqlite3_stmt *handle; (handle = view_compile_next(compiler, &rest)) != NULL;) {
        add_statement(handler, handle);
    }
    if (handler->statement_count == 0 && faults == compiler->faults) {
        compiler->faults++;
        view_source_fault(compiler->report, compiler->source->path, part->line,
                          "no statement follows");
    }
}

static int compare_routes(const void *a, const void *b)
{
    return slice_compare(((const struct route *)a)->type, ((const struct route *)b)->type);
}

static void build_routes(struct view_program *program)
{
    for (size_t i = 0; i < program->handler_count; i++) {
        program->type_count += program->handlers[i].part->type_count;
    }
    program->routes = mem_alloc(program->type_count * sizeof program->routes[0]);
    program->types = mem_alloc(program->type_count * sizeof program->types[0]);
    size_t count = 0;
    for (size_t i = 0; i < program->handler_count; i++) {
        struct view_handler *handler = &program->handlers[i];
        for (size_t j = 0; j < handler->part->type_count; j++) {
            program->routes[count++] =
                (struct route){.type = handler->part->types[j], .handler = handler};
        }
    }
    ASSERT(count == program->type_count);
    qsort(program->routes, count, sizeof program->routes[0], compare_routes);
    for (size_t i = 0; i < count; i++) {
        program->types[i] = program->routes[i].type;
    }
}

struct view_program *view_program_build(struct view_compiler *compiler)
{
    const struct view_source *source = compiler->source;
    struct view_program *program = mem_alloc_zero(sizeof *program);
    program->handlers = mem_alloc_zero(source->part_count * sizeof program->handlers[0]);
    for (size_t i = 0; i < source->part_count; i++) {
        if (source->parts[i].kind == VIEW_PART_HANDLER) {
            build_handler(compiler, &source->parts[i],
                          &program->handlers[program->handler_count++]);
        }
    }
    build_routes(program);
    if (compiler->faults > 0) {
        view_program_free(program);
        return NULL;
    }
    return program;
}

static void free_handler(struct view_handler *handler)
{
    for (size_t i = 0; i < handler->statement_count; i++) {
        (void)sqlite3_finalize(handler->statements[i].handle); /* repeats its last run's error */
        free(handler->statements[i].bindings);
    }
    free(handler->statements);
    free(handler->members);
}

void view_program_free(struct view_program *program)
{
    if (program == NULL) {
        return;
    }
    for (size_t i = 0; i < program->handler_count; i++) {
        free_handler(&program->handlers[i]);
    }
    free(program->handlers);
    free(program->routes);
    free(program->types);
    free(program);
}

const struct ever_slice *view_program_types(const struct view_program *program, size_t *out_count)
{
    *out_count = program->type_count;
    return program->types;
}

struct view_handler *view_program_find(const struct view_program *program, struct ever_slice type)
{
    struct route wanted = {.type = type};
    const struct route *found = bsearch(&wanted, program->routes, program->type_count,
                                        sizeof program->routes[0], compare_routes);
    return found == NULL ? NULL : found->handler;
}

/* --- Running ---------------------------------------------------------------------------------- */

static int bind_all(const struct statement *statement, const struct ever_event *event,
                    const struct json_value *members, struct arena *scratch)
{
    int result = SQLITE_OK;
    for (size_t i = 0; i < statement->binding_count && result == SQLITE_OK; i++) {
        const struct binding *binding = &statement->bindings[i];
        result = binding->is_member ? view_bind_json(statement->handle, binding->parameter,
                                                     members[binding->member], scratch)
                                    : view_bind_field(statement->handle, binding->parameter,
                                                      binding->field, event, scratch);
    }
    return result;
}

/* Runs a statement to its end: one with "returning" gives rows, which nobody wants here. */
static int run_statement(const struct statement *statement, struct view_guard *guard)
{
    int result;
    do {
        result = view_guard_step(guard, statement->handle);
    } while (result == SQLITE_ROW);
    (void)sqlite3_reset(statement->handle); /* gives the same result again */
    return result;
}

int view_handler_run(struct view_handler *handler, struct view_guard *guard,
                     const struct ever_event *event, struct arena *scratch)
{
    arena_reset(scratch);
    struct json_value *members = arena_alloc(scratch, handler->member_count * sizeof members[0]);
    if (!view_find_members(event, handler->members, handler->member_count, members, scratch)) {
        return view_guard_refuse(guard, "the event's data is not JSON");
    }
    int result = SQLITE_DONE;
    for (size_t i = 0; i < handler->statement_count && result == SQLITE_DONE; i++) {
        const struct statement *statement = &handler->statements[i];
        result = bind_all(statement, event, members, scratch);
        if (result == SQLITE_OK) {
            result = run_statement(statement, guard);
        }
    }
    return result;
}
