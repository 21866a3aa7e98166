/* trouble.h - tells the operator, once, what has gone wrong while the server runs, and when it is
 * over: a view or flow that stops or waits, a full disk, writing that has ended, a worker that was
 * replaced.
 *
 * Looks once a second, and tells what differs from the last time: so a thing that changes all the
 * time is told once a second at most. What the loop's thread owns is looked at there. */
#pragma once
#include "domain/decider/decider.h"
#include "domain/flow/flows.h"
#include "domain/view/view.h"
#include "everfold.h"

#include <uv.h>

/* One sentence without a line's end, lent for the call. On the loop's thread. */
typedef void trouble_fn(void *arg, const char *sentence);

struct trouble_parts { /* all borrowed until trouble_stop() */
    uv_loop_t *loop;
    struct ever *store;
    struct deciders *deciders; /* NULL: none; so with the others */
    struct views *views;
    struct flows *flows;
    trouble_fn *tell;
    void *arg;
};

struct trouble;
struct trouble *trouble_start(const struct trouble_parts *parts);
/* NULL-safe. Looks once more; its memory goes with the loop's next turn. */
void trouble_stop(struct trouble *trouble);
