#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/decider/deciders_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- Queues and lines ------------------------------------------------------------------------ */

void job_queue_push(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    if (queue->first == NULL) {
        queue->first = job;
    } else {
        queue->last->next = job;
    }
    queue->last = job;
}

struct job *job_queue_pop(struct job_queue *queue)
{
    struct job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        job->next = NULL;
    }
    return job;
}

static struct line **bucket_of(struct deciders *deciders, uint64_t hash)
{
    return &deciders->buckets[hash & (deciders->bucket_count - 1)];
}

static struct line *find_line(struct deciders *deciders, struct ever_slice stream, uint64_t hash)
{
    struct line *line = *bucket_of(deciders, hash);
    while (line != NULL && !slice_equal(slice_of(line->stream, line->stream_size), stream)) {
        line = line->next;
    }
    return line;
}

static struct line *add_line(struct deciders *deciders, struct ever_slice stream, uint64_t hash)
{
    struct line *line = mem_alloc_zero(sizeof *line + stream.size);
    line->hash = hash;
    line->stream_size = stream.size;
    memcpy(line->stream, stream.data, stream.size);
    struct line **bucket = bucket_of(deciders, hash);
    line->next = *bucket;
    *bucket = line;
    return line;
}

static void remove_line(struct deciders *deciders, struct line *line)
{
    struct line **at = bucket_of(deciders, line->hash);
    while (*at != line) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = line->next;
    free(line);
}

/* --- The beginning --------------------------------------------------------------------------- */

struct job *job_create(struct deciders *deciders, const struct decider_info *decider,
                       struct ever_slice id)
{
    if (deciders->job_count >= deciders->options.waiting_max) {
        return NULL;
    }
    struct job *job = mem_alloc_zero(sizeof *job);
    arena_init(&job->arena);
    job->deciders = deciders;
    job->decider = decider;
    job->stream = arena_printf(&job->arena, "%s-%.*s", decider->name, SLICE_PRINT(id));
    job->id = slice_from(job->stream, job->stream.size - id.size);
    job->key = job->stream;
    job->revision = EVER_NO_REVISION;
    job->loader =
        (struct event_loader){.store = deciders->store, .stream = job->stream, .decider = decider};
    deciders->job_count++;
    return job;
}

static void on_turn(uv_idle_t *turn)
{
    job_begin_ready(turn->data);
}

static void make_ready(struct job *job)
{
    struct deciders *deciders = job->deciders;
    ASSERT(job->state == JOB_READY);
    job_queue_push(&deciders->ready, job);
    uv_idle_start(&deciders->turn, on_turn);
}

void job_enqueue(struct job *job)
{
    struct deciders *deciders = job->deciders;
    uint64_t hash = hash64(job->stream, 0);
    job->request.key = hash;
    if (job->at != UINT64_MAX) {
        make_ready(job);
        return;
    }
    job->line = find_line(deciders, job->stream, hash);
    if (job->line != NULL) {
        job_queue_push(&job->line->waiting, job);
        return;
    }
    job->line = add_line(deciders, job->stream, hash);
    make_ready(job);
}

void job_begin_ready(struct deciders *deciders)
{
    struct job_queue now = deciders->ready; /* what becomes ready meanwhile has the next turn */
    deciders->ready = (struct job_queue){0};
    for (struct job *job; (job = job_queue_pop(&now)) != NULL;) {
        if (deciders->closing) {
            job_fail(job, DECIDER_CLOSED, SLICE_NONE);
        } else if (job->command != NULL) {
            job_begin_command(job);
        } else {
            job_begin_state(job);
        }
    }
    if (deciders->ready.first == NULL) {
        uv_idle_stop(&deciders->turn);
    }
}

/* --- The end --------------------------------------------------------------------------------- */

static void leave_line(struct job *job)
{
    struct line *line = job->line;
    if (line == NULL) {
        return;
    }
    struct job *next = job_queue_pop(&line->waiting);
    if (next == NULL) {
        remove_line(job->deciders, line);
    } else {
        make_ready(next);
    }
}

static void on_forgotten(struct script_request *request, const struct script_reply *reply)
{
    struct job *job = (struct job *)request;
    if (reply->outcome == SCRIPT_TIME_LIMIT) { /* unheard of, but it must not stay believed */
        script_pool_send(job->deciders->pool, request);
        return;
    }
    job->guess = false; /* taken back, or gone with its worker */
    job_end(job);
}

static void forget(struct job *job)
{
    job->state = JOB_FORGETTING;
    text_clear(&job->body);
    text_add_text(&job->body, "{\"forget\":");
    json_write_string(&job->body, job->key);
    text_add_byte(&job->body, '}');
    job->request.body = text_slice(&job->body);
    job->request.done = on_forgotten;
    script_pool_send(job->deciders->pool, &job->request);
}

void job_end(struct job *job)
{
    struct deciders *deciders = job->deciders;
    if (job->guess && !deciders->closing) {
        forget(job);
        return;
    }
    if (job->command != NULL) {
        job->done(job->arg, &job->answer);
    } else {
        job->show(job->arg, &job->answer_state);
    }
    leave_line(job);
    event_loader_deinit(&job->loader);
    text_deinit(&job->body);
    arena_deinit(&job->arena);
    free(job);
    deciders->job_count--;
    deciders_finish_close(deciders);
}

static uint16_t code_of(enum decider_outcome outcome)
{
    switch (outcome) {
    case DECIDER_TIME_LIMIT:
        return EVER_TIMEOUT;
    case DECIDER_CLOSED:
        return EVER_CLOSED;
    default:
        return EVER_INVALID;
    }
}

void job_fail(struct job *job, enum decider_outcome outcome, struct ever_slice message)
{
    message = arena_copy(&job->arena, message);
    job->answer =
        (struct decider_answer){.outcome = outcome, .message = message, .revision = job->revision};
    job->answer_state = (struct decider_state){
        .err = FAIL(code_of(outcome), "fold a state"),
        .message = message,
        .revision = job->revision,
    };
    job_end(job);
}

void job_fail_store(struct job *job, struct ever_err err)
{
    job->answer = (struct decider_answer){
        .outcome = DECIDER_STORE_FAILED, .err = err, .revision = job->revision};
    job->answer_state = (struct decider_state){.err = err, .revision = job->revision};
    job_end(job);
}
