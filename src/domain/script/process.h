/* process.h - one worker process, everfold-js: started, spoken to in frames, ended.
 *
 * Threads:  all on the loop's thread. */
#pragma once
#include "base/err.h"
#include "domain/script/frame.h"

#include <uv.h>

struct script_process;

struct script_process_options {
    const char *worker_path;  /* the program; NULL: "everfold-js" beside this program */
    uint32_t time_limit_ms;   /* for one step; CPU time */
    uint32_t memory_limit_mb; /* what its scripts may add to the engine's own */
    uint32_t states_max;
};

struct script_process_events {
    void (*frame)(void *arg, const struct frame *frame); /* frame is lent for the call */
    /* The last call; the process is freed behind it. `last_words` says how it ended. */
    void (*gone)(void *arg, struct script_process *process, const char *last_words);
    void *arg;
};

/* EVER_NOT_FOUND: there is no such program. No event comes from inside this call. */
struct ever_err script_process_start(uv_loop_t *loop, const struct script_process_options *options,
                                     const struct script_process_events *events,
                                     struct script_process **out_process);

/* Takes a frame into the outgoing buffer; script_process_flush() hands all of them to the system in
 * one piece. After the process has died both do nothing. */
void script_process_send(struct script_process *process, enum frame_kind kind, uint32_t id,
                         struct ever_slice payload);
void script_process_flush(struct script_process *process);

/* Ends it at once, with SIGKILL; `gone` follows. May be called twice. */
void script_process_kill(struct script_process *process);

/* What a watchdog looks at. */
uint32_t script_process_current_id(const struct script_process *process); /* 0: no request */
int64_t script_process_cpu_ns(const struct script_process *process); /* used so far; 0: unknown */
bool script_process_is_over_memory(const struct script_process *process); /* beyond any tolerance */
int script_process_pid(const struct script_process *process);
