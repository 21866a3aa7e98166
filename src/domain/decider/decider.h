/* decider.h - commands: load the state, decide, append with the expected revision, answer.
 *
 * The JavaScript of deciders/NAME.js runs in worker processes (script/). The state of a stream is
 * folded and cached there. One command at a time is decided for a stream; others for it wait in
 * line. When somebody else's append was faster, the command is decided again on the new state.
 *
 * A command has an id; its events' ids are that id with the last 16 bits counting from 1. So the
 * same command twice is recognised by the store, for ever: the first answer comes again. A
 * rejection and a decision for nothing are recorded too, as an event in stream "$command-<id>" with
 * the event id a first event would have had.
 *
 * Threads:  everything here runs on the thread of the given loop; callbacks too, never from inside
 *           the call that takes them.
 * Limits:   at most `waiting_max` commands at once (EVER_BUSY beyond). */
#pragma once
#include "base/arena.h"
#include "domain/app.h"
#include "everfold.h"

#include <uv.h>

struct deciders;

struct decider_options {
    const char *worker_path;  /* the worker program; NULL: "everfold-js" beside this program */
    uint32_t worker_count;    /* processes; 0 means 1 */
    uint32_t time_limit_ms;   /* for one call of decide or one batch of evolve; 0 means 100 */
    uint32_t memory_limit_mb; /* what scripts may add to a worker; 0 means 256 */
    uint32_t grace_ms;        /* beyond the time limit, before a worker is killed; 0 means 1000 */
    uint32_t states_max;      /* cached states in each worker; 0 means 100,000 */
    uint32_t waiting_max;     /* 0 means 10,000 */
};

/* The same with the defaults in place of zeros. */
struct decider_options decider_options_complete(const struct decider_options *given);

/* Compiles the deciders and routes.js of `app` in a worker. `store` and `app` are borrowed until
 * close. EVER_INVALID: `report` names file, line and what is wrong, one line each. Runs the loop
 * until the first worker is ready. */
struct ever_err deciders_open(uv_loop_t *loop, struct ever *store, const struct app *app,
                              const struct decider_options *options, struct text *report,
                              struct deciders **out_deciders);
/* Answers what waits with DECIDER_CLOSED, ends the workers, then calls `closed`. */
void deciders_close(struct deciders *deciders, void (*closed)(void *arg), void *arg);

struct decider_info { /* lent until close */
    const char *name;
    const char *version; /* hash of its source and all it imports, hexadecimal */
    const char *const *commands;
    size_t command_count;
    const char *const *event_types; /* those evolve handles */
    size_t event_type_count;
};
size_t deciders_count(const struct deciders *deciders);
const struct decider_info *deciders_at(const struct deciders *deciders, size_t index);
const struct decider_info *deciders_find(const struct deciders *deciders, struct ever_slice name);

/* What routes.js exports, as JSON ("{}" without the file); lent until close. */
struct ever_slice deciders_routes(const struct deciders *deciders);

struct decider_command {
    const struct decider_info *decider;
    struct ever_slice id;        /* the stream is decider-id */
    struct ever_slice name;      /* of the command */
    struct ever_slice data;      /* checked JSON */
    struct ever_uuid command_id; /* its last 16 bits are 0 */
    bool may_be_repeat;          /* the id came from outside: look it up first */
    enum ever_expect expect;     /* the client's own condition; EVER_ANY: none */
    uint64_t revision;           /* with EVER_EXACT */
};

enum decider_outcome {
    DECIDER_ACCEPTED, /* events appended, maybe none */
    DECIDER_REJECTED, /* decide refused: code, message */
    DECIDER_CONFLICT, /* the client's condition does not hold; revision is the actual one */
    DECIDER_OTHER,    /* the command id was used for another command */
    DECIDER_UNKNOWN_COMMAND,
    DECIDER_THREW,        /* decide or evolve threw, or returned nonsense: message, file and line */
    DECIDER_TIME_LIMIT,   /* ran longer than time_limit_ms */
    DECIDER_MEMORY_LIMIT, /* or the worker died with it */
    DECIDER_UNAVAILABLE,  /* no worker can be started: message */
    DECIDER_OVERTAKEN,    /* too many retries */
    DECIDER_STORE_FAILED, /* err says how */
    DECIDER_CLOSED,
};

struct decider_answer { /* lent for the callback */
    enum decider_outcome outcome;
    bool repeated;           /* this is the answer of the first time */
    uint64_t first_position; /* of its events; with none, of the record in $command-<id> */
    uint64_t last_position;
    uint32_t event_count;
    const struct ever_new_event *events; /* as appended; NULL: not at hand, as for a repeat */
    int64_t revision;                    /* of the stream after it; EVER_NO_REVISION: no stream */
    struct ever_slice code;    /* REJECTED: as the decider gave it: "insufficient-funds" */
    struct ever_slice message; /* REJECTED and failures: for people */
    struct ever_slice details; /* REJECTED: JSON object of further members, may be empty */
    struct ever_err err;       /* STORE_FAILED */
};
typedef void decider_done_fn(void *arg, const struct decider_answer *answer);

/* `command` and what it points to are borrowed until `done` was called. */
struct ever_err decider_submit(struct deciders *deciders, const struct decider_command *command,
                               decider_done_fn *done, void *arg);

/* How a command ended, from the log alone: EVER_NOT_FOUND when it is not there. Copies to `arena`.
 * Any thread. */
struct decider_record {
    struct ever_slice stream; /* decider-id */
    struct ever_slice name;
    struct ever_slice data;
    int64_t time_ns;
    struct decider_answer answer;
};
struct ever_err decider_find_command(struct ever *store, struct ever_uuid command_id,
                                     struct arena *arena, struct decider_record *out_record);

/* The folded state as JSON, as of position `at` (UINT64_MAX: now). */
struct decider_state {
    struct ever_err err;     /* or: INVALID with message when evolve threw */
    struct ever_slice state; /* JSON */
    struct ever_slice message;
    int64_t revision;  /* EVER_NO_REVISION: the initial state */
    uint64_t position; /* the log position it reflects */
};
typedef void decider_state_fn(void *arg, const struct decider_state *state);
struct ever_err decider_fold(struct deciders *deciders, const struct decider_info *decider,
                             struct ever_slice id, uint64_t at, decider_state_fn *done, void *arg);

struct decider_stats {
    uint32_t workers;
    uint32_t workers_replaced; /* since open */
    uint64_t decided;          /* calls of decide */
    uint64_t retried;          /* decided again because overtaken */
    uint32_t waiting;
};
void deciders_stats(const struct deciders *deciders, struct decider_stats *out_stats);
