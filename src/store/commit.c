#include "store/commit.h"

#include "base/assert.h"
#include "base/err.h"

void commit_init(struct commit *commit, struct journal *journal, struct env *env,
                 void (*applied)(void *arg, const struct journal_batch *batch), void *arg)
{
    *commit = (struct commit){.journal = journal, .env = env, .applied = applied, .arg = arg};
    ASSERT(pthread_mutex_init(&commit->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&commit->idle, NULL) == 0);
    ASSERT(pthread_cond_init(&commit->committer_wanted, NULL) == 0);
}

void commit_deinit(struct commit *commit)
{
    ASSERT(commit->first == NULL);
    pthread_mutex_destroy(&commit->lock);
    pthread_cond_destroy(&commit->idle);
    pthread_cond_destroy(&commit->committer_wanted);
}

/* --- The queue, with the lock held ----------------------------------------------------------- */

static void enqueue(struct commit *commit, struct request *request)
{
    request->next = NULL;
    if (commit->first == NULL) {
        commit->first = request;
    } else {
        commit->last->next = request;
    }
    commit->last = request;
    commit->async_count += request->done != NULL ? 1u : 0u;
}

/* Takes the oldest requests, at least one, up to what makes a good group. */
static struct request *take_group(struct commit *commit)
{
    struct request *first = commit->first;
    struct request *last = NULL;
    size_t bytes = 0;
    uint32_t events = 0;
    for (struct request *next = first; next != NULL; next = next->next) {
        bytes += next->bytes_max;
        events += next->event_count;
        if (last != NULL && (bytes > COMMIT_GROUP_BYTES || events > COMMIT_GROUP_EVENTS)) {
            break;
        }
        commit->async_count -= next->done != NULL ? 1u : 0u;
        last = next;
    }
    ASSERT(last != NULL);
    commit->first = last->next;
    last->next = NULL;
    return first;
}

/* Whoever leads gives it on: to the committer, where there is one; else to the oldest caller. */
static void pass_on(struct commit *commit)
{
    ASSERT(commit->is_led);
    if (commit->first == NULL) {
        commit->is_led = false;
        pthread_cond_signal(&commit->idle);
        pthread_cond_signal(&commit->committer_wanted); /* it may wait to end */
    } else if (commit->has_committer) {
        commit->is_led = false;
        pthread_cond_signal(&commit->committer_wanted);
    } else {
        ASSERT(commit->first->done == NULL);
        sem_post(&commit->first->wake);
    }
}

/* --- Leading --------------------------------------------------------------------------------- */

static void apply(struct commit *commit, struct request *group)
{
    struct journal_batch batch = {.first = group, .time_ns = commit->env->wall_ns(commit->env)};
    struct ever_err err = commit->journal->propose(commit->journal, &batch);
    for (struct request *request = group; request != NULL && !IS_OK(err);
         request = request->next) {
        request->err = err;
    }
    commit->applied(commit->arg, &batch);
}

/* Answers those that want a callback; returns the others. */
static struct request *answer_async(struct request *group)
{
    struct request *callers = NULL;
    struct request **end = &callers;
    while (group != NULL) {
        struct request *next = group->next;
        if (group->done != NULL) {
            group->done(group->arg, group->err, &group->result, group->revisions);
            request_destroy(group);
        } else {
            *end = group;
            end = &group->next;
        }
        group = next;
    }
    *end = NULL;
    return callers;
}

/* With the lock held. */
static void mark_finished(struct request *callers)
{
    for (struct request *request = callers; request != NULL; request = request->next) {
        request->is_finished = true;
    }
}

/* A caller that was woken may be gone at once, and its request with it. */
static void wake(struct request *callers, const struct request *own)
{
    while (callers != NULL) {
        struct request *next = callers->next;
        if (callers != own) {
            sem_post(&callers->wake);
        }
        callers = next;
    }
}

/* Answers the group. Callbacks come first, while the store cannot be closed. Then the next leader
 * is called, before the others are woken: so the disk works on while they wake up. Who still waits
 * for his own answer goes on leading; `own` is NULL for the committer. */
static void finish(struct commit *commit, struct request *group, const struct request *own)
{
    struct request *callers = answer_async(group);
    pthread_mutex_lock(&commit->lock);
    mark_finished(callers);
    if (own == NULL || own->is_finished) {
        pass_on(commit);
    }
    pthread_mutex_unlock(&commit->lock);
    wake(callers, own);
}

static struct request *take_group_locked(struct commit *commit)
{
    pthread_mutex_lock(&commit->lock);
    struct request *group = take_group(commit);
    pthread_mutex_unlock(&commit->lock);
    return group;
}

/* Until the own request is answered. */
static void lead(struct commit *commit, struct request *own)
{
    while (!own->is_finished) {
        struct request *group = take_group_locked(commit);
        apply(commit, group);
        finish(commit, group, own);
    }
}

struct ever_err commit_wait(struct commit *commit, struct request *request)
{
    ASSERT(request->done == NULL);
    pthread_mutex_lock(&commit->lock);
    if (commit->is_closing) {
        pthread_mutex_unlock(&commit->lock);
        return FAIL(EVER_CLOSED, "append");
    }
    enqueue(commit, request);
    bool leads = !commit->is_led;
    commit->is_led = true;
    pthread_mutex_unlock(&commit->lock);
    if (!leads) {
        while (sem_wait(&request->wake) != 0) {
            /* a signal handler ran; go on waiting */
        }
    }
    lead(commit, request); /* nothing to do when it is answered */
    return ERR_OK;
}

/* --- The committer --------------------------------------------------------------------------- */

/* Waits until there is something to lead, and nobody who does. False: closing. */
static bool wait_to_lead(struct commit *commit)
{
    pthread_mutex_lock(&commit->lock);
    while (commit->is_led || (commit->first == NULL && !commit->is_closing)) {
        pthread_cond_wait(&commit->committer_wanted, &commit->lock);
    }
    bool leads = commit->first != NULL;
    commit->is_led = leads;
    pthread_mutex_unlock(&commit->lock);
    return leads;
}

static void *run_committer(void *arg)
{
    struct commit *commit = arg;
    while (wait_to_lead(commit)) {
        struct request *group = take_group_locked(commit);
        apply(commit, group);
        finish(commit, group, NULL);
    }
    return NULL;
}

static struct ever_err start_committer(struct commit *commit)
{
    if (commit->has_committer) {
        return ERR_OK;
    }
    if (pthread_create(&commit->committer, NULL, run_committer, commit) != 0) {
        return FAIL(EVER_NO_MEMORY, "start the committer thread");
    }
    commit->has_committer = true;
    return ERR_OK;
}

static struct ever_err submit(struct commit *commit, struct request *request)
{
    if (commit->is_closing) {
        return FAIL(EVER_CLOSED, "append");
    }
    if (commit->async_count >= COMMIT_ASYNC_MAX) {
        return FAIL(EVER_BUSY, "append: the queue is full");
    }
    TRY(start_committer(commit));
    enqueue(commit, request);
    if (!commit->is_led) {
        pthread_cond_signal(&commit->committer_wanted);
    }
    return ERR_OK;
}

struct ever_err commit_submit(struct commit *commit, struct request *request)
{
    ASSERT(request->done != NULL);
    pthread_mutex_lock(&commit->lock);
    struct ever_err err = submit(commit, request);
    pthread_mutex_unlock(&commit->lock);
    return err;
}

void commit_close(struct commit *commit)
{
    pthread_mutex_lock(&commit->lock);
    commit->is_closing = true;
    pthread_cond_signal(&commit->committer_wanted);
    while (commit->first != NULL || commit->is_led) {
        pthread_cond_wait(&commit->idle, &commit->lock);
    }
    bool has_committer = commit->has_committer;
    pthread_mutex_unlock(&commit->lock);
    if (has_committer) {
        ASSERT(pthread_join(commit->committer, NULL) == 0);
    }
}
