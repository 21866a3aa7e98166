/* pool.h - worker processes that run an APP's scripts: requests in, answers out, none lost.
 *
 * Each request names a key; the same key goes to the same worker, in the order sent. All requests
 * of one turn of the loop leave in one write for each worker.
 *
 *      waiting --> in flight --> answered              a worker's request
 *         ^            |
 *         +------------+   its worker died of another request
 *
 * A worker that dies is replaced, and what it had in flight is sent again: scripts are pure. The
 * request it died of is answered: with the limit it broke, or, when the cause is not known, after
 * it has cost a second worker. A worker that does not end a request in its time limit and some
 * grace is killed. When workers cannot be started, what waits is answered SCRIPT_UNAVAILABLE, and
 * starting is tried again, more and more seldom, for ever.
 *
 * Threads:  all on the loop's thread; callbacks come from the loop, never from inside a call. */
#pragma once
#include "domain/script/process.h"

struct script_pool;

struct script_pool_options {
    struct script_process_options process;
    uint32_t worker_count;
    uint32_t grace_ms;      /* beyond the time limit, before a worker is killed */
    struct ever_slice load; /* every worker begins with this request; borrowed until closed */
};

enum script_outcome {
    SCRIPT_ANSWERED,
    SCRIPT_TIME_LIMIT,
    SCRIPT_MEMORY_LIMIT,
    SCRIPT_CRASHED,     /* its worker died, twice */
    SCRIPT_UNAVAILABLE, /* no worker can be started */
    SCRIPT_CLOSED,
};

struct script_reply {
    enum script_outcome outcome;
    struct ever_slice text; /* ANSWERED: JSON, not yet checked. Else a sentence, or empty. */
};

/* Memory of the caller's, with `body`, until `done` was called; then it may be sent anew. */
struct script_request {
    struct ever_slice body; /* JSON */
    enum frame_kind kind;   /* 0: FRAME_STEP */
    uint64_t key;
    void (*done)(struct script_request *request, const struct script_reply *reply); /* lent */
    struct script_request *next; /* from here on the pool's own */
    uint32_t id;
    uint32_t deaths;
};

/* Starts the workers. `loaded` is called with the first worker's answer to `load`, or with why
 * there is none. */
typedef void script_loaded_fn(void *arg, const struct script_reply *reply);
void script_pool_open(uv_loop_t *loop, const struct script_pool_options *options,
                      script_loaded_fn *loaded, void *arg, struct script_pool **out_pool);
void script_pool_send(struct script_pool *pool, struct script_request *request);
/* Answers all requests with SCRIPT_CLOSED, ends the workers, then calls `closed`. */
void script_pool_close(struct script_pool *pool, void (*closed)(void *arg), void *arg);

struct script_pool_stats {
    uint32_t ready;    /* workers that have loaded */
    uint32_t replaced; /* that died since open */
};
void script_pool_stats(const struct script_pool *pool, struct script_pool_stats *out_stats);
/* The process of worker `index`, 0 when it has none just now. */
int script_pool_pid(const struct script_pool *pool, uint32_t index);
