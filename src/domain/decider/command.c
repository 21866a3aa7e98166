#include "base/assert.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "base/uuid.h"
#include "domain/decider/deciders_priv.h"

#include <stdio.h>
#include <string.h>

#define OVERTAKEN_MAX 32u
#define STALL_MS 1u

static_assert(TIME_BYTES == TIMESTAMP_TEXT_BYTES, "ctx.now is a timestamp");

/* --- The beginning --------------------------------------------------------------------------- */

static bool has_command(const struct decider_info *decider, struct ever_slice name)
{
    for (size_t i = 0; i < decider->command_count; i++) {
        if (slice_is(name, decider->commands[i])) {
            return true;
        }
    }
    return false;
}

struct ever_err decider_submit(struct deciders *deciders, const struct decider_command *command,
                               decider_done_fn *done, void *arg)
{
    size_t stream_bytes = strlen(command->decider->name) + 1 + command->id.size;
    if (command->id.size == 0) {
        return FAIL(EVER_INVALID, "a command needs the id of a stream");
    }
    if (stream_bytes > EVER_STREAM_NAME_BYTES_MAX) {
        return FAIL(EVER_LIMIT, "the name of the stream is too long");
    }
    if (deciders->closing) {
        return FAIL(EVER_CLOSED, "deciders are closing");
    }
    ASSERT(command->command_id.bytes[14] == 0 && command->command_id.bytes[15] == 0);
    struct job *job = job_create(deciders, command->decider, command->id);
    if (job == NULL) {
        return FAIL(EVER_BUSY, "too many commands are waiting");
    }
    job->command = command;
    job->done = done;
    job->arg = arg;
    job->at = UINT64_MAX;
    job_enqueue(job);
    return ERR_OK;
}

/* One time and one seed for all attempts: what was recorded is what decide saw. */
static void stamp(struct job *job)
{
    if (job->stamped) {
        return;
    }
    struct env *env = env_real();
    timestamp_format(env->wall_ns(env), job->now);
    unsigned char bytes[SEED_BYTES / 2];
    env->random(env, bytes, sizeof bytes);
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof bytes; i++) {
        job->seed[2 * i] = digits[bytes[i] >> 4];
        job->seed[2 * i + 1] = digits[bytes[i] & 15];
    }
    job->stamped = true;
}

static bool condition_holds(const struct decider_command *command, int64_t revision)
{
    switch (command->expect) {
    case EVER_ANY:
        return true;
    case EVER_NO_STREAM:
        return revision == EVER_NO_REVISION;
    case EVER_EXISTS:
        return revision != EVER_NO_REVISION;
    case EVER_EXACT:
        return revision >= 0 && (uint64_t)revision == command->revision;
    }
    return false;
}

static void attempt(struct job *job)
{
    struct ever_err err = ever_last_revision(job->deciders->store, job->stream, &job->revision);
    if (!IS_OK(err)) {
        job_fail_store(job, err);
    } else if (!condition_holds(job->command, job->revision)) {
        job_fail(job, DECIDER_CONFLICT,
                 SLICE_LITERAL("the stream is not at the revision the command expects"));
    } else {
        stamp(job);
        job_ask(job);
    }
}

/* --- Decided before? ------------------------------------------------------------------------- */

static bool is_same_command(const struct job *job)
{
    const struct decider_record *record = &job->record;
    return slice_equal(record->stream, job->stream) &&
           slice_equal(record->name, job->command->name) &&
           slice_equal(record->data, job->command->data);
}

static void look_up_on_thread(uv_work_t *work)
{
    struct job *job = work->data;
    job->record_err = decider_find_command(job->deciders->store, job->command->command_id,
                                           &job->arena, &job->record);
}

static void on_looked_up(uv_work_t *work, int status)
{
    ASSERT(status == 0); /* never cancelled */
    struct job *job = work->data;
    bool id_is_taken = job->appending.result.outcome == EVER_ID_REUSED ||
                       job->appending.result.outcome == EVER_REPEATED;
    if (IS_OK(job->record_err) && is_same_command(job)) {
        job->answer = job->record.answer;
        job->answer.repeated = true;
        job_end(job);
    } else if (IS_OK(job->record_err) || (job->record_err.code == EVER_NOT_FOUND && id_is_taken)) {
        job_fail(job, DECIDER_OTHER, SLICE_LITERAL("the id was used for another command"));
    } else if (job->record_err.code == EVER_NOT_FOUND) {
        attempt(job);
    } else {
        job_fail_store(job, job->record_err);
    }
}

static void look_up(struct job *job)
{
    job->state = JOB_LOOKING_UP;
    job->work.data = job;
    ASSERT(uv_queue_work(job->deciders->loop, &job->work, look_up_on_thread, on_looked_up) == 0);
}

void job_begin_command(struct job *job)
{
    if (!has_command(job->decider, job->command->name)) {
        job_fail(job, DECIDER_UNKNOWN_COMMAND,
                 arena_printf(&job->arena, "decider %s has no command %.*s", job->decider->name,
                              SLICE_PRINT(job->command->name)));
    } else if (job->command->may_be_repeat) {
        look_up(job);
    } else {
        attempt(job);
    }
}

/* --- Appending ------------------------------------------------------------------------------- */

static void on_appended(void *arg, struct ever_err err, const struct ever_result *result,
                        const int64_t *revisions)
{
    (void)revisions; /* there is one write, whose revision is in the result */
    struct job *job = arg;
    job->appending.err = err;
    if (IS_OK(err)) {
        job->appending.result = *result;
    }
    mailbox_send(&job->deciders->appended, &job->appending.mail);
}

static void on_stall_over(uv_timer_t *timer)
{
    struct deciders *deciders = timer->data;
    struct job_queue now = deciders->stalled;
    deciders->stalled = (struct job_queue){0};
    for (struct job *job; (job = job_queue_pop(&now)) != NULL;) {
        job_append(job);
    }
}

static void append_failed(struct job *job, struct ever_err err)
{
    job->guess = true;
    if (err.code == EVER_LIMIT) {
        job_fail(
            job, DECIDER_THREW,
            arena_printf(&job->arena,
                         "deciders/%s: what decide.%.*s returned is too large: an event has at "
                         "most %u MiB with the command's data beside its own, all events of a "
                         "command %u MiB",
                         job->decider->name, SLICE_PRINT(job->command->name),
                         EVER_EVENT_BYTES_MAX >> 20, EVER_APPEND_BYTES_MAX >> 20));
    } else if (err.code == EVER_INVALID) {
        job_fail(job, DECIDER_THREW,
                 arena_printf(&job->arena,
                              "deciders/%s: the log does not take what decide.%.*s returned: %s",
                              job->decider->name, SLICE_PRINT(job->command->name), err.what));
    } else {
        job_fail_store(job, err);
    }
}

void job_append(struct job *job)
{
    struct deciders *deciders = job->deciders;
    job->state = JOB_APPENDING;
    struct ever_err err =
        ever_append_async(deciders->store, &job->appending.write, 1, on_appended, job);
    if (err.code == EVER_BUSY) {
        job_queue_push(&deciders->stalled, job);
        uv_timer_start(&deciders->stall, on_stall_over, STALL_MS, 0);
    } else if (!IS_OK(err)) {
        append_failed(job, err);
    }
}

/* The command stands inside the metadata of its first event, some levels deeper than it came. */
static void append_if_readable(struct job *job)
{
    if (json_check(job->appending.write.events[0].metadata, NULL)) {
        job_append(job);
        return;
    }
    job->guess = true;
    job_fail(job, DECIDER_THREW,
             SLICE_LITERAL("the data of the command is nested too deeply to be recorded"));
}

void job_on_decided(struct job *job, struct ever_slice member, struct json_value value, bool seeded)
{
    struct deciders *deciders = job->deciders;
    struct ever_slice fault;
    deciders->stats.decided++;
    if (slice_is(member, "rejected")) {
        job_record_rejection(job, value, seeded);
    } else if (!slice_is(member, "events") || value.kind != JSON_ARRAY) {
        job_fail(job, DECIDER_THREW, SLICE_LITERAL("the worker's answer makes no sense"));
        return;
    } else if (value.text.size == 2) { /* [] */
        job_record_nothing(job, seeded);
    } else if (!job_record_events(job, value, seeded, &fault)) {
        job->guess = true;
        job_fail(job, DECIDER_THREW, fault);
        return;
    }
    append_if_readable(job);
}

static void answer_appended(struct job *job)
{
    const struct ever_result *result = &job->appending.result;
    bool is_event = slice_equal(job->appending.write.stream, job->stream);
    job->answer.first_position = result->first_position;
    job->answer.last_position = result->last_position;
    job->answer.event_count = is_event ? job->appending.write.event_count : 0;
    job->answer.events = is_event ? job->appending.write.events : NULL;
    job->answer.revision = is_event ? result->revision : job->revision;
    job_end(job);
}

static void overtaken(struct job *job)
{
    job->guess = true;
    job->deciders->stats.retried++;
    if (++job->overtaken > OVERTAKEN_MAX) {
        job_fail(job, DECIDER_OVERTAKEN, SLICE_LITERAL("others change the stream all the time"));
    } else if (job->deciders->closing) {
        job_fail(job, DECIDER_CLOSED, SLICE_NONE);
    } else {
        attempt(job);
    }
}

void job_on_appended(struct job *job)
{
    if (!IS_OK(job->appending.err)) {
        append_failed(job, job->appending.err);
        return;
    }
    switch (job->appending.result.outcome) {
    case EVER_APPENDED:
        answer_appended(job);
        break;
    case EVER_CONFLICT:
        overtaken(job);
        break;
    case EVER_REPEATED:
    case EVER_ID_REUSED:
        job->guess = true;
        look_up(job);
        break;
    }
}
