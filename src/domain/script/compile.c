#include "domain/script/compile.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/json.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPILER_MEMORY_MB 2048u /* it runs our own code, once */
#define REQUEST_ID 1u

/* --- The compiling process ------------------------------------------------------------------- */

struct compiling {
    struct script_process *process;
    bool answered;
    bool gone;
    enum frame_kind kind;
    struct text answer;
    char last_words[160];
};

static void on_frame(void *arg, const struct frame *frame)
{
    struct compiling *compiling = arg;
    compiling->answered = true;
    compiling->kind = frame->kind;
    text_add(&compiling->answer, frame->payload);
    script_process_kill(compiling->process); /* it has done what it was for */
}

static void on_gone(void *arg, struct script_process *process, const char *last_words)
{
    (void)process; /* there is one only */
    struct compiling *compiling = arg;
    compiling->gone = true;
    (void)snprintf(compiling->last_words, sizeof compiling->last_words, "%s", last_words);
}

/* Sends the request and waits for the answer, which is checked JSON. */
static struct ever_err ask_compiler(uv_loop_t *loop, const struct script_process_options *options,
                                    struct ever_slice request, struct text *report,
                                    struct text *out_answer)
{
    struct script_process_options own = *options;
    own.memory_limit_mb = COMPILER_MEMORY_MB;
    struct compiling compiling = {0};
    struct script_process_events events = {.frame = on_frame, .gone = on_gone, .arg = &compiling};
    struct ever_err err = script_process_start(loop, &own, &events, &compiling.process);
    if (!IS_OK(err)) {
        text_printf(report, "the program that runs JavaScript, %s, cannot be started\n",
                    options->worker_path == NULL ? "everfold-js" : options->worker_path);
        return err;
    }
    script_process_send(compiling.process, FRAME_COMPILE, REQUEST_ID, request);
    script_process_flush(compiling.process);
    while (!compiling.gone) {
        uv_run(loop, UV_RUN_ONCE);
    }
    bool fine = compiling.answered && compiling.kind == FRAME_ANSWER &&
                json_check(text_slice(&compiling.answer), NULL);
    if (fine) {
        *out_answer = compiling.answer;
        return ERR_OK;
    }
    text_printf(report, "the JavaScript compiler failed: %s\n",
                compiling.answer.size > 0 ? compiling.answer.data : compiling.last_words);
    text_deinit(&compiling.answer);
    return FAIL(EVER_UNKNOWN, "compile scripts");
}

/* --- The request ----------------------------------------------------------------------------- */

static bool is_script(const struct app_file *file)
{
    return file->kind != APP_VIEW;
}

static bool is_entry(const struct app_file *file, unsigned entries)
{
    static const unsigned of_kind[] = {[APP_DECIDER] = SCRIPT_COMMANDS,
                                       [APP_ROUTES] = SCRIPT_COMMANDS,
                                       [APP_FLOW] = SCRIPT_FLOWS,
                                       [APP_TEST] = SCRIPT_TESTS,
                                       [APP_VIEW] = 0,
                                       [APP_MODULE] = 0};
    return (entries & of_kind[file->kind]) != 0;
}

/* Its default export is data for the server. */
static bool gives_data(const struct app_file *file)
{
    return file->kind == APP_ROUTES || file->kind == APP_TEST;
}

static void write_request(const struct app *app, unsigned entries, struct text *out)
{
    text_add_text(out, "{\"files\":{");
    const char *separator = "";
    for (size_t i = 0; i < app->file_count; i++) {
        if (is_script(&app->files[i])) {
            text_add_text(out, separator);
            json_write_string(out, slice_of_text(app->files[i].path));
            text_add_byte(out, ':');
            json_write_string(out, app->files[i].content);
            separator = ",";
        }
    }
    text_add_text(out, "},\"entries\":[");
    separator = "";
    for (size_t i = 0; i < app->file_count; i++) {
        if (is_entry(&app->files[i], entries)) {
            text_add_text(out, separator);
            json_write_string(out, slice_of_text(app->files[i].path));
            separator = ",";
        }
    }
    text_add_text(out, "]}");
}

/* --- The answer ------------------------------------------------------------------------------ */

static struct ever_err report_faults(struct json_value answer, struct text *report)
{
    struct json_value faults;
    bool any = false;
    struct arena arena;
    arena_init(&arena);
    ASSERT(json_member(answer, SLICE_LITERAL("faults"), &faults)); /* compiler.js always gives it */
    for (struct json_iter i = json_iter(faults); json_next(&i);) {
        any = true;
        text_add(report, json_string(i.value, &arena));
        text_add_byte(report, '\n');
    }
    arena_deinit(&arena);
    return any ? FAIL(EVER_INVALID, "compile scripts") : ERR_OK;
}

/* {modules, deciders: [{name, path}], data: [path]}, as runtime.js wants it. */
static void write_load(const struct app *app, unsigned entries, struct ever_slice modules,
                       struct text *out)
{
    text_printf(out, "{\"modules\":%.*s,\"deciders\":[", SLICE_PRINT(modules));
    const char *separator = "";
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == APP_DECIDER && is_entry(&app->files[i], entries)) {
            text_add_text(out, separator);
            text_add_text(out, "{\"name\":");
            json_write_string(out, slice_of_text(app->files[i].name));
            text_add_text(out, ",\"path\":");
            json_write_string(out, slice_of_text(app->files[i].path));
            text_add_byte(out, '}');
            separator = ",";
        }
    }
    text_add_text(out, "],\"data\":[");
    separator = "";
    for (size_t i = 0; i < app->file_count; i++) {
        if (is_entry(&app->files[i], entries) && gives_data(&app->files[i])) {
            text_add_text(out, separator);
            json_write_string(out, slice_of_text(app->files[i].path));
            separator = ",";
        }
    }
    text_add_text(out, "]}");
}

static void keep_modules(struct script_program *program, struct json_value modules)
{
    for (struct json_iter i = json_iter(modules); json_next(&i);) {
        program->module_count++;
    }
    program->modules =
        arena_alloc(&program->arena, program->module_count * sizeof *program->modules);
    size_t index = 0;
    for (struct json_iter i = json_iter(modules); json_next(&i);) {
        program->modules[index++] = i.value;
    }
}

struct ever_err script_compile(uv_loop_t *loop, const struct script_process_options *options,
                               const struct app *app, unsigned entries, struct text *report,
                               struct script_program *out_program)
{
    CLEANUP(text_deinit) struct text request = {0};
    CLEANUP(text_deinit) struct text answer = {0};
    CLEANUP(text_deinit) struct text load = {0};
    write_request(app, entries, &request);
    if (request.size > FRAME_PAYLOAD_BYTES_MAX) {
        text_printf(report, "the scripts of this APP are %zu MB: too many\n", request.size >> 20);
        return FAIL(EVER_LIMIT, "compile scripts");
    }
    TRY(ask_compiler(loop, options, text_slice(&request), report, &answer));
    struct json_value root = json_value_of(text_slice(&answer));
    TRY(report_faults(root, report));
    struct json_value modules;
    ASSERT(json_member(root, SLICE_LITERAL("modules"), &modules));
    write_load(app, entries, modules.text, &load);
    *out_program = (struct script_program){0};
    arena_init(&out_program->arena);
    out_program->load = arena_copy(&out_program->arena, text_slice(&load));
    struct json_value kept;
    ASSERT(json_member(json_value_of(out_program->load), SLICE_LITERAL("modules"), &kept));
    keep_modules(out_program, kept);
    return ERR_OK;
}

void script_program_deinit(struct script_program *program)
{
    arena_deinit(&program->arena);
    *program = (struct script_program){0};
}

/* --- Versions -------------------------------------------------------------------------------- */

static bool module_is(struct json_value module, struct ever_slice path)
{
    struct json_value value;
    struct arena arena;
    arena_init(&arena);
    bool same = json_member(module, SLICE_LITERAL("path"), &value) &&
                slice_equal(json_string(value, &arena), path);
    arena_deinit(&arena);
    return same;
}

/* Marks the module at `path` and, through its imports, all that it stands on. */
static void mark(const struct script_program *program, struct ever_slice path, bool *marks)
{
    for (size_t i = 0; i < program->module_count; i++) {
        if (marks[i] || !module_is(program->modules[i], path)) {
            continue;
        }
        marks[i] = true;
        struct json_value imports;
        ASSERT(json_member(program->modules[i], SLICE_LITERAL("imports"), &imports));
        struct arena arena;
        arena_init(&arena);
        for (struct json_iter import = json_iter(imports); json_next(&import);) {
            mark(program, json_string(import.value, &arena), marks);
        }
        arena_deinit(&arena);
    }
}

static bool is_marked(const struct script_program *program, const bool *marks,
                      struct ever_slice path)
{
    for (size_t i = 0; i < program->module_count; i++) {
        if (marks[i] && module_is(program->modules[i], path)) {
            return true;
        }
    }
    return false;
}

void script_program_version(const struct script_program *program, const struct app *app,
                            const char *path, char out_version[static SCRIPT_VERSION_BYTES])
{
    struct arena arena;
    arena_init(&arena);
    bool *marks = arena_alloc_zero(&arena, program->module_count * sizeof *marks);
    mark(program, slice_of_text(path), marks);
    CLEANUP(text_deinit) struct text sources = {0};
    for (size_t i = 0; i < app->file_count;
         i++) { /* sorted by path: the order is always the same */
        const struct app_file *file = &app->files[i];
        if (is_marked(program, marks, slice_of_text(file->path))) {
            text_printf(&sources, "%s %zu\n", file->path, file->content.size);
            text_add(&sources, file->content);
        }
    }
    arena_deinit(&arena);
    struct hash128 hash = hash128(text_slice(&sources));
    (void)snprintf(out_version, SCRIPT_VERSION_BYTES, "%016llx%016llx",
                   (unsigned long long)hash.high, (unsigned long long)hash.low);
}
