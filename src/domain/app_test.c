/* app_test.c - the run as a whole; one test is the matter of app_test_case.c. */
#include "domain/app_test.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/app_test_case.h"
#include "domain/script/compile.h"
#include "domain/script/start.h"

#include <stdlib.h>

struct app_test {
    struct arena arena; /* of the results */
    struct app_test_result *results;
    size_t count;
    size_t capacity;
};

static void add_result(struct app_test *test, const char *file, struct ever_slice name,
                       const struct text *message)
{
    if (test->count == test->capacity) {
        test->capacity = test->capacity == 0 ? 16 : test->capacity * 2;
        test->results = mem_grow(test->results, test->capacity * sizeof *test->results);
    }
    test->results[test->count++] = (struct app_test_result){
        .file = file,
        .name = arena_copy(&test->arena, name).data,
        .passed = message->size == 0,
        .message = arena_copy(&test->arena, text_slice(message)).data,
    };
}

static void run_file(struct app_test *test, const struct app_test_bench *bench, const char *file,
                     struct json_value tests)
{
    if (tests.kind != JSON_OBJECT) {
        struct text message = {0};
        text_add_text(&message, "the file exports an object: name of a test -> test");
        add_result(test, file, SLICE_LITERAL("default"), &message);
        text_deinit(&message);
        return;
    }
    for (struct json_iter i = json_iter(tests); json_next(&i);) {
        struct text message = {0};
        app_test_case_run(bench, i.value, &message);
        struct arena arena;
        arena_init(&arena);
        add_result(test, file, json_string(i.key, &arena), &message);
        arena_deinit(&arena);
        text_deinit(&message);
    }
}

static void run_all(struct app_test *test, struct app_test_bench *bench)
{
    struct json_value root = json_value_of(bench->loaded);
    struct json_value data;
    ASSERT(json_member(root, SLICE_LITERAL("deciders"), &bench->deciders));
    ASSERT(json_member(root, SLICE_LITERAL("data"), &data));
    for (size_t i = 0; i < bench->app->file_count; i++) {
        const struct app_file *file = &bench->app->files[i];
        struct json_value tests;
        if (file->kind == APP_TEST && json_member(data, slice_of_text(file->path), &tests)) {
            struct ever_slice kept = arena_copy(&test->arena, slice_of_text(file->path));
            run_file(test, bench, kept.data, tests);
        }
    }
}

static struct ever_err run_on_loop(uv_loop_t *loop, const struct app *app,
                                   const struct decider_options *given, struct text *report,
                                   struct app_test *test)
{
    struct decider_options options = decider_options_complete(given);
    struct script_pool_options pool = {
        .process = {.worker_path = options.worker_path,
                    .time_limit_ms = options.time_limit_ms,
                    .memory_limit_mb = options.memory_limit_mb,
                    .states_max = options.states_max},
        .worker_count = 1,
        .grace_ms = options.grace_ms,
    };
    CLEANUP(script_program_deinit) struct script_program program = {0};
    TRY(script_compile(loop, &pool.process, app, SCRIPT_COMMANDS | SCRIPT_FLOWS | SCRIPT_TESTS,
                       report, &program));
    pool.load = program.load;
    CLEANUP(text_deinit) struct text loaded = {0};
    struct app_test_bench bench = {.loop = loop, .app = app, .options = &options};
    TRY(script_start(loop, &pool, report, &bench.pool, &loaded));
    bench.loaded = text_slice(&loaded);
    run_all(test, &bench);
    script_stop(loop, bench.pool);
    return ERR_OK;
}

struct ever_err app_test_run(const struct app *app, const struct decider_options *options,
                             struct text *report, struct app_test **out_test)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return FAIL(EVER_IO, "make an event loop");
    }
    struct app_test *test = mem_alloc_zero(sizeof *test);
    arena_init(&test->arena);
    struct ever_err err = run_on_loop(&loop, app, options, report, test);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    ASSERT(uv_loop_close(&loop) == 0);
    if (!IS_OK(err)) {
        app_test_free(test);
        return err;
    }
    *out_test = test;
    return ERR_OK;
}

size_t app_test_count(const struct app_test *test)
{
    return test->count;
}

const struct app_test_result *app_test_at(const struct app_test *test, size_t index)
{
    ASSERT(index < test->count);
    return &test->results[index];
}

void app_test_free(struct app_test *test)
{
    if (test != NULL) {
        free(test->results);
        arena_deinit(&test->arena);
        free(test);
    }
}
