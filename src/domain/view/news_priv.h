/* news_priv.h - what a view's thread waits for: the log grew, a query found damage, or the end.
 *
 * When the log grows all the time a thread rests between two batches: a transaction costs about as
 * much as twenty events in it. Somebody who waits for a view's position ends all rests. */
#pragma once
#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>

struct view_news { /* one for all views; at a fixed address */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t count;
    pthread_cond_t hurried; /* somebody waits, or stop */
    uint32_t waiters;
    atomic_bool stop; /* set once, under the lock; running statements look at it without */
};

void view_news_init(struct view_news *news);
void view_news_deinit(struct view_news *news); /* nobody may wait */

void view_news_tell(struct view_news *news); /* any thread; a few instructions */
void view_news_stop(struct view_news *news);

/* What has been told so far: taken before looking, so that nothing told meanwhile is missed. */
uint64_t view_news_count(struct view_news *news);

/* Waits until something was told after `seen`. */
void view_news_wait(struct view_news *news, uint64_t seen);

/* Waits until `until_ns` of the monotonic clock, but not while somebody waits for a position. */
void view_news_rest(struct view_news *news, int64_t until_ns);
/* One more who waits, or one less. Any thread. */
void view_news_hurry(struct view_news *news, bool waits);

/* Waits for the time to pass, or the end. */
void view_news_pause(struct view_news *news, int64_t time_ms);
