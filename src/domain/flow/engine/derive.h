/* derive.h - the flow engine: root events in, derived events out. A pure function.
 *
 * A program is a set of flows, made from their graphs (graph.h). Root events go through it in
 * batches, in the order of the log; out come the events that the flows derive from them, in the
 * order (root, flow, k). The engine knows no store, thread, clock or file.
 *
 * Pure:     outputs and state depend on the graphs and on the roots, never on how the roots fell
 *           into batches or on saving and loading between them. State and outputs are canonical
 *           bytes: the same on every machine.
 * Order:    for each root, flows run by level: a flow after the flows it reads. Within a flow,
 *           nodes run in the order of the graph. So every root is one transaction without glitches.
 * Time:     the event time of an item is its flow's `time` path in the event, or the commit time.
 *           Watermark of a flow after a root: W = max(newest - idle, oldest) - lateness, where
 *           newest and oldest are the greatest event times seen by the flow's inputs that are
 *           furthest ahead and furthest behind. W never goes back. With idle 0 it follows the newest
 *           event of any input; an input that is silent holds it back by `idle` at most. Windows
 *           with end <= W close in the transaction of the root that moved W.
 * Failure:  an item that cannot be processed stops its flow, or with onError "skip" becomes an event
 *           of the errors side. A flow that stops is left as it was before that root, and nothing of
 *           that root is given out; flows that read it stop with it, others go on.
 * Bounds:   each stateful node holds up to `keys` entries and `bytes` bytes; one more stops the
 *           flow.
 * Threads:  one at a time.
 * Memory:   roots and graphs are borrowed for the call; outputs are lent until the next call on the
 *           program. Running out of memory ends the process (mem.h). */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "everfold.h"

#define DERIVE_SEMANTICS 1       /* changes when the same graph and roots would give other bytes */
#define DERIVE_BATCH_ROOTS 4096u /* a good number of roots for one run; any number will do */

struct derive_program;

/* --- Making ----------------------------------------------------------------------------------- */

/* Makes a program from {"flows":[...]}, the text that a worker answers for the files of flows/. It
 * may hold any subset of flows that is closed under "reads". EVER_INVALID: the graphs break a rule;
 * `report` then has one line for each fault, "flows/x.js:LINE: what, and the way out". */
struct ever_err derive_program_create(struct ever_slice graphs, struct text *report,
                                      struct derive_program **out_program);
void derive_program_destroy(struct derive_program *program); /* NULL-safe */

/* --- The flows -------------------------------------------------------------------------------- */

/* Flows are numbered 0.. in the order in which they run: by level, then as in the graphs. */
size_t derive_flow_count(const struct derive_program *program);

struct derive_flow_info { /* lent as long as the program lives */
    struct ever_slice name;
    struct ever_slice file;
    uint32_t line;
    uint32_t level;          /* 0: reads no other flow */
    const size_t *upstreams; /* the flows it reads, each once */
    size_t upstream_count;
    size_t node_count;
    int64_t tick_ms;         /* 0: does not ask for ticks */
    struct ever_slice graph; /* its JSON as given */
    struct ever_slice
        canonical; /* the same without file and line numbers: what its version hashes */
};
void derive_flow_info(const struct derive_program *program, size_t flow,
                      struct derive_flow_info *out_info);

/* Names the version of a flow, which stands in the metadata of its events: up to 32 bytes. To be
 * called before the first run; without it the version is empty. */
void derive_flow_set_version(struct derive_program *program, size_t flow,
                             struct ever_slice version);

/* Which events can matter: one for each `from` that reads the log, and one for `$tick` when a flow
 * asks for ticks; `from` and `backward` are not set. All others are passed over by a run, unseen.
 * Never matched: streams of category `flow`, streams that begin with `$command-`. */
const struct ever_read *derive_program_reads(const struct derive_program *program,
                                             size_t *out_count);

/* --- Running ---------------------------------------------------------------------------------- */

enum derive_side { DERIVE_MAIN, DERIVE_LATE, DERIVE_ERRORS };

struct derive_output {
    uint32_t flow;
    uint32_t k; /* ordinal among all outputs of (flow, cause), sides included */
    enum derive_side side;
    uint64_t cause; /* position of the root */
    int64_t time_us;
    struct ever_slice type; /* sides: "$Late", "$Error" */
    struct ever_slice data; /* JSON, see below */
    struct ever_slice
        metadata; /* {"flow":NAME,"version":VERSION,"cause":p,"time":RFC 3339 in ms} */
    const struct ever_slice *tags;
    uint32_t tag_count;
};
/* Data of an output: the emitted value; an event that reached `emit` unchanged gives its own data.
 * $Late: {"position","node","key"?,"start","end","value"}, once for each
 * window that was missed. $Error: {"position","node","message"}. */

enum derive_script_result {
    DERIVE_SCRIPT_ANSWERED, /* `answer` holds the worker's JSON */
    DERIVE_SCRIPT_BROKEN, /* time or memory limit, dead worker: `answer` says why, as text; the flow
                           * stops whatever its policy, since nobody knows what would have come */
    DERIVE_SCRIPT_CLOSED, /* nobody waits for the result any more: the run is abandoned */
};
struct derive_script { /* how a script node reaches the worker */
    enum derive_script_result (*run)(void *arg, struct ever_slice segment,
                                     struct ever_slice request, struct text *answer);
    void *arg;
};

struct derive_result {
    const struct derive_output *outputs; /* ordered by (cause, flow, k) */
    size_t count;
    uint32_t stopped_count; /* flows that stopped in this run */
    bool abandoned;         /* a script said so; the program is only good for destroying */
};

/* Runs `count` roots, positions increasing. `roots` may hold events that no flow reads. A flow
 * passes over roots at or below its own position, so flows that are at different positions can be
 * fed together. `script` may be NULL when no graph has a script node. */
void derive_program_run(struct derive_program *program, const struct ever_event *roots,
                        size_t count, const struct derive_script *script,
                        struct derive_result *out_result);

/* The caller stops a flow, as if its node had failed at `position`: it and the flows that read it
 * take no further part. `message` is a sentence. */
void derive_flow_stop(struct derive_program *program, size_t flow, uint64_t position,
                      struct ever_slice message);

/* --- State ------------------------------------------------------------------------------------ */

/* Writes all that the flow remembers, as of the last root that was run: the same bytes for the same
 * log. Not for a stopped flow's stop, which is found again by running on. */
void derive_flow_save(const struct derive_program *program, size_t flow, struct text *out);

/* Takes what derive_flow_save() wrote for a flow with the same canonical graph. EVER_CORRUPT: the
 * bytes are damaged, or of another graph or semantics; the flow is then as it was. */
struct ever_err derive_flow_load(struct derive_program *program, size_t flow,
                                 struct ever_slice state);

/* --- Watching --------------------------------------------------------------------------------- */

struct derive_node_status {
    struct ever_slice name;
    struct ever_slice op;
    uint64_t in;    /* items that reached it */
    uint64_t out;   /* items it gave on */
    uint64_t keys;  /* entries of state */
    uint64_t bytes; /* of state */
};
struct derive_flow_status {
    uint64_t position; /* last root run, 0: none */
    bool stopped;
    uint64_t
        stop_position; /* the root that could not be processed; the next three only if stopped */
    struct ever_slice stop_node;
    struct ever_slice stop_message;
    bool has_watermark;
    int64_t watermark_us;
    uint64_t in, out, late, errors; /* events; out: the main side */
    uint64_t keys, bytes;           /* sums over the nodes */
    bool pending; /* a later watermark would let something out: an open window, a delayed event */
};
/* Lent until the next call that is not a question. */
void derive_flow_status(const struct derive_program *program, size_t flow,
                        struct derive_flow_status *out_status);
void derive_node_status(const struct derive_program *program, size_t flow, size_t node,
                        struct derive_node_status *out_status);

struct derive_tap_item {
    size_t flow;
    size_t node;
    uint64_t position;       /* of the root in whose transaction it passed */
    int64_t time_us;         /* event time */
    struct ever_slice key;   /* JSON; empty when not keyed */
    struct ever_slice value; /* JSON */
};
/* Shows every item that leaves a node of `flow`, node by node within each stretch of roots, lent
 * for the call. A stretch that ends in a stop is shown once, without the root that stopped. `fn`
 * NULL: no more. Costs nothing while nobody listens. */
typedef void derive_tap_fn(void *arg, const struct derive_tap_item *item);
void derive_flow_tap(struct derive_program *program, size_t flow, derive_tap_fn *fn, void *arg);
