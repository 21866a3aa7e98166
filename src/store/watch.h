/* watch.h - who wants to know that the log has grown.
 *
 * Threads: watches_notify() by one thread at a time, the rest by any. */
#pragma once
#include "base/env.h"
#include "everfold.h"

#include <pthread.h>
#include <stdatomic.h>

struct watches {
    struct env *env;
    pthread_mutex_t lock;  /* for the rest; not held while a watcher is called */
    pthread_cond_t grown;  /* last_position moved, or closing */
    pthread_cond_t called; /* no watcher is being called any more */
    struct ever_watch *first;
    struct ever_watch *calling;
    uint32_t waiting;
    bool is_closing;
    _Atomic uint64_t last_position; /* what readers may see; any thread, without the lock */
};

void watches_init(struct watches *watches, struct env *env, uint64_t last_position);
void watches_close(struct watches *watches);  /* ends all waiting */
void watches_deinit(struct watches *watches); /* after watches_close() */

/* Readers may now see events up to here: wakes and calls. */
void watches_notify(struct watches *watches, uint64_t last_position);

/* EVER_TIMEOUT, EVER_CLOSED. */
struct ever_err watches_wait(struct watches *watches, uint64_t seen, int64_t timeout_ms);

struct ever_err watches_add(struct watches *watches, ever_watch_fn *call, void *arg,
                            struct ever_watch **out_watch);
void watches_remove(struct ever_watch *watch);
