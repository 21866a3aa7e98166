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

struct flow_script_call {
    struct script_request request; /* first: the pool gives it back */
    bool done;
    enum script_outcome outcome;
    struct text *answer;
};

static inline void flow_script_on_done(struct script_request *request,
                                       const struct script_reply *reply)
{
    struct flow_script_call *call = (struct flow_script_call *)request;
    call->done = true;
    call->outcome = reply->outcome;
    text_add(call->answer, reply->text);
}

/* Sends one FRAME_FLOW and waits; `answer` is emptied first. */
static inline enum script_outcome flow_script_ask(struct flow_script_app *app, const char *request,
                                                  struct text *answer)
{
    text_clear(answer);
    struct flow_script_call call = {.request = {.body = slice_of_text(request),
                                                .kind = FRAME_FLOW,
                                                .done = flow_script_on_done},
                                    .answer = answer};
    script_pool_send(app->pool, &call.request);
    while (!call.done) {
        uv_run(&app->loop, UV_RUN_ONCE);
    }
    return call.outcome;
}
