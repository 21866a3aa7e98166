/* everfold flow draw: the graphs of an APP's flows, as text or as SVG. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/commands/flow.h"
#include "cli/output/terminal.h"
#include "domain/flow/declare.h"
#include "domain/flow/draw.h"

#include <stdlib.h>
#include <sys/stat.h>

#define DRAWINGS_MAX 1000

struct wanted { /* which flows to draw */
    const char *app;
    struct ever_slice file; /* "flows/bank.js"; empty: of all files */
    const char *name;       /* NULL: all */
};

/* An APP's folder, or one of its files "APP/flows/NAME.js". Memory from `arena`. */
static bool find_app(const char *path, struct arena *arena, struct wanted *out_wanted)
{
    struct stat status;
    struct ever_slice folder = SLICE_LITERAL("flows/");
    struct ever_slice all = slice_of_text(path);
    if (stat(path, &status) != 0 || S_ISDIR(status.st_mode)) {
        out_wanted->app = path; /* app_load() says what is wrong with it */
        out_wanted->file = SLICE_NONE;
        return true;
    }
    size_t name = all.size; /* where the file's name begins */
    while (name > 0 && path[name - 1] != '/') {
        name--;
    }
    if (name < folder.size) {
        return false;
    }
    size_t start = name - folder.size;
    if (!slice_equal(slice_of(path + start, folder.size), folder) ||
        (start > 0 && path[start - 1] != '/')) {
        return false;
    }
    out_wanted->app = start == 0 ? "." : arena_copy(arena, slice_first(all, start)).data;
    out_wanted->file = slice_from(all, start);
    return true;
}

static struct ever_slice text_of(struct json_value flow, const char *name, struct arena *arena)
{
    struct json_value value;
    bool found = json_member(flow, slice_of_text(name), &value) && value.kind == JSON_STRING;
    return found ? json_string(value, arena) : SLICE_NONE;
}

static bool is_wanted(const struct wanted *wanted, struct json_value flow, struct arena *arena)
{
    bool of_file =
        wanted->file.data == NULL || slice_equal(text_of(flow, "file", arena), wanted->file);
    return of_file &&
           (wanted->name == NULL || slice_is(text_of(flow, "name", arena), wanted->name));
}

static enum exit_code print(struct flow_drawing *const *drawings, size_t count, bool svg)
{
    struct text out = {0};
    if (svg) {
        flow_drawings_svg(drawings, count, &out);
    }
    for (size_t i = 0; i < count && !svg; i++) {
        text_add_text(&out, i == 0 ? "" : "\n");
        flow_drawing_text(drawings[i], &out);
    }
    terminal_write(text_slice(&out));
    text_deinit(&out);
    return EXIT_DONE;
}

static enum exit_code draw(const struct wanted *wanted, struct json_value answer, bool svg,
                           struct arena *arena)
{
    struct json_value flows;
    struct flow_drawing **drawings =
        arena_alloc(arena, DRAWINGS_MAX * sizeof(struct flow_drawing *));
    size_t count = 0;
    if (!json_member(answer, SLICE_LITERAL("flows"), &flows) || flows.kind != JSON_ARRAY) {
        return terminal_fail("the worker declared no flows");
    }
    for (struct json_iter i = json_iter(flows); json_next(&i) && count < DRAWINGS_MAX;) {
        if (is_wanted(wanted, i.value, arena)) {
            struct ever_err err = flow_drawing_create(i.value.text, arena, &drawings[count]);
            if (!IS_OK(err)) {
                return terminal_fail("a flow cannot be drawn: %s", err.what);
            }
            count++;
        }
    }
    if (count == 0 && wanted->name != NULL) {
        return terminal_fail("there is no flow '%s' in %s", wanted->name, wanted->app);
    }
    if (count == 0) {
        return terminal_fail("there is no flow in %s: a file flows/NAME.js declares some",
                             wanted->app);
    }
    return print(drawings, count, svg);
}

static struct ever_err declare(const char *dir, struct text *report, struct text *out_answer)
{
    struct app *app = NULL;
    TRY(app_load(dir, report, &app));
    struct ever_err err = flow_graphs_declared(app, NULL, report, out_answer);
    app_free(app);
    return err;
}

enum exit_code flow_draw_run(const struct arguments *arguments)
{
    struct wanted wanted = {.name = arguments->parameters[2]};
    struct arena arena;
    struct text report = {0};
    struct text answer = {0};
    arena_init(&arena);
    enum exit_code code = EXIT_FAILED;
    if (!find_app(arguments->parameters[1], &arena, &wanted)) {
        code = terminal_fail("%s is not in a folder flows/, where the flows of an APP are",
                             arguments->parameters[1]);
    } else if (IS_OK(declare(wanted.app, &report, &answer))) {
        code = draw(&wanted, json_value_of(text_slice(&answer)),
                    arguments_has(arguments, FLOW_OPTION_SVG), &arena);
    } else {
        terminal_report(&report);
    }
    text_deinit(&report);
    text_deinit(&answer);
    arena_deinit(&arena);
    return code;
}
