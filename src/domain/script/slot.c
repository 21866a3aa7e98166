/* slot.c - one worker after the other: started, fed, watched, buried; its requests answered. */
#include "base/assert.h"
#include "base/slice.h"
#include "domain/script/pool_priv.h"

#include <stdio.h>

#define IN_FLIGHT_MAX 128u
#define IN_FLIGHT_BYTES_MAX (4u << 20)
#define DEATHS_MAX 2u        /* workers one request may cost when nothing else explains it */
#define STARTS_FAILED_MAX 3u /* in a row, before what waits is told so */
#define START_DELAY_MS_MIN 100u
#define START_DELAY_MS_MAX 5000u
#define LOAD_LIMIT_MS 10000u /* the worker's own limit for it (worker/engine.c) */
#define WALL_GRACE_FACTOR 10 /* a worker that gets no CPU is given this much more time */

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

void script_slot_restart(struct slot *slot)
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
    script_slot_restart(slot);
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

/* Whether the worker died of this request, and what to answer then. When we killed it, we know of
 * which; else it is the one in hand, unless that happens once only: a system short of memory or an
 * operator kills without a look at what is in hand. */
static enum script_outcome blame(const struct slot *slot, struct script_request *request,
                                 uint32_t current_id)
{
    if (slot->killed_for != SCRIPT_ANSWERED) {
        return request->id == slot->killed_id ? slot->killed_for : SCRIPT_ANSWERED;
    }
    bool in_hand = request->id == current_id;
    return in_hand && ++request->deaths >= DEATHS_MAX ? SCRIPT_CRASHED : SCRIPT_ANSWERED;
}

/* What was in flight waits again, before all others, but for the one the worker died of. */
static void take_back(struct slot *slot, uint32_t current_id, const char *last_words)
{
    struct queue again = {0};
    struct script_request *guilty = NULL;
    enum script_outcome outcome = SCRIPT_ANSWERED;
    for (struct script_request *request; (request = queue_pop(&slot->in_flight)) != NULL;) {
        enum script_outcome blamed = blame(slot, request, current_id);
        if (blamed == SCRIPT_ANSWERED) {
            queue_push(&again, request);
        } else {
            guilty = request;
            outcome = blamed;
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
        script_pool_slot_is_over(slot->pool);
    } else if (was_of_use) {
        script_slot_restart(slot);
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
    slot->killed_id = 0;
    slot->watch = (struct watch){0};
    script_process_send(slot->process, FRAME_LOAD, LOAD_ID, pool->options.load);
    script_process_flush(slot->process);
}

/* --- Watching -------------------------------------------------------------------------------- */

bool script_slot_is_busy(const struct slot *slot)
{
    return slot->process != NULL && (slot->state == SLOT_LOADING || slot->in_flight_count > 0);
}

static bool has_moved(const struct slot *slot, uint32_t current_id)
{
    return slot->watch.since_ns == 0 || slot->watch.answered != slot->answered ||
           slot->watch.current_id != current_id;
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

static void kill_for(struct slot *slot, enum script_outcome outcome, uint32_t current_id)
{
    slot->killed_for = outcome;
    slot->killed_id = current_id;
    script_process_kill(slot->process);
}

void script_slot_watch(struct slot *slot, int64_t now_ns)
{
    if (!script_slot_is_busy(slot)) {
        slot->watch.since_ns = 0;
        return;
    }
    uint32_t current_id = script_process_current_id(slot->process);
    if (slot->killed_for != SCRIPT_ANSWERED) {
        return; /* it is dying */
    }
    if (script_process_is_over_memory(slot->process)) {
        kill_for(slot, SCRIPT_MEMORY_LIMIT, current_id);
    } else if (has_moved(slot, current_id)) {
        slot->watch = (struct watch){.current_id = current_id,
                                     .answered = slot->answered,
                                     .since_ns = now_ns,
                                     .since_cpu_ns = script_process_cpu_ns(slot->process)};
    } else if (is_late(slot, now_ns)) {
        kill_for(slot, SCRIPT_TIME_LIMIT, current_id);
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
        enum frame_kind kind = request->kind != 0 ? request->kind : FRAME_STEP;
        script_process_send(slot->process, kind, request->id, request->body);
    }
    script_process_flush(slot->process);
}

void script_slot_turn(struct slot *slot)
{
    if (slot->pool->closing) {
        answer_all(&slot->waiting, SCRIPT_CLOSED, "the server is shutting down");
    } else if (slot->state == SLOT_READY) {
        send_waiting(slot);
    } else if (slot->starts_failed >= STARTS_FAILED_MAX) {
        answer_all(&slot->waiting, SCRIPT_UNAVAILABLE, slot->why);
    }
}

void script_slot_push(struct slot *slot, struct script_request *request)
{
    request->deaths = 0;
    queue_push(&slot->waiting, request);
}
