#include "domain/flow/declare.h"

#include "base/assert.h"
#include "domain/script/compile.h"
#include "domain/script/start.h"

#define TIME_LIMIT_MS 2000u /* of CPU, to run the declarations */
#define MEMORY_LIMIT_MB 256u
#define GRACE_MS 1000u

static struct ever_err declare(uv_loop_t *loop, const struct app *app, const char *worker_path,
                               struct text *report, struct text *out_answer)
{
    struct script_process_options process = {.worker_path = worker_path,
                                             .time_limit_ms = TIME_LIMIT_MS,
                                             .memory_limit_mb = MEMORY_LIMIT_MB,
                                             .states_max = 1};
    struct script_program program;
    TRY(script_compile(loop, &process, app, SCRIPT_FLOWS, report, &program));
    struct script_pool_options options = {
        .process = process, .worker_count = 1, .grace_ms = GRACE_MS, .load = program.load};
    struct script_pool *pool;
    struct ever_err err = script_start(loop, &options, report, &pool, out_answer);
    if (IS_OK(err)) {
        script_stop(loop, pool);
    }
    script_program_deinit(&program);
    return err;
}

struct ever_err flow_graphs_declared(const struct app *app, const char *worker_path,
                                     struct text *report, struct text *out_answer)
{
    uv_loop_t loop;
    int failed = uv_loop_init(&loop);
    ASSERT(failed == 0);
    struct ever_err err = declare(&loop, app, worker_path, report, out_answer);
    failed = uv_loop_close(&loop);
    ASSERT(failed == 0);
    return err;
}
