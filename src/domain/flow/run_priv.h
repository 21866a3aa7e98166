/* run_priv.h - a set of flows on its way through the log: reads, derives, compares, appends.
 *
 *     cursor --roots--> program --outputs--> parts --new ones--> writer --> log
 *
 * `position` is what was read and derived; `durable` is what the log has all outputs of. Appends
 * are gathered while there is more to read, for 20 ms at most.
 *
 * Threads: one. */
#pragma once
#include "domain/flow/engine/derive.h"
#include "domain/flow/writer_priv.h"
#include "store/filter.h"

struct flow;
struct flows;
struct flow_run {
    struct flows *owner;
    struct ever *store; /* of the owner */
    struct derive_program *program;
    const char *instance; /* names the run to the worker's cache of states, for its whole life */
    struct flow **flows;  /* by part, in the order in which they run; the same as the program's */
    struct flow_part *parts;
    size_t count;
    struct filter *filters; /* any of these */
    size_t filter_count;
    struct ever_cursor *cursor; /* NULL: opened at position + 1 when needed */
    uint64_t position;
    uint64_t durable;
    bool is_at_end; /* the last look found nothing more */

    struct arena arena; /* of the roots */
    struct ever_event *roots;
    uint32_t root_max;
    uint32_t root_count;
    struct derive_result result; /* what is left of it, from `taken` */
    size_t taken;
    struct flow_writer writer;
    int64_t gathering_since_ns; /* 0: nothing is pending */
    bool end_is_checked;
    bool is_proof;             /* compares, and appends nothing */
    uint64_t roots_since_save; /* what the next snapshot is due by */
    uint64_t bytes_since_save;
    uint64_t saved_bytes; /* of state, the last time */
};

/* Makes a run of these flows, which must hold what each of them reads; all at position 0 and with
 * unopened parts. */
struct flow_run *flow_run_create(struct flows *owner, struct flow *const *flows, size_t count,
                                 const char *instance);
void flow_run_destroy(struct flow_run *run); /* NULL-safe */
struct flow_part *flow_run_part(struct flow_run *run,
                                const struct flow *flow); /* NULL: not in it */

/* Runs one batch of roots up to `limit`. *out_more: there may be more at once. On failure nothing
 * is lost: the next call goes on. `script` may be NULL. */
struct ever_err flow_run_step(struct flow_run *run, uint64_t limit,
                              const struct derive_script *script, bool *out_more);

/* Appends what is pending. */
struct ever_err flow_run_flush(struct flow_run *run);

bool flow_run_is_settled(const struct flow_run *run); /* durable, and nothing left to take */
bool flow_run_is_dead(const struct flow_run *run);    /* all its written flows have stopped */
