#include "domain/script/pool.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT_MAX 128u
#define IN_FLIGHT_BYTES_MAX (4u << 20)
#define DEATHS_MAX 2u        /* workers one request may cost when nothing else explains it */
#define STARTS_FAILED_MAX 3u /* in a row, before what waits is told so */
#define START_DELAY_MS_MIN 100u
#define START_DELAY_MS_MAX 5000u
#define LOAD_LIMIT_MS 10000u /* the worker's own limit for it (worker/engine.c) */
#define WATCH_MS 25u
#define WALL_GRACE_FACTOR 10 /* a worker that gets no CPU is given this much more time */

struct queue {
    struct script_request *first;
    struct script_request *last;
};

/*  EMPTY --start--> LOADING --answer to load--> READY
 *    ^  <--delay--     |                          |
 *    +------ dies -----+------------ dies --------+      */
enum slot_state { SLOT_EMPTY, SLOT_LOADING, SLOT_READY };

/* What the watchdog saw of a worker, and since when nothing moved. */
struct watch {
    uint32_t current_id;
    uint32_t answered;
    int64_t since_ns;
    int64_t since_cpu_ns;
};

struct slot {
    struct script_pool *pool;
    enum slot_state state;
    struct script_process *process; /* NULL when EMPTY */
    struct queue waiting;
    struct queue in_flight; /* in the order sent, which is the order of answers */
    uint32_t in_flight_count;
    size_t in_flight_bytes;
    uint32_t answered; /* by this process */
    struct watch watch;
    enum script_outcome killed_for; /* ANSWERED: not killed by us */
    unsigned starts_failed;         /* in a row */
    uv_timer_t restart;
    bool restart_armed;
    char why[192]; /* the last start failed */
};

struct script_pool {
    uv_loop_t *loop;
    struct script_pool_options options;
    script_loaded_fn *loaded; /* NULL once called */
    void *loaded_arg;
    uv_prepare_t turn;  /* before the loop waits: sends what this turn gathered */
    uv_timer_t watcher; /* runs while something is in flight or loading */
    uint32_t next_id;
    uint32_t replaced;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    uint32_t open_handles;
    struct slot slots[]; /* options.worker_count */
};

#define LOAD_ID 1u /* requests have larger ones */

/* --- Queues ---------------------------------------------------------------------------------- */

static void queue_push(struct queue *queue, struct script_request *request)
{
    request->next = NULL;
    if (queue->first == NULL) {
        queue->first = request;
    } else {
        queue->last->next = request;
    }
    queue->last = request;
}

static struct script_request *queue_pop(struct queue *queue)
{
    struct script_request *request = queue->first;
    if (request != NULL) {
        queue->first = request->next;
        request->next = NULL;
    }
    return request;
}

/* Puts all of `front` before what `queue` holds. */
static void queue_prepend(struct queue *queue, struct queue front)
{
    if (front.first == NULL) {
        return;
    }
    front.last->next = queue->first;
    if (queue->first == NULL) {
        queue->last = front.last;
    }
    queue->first = front.first;
}

static void answer(struct script_request *request, enum script_outcome outcome, const char *text)
{
    request->deaths = 0;
    struct script_reply reply = {.outcome = outcome, .text = slice_of_text(text)};
    request->done(request, &reply);
}

static void answer_all(struct queue *queue, enum script_outcome outcome, const char *text)
{
    struct queue all = *queue;
    *queue = (struct queue){0};
    for (struct script_request *request; (request = queue_pop(&all)) != NULL;) {
        answer(request, outcome, text);
    }
}

/* --- Starting -------------------------------------------------------------------------------- */

static void start(struct slot *slot);

static void on_restart(uv_timer_t *timer)
{
    struct slot *slot = timer->data;
    slot->restart_armed = false;
    start(slot);
}

static uint32_t restart_delay_ms(unsigned starts_failed)
{
    if (starts_failed == 0) {
        return 0;
    }
    uint32_t delay = START_DELAY_MS_MIN;
    for (unsigned i = 1; i < starts_failed && delay < START_DELAY_MS_MAX; i++) {
        delay *= 2;
    }
    return delay < START_DELAY_MS_MAX ? delay : START_DELAY_MS_MAX;
}

static void restart_later(struct slot *slot)
{
    ASSERT(slot->state == SLOT_EMPTY);
    if (!slot->pool->closing && !slot->restart_armed) {
        slot->restart_armed = true;
        uv_timer_start(&slot->restart, on_restart, restart_delay_ms(slot->starts_failed), 0);
    }
}

static void tell_loaded(struct script_pool *pool, const struct script_reply *reply)
{
    script_loaded_fn *loaded = pool->loaded;
    pool->loaded = NULL;
    if (loaded != NULL) {
        loaded(pool->loaded_arg, reply);
    }
}

static void start_failed(struct slot *slot, const char *why)
{
    slot->starts_failed++;
    (void)snprintf(slot->why, sizeof slot->why, "no worker can be started: %s", why);
    restart_later(slot);
    if (slot->starts_failed >= STARTS_FAILED_MAX) {
        tell_loaded(slot->pool, &(struct script_reply){.outcome = SCRIPT_UNAVAILABLE,
                                                       .text = slice_of_text(slot->why)});
    }
}

/* --- Answers --------------------------------------------------------------------------------- */

static void on_load_answer(struct slot *slot, const struct frame *frame)
{
    if (frame->kind == FRAME_ANSWER) {
        slot->state = SLOT_READY;
        slot->starts_failed = 0;
        tell_loaded(slot->pool, &(struct script_reply){.text = frame->payload});
        return;
    }
    slot->killed_for = frame->kind == FRAME_TIME_LIMIT     ? SCRIPT_TIME_LIMIT
                       : frame->kind == FRAME_MEMORY_LIMIT ? SCRIPT_MEMORY_LIMIT
                                                           : SCRIPT_CRASHED;
    struct script_reply reply = {.outcome = slot->killed_for, .text = frame->payload};
    tell_loaded(slot->pool, &reply);
    script_process_kill(slot->process);
}

static void on_frame(void *arg, const struct frame *frame)
{
    struct slot *slot = arg;
    slot->answered++;
    if (slot->state == SLOT_LOADING) {
        on_load_answer(slot, frame);
        return;
    }
    struct script_request *request = slot->in_flight.first;
    if (request == NULL || request->id != frame->id) {
        script_process_kill(slot->process); /* not our protocol any more */
        return;
    }
    (void)queue_pop(&slot->in_flight); /* it is `request` */
    slot->in_flight_count--;
    slot->in_flight_bytes -= request->body.size;
    struct script_reply reply = {.text = frame->payload};
    switch (frame->kind) {
    case FRAME_TIME_LIMIT:
        reply.outcome = SCRIPT_TIME_LIMIT;
        break;
    case FRAME_MEMORY_LIMIT:
        reply.outcome = SCRIPT_MEMORY_LIMIT;
        break;
    case FRAME_FAULT:
        reply.outcome = SCRIPT_CRASHED;
        break;
    default:
        reply.outcome = SCRIPT_ANSWERED;
        break;
    }
    request->deaths = 0;
    request->done(request, &reply);
}

/* --- Death ----------------------------------------------------------------------------------- */

static enum script_outcome blame(struct slot *slot, struct script_request *request)
{
    if (slot->killed_for != SCRIPT_ANSWERED) {
        return slot->killed_for;
    }
    return ++request->deaths >= DEATHS_MAX ? SCRIPT_CRASHED : SCRIPT_ANSWERED;
}

/* What was in flight waits again, before all others, but for the one the worker died of. */
static void take_back(struct slot *slot, uint32_t current_id, const char *last_words)
{
    struct queue again = {0};
    struct script_request *guilty = NULL;
    enum script_outcome outcome = SCRIPT_ANSWERED;
    for (struct script_request *request; (request = queue_pop(&slot->in_flight)) != NULL;) {
        if (request->id == current_id && (outcome = blame(slot, request)) != SCRIPT_ANSWERED) {
            guilty = request;
        } else {
            queue_push(&again, request);
        }
    }
    slot->in_flight_count = 0;
    slot->in_flight_bytes = 0;
    queue_prepend(&slot->waiting, again);
    if (guilty != NULL) {
        char text[224];
        (void)snprintf(text, sizeof text, "its worker %s", last_words);
        answer(guilty, outcome, text);
    }
}

static void finish_close(struct script_pool *pool);

static void on_gone(void *arg, struct script_process *process, const char *last_words)
{
    struct slot *slot = arg;
    ASSERT(slot->process == process);
    uint32_t current_id = script_process_current_id(process);
    bool was_ready = slot->state == SLOT_READY;
    bool was_of_use = was_ready && (slot->answered > 1 || current_id != 0);
    slot->process = NULL;
    slot->state = SLOT_EMPTY;
    slot->pool->replaced += !slot->pool->closing;
    take_back(slot, current_id, last_words);
    if (slot->pool->closing) {
        finish_close(slot->pool);
    } else if (was_of_use) {
        restart_later(slot);
    } else {
        start_failed(slot, last_words);
    }
}

static void start(struct slot *slot)
{
    struct script_pool *pool = slot->pool;
    if (pool->closing) {
        return;
    }
    struct script_process_events events = {.frame = on_frame, .gone = on_gone, .arg = slot};
    struct ever_err err =
        script_process_start(pool->loop, &pool->options.process, &events, &slot->process);
    if (!IS_OK(err)) {
        start_failed(slot, err.code == EVER_NOT_FOUND ? "the program everfold-js is not there"
                                                      : err.what);
        return;
    }
    slot->state = SLOT_LOADING;
    slot->answered = 0;
    slot->killed_for = SCRIPT_ANSWERED;
    slot->watch = (struct watch){0};
    script_process_send(slot->process, FRAME_LOAD, LOAD_ID, pool->options.load);
    script_process_flush(slot->process);
}

/* --- Watching -------------------------------------------------------------------------------- */

static bool is_busy(const struct slot *slot)
{
    return slot->process != NULL && (slot->state == SLOT_LOADING || slot->in_flight_count > 0);
}

static bool has_moved(const struct slot *slot)
{
    return slot->watch.since_ns == 0 || slot->watch.answered != slot->answered ||
           slot->watch.current_id != script_process_current_id(slot->process);
}

/* Too long is measured in the worker's CPU time; in time on the wall only when it gets none. */
static bool is_late(const struct slot *slot, int64_t now_ns)
{
    const struct script_pool_options *options = &slot->pool->options;
    int64_t limit_ms = slot->state == SLOT_LOADING ? LOAD_LIMIT_MS : options->process.time_limit_ms;
    int64_t cpu_ms = (script_process_cpu_ns(slot->process) - slot->watch.since_cpu_ns) / 1000000;
    int64_t wall_ms = (now_ns - slot->watch.since_ns) / 1000000;
    int64_t grace_ms = options->grace_ms;
    return cpu_ms > limit_ms + grace_ms || wall_ms > (limit_ms + grace_ms) * WALL_GRACE_FACTOR;
}

static void watch(struct slot *slot, int64_t now_ns)
{
    if (!is_busy(slot)) {
        slot->watch.since_ns = 0;
        return;
    }
    if (has_moved(slot)) {
        slot->watch = (struct watch){.current_id = script_process_current_id(slot->process),
                                     .answered = slot->answered,
                                     .since_ns = now_ns,
                                     .since_cpu_ns = script_process_cpu_ns(slot->process)};
    } else if (is_late(slot, now_ns)) {
        slot->killed_for = SCRIPT_TIME_LIMIT;
        script_process_kill(slot->process);
        return;
    }
    if (script_process_is_over_memory(slot->process)) {
        slot->killed_for = SCRIPT_MEMORY_LIMIT;
        script_process_kill(slot->process);
    }
}

static void on_watch(uv_timer_t *timer)
{
    struct script_pool *pool = timer->data;
    bool any_busy = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        watch(&pool->slots[i], (int64_t)uv_hrtime());
        any_busy |= is_busy(&pool->slots[i]);
    }
    if (!any_busy) {
        uv_timer_stop(timer);
    }
}

/* --- Sending --------------------------------------------------------------------------------- */

static bool has_room(const struct slot *slot)
{
    return slot->in_flight_count < IN_FLIGHT_MAX && slot->in_flight_bytes < IN_FLIGHT_BYTES_MAX;
}

static void send_waiting(struct slot *slot)
{
    struct script_pool *pool = slot->pool;
    while (slot->waiting.first != NULL && has_room(slot)) {
        struct script_request *request = queue_pop(&slot->waiting);
        pool->next_id = pool->next_id < UINT32_MAX ? pool->next_id + 1 : LOAD_ID + 1;
        request->id = pool->next_id;
        queue_push(&slot->in_flight, request);
        slot->in_flight_count++;
        slot->in_flight_bytes += request->body.size;
        script_process_send(slot->process, FRAME_STEP, request->id, request->body);
    }
    script_process_flush(slot->process);
}

static void turn(struct slot *slot)
{
    if (slot->pool->closing) {
        answer_all(&slot->waiting, SCRIPT_CLOSED, "the server is shutting down");
    } else if (slot->state == SLOT_READY) {
        send_waiting(slot);
    } else if (slot->starts_failed >= STARTS_FAILED_MAX) {
        answer_all(&slot->waiting, SCRIPT_UNAVAILABLE, slot->why);
    }
}

static void on_turn(uv_prepare_t *prepare)
{
    struct script_pool *pool = prepare->data;
    bool any_busy = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        turn(&pool->slots[i]);
        any_busy |= is_busy(&pool->slots[i]);
    }
    if (any_busy && !uv_is_active((uv_handle_t *)&pool->watcher) && !pool->closing) {
        uv_timer_start(&pool->watcher, on_watch, WATCH_MS, WATCH_MS);
    }
}

void script_pool_send(struct script_pool *pool, struct script_request *request)
{
    struct slot *slot = &pool->slots[request->key % pool->options.worker_count];
    request->deaths = 0;
    queue_push(&slot->waiting, request);
}

/* --- Open and close -------------------------------------------------------------------------- */

void script_pool_open(uv_loop_t *loop, const struct script_pool_options *options,
                      script_loaded_fn *loaded, void *arg, struct script_pool **out_pool)
{
    ASSERT(options->worker_count > 0);
    struct script_pool *pool =
        mem_alloc_zero(sizeof *pool + options->worker_count * sizeof pool->slots[0]);
    pool->loop = loop;
    pool->options = *options;
    pool->loaded = loaded;
    pool->loaded_arg = arg;
    pool->next_id = LOAD_ID;
    pool->turn.data = pool;
    pool->watcher.data = pool;
    uv_prepare_init(loop, &pool->turn);
    uv_prepare_start(&pool->turn, on_turn);
    uv_timer_init(loop, &pool->watcher);
    for (uint32_t i = 0; i < options->worker_count; i++) {
        struct slot *slot = &pool->slots[i];
        slot->pool = pool;
        slot->restart.data = slot;
        uv_timer_init(loop, &slot->restart);
        restart_later(slot);
    }
    *out_pool = pool;
}

static void forget_handle(struct script_pool *pool)
{
    if (--pool->open_handles == 0) {
        void (*closed)(void *arg) = pool->closed;
        void *arg = pool->closed_arg;
        free(pool);
        closed(arg);
    }
}

static void on_pool_handle_closed(uv_handle_t *handle)
{
    forget_handle(handle->data);
}

static void on_slot_handle_closed(uv_handle_t *handle)
{
    struct slot *slot = handle->data;
    forget_handle(slot->pool);
}

/* Goes on until the last process has gone. */
static void finish_close(struct script_pool *pool)
{
    bool any_process = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        turn(&pool->slots[i]);
        any_process |= pool->slots[i].process != NULL;
    }
    if (any_process || pool->open_handles > 0) {
        return;
    }
    pool->open_handles = pool->options.worker_count + 2;
    uv_close((uv_handle_t *)&pool->turn, on_pool_handle_closed);
    uv_close((uv_handle_t *)&pool->watcher, on_pool_handle_closed);
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        uv_close((uv_handle_t *)&pool->slots[i].restart, on_slot_handle_closed);
    }
}

static void on_close(uv_timer_t *timer)
{
    finish_close(timer->data);
}

void script_pool_close(struct script_pool *pool, void (*closed)(void *arg), void *arg)
{
    ASSERT(!pool->closing);
    pool->closing = true;
    pool->closed = closed;
    pool->closed_arg = arg;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        if (pool->slots[i].process != NULL) {
            script_process_kill(pool->slots[i].process);
        }
    }
    uv_timer_start(&pool->watcher, on_close, 0, 0); /* from the loop, not from inside this call */
}

/* --- Statistics ------------------------------------------------------------------------------ */

void script_pool_stats(const struct script_pool *pool, struct script_pool_stats *out_stats)
{
    *out_stats = (struct script_pool_stats){.replaced = pool->replaced};
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        out_stats->ready += pool->slots[i].state == SLOT_READY;
    }
}

int script_pool_pid(const struct script_pool *pool, uint32_t index)
{
    ASSERT(index < pool->options.worker_count);
    const struct script_process *process = pool->slots[index].process;
    return process == NULL ? 0 : script_process_pid(process);
}
