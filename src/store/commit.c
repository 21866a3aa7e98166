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
    ASSERT(sem_init(&commit->called, 0, 0) == 0);
    gather_init(&commit->gather);
}

void commit_deinit(struct commit *commit)
{
    ASSERT(commit->first == NULL);
    pthread_mutex_destroy(&commit->lock);
    pthread_cond_destroy(&commit->idle);
    pthread_cond_destroy(&commit->committer_wanted);
    ASSERT(sem_destroy(&commit->called) == 0);
    gather_deinit(&commit->gather);
}

/* --- The queue, with the lock held ----------------------------------------------------------- */

static void enqueue(struct commit *commit, struct request *request)
{
    request->next = NULL;
    request->bell = commit->bell;
    if (commit->first == NULL) {
        commit->first = request;
    } else {
        commit->last->next = request;
    }
    commit->last = request;
    commit->async_count += request->done != NULL ? 1u : 0u;
    gather_came(&commit->gather, ++commit->count);
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
        commit->count--;
        last = next;
    }
    ASSERT(last != NULL);
    commit->first = last->next;
    last->next = NULL;
    commit->is_group_taken = true;
    commit->bell = (commit->bell + 1) % COMMIT_BELLS;
    return first;
}

/* Whoever leads gives it on. False: there is work, and nobody awake to do it but the leader. */
static bool pass_on(struct commit *commit)
{
    ASSERT(commit->is_led);
    commit->is_group_taken = false;
    if (commit->has_next_leader) {
        commit->has_next_leader = false;
        ASSERT(sem_post(&commit->called) == 0);
        return true;
    }
    if (commit->first != NULL && !commit->has_committer) {
        return false;
    }
    commit->is_led = false;
    pthread_cond_signal(&commit->idle);
    pthread_cond_signal(&commit->committer_wanted); /* it may wait to end */
    return true;
}

/* --- Leading --------------------------------------------------------------------------------- */

static void apply(struct commit *commit, struct request *group)
{
    struct journal_batch batch = {.first = group, .time_ns = commit->env->wall_ns(commit->env)};
    struct ever_err err = commit->journal->propose(commit->journal, &batch);
    for (struct request *request = group; request != NULL && !IS_OK(err); request = request->next) {
        request->err = err;
    }
    commit->applied(commit->arg, &batch);
}

static bool is_finished(const struct request *request)
{
    return atomic_load_explicit(&request->is_finished, memory_order_acquire);
}

struct answered {
    uint32_t count;
    uint32_t bells; /* to be rung, as bits */
};

/* Answers the group, by callback or by letting the caller go, who may be gone at once and its
 * request with it. `own` is awake and needs no bell. */
static struct answered answer(struct request *group, const struct request *own)
{
    struct answered answered = {0};
    while (group != NULL) {
        struct request *next = group->next;
        answered.count++;
        if (group->done != NULL) {
            group->done(group->arg, group->err, &group->result, group->revisions);
            request_destroy(group);
        } else {
            answered.bells |= group == own ? 0 : 1u << group->bell;
            atomic_store_explicit(&group->is_finished, true, memory_order_release);
        }
        group = next;
    }
    return answered;
}

static void ring(struct commit *commit, uint32_t bells)
{
    for (uint32_t i = 0; i < COMMIT_BELLS; i++) {
        if ((bells >> i & 1) != 0) {
            bell_ring(&commit->bells[i]);
        }
    }
}

static int64_t now_ns(const struct commit *commit)
{
    return commit->env->monotonic_ns(commit->env);
}

/* With the lock held, which it gives up for a while. */
static void gather(struct commit *commit)
{
    if (gather_is_worth_it(&commit->gather, now_ns(commit), commit->count)) {
        pthread_mutex_unlock(&commit->lock);
        bool is_reached = gather_wait(&commit->gather);
        pthread_mutex_lock(&commit->lock);
        gather_end(&commit->gather, is_reached);
    }
}

static struct request *next_group(struct commit *commit)
{
    pthread_mutex_lock(&commit->lock);
    gather(commit);
    struct request *group = take_group(commit);
    pthread_mutex_unlock(&commit->lock);
    return group;
}

static bool may_go(const struct request *own)
{
    return own == NULL || is_finished(own);
}

/* False: somebody else leads now, or nobody. */
static bool leads_on(struct commit *commit, const struct request *own)
{
    return !may_go(own) || !pass_on(commit);
}

/* When a group was answered. */
static bool finish(struct commit *commit, const struct request *own, int64_t begin_ns,
                   uint32_t answered)
{
    int64_t end_ns = now_ns(commit);
    pthread_mutex_lock(&commit->lock);
    gather_expect(&commit->gather, end_ns, end_ns - begin_ns, answered + commit->count);
    bool goes_on = leads_on(commit, own);
    pthread_mutex_unlock(&commit->lock);
    return goes_on;
}

/* One group. Callbacks come first, while the store cannot be closed. Then the next leader is
 * called, before the others are woken: so the disk works on while they wake up. `own` is the append
 * of the caller who leads, NULL for the committer. */
static bool lead_group(struct commit *commit, const struct request *own)
{
    struct request *group = next_group(commit);
    int64_t begin_ns = now_ns(commit);
    apply(commit, group);
    struct answered answered = answer(group, own);
    bool goes_on = finish(commit, own, begin_ns, answered.count);
    ring(commit, answered.bells);
    return goes_on;
}

/* At least until the own request is answered; it may be already, when this caller is called late.
 */
static void lead(struct commit *commit, const struct request *own)
{
    pthread_mutex_lock(&commit->lock);
    bool goes_on = leads_on(commit, own);
    pthread_mutex_unlock(&commit->lock);
    while (goes_on) {
        goes_on = lead_group(commit, own);
    }
}

/* --- Callers --------------------------------------------------------------------------------- */

enum caller_role { CALLER_LEADS, CALLER_LEADS_NEXT, CALLER_FOLLOWS };

/* With the lock held. */
static enum caller_role role_of_newcomer(struct commit *commit)
{
    if (!commit->is_led) {
        commit->is_led = true;
        return CALLER_LEADS;
    }
    if (commit->is_group_taken && !commit->has_next_leader && !commit->has_committer) {
        commit->has_next_leader = true;
        return CALLER_LEADS_NEXT;
    }
    return CALLER_FOLLOWS;
}

static struct ever_err enter(struct commit *commit, struct request *request,
                             enum caller_role *out_role)
{
    pthread_mutex_lock(&commit->lock);
    bool is_closing = commit->is_closing;
    if (!is_closing) {
        commit->callers++;
        enqueue(commit, request);
        *out_role = role_of_newcomer(commit);
    }
    pthread_mutex_unlock(&commit->lock);
    return is_closing ? FAIL(EVER_CLOSED, "append") : ERR_OK;
}

static void leave(struct commit *commit)
{
    pthread_mutex_lock(&commit->lock);
    commit->callers--;
    if (commit->is_closing) {
        pthread_cond_signal(&commit->idle);
    }
    pthread_mutex_unlock(&commit->lock);
}

static void wait_for_answer(struct commit *commit, const struct request *request)
{
    struct bell *bell = &commit->bells[request->bell];
    for (;;) {
        uint32_t rings = bell_rings(bell);
        if (is_finished(request)) {
            return;
        }
        bell_wait(bell, rings);
    }
}

static void wait_for_call(struct commit *commit)
{
    while (sem_wait(&commit->called) != 0) {
        /* a signal handler ran; go on waiting */
    }
}

struct ever_err commit_wait(struct commit *commit, struct request *request)
{
    ASSERT(request->done == NULL);
    enum caller_role role;
    TRY(enter(commit, request, &role));
    if (role == CALLER_FOLLOWS) {
        wait_for_answer(commit, request);
    } else {
        if (role == CALLER_LEADS_NEXT) {
            wait_for_call(commit);
        }
        lead(commit, request);
    }
    leave(commit);
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
        bool leads_on = lead_group(commit, NULL);
        ASSERT(!leads_on); /* it passes on to itself, or to a caller who was appointed before */
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
    while (commit->first != NULL || commit->is_led || commit->callers > 0) {
        pthread_cond_wait(&commit->idle, &commit->lock);
    }
    bool has_committer = commit->has_committer;
    pthread_mutex_unlock(&commit->lock);
    if (has_committer) {
        ASSERT(pthread_join(commit->committer, NULL) == 0);
    }
}
