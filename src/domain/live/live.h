/* live.h - a live expression: JavaScript of a client over event streams, in a process of its own.
 *
 *     from('account').ofType('Deposited').pipe(bufferTime(1000), map(a => a.length))
 *
 * The expression gives a stream of the event-stream library (js/live.js); whatever it does, only
 * its process notices. Nothing in it moves by itself: it is given events and the time, and answers
 * with what came out and when it wants to be asked next.
 *
 *     OPENING --reply--> IDLE <--reply-- STEPPING       any failure --> FAILED: close it
 *                         +-----live_step()--^
 *
 * Threads:  all on the loop's thread; replies come from the loop, never from inside a call. */
#pragma once
#include "base/err.h"

#include <uv.h>

#define LIVE_EXPRESSION_BYTES_MAX (64u << 10)

struct live;

struct live_options {
    const char *worker_path;  /* the worker program; NULL: "everfold-js" beside this program */
    uint32_t time_limit_ms;   /* of one step, CPU time; 0 means 250 */
    uint32_t memory_limit_mb; /* what the expression may add to its process; 0 means 64 */
    uint32_t grace_ms; /* beyond the time limit, before the process is killed; 0 means 1000 */
};

enum live_outcome {
    LIVE_ANSWERED, /* text: JSON. Of the opening {"live":[filter...]}, else see js/live.js */
    LIVE_REFUSED,  /* the expression is wrong; text: "expression:LINE: why" */
    LIVE_TIME_LIMIT,
    LIVE_MEMORY_LIMIT,
    LIVE_CRASHED,
    LIVE_UNAVAILABLE, /* no process can be started */
};
struct live_reply { /* lent */
    enum live_outcome outcome;
    struct ever_slice text; /* ANSWERED: checked JSON. Else a sentence, may be empty */
};
typedef void live_reply_fn(void *arg, const struct live_reply *reply);

struct live_beginning {
    int64_t now_ms;    /* where its time begins */
    uint64_t position; /* of the last event before it */
};

/* Compiles and starts the expression; `reply` is called once for it and once for each step, until
 * live_close(). `expression` is copied. */
struct live *live_open(uv_loop_t *loop, const struct live_options *options,
                       struct ever_slice expression, struct live_beginning beginning,
                       live_reply_fn *reply, void *arg);

/* One request as js/live.js says; the last reply must have come, and be LIVE_ANSWERED. */
void live_step(struct live *live, struct ever_slice request);

/* Ends the process; no reply comes any more. `closed` is called when all is gone. */
void live_close(struct live *live, void (*closed)(void *arg));
