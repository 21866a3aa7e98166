/* flows_priv.h - all flows of an APP, and the thread that runs them.
 *
 *     live      the run of the flows that serve; NULL while none does
 *     building  the run of new and changed flows, with what they read; NULL when there is none
 *
 * Threads:  the flows' thread owns runs, loop, pool and what is marked so in struct flow; before it
 *           is started and after it has ended, who opens and closes.
 * Locks:    `lock` guards status and nodes, held for a few instructions; `watch_lock` and
 * `tap_lock` are held over the calls they name, so that nobody is called after unwatching. None is
 *           taken inside another. */
#pragma once
#include "base/arena.h"
#include "base/vfs.h"
#include "domain/flow/alias_priv.h"
#include "domain/flow/run_priv.h"
#include "domain/flow/snapshot_priv.h"
#include "domain/script/compile.h"
#include "domain/script/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* The state of a flow that stopped at an event, as it was before it: the next start goes on there.
 */
struct flow_kept {
    struct text state;
    uint64_t position;
    uint64_t counts[FLOW_SIDES];
    uint64_t hash;
    bool is_set;
};

struct flow {
    struct flows *flows;
    struct flow_info info;
    size_t *upstreams; /* indexes among flows->list */
    size_t upstream_count;
    int64_t tick_ms; /* 0: wants no ticks */
    /* The thread's own. */
    struct flow_serving serving;
    struct flow_kept kept;
    /* Under flows->lock. */
    struct flow_status status;
    struct flow_node_status *nodes;
    _Atomic uint64_t position;
    _Atomic uint32_t tap_count; /* changed under flows->tap_lock, which also guards: */
    struct flow_tap *taps;
};

struct flows {
    struct ever *store;
    struct vfs *vfs;
    char *dir; /* of the snapshots; NULL: none are kept */
    struct flows_options options;
    struct arena arena; /* of all infos */
    struct flow *list;  /* sorted by name */
    size_t count;
    struct flow_run *live;
    struct flow_run *building;
    unsigned live_batches; /* since the building run had one */
    int64_t tick_due_ns;   /* monotonic; 0: none is due */

    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t pause;
    bool pause_is_over;
    struct script_program *program; /* NULL: no scripts */
    struct script_pool *pool;       /* NULL: no scripts, or closed */
    bool script_abandoned; /* a run was cut off by the end: what it computed is of no use */

    pthread_t thread;
    bool is_started;
    atomic_bool stop;
    struct ever_watch *log_watch;
    pthread_mutex_t lock;
    pthread_mutex_t watch_lock;
    pthread_mutex_t tap_lock;
    flows_watch_fn *watch;
    void *watch_arg;
};

/* --- flows.c ---------------------------------------------------------------------------------- */

/* flows_open() with graphs at hand and in any world; without functions. */
struct ever_err flows_open_graphs(struct vfs *vfs, struct ever *store, struct ever_slice graphs,
                                  const char *dir, const struct flows_options *options,
                                  struct text *report, struct flows **out_flows);
/* flows_open() without runs: infos and worker only. */
struct ever_err flows_declare(struct ever *store, const struct app *app, const char *dir,
                              const struct flows_options *options, struct text *report,
                              struct flows **out_flows);
void flows_pause(struct flows *flows, uint64_t time_ms); /* or until the end */

/* --- graphs.c: what the declarations say ------------------------------------------------------ */

/* Gives every flow its info and version. `graphs` is the worker's answer, {"flows":[...]};
 * `file_version` is asked for the hash of a file with its imports, for flows with functions only.
 */
typedef void flow_file_version_fn(void *arg, const char *path,
                                  char out_version[static SCRIPT_VERSION_BYTES]);
struct ever_err flow_graphs_read(struct flows *flows, struct ever_slice graphs,
                                 flow_file_version_fn *file_version, void *arg,
                                 struct text *report);
bool flow_graph_has_functions(struct ever_slice graph);

/* Sets of flows are marks by index. Marks the flow, and what it reads, directly or not. */
void flow_mark_with_upstreams(const struct flows *flows, size_t index, bool *marks);
size_t flow_list_marked(struct flows *flows, const bool *marks, struct flow **list);

/* --- resume.c: where flows go on after a start ------------------------------------------------ */

struct ever_err flow_resume(struct flows *flows);

/* --- life.c: runs take turns, take over, are saved -------------------------------------------- */

enum flow_step {
    FLOW_STEP_MORE,   /* something was done; there may be more */
    FLOW_STEP_IDLE,   /* nothing to do until the log grows */
    FLOW_STEP_RETRY,  /* the disk refused; try again after a pause */
    FLOW_STEP_CLOSED, /* the store is closing, or a script was cut off by the end */
};
enum flow_step flow_life_step(struct flows *flows);
void flow_life_save(struct flows *flows); /* snapshots of what is settled */
void flow_life_close(struct flows *flows);

/* --- script.c: segments of JavaScript --------------------------------------------------------- */

/* Compiles the APP, starts the worker on the flows' own loop and appends its answer, the graphs. */
struct ever_err flow_script_open(struct flows *flows, const struct app *app, struct text *report,
                                 struct text *out_graphs);
void flow_script_stop(struct flows *flows);  /* the worker */
void flow_script_close(struct flows *flows); /* and the compiled program */
struct derive_script flow_script_of(struct flow_run *run);

/* --- status.c: what others see ---------------------------------------------------------------- */

void flow_status_publish(struct flows *flows, struct ever_err err); /* what kept it from going on */
void flow_status_tap_run(struct flow_run *run);                     /* before each batch */

/* --- tick.c ----------------------------------------------------------------------------------- */

/* Appends a tick when one is due. *out_wait_ms: until the next one; 0: none is wanted. */
struct ever_err flow_tick(struct flows *flows, uint64_t *out_wait_ms);

/* --- verify.c --------------------------------------------------------------------------------- */

/* flows_verify() of flows that are declared. They are neither run nor changed. */
struct ever_err flow_prove(struct flows *flows, const struct flows_verify_options *options,
                           struct text *report);
