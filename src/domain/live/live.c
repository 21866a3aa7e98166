#include "domain/live/live.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/script/process.h"

#include <stdlib.h>

#define COMPILER_MEMORY_MB 2048u /* it runs our own code, once */
#define OPENING_LIMIT_MS                                                                           \
    10000 /* of compiling and loading, which have limits of their own within                       \
           */
#define WATCH_MS 100

enum state { COMPILING, LOADING, IDLE, STEPPING, FAILED };

struct live {
    uv_loop_t *loop;
    struct script_process_options process_options;
    uint32_t grace_ms;
    enum state state;
    struct text expression;
    struct live_beginning beginning;
    live_reply_fn *reply;
    void (*closed)(void *arg); /* set: closing */
    void *arg;
    struct script_process *process; /* the compiling one, then the one that runs */
    uv_timer_t watch;
    int64_t request_cpu_ns;       /* used by the process when the request was sent */
    struct text program;          /* COMPILING: what came out, until the process is gone */
    enum live_outcome killed_for; /* ANSWERED: not killed by us */
    bool timer_closed;
};

/* --- Replies ---------------------------------------------------------------------------------- */

static void give(struct live *live, enum live_outcome outcome, struct ever_slice text)
{
    live->state = outcome == LIVE_ANSWERED ? IDLE : FAILED;
    uv_timer_stop(&live->watch);
    if (live->closed == NULL) {
        live->reply(live->arg, &(struct live_reply){.outcome = outcome, .text = text});
    }
}

/* The first of its faults; false: there is none. */
static bool refuse(struct live *live, struct json_value answer)
{
    struct json_value faults;
    struct json_iter first;
    if (!json_member(answer, SLICE_LITERAL("faults"), &faults)) {
        return false;
    }
    first = json_iter(faults);
    if (!json_next(&first)) {
        return false;
    }
    struct arena arena;
    arena_init(&arena);
    give(live, LIVE_REFUSED, json_string(first.value, &arena));
    arena_deinit(&arena);
    return true;
}

/* --- Ends ------------------------------------------------------------------------------------- */

static void free_if_over(struct live *live)
{
    if (live->closed == NULL || live->process != NULL || !live->timer_closed) {
        return;
    }
    void (*closed)(void *arg) = live->closed;
    void *arg = live->arg;
    text_deinit(&live->expression);
    text_deinit(&live->program);
    free(live);
    closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct live *live = handle->data;
    live->timer_closed = true;
    free_if_over(live);
}

static void begin_loading(struct live *live);

static void on_gone(void *arg, struct script_process *process, const char *last_words)
{
    struct live *live = arg;
    ASSERT(process == live->process);
    live->process = NULL;
    if (live->closed != NULL) {
        free_if_over(live);
    } else if (live->state == COMPILING && live->program.size > 0) {
        begin_loading(live);
    } else if (live->state != FAILED) {
        bool killed = live->killed_for != LIVE_ANSWERED;
        give(live, killed ? live->killed_for : LIVE_CRASHED, slice_of_text(last_words));
    }
}

/* --- Requests --------------------------------------------------------------------------------- */

/* A process that does not end a request is ended. Its CPU time counts: on a busy machine it may
 * have had none. */
static void on_watch(uv_timer_t *timer)
{
    struct live *live = timer->data;
    if (live->process == NULL) {
        return;
    }
    uint32_t limit_ms = live->state == STEPPING
                            ? live->process_options.time_limit_ms + live->grace_ms
                            : OPENING_LIMIT_MS;
    int64_t used_ns = script_process_cpu_ns(live->process) - live->request_cpu_ns;
    if (script_process_is_over_memory(live->process)) {
        live->killed_for = LIVE_MEMORY_LIMIT;
    } else if (used_ns > (int64_t)limit_ms * 1000000) {
        live->killed_for = LIVE_TIME_LIMIT;
    } else {
        return;
    }
    script_process_kill(live->process);
}

static void send_request(struct live *live, enum frame_kind kind, struct ever_slice payload)
{
    live->request_cpu_ns = script_process_cpu_ns(live->process);
    script_process_send(live->process, kind, 1, payload);
    script_process_flush(live->process);
    uv_timer_start(&live->watch, on_watch, WATCH_MS, WATCH_MS);
}

static void on_answer(struct live *live, struct ever_slice text)
{
    if (!json_check(text, NULL)) {
        give(live, LIVE_CRASHED, SLICE_LITERAL("its answer is no JSON"));
        return;
    }
    struct json_value answer = json_value_of(text);
    if (live->state != STEPPING && refuse(live, answer)) {
        return;
    }
    if (live->state == COMPILING) {
        text_add(&live->program, text); /* goes on when the process is gone */
        script_process_kill(live->process);
        return;
    }
    give(live, LIVE_ANSWERED, text);
}

static void on_frame(void *arg, const struct frame *frame)
{
    struct live *live = arg;
    if (live->closed != NULL || live->state == FAILED) {
        return;
    }
    switch (frame->kind) {
    case FRAME_ANSWER:
        on_answer(live, frame->payload);
        break;
    case FRAME_TIME_LIMIT:
        give(live, LIVE_TIME_LIMIT, SLICE_NONE);
        break;
    case FRAME_MEMORY_LIMIT:
        give(live, LIVE_MEMORY_LIMIT, SLICE_NONE);
        break;
    default:
        give(live, LIVE_CRASHED, frame->payload);
    }
}

/* False: it cannot be started; the reply comes with the next turn. */
static bool start_process(struct live *live, const struct script_process_options *options)
{
    struct script_process_events events = {.frame = on_frame, .gone = on_gone, .arg = live};
    return IS_OK(script_process_start(live->loop, options, &events, &live->process));
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* The program is what the compiler answered: {"modules":[...],"faults":[]}. */
static void begin_loading(struct live *live)
{
    struct json_value modules;
    struct text request = {0};
    live->state = LOADING;
    if (!start_process(live, &live->process_options)) {
        give(live, LIVE_UNAVAILABLE, SLICE_NONE);
        return;
    }
    bool has =
        json_member(json_value_of(text_slice(&live->program)), SLICE_LITERAL("modules"), &modules);
    ASSERT(has); /* the compiler is ours */
    text_printf(&request, "{\"live\":true,\"now\":%lld,\"from\":%llu,\"modules\":",
                (long long)live->beginning.now_ms, (unsigned long long)live->beginning.position);
    text_add(&request, modules.text);
    text_add_byte(&request, '}');
    send_request(live, FRAME_LOAD, text_slice(&request));
    text_deinit(&request);
}

static void tell_unavailable(uv_timer_t *timer)
{
    give(timer->data, LIVE_UNAVAILABLE, SLICE_NONE);
}

static void begin_compiling(struct live *live)
{
    struct script_process_options options = live->process_options;
    struct text request = {0};
    options.memory_limit_mb = COMPILER_MEMORY_MB;
    if (!start_process(live, &options)) {
        uv_timer_start(&live->watch, tell_unavailable, 0, 0);
        return;
    }
    text_add_text(&request, "{\"expression\":");
    json_write_string(&request, text_slice(&live->expression));
    text_add_byte(&request, '}');
    send_request(live, FRAME_COMPILE, text_slice(&request));
    text_deinit(&request);
}

static uint32_t value_or(uint32_t value, uint32_t missing)
{
    return value == 0 ? missing : value;
}

struct live *live_open(uv_loop_t *loop, const struct live_options *options,
                       struct ever_slice expression, struct live_beginning beginning,
                       live_reply_fn *reply, void *arg)
{
    ASSERT(expression.size <= LIVE_EXPRESSION_BYTES_MAX);
    struct live *live = mem_alloc_zero(sizeof *live);
    live->loop = loop;
    live->process_options = (struct script_process_options){
        .worker_path = options->worker_path,
        .time_limit_ms = value_or(options->time_limit_ms, 250),
        .memory_limit_mb = value_or(options->memory_limit_mb, 64),
        .states_max = 1, /* there are none */
    };
    live->grace_ms = value_or(options->grace_ms, 1000);
    live->beginning = beginning;
    live->reply = reply;
    live->arg = arg;
    text_add(&live->expression, expression);
    int status = uv_timer_init(loop, &live->watch);
    ASSERT(status == 0);
    live->watch.data = live;
    begin_compiling(live);
    return live;
}

void live_step(struct live *live, struct ever_slice request)
{
    ASSERT(live->state == IDLE); /* so its process is there: else a reply has told */
    live->state = STEPPING;
    send_request(live, FRAME_LIVE, request);
}

void live_close(struct live *live, void (*closed)(void *arg))
{
    ASSERT(live->closed == NULL);
    live->closed = closed;
    uv_close((uv_handle_t *)&live->watch, on_timer_closed);
    if (live->process != NULL) {
        script_process_kill(live->process);
    }
}
