#include "store/watch.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct ever_watch {
    struct watches *watches;
    struct ever_watch *next;
    ever_watch_fn *call;
    void *arg;
};

static void init_monotonic(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(cond, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void watches_init(struct watches *watches, struct env *env, uint64_t last_position)
{
    *watches = (struct watches){.env = env};
    atomic_init(&watches->last_position, last_position);
    ASSERT(pthread_mutex_init(&watches->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&watches->called, NULL) == 0);
    init_monotonic(&watches->grown);
}

void watches_close(struct watches *watches)
{
    pthread_mutex_lock(&watches->lock);
    watches->is_closing = true;
    pthread_cond_broadcast(&watches->grown);
    while (watches->waiting > 0) {
        pthread_cond_wait(&watches->called, &watches->lock);
    }
    pthread_mutex_unlock(&watches->lock);
}

void watches_deinit(struct watches *watches)
{
    ASSERT(watches->waiting == 0);
    while (watches->first != NULL) {
        struct ever_watch *next = watches->first->next;
        free(watches->first);
        watches->first = next;
    }
    pthread_mutex_destroy(&watches->lock);
    pthread_cond_destroy(&watches->grown);
    pthread_cond_destroy(&watches->called);
}

/* --- Calling --------------------------------------------------------------------------------- */

void watches_notify(struct watches *watches, uint64_t last_position)
{
    pthread_mutex_lock(&watches->lock);
    atomic_store(&watches->last_position, last_position);
    if (watches->waiting > 0) {
        pthread_cond_broadcast(&watches->grown);
    }
    /* The one being called stays in the list until its call is over, so `next` can be trusted. */
    for (struct ever_watch *watch = watches->first; watch != NULL; watch = watch->next) {
        watches->calling = watch;
        pthread_mutex_unlock(&watches->lock);
        watch->call(watch->arg, last_position);
        pthread_mutex_lock(&watches->lock);
        watches->calling = NULL;
        pthread_cond_broadcast(&watches->called);
    }
    pthread_mutex_unlock(&watches->lock);
}

struct ever_err watches_add(struct watches *watches, ever_watch_fn *call, void *arg,
                            struct ever_watch **out_watch)
{
    struct ever_watch *watch = malloc(sizeof *watch);
    if (watch == NULL) {
        return FAIL(EVER_NO_MEMORY, "watch");
    }
    *watch = (struct ever_watch){.watches = watches, .call = call, .arg = arg};
    pthread_mutex_lock(&watches->lock);
    watch->next = watches->first;
    watches->first = watch;
    pthread_mutex_unlock(&watches->lock);
    *out_watch = watch;
    return ERR_OK;
}

void watches_remove(struct ever_watch *watch)
{
    struct watches *watches = watch->watches;
    pthread_mutex_lock(&watches->lock);
    while (watches->calling == watch) {
        pthread_cond_wait(&watches->called, &watches->lock);
    }
    struct ever_watch **at = &watches->first;
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    pthread_mutex_unlock(&watches->lock);
    free(watch);
}

/* --- Waiting --------------------------------------------------------------------------------- */

static struct timespec deadline_of(struct env *env, int64_t timeout_ms)
{
    int64_t longest_ms = INT64_C(1000) * 86400 * 365; /* so that nothing overflows */
    timeout_ms = timeout_ms < 0 ? 0 : timeout_ms;
    timeout_ms = timeout_ms > longest_ms ? longest_ms : timeout_ms;
    int64_t at_ns = env->monotonic_ns(env) + timeout_ms * 1000000;
    return (struct timespec){.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
}

/* With the lock held. */
static struct ever_err wait_until(struct watches *watches, uint64_t seen,
                                  const struct timespec *deadline)
{
    int number = 0;
    while (!watches->is_closing && number == 0 && atomic_load(&watches->last_position) <= seen) {
        number = pthread_cond_timedwait(&watches->grown, &watches->lock, deadline);
    }
    if (watches->is_closing) {
        return FAIL(EVER_CLOSED, "wait");
    }
    return atomic_load(&watches->last_position) > seen ? ERR_OK : FAIL(EVER_TIMEOUT, "wait");
}

struct ever_err watches_wait(struct watches *watches, uint64_t seen, int64_t timeout_ms)
{
    struct timespec deadline = deadline_of(watches->env, timeout_ms);
    pthread_mutex_lock(&watches->lock);
    watches->waiting++;
    struct ever_err err = wait_until(watches, seen, &deadline);
    watches->waiting--;
    pthread_cond_broadcast(&watches->called); /* closing waits for the last one to leave */
    pthread_mutex_unlock(&watches->lock);
    return err;
}
