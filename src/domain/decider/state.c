/* state.c - the folded state of a stream, now or as it was. */
#include "base/slice.h"
#include "domain/decider/deciders_priv.h"

struct ever_err decider_fold(struct deciders *deciders, const struct decider_info *decider,
                             struct ever_slice id, uint64_t at, decider_state_fn *done, void *arg)
{
    if (deciders->closing) {
        return FAIL(EVER_CLOSED, "deciders are closing");
    }
    struct job *job = job_create(deciders, decider, id);
    if (job == NULL) {
        return FAIL(EVER_BUSY, "too many commands are waiting");
    }
    job->show = done;
    job->arg = arg;
    job->at = at < ever_last_position(deciders->store) ? at : UINT64_MAX;
    if (job->at != UINT64_MAX) {
        /* No stream of a decider is named so. */
        job->key = arena_printf(&job->arena, "?%llu", (unsigned long long)++deciders->folds);
    }
    job_enqueue(job);
    return ERR_OK;
}

void job_begin_state(struct job *job)
{
    struct ever *store = job->deciders->store;
    if (job->at != UINT64_MAX) {
        job->position = job->at;
        job_load(job, 0);
        return;
    }
    job->position = ever_last_position(store); /* before the revision: it reflects at least this */
    struct ever_err err = ever_last_revision(store, job->stream, &job->revision);
    if (!IS_OK(err)) {
        job_fail_store(job, err);
    } else {
        job_ask(job);
    }
}

void job_on_state(struct job *job, struct json_value state)
{
    job->answer_state = (struct decider_state){
        .state = state.text, .revision = job->revision, .position = job->position};
    job_end(job);
}
