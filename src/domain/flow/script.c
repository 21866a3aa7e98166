/* script.c - segments of JavaScript: one worker process, on the loop of the flows' thread.
 *
 * A batch is derived in one go, so the thread waits inside of it for the worker's answer, and lets
 * its loop turn meanwhile. A worker that dies is replaced by the pool, which sends the request
 * again. When the server ends, the worker is ended too and the batch is given up: what it computed
 * is not used and not saved. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"
#include "domain/script/compile.h"
#include "domain/script/start.h"

#include <stdlib.h>

#define GRACE_MS 500u
#define STATES_MAX 1000000u
#define UNAVAILABLE_PAUSE_MS 500u

/* --- Starting --------------------------------------------------------------------------------- */

static struct script_process_options process_options(const struct flows *flows)
{
    return (struct script_process_options){.worker_path = flows->options.worker_path,
                                           .time_limit_ms = flows->options.time_limit_ms,
                                           .memory_limit_mb = flows->options.memory_limit_mb,
                                           .states_max = STATES_MAX};
}

struct ever_err flow_script_open(struct flows *flows, const struct app *app, struct text *report,
                                 struct text *out_graphs)
{
    struct script_process_options process = process_options(flows);
    struct script_program *program = mem_alloc_zero(sizeof *program);
    struct ever_err err =
        script_compile(&flows->loop, &process, app, SCRIPT_FLOWS, report, program);
    if (!IS_OK(err)) {
        free(program);
        return err;
    }
    flows->program = program;
    struct script_pool_options pool = {
        .process = process, .worker_count = 1, .grace_ms = GRACE_MS, .load = program->load};
    return script_start(&flows->loop, &pool, report, &flows->pool, out_graphs);
}

void flow_script_stop(struct flows *flows)
{
    if (flows->pool != NULL) {
        script_stop(&flows->loop, flows->pool);
        flows->pool = NULL;
    }
}

void flow_script_close(struct flows *flows)
{
    flow_script_stop(flows);
    if (flows->program != NULL) {
        script_program_deinit(flows->program);
        free(flows->program);
        flows->program = NULL;
    }
}

/* --- Calling ---------------------------------------------------------------------------------- */

struct call {
    struct script_request request;
    struct flows *flows;
    bool done;
    enum script_outcome outcome;
    struct text *answer;
};

static void on_done(struct script_request *request, const struct script_reply *reply)
{
    struct call *call = (struct call *)((char *)request - offsetof(struct call, request));
    call->done = true;
    call->outcome = reply->outcome;
    text_clear(call->answer);
    text_add(call->answer, reply->text);
}

static void call_once(struct call *call)
{
    struct flows *flows = call->flows;
    call->done = false;
    script_pool_send(flows->pool, &call->request);
    while (!call->done) {
        if (atomic_load(&flows->stop) && !flows->script_abandoned) {
            flows->script_abandoned = true;
            flow_script_stop(flows); /* answers the request */
            continue;
        }
        (void)uv_run(&flows->loop, UV_RUN_ONCE);
    }
}

static const char *sentence_of(enum script_outcome outcome)
{
    switch (outcome) {
    case SCRIPT_TIME_LIMIT:
        return "a function runs longer than it may";
    case SCRIPT_MEMORY_LIMIT:
        return "the functions take more memory than their worker may have";
    default:
        return "the worker that runs the functions failed";
    }
}

/* The engine finds the event by asking for one at a time: what the worker had in hand is not
 * needed. */
static void explain(struct call *call)
{
    struct text why = {0};
    text_add_text(&why, sentence_of(call->outcome));
    if (call->outcome == SCRIPT_TIME_LIMIT) {
        text_printf(&why, " (%u ms)", call->flows->options.time_limit_ms);
    } else if (call->answer->size > 0) {
        text_add_text(&why, ": ");
        text_add(&why, text_slice(call->answer));
    }
    text_deinit(call->answer);
    *call->answer = why;
}

/* The worker keeps states apart by the run they are of: {"instance":"live","segment":... */
static void write_request(const struct flow_run *run, struct ever_slice request, struct text *out)
{
    ASSERT(request.size > 2 && request.data[0] == '{');
    text_printf(out, "{\"instance\":\"%s\",", run->instance);
    text_add(out, slice_from(request, 1));
}

static enum derive_script_result run_segment(void *arg, struct ever_slice segment,
                                             struct ever_slice request, struct text *answer)
{
    (void)segment; /* it stands in the request too */
    struct flow_run *run = arg;
    struct flows *flows = run->owner;
    if (flows->script_abandoned) {
        return DERIVE_SCRIPT_BROKEN;
    }
    CLEANUP(text_deinit) struct text body = {0};
    write_request(run, request, &body);
    struct call call = {.flows = flows, .answer = answer};
    call.request =
        (struct script_request){.body = text_slice(&body), .done = on_done, .kind = FRAME_FLOW};
    call_once(&call);
    while (call.outcome == SCRIPT_UNAVAILABLE) { /* no fault of the flow's: the system is short */
        flows_pause(flows, UNAVAILABLE_PAUSE_MS);
        call_once(&call);
    }
    if (call.outcome == SCRIPT_ANSWERED) {
        return DERIVE_SCRIPT_ANSWERED;
    }
    explain(&call);
    return DERIVE_SCRIPT_BROKEN;
}

struct derive_script flow_script_of(struct flow_run *run)
{
    return (struct derive_script){.run = run_segment, .arg = run};
}
