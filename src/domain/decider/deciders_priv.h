/* deciders_priv.h - what the files of decider/ share.
 *
 * A job is a command to be decided or a state to be shown. Jobs of one stream stand in a line; only
 * the first of a line is at work, so nothing here changes a stream behind a job's back but other
 * programs. The life of a job (command.c, state.c):
 *
 *      READY ---> LOOKING_UP          has this command been decided before? (thread pool)
 *        |            |
 *        +----> ASKING <----+         the worker folds and decides
 *                |   |      |
 *                | LOADING -+         it wants events of the stream (thread pool)
 *                |          |
 *             APPENDING ----+         somebody was faster: again, on the newer state
 *                |
 *            FORGETTING               the worker must not believe in events that were not appended
 *                |
 *              ended
 *
 * A worker believes the events it decided on to be in the log as soon as it has decided (it is `a
 * guess`); so the next command of the stream finds the state ready. A guess that was wrong is taken
 * back before anything else is asked about the stream: by the next request of this job, or by a
 * request to forget. */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "base/mailbox.h"
#include "domain/decider/decider.h"
#include "domain/decider/load.h"
#include "domain/script/compile.h"
#include "domain/script/pool.h"

#define SEED_BYTES 32 /* hexadecimal digits: 128 random bits */
#define TIME_BYTES 27 /* TIMESTAMP_TEXT_BYTES */

enum job_state {
    JOB_READY,
    JOB_LOOKING_UP,
    JOB_ASKING,
    JOB_LOADING,
    JOB_APPENDING,
    JOB_FORGETTING
};

struct job;

/* What is appended for a command, made by record.c; borrowed by the store until it is done. */
struct appending {
    struct ever_write write;
    struct mail mail; /* library thread -> loop: it is done */
    struct ever_err err;
    struct ever_result result;
};

struct job_queue {
    struct job *first;
    struct job *last;
};

/* A stream that has jobs. One of them is at work and stands in no queue. */
struct line {
    struct line *next; /* in its bucket */
    struct job_queue waiting;
    uint64_t hash;
    size_t stream_size;
    char stream[];
};

struct job {
    struct script_request request; /* first: the pool gives it back */
    struct deciders *deciders;
    struct job *next;
    struct line *line; /* NULL: a past state, which stands in no line */
    enum job_state state;
    struct arena arena;
    const struct decider_info *decider;
    struct ever_slice id;
    struct ever_slice stream;

    const struct decider_command *command; /* NULL: a state is wanted */
    decider_done_fn *done;
    decider_state_fn *show;
    void *arg;

    uint64_t at;           /* of a state: the log position wanted; UINT64_MAX: now */
    struct ever_slice key; /* the worker's name for the state: the stream, or one for the past */
    uint64_t position;     /* of a state: what it reflects */

    int64_t revision; /* the decision or state stands on the stream up to here */
    bool guess;       /* the worker has a guess that may be wrong */
    bool sent_drop;   /* the request under way takes it back */
    uint32_t overtaken;
    uint32_t reloads;
    struct text body; /* of the request */
    struct event_loader loader;
    bool loader_has_piece; /* to be sent with the next request */
    uv_work_t work;
    struct decider_record record; /* found by LOOKING_UP */
    struct ever_err record_err;
    char now[TIME_BYTES];
    char seed[SEED_BYTES];
    bool stamped; /* now and seed are set: once for all attempts */
    struct appending appending;
    struct decider_answer answer;
    struct decider_state answer_state;
};

struct deciders {
    uv_loop_t *loop;
    struct ever *store;
    struct decider_options options;
    struct script_program program;
    struct script_pool *pool;
    struct arena arena; /* infos and routes */
    struct decider_info *infos;
    size_t info_count;
    struct ever_slice routes;

    struct line **buckets;
    uint32_t bucket_count;    /* a power of two */
    struct job_queue ready;   /* at work, to be begun in the next turn */
    uv_idle_t turn;           /* runs while `ready` holds something */
    struct job_queue stalled; /* to be appended again: the store's queue was full */
    uv_timer_t stall;
    struct mailbox appended; /* store -> loop */
    uv_async_t wake;
    uint32_t job_count;
    uint64_t folds; /* numbers the keys of past states */
    struct decider_stats stats;

    bool closing;
    bool pool_closed;
    uint32_t open_handles;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* --- job.c: lines, beginnings and ends ------------------------------------------------------- */

/* NULL: waiting_max is reached. `id` is copied. */
struct job *job_create(struct deciders *deciders, const struct decider_info *decider,
                       struct ever_slice id);
void job_enqueue(struct job *job); /* into its line, or without one right to the ready */
void job_begin_ready(struct deciders *deciders);
void job_end(struct job *job); /* job->answer or answer_state is given; frees it */
void job_queue_push(struct job_queue *queue, struct job *job);
struct job *job_queue_pop(struct job_queue *queue);

/* Ends with an answer that is not what was wished. `message` is copied. */
void job_fail(struct job *job, enum decider_outcome outcome, struct ever_slice message);
void job_fail_store(struct job *job, struct ever_err err);

void deciders_finish_close(struct deciders *deciders); /* deciders.c: when nothing is left to do */

/* --- ask.c: to the worker and back ----------------------------------------------------------- */

void job_ask(struct job *job);
void job_load(struct job *job, uint64_t from_revision); /* then asks with the events */

/* --- command.c, state.c ---------------------------------------------------------------------- */

void job_begin_command(struct job *job);
void job_on_decided(struct job *job, struct ever_slice member, struct json_value value,
                    bool seeded);
void job_on_appended(struct job *job);
void job_append(struct job *job); /* again, when it was stalled */
void job_begin_state(struct job *job);
void job_on_state(struct job *job, struct json_value state);

/* --- record.c: what a command leaves in the log ---------------------------------------------- */

/* Fills job->appending from what decide returned. False: it cannot be appended, *out_fault says
 * why, in job->arena. */
bool job_record_events(struct job *job, struct json_value events, bool seeded,
                       struct ever_slice *out_fault);
void job_record_rejection(struct job *job, struct json_value rejection, bool seeded);
void job_record_nothing(struct job *job, bool seeded);
