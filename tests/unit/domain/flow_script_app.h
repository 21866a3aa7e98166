/* flow_script_app.h - flows of an APP made in memory, loaded into a worker. */
#pragma once
#include "domain/script/compile.h"
#include "domain/script/start.h"
#include "unit/domain/script_app.h"
#include "unit/unit.h"

struct flow_script_app {
    uv_loop_t loop;
    struct script_program program;
    struct script_pool_options options;
    struct script_pool *pool; /* NULL when loading failed */
    struct text loaded;       /* what runtime.js answered */
    struct text report;
};

/* The error of compiling or loading; close it in any case. */
static inline struct ever_err flow_script_app_open(struct flow_script_app *app,
                                                   const struct script_source *files, size_t count)
{
    *app = (struct flow_script_app){
        .options = {.process = {.worker_path = script_worker_path(),
                                .time_limit_ms = 500,
                                .memory_limit_mb = 256,
                                .states_max = 1000},
                    .worker_count = 1,
                    .grace_ms = 1000},
    };
    assert_int_equal(uv_loop_init(&app->loop), 0);
    struct app made = script_app(files, count);
    struct ever_err err = script_compile(&app->loop, &app->options.process, &made, SCRIPT_FLOWS,
                                         &app->report, &app->program);
    script_app_deinit(&made);
    TRY(err);
    app->options.load = app->program.load;
    return script_start(&app->loop, &app->options, &app->report, &app->pool, &app->loaded);
}

static inline void flow_script_app_close(struct flow_script_app *app)
{
    if (app->pool != NULL) {
        script_stop(&app->loop, app->pool);
    }
    script_program_deinit(&app->program);
    text_deinit(&app->loaded);
    text_deinit(&app->report);
    while (uv_run(&app->loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&app->loop), 0);
}
