#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "domain/decider/deciders_priv.h"

#include <stdio.h>

#define RELOADS_MAX 8u /* times a worker may have lost a state while it was being folded */

/* --- The request ----------------------------------------------------------------------------- */

static void write_member(struct text *out, const char *name, struct ever_slice text)
{
    text_printf(out, ",\"%s\":", name);
    json_write_string(out, text);
}

static void write_command(struct job *job)
{
    const struct decider_command *command = job->command;
    char id[UUID_TEXT_BYTES];
    uuid_format(command->command_id, id);
    text_printf(&job->body, ",\"command\":{\"id\":\"%.*s\",\"data\":", UUID_TEXT_BYTES, id);
    text_add(&job->body, command->data);
    write_member(&job->body, "name", command->name);
    write_member(&job->body, "now", slice_of(job->now, TIME_BYTES));
    write_member(&job->body, "seed", slice_of(job->seed, SEED_BYTES));
    text_add_byte(&job->body, '}');
}

static void write_request(struct job *job)
{
    bool more = job->loader_has_piece && !job->loader.complete;
    text_clear(&job->body);
    text_printf(&job->body, "{\"decider\":\"%s\",\"revision\":%lld", job->decider->name,
                (long long)job->revision);
    write_member(&job->body, "stream", job->key);
    write_member(&job->body, "id", job->id);
    if (job->guess) {
        text_add_text(&job->body, ",\"drop\":true");
    }
    if (job->loader_has_piece) {
        text_printf(&job->body, ",\"from\":%llu,\"events\":", (unsigned long long)job->loader.from);
        text_add(&job->body, text_slice(&job->loader.events));
    }
    if (more) {
        text_add_text(&job->body, ",\"more\":true");
    } else if (job->command == NULL) {
        text_add_text(&job->body,
                      job->at == UINT64_MAX ? ",\"show\":true" : ",\"show\":true,\"once\":true");
    } else {
        write_command(job);
    }
    text_add_byte(&job->body, '}');
}

/* --- The answer ------------------------------------------------------------------------------ */

static void load_piece(struct job *job);

static void on_need(struct job *job, struct json_value value)
{
    int64_t from;
    bool fine = json_integer(value, &from) && from >= 0;
    if (!fine || ++job->reloads > RELOADS_MAX) {
        job->guess = true;
        job_fail(job, DECIDER_OVERTAKEN, SLICE_LITERAL("the state could not be kept in a worker"));
        return;
    }
    job_load(job, (uint64_t)from);
}

static void on_answer(struct job *job, struct json_value root)
{
    struct json_iter first = json_iter(root);
    if (!json_next(&first)) {
        job_fail(job, DECIDER_THREW, SLICE_LITERAL("the worker gave no answer"));
        return;
    }
    struct ever_slice member = json_string(first.key, &job->arena);
    struct json_value seeded;
    if (slice_is(member, "need")) {
        on_need(job, first.value);
    } else if (slice_is(member, "folded")) {
        load_piece(job);
    } else if (slice_is(member, "state")) {
        job_on_state(job, first.value);
    } else if (slice_is(member, "threw")) {
        job_fail(job, DECIDER_THREW, json_string(first.value, &job->arena));
    } else {
        bool used_seed =
            json_member(root, SLICE_LITERAL("seeded"), &seeded) && seeded.kind == JSON_TRUE;
        job_on_decided(job, member, first.value, used_seed);
    }
}

static void on_text(struct job *job, struct ever_slice text)
{
    struct json_fault fault;
    text =
        arena_copy(&job->arena, text); /* lent by the pool, wanted until the events are written */
    if (!json_check(text, &fault)) {
        job->guess = true; /* whatever it has decided there will not be appended */
        job_fail(job, DECIDER_THREW,
                 arena_printf(&job->arena,
                              "deciders/%s: what was returned cannot be kept as JSON: %s",
                              job->decider->name, fault.reason));
        return;
    }
    on_answer(job, json_value_of(text));
}

static const enum decider_outcome outcomes[] = {
    [SCRIPT_TIME_LIMIT] = DECIDER_TIME_LIMIT, [SCRIPT_MEMORY_LIMIT] = DECIDER_MEMORY_LIMIT,
    [SCRIPT_CRASHED] = DECIDER_MEMORY_LIMIT,  [SCRIPT_UNAVAILABLE] = DECIDER_UNAVAILABLE,
    [SCRIPT_CLOSED] = DECIDER_CLOSED,
};

static struct ever_slice failure_text(struct job *job, const struct script_reply *reply)
{
    const struct decider_options *options = &job->deciders->options;
    switch (reply->outcome) {
    case SCRIPT_TIME_LIMIT:
        return arena_printf(&job->arena, "deciders/%s ran longer than its time limit, %u ms",
                            job->decider->name, options->time_limit_ms);
    case SCRIPT_MEMORY_LIMIT:
        return arena_printf(&job->arena, "deciders/%s took more memory than its limit, %u MB",
                            job->decider->name, options->memory_limit_mb);
    default:
        return arena_printf(&job->arena, "deciders/%s: %.*s", job->decider->name,
                            SLICE_PRINT(reply->text));
    }
}

static void on_reply(struct script_request *request, const struct script_reply *reply)
{
    struct job *job = (struct job *)request;
    ASSERT(job->state == JOB_ASKING);
    if (reply->outcome == SCRIPT_ANSWERED) {
        job->guess = job->guess && !job->sent_drop;
        on_text(job, reply->text);
        return;
    }
    /* A stopped call may have left a guess; one that took its worker along has left nothing. */
    job->guess = reply->outcome == SCRIPT_TIME_LIMIT || reply->outcome == SCRIPT_CRASHED;
    job_fail(job, outcomes[reply->outcome], failure_text(job, reply));
}

void job_ask(struct job *job)
{
    if (job->deciders->closing) {
        job_fail(job, DECIDER_CLOSED, SLICE_NONE);
        return;
    }
    job->state = JOB_ASKING;
    write_request(job);
    job->sent_drop = job->guess;
    job->loader_has_piece = false;
    job->request.body = text_slice(&job->body);
    job->request.done = on_reply;
    script_pool_send(job->deciders->pool, &job->request);
}

/* --- Events of the stream -------------------------------------------------------------------- */

static void read_on_thread(uv_work_t *work)
{
    struct job *job = work->data;
    event_loader_read(&job->loader);
}

static void on_read(uv_work_t *work, int status)
{
    ASSERT(status == 0); /* never cancelled */
    struct job *job = work->data;
    if (!IS_OK(job->loader.err)) {
        job->guess = true; /* what has arrived so far must not lie around */
        job_fail_store(job, job->loader.err);
        return;
    }
    if (job->at != UINT64_MAX) {
        job->revision = job->loader.last; /* known when the last piece was read */
    }
    job->loader_has_piece = true;
    job_ask(job);
}

static void load_piece(struct job *job)
{
    job->state = JOB_LOADING;
    job->work.data = job;
    ASSERT(uv_queue_work(job->deciders->loop, &job->work, read_on_thread, on_read) == 0);
}

void job_load(struct job *job, uint64_t from_revision)
{
    event_loader_restart(&job->loader, from_revision);
    job->loader.until_revision = job->at == UINT64_MAX ? job->revision : INT64_MAX;
    job->loader.until_position = job->at;
    load_piece(job);
}
