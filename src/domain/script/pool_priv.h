/* pool_priv.h - a pool and its slots, each of which has one worker at a time. */
#pragma once
#include "domain/script/pool.h"

struct queue {
    struct script_request *first;
    struct script_request *last;
};

/*  EMPTY --start--> LOADING --answer to load--> READY
 *    ^  <--delay--     |                          |
 *    +------ dies -----+------------ dies --------+      */
enum slot_state { SLOT_EMPTY, SLOT_LOADING, SLOT_READY };

/* What the watchdog saw of a worker, and since when nothing moved. */
struct watch {
    uint32_t current_id;
    uint32_t answered;
    int64_t since_ns;
    int64_t since_cpu_ns;
};

struct slot {
    struct script_pool *pool;
    enum slot_state state;
    struct script_process *process; /* NULL when EMPTY */
    struct queue waiting;
    struct queue in_flight; /* in the order sent, which is the order of answers */
    uint32_t in_flight_count;
    size_t in_flight_bytes;
    uint32_t answered; /* by this process */
    struct watch watch;
    enum script_outcome killed_for; /* ANSWERED: not killed by us */
    uint32_t killed_id;             /* the request it was killed for */
    unsigned starts_failed;         /* in a row */
    uv_timer_t restart;
    bool restart_armed;
    char why[192]; /* the last start failed */
};

struct script_pool {
    uv_loop_t *loop;
    struct script_pool_options options;
    script_loaded_fn *loaded; /* NULL once called */
    void *loaded_arg;
    uv_prepare_t turn;  /* before the loop waits: sends what this turn gathered */
    uv_timer_t watcher; /* runs while something is in flight or loading */
    uint32_t next_id;
    uint32_t replaced;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    uint32_t open_handles;
    struct slot slots[]; /* options.worker_count */
};

/* --- slot.c: the life of one worker after the other ------------------------------------------- */

void script_slot_restart(struct slot *slot); /* soon; later when starting failed before */
void script_slot_turn(struct slot *slot); /* sends what waits, or answers it when that cannot be */
void script_slot_push(struct slot *slot, struct script_request *request);
bool script_slot_is_busy(const struct slot *slot);
void script_slot_watch(struct slot *slot, int64_t now_ns); /* kills a worker that broke a limit */

/* --- pool.c ----------------------------------------------------------------------------------- */

/* A slot has no process any more, and the pool is closing. */
void script_pool_slot_is_over(struct script_pool *pool);
