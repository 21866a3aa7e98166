#include "domain/view/news_priv.h"

#include "base/assert.h"
#include "base/env.h"

#include <errno.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

void view_news_init(struct view_news *news)
{
    *news = (struct view_news){0};
    (void)pthread_mutex_init(&news->lock, NULL); /* these cannot fail on Linux */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&news->changed, &attributes);
    (void)pthread_cond_init(&news->hurried, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void view_news_deinit(struct view_news *news)
{
    (void)pthread_cond_destroy(&news->changed);
    (void)pthread_cond_destroy(&news->hurried);
    (void)pthread_mutex_destroy(&news->lock);
}

void view_news_tell(struct view_news *news)
{
    (void)pthread_mutex_lock(&news->lock);
    news->count++;
    (void)pthread_cond_broadcast(&news->changed);
    (void)pthread_mutex_unlock(&news->lock);
}

void view_news_stop(struct view_news *news)
{
    (void)pthread_mutex_lock(&news->lock);
    atomic_store(&news->stop, true);
    (void)pthread_cond_broadcast(&news->changed);
    (void)pthread_cond_broadcast(&news->hurried);
    (void)pthread_mutex_unlock(&news->lock);
}

uint64_t view_news_count(struct view_news *news)
{
    (void)pthread_mutex_lock(&news->lock);
    uint64_t count = news->count;
    (void)pthread_mutex_unlock(&news->lock);
    return count;
}

void view_news_wait(struct view_news *news, uint64_t seen)
{
    (void)pthread_mutex_lock(&news->lock);
    while (news->count == seen && !atomic_load(&news->stop)) {
        (void)pthread_cond_wait(&news->changed, &news->lock);
    }
    (void)pthread_mutex_unlock(&news->lock);
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

void view_news_rest(struct view_news *news, int64_t until_ns)
{
    struct timespec until = timespec_of(until_ns);
    int result = 0;
    (void)pthread_mutex_lock(&news->lock);
    while (news->waiters == 0 && !atomic_load(&news->stop) && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&news->hurried, &news->lock, &until);
    }
    (void)pthread_mutex_unlock(&news->lock);
}

void view_news_hurry(struct view_news *news, bool waits)
{
    (void)pthread_mutex_lock(&news->lock);
    ASSERT(waits || news->waiters > 0);
    news->waiters = waits ? news->waiters + 1 : news->waiters - 1;
    (void)pthread_cond_broadcast(&news->hurried);
    (void)pthread_mutex_unlock(&news->lock);
}

void view_news_pause(struct view_news *news, int64_t time_ms)
{
    struct env *env = env_real();
    struct timespec until = timespec_of(env->monotonic_ns(env) + time_ms * NS_PER_MS);
    int result = 0;
    (void)pthread_mutex_lock(&news->lock);
    while (!atomic_load(&news->stop) && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&news->changed, &news->lock, &until);
    }
    (void)pthread_mutex_unlock(&news->lock);
}
