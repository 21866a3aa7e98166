/* commit.h - the queue of appends and who works it off: group commit by a leader.
 *
 *   ever_append()        queue it; nobody leads? lead: take all that waits, have the journal apply
 *                        it, answer all. Somebody leads? sleep until answered, or until called to
 *                        lead next.
 *   ever_append_async()  queue it; the committer thread leads when no caller does.
 *
 * A hand-off to a committer thread would cost a lone caller more than the write itself, so callers
 * do the work; while one writes, the next group gathers, and its first caller will lead it. Appends
 * are taken in the order queued. Who was just answered often appends again at once: a leader waits
 * a moment for that (gather.h), because two half groups take twice as long as a whole one.
 *
 * Callers sleep on bells (bell.h), a group on one bell, so that a group is woken by two calls and
 * not by one for each. Groups take the bells in turn.
 *
 * Locks: `lock` is held for a few instructions, never over the journal or a callback. */
#pragma once
#include "store/bell.h"
#include "store/gather.h"
#include "store/journal.h"

#include <pthread.h>
#include <semaphore.h>

#define COMMIT_ASYNC_MAX 16384u       /* requests of ever_append_async() in the queue */
#define COMMIT_GROUP_BYTES (8u << 20) /* of records in one group; a larger append goes alone */
#define COMMIT_GROUP_EVENTS 65536u
#define COMMIT_BELLS 4u

struct commit {
    struct journal *journal;
    struct env *env;
    /* Called by the leader when a batch was applied, before anyone is answered. */
    void (*applied)(void *arg, const struct journal_batch *batch);
    void *arg;

    pthread_mutex_t lock;  /* for the rest */
    struct request *first; /* the queue, oldest first */
    struct request *last;
    uint32_t count;       /* of them */
    uint32_t async_count; /* of those with a callback */
    struct gather gather;
    uint32_t bell;        /* of the group that gathers */
    uint32_t callers;     /* inside commit_wait() */
    bool is_led;          /* somebody is leading, or was called to */
    bool is_group_taken;  /* who queues now will be in the next group */
    bool has_next_leader; /* a caller sleeps on `called` */
    bool is_closing;
    pthread_cond_t idle; /* nothing queued, nobody leads, no caller inside */
    bool has_committer;
    pthread_t committer;
    pthread_cond_t committer_wanted;

    struct bell bells[COMMIT_BELLS]; /* the answers were given */
    sem_t called;                    /* the next leader shall lead now */
};

void commit_init(struct commit *commit, struct journal *journal, struct env *env,
                 void (*applied)(void *arg, const struct journal_batch *batch), void *arg);
void commit_deinit(struct commit *commit); /* after commit_close() */

/* Blocks until the request is answered: request->err, result, revisions. EVER_CLOSED: it was not
 * taken. */
struct ever_err commit_wait(struct commit *commit, struct request *request);

/* Takes the request; answers by request->done and destroys it. EVER_BUSY, EVER_CLOSED,
 * EVER_NO_MEMORY: not taken. */
struct ever_err commit_submit(struct commit *commit, struct request *request);

/* Takes nothing new, waits until all that was taken is answered. */
void commit_close(struct commit *commit);
