/* gateway_priv.h - what the files of this layer share: the gateway itself. */
#pragma once
#include "base/env.h"
#include "base/mailbox.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/router.h"
#include "gateway/turns.h"

#include <stdatomic.h>

struct feeds;
struct live_feeds;
struct live_queries;
struct marbles;
struct metrics;
struct routes;
struct running_command;
struct waits;

struct gateway {
    struct gateway_parts parts;
    struct env *env;
    struct http_server *server;
    struct router *router;
    struct routes *routes;
    struct metrics *metrics;
    struct text scratch; /* call_text() */

    /* What other threads tell the loop. */
    uv_async_t wake;
    struct mailbox completions; /* library thread -> loop: an append is done; see append.c */
    atomic_bool log_moved;      /* committing thread -> loop */
    atomic_bool views_moved;    /* a view's thread -> loop */
    atomic_bool flows_moved;    /* the flows' thread -> loop */
    struct ever_watch *watch;

    struct turns turns;                       /* long work, cut in slices */
    struct feeds *feeds;                      /* event streams and their followers */
    struct live_queries *live_queries;        /* queries whose rows are pushed */
    struct marbles *marbles;                  /* flows that are watched */
    struct live_feeds *live_feeds;            /* live subscriptions */
    struct waits *waits;                      /* calls that wait for views and flows */
    struct running_command *running_commands; /* given to the deciders; commands.c */

    uint32_t open_work;    /* calls not answered and queries not finished yet */
    uint32_t open_queries; /* query_job.h */
    bool stopping;
    bool server_gone;
    unsigned open_handles; /* of libuv, while closing */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* Counts what must end before the gateway may go: a call until its answer, a query of a view until
 * its thread is done. */
void gateway_work_begun(struct gateway *gateway);
void gateway_work_ended(struct gateway *gateway);
