/* flows.h - durable flows: streams made of other streams, written to the log exactly once.
 *
 * An APP's flows/NAME.js declare flows; each is a graph of operators and has a version, the hash of
 * what it means. One thread reads the log in batches of root events, runs them through all flows
 * and appends what they emit to flow-NAME.VERSION. The state lives in memory; a snapshot in `dir`
 * shortens the next start and may be deleted at any time: the log is the truth.
 *
 *     open --+--> BUILDING --caught up, $FlowServing appended--> LIVE     a new or changed flow
 *            +--> LIVE                                                    one that served before
 *     BUILDING, LIVE --an event failed; another hand wrote to its stream--> STOPPED
 *
 * Exactly once: an event's id and bytes follow from flow, version and cause. What the stream holds
 *           already is compared byte for byte, and only what comes behind it is appended, on the
 *           condition that the stream is as long as it must be. A difference stops the flow.
 * Whole:    the events of one cause, over all flows, are in one append; but for a cause with more
 *           than an append may hold (10,000 events, 16 MiB), which takes several.
 * Threads:  open and close on one thread; all others from any thread. The callbacks of
 *           flows_watch() and flow_tap() come from the flows' thread and must be short. */
#pragma once
#include "domain/app.h"
#include "everfold.h"

struct flows;
struct flow;

struct flows_options {       /* 0: the default */
    const char *worker_path; /* the program; NULL: "everfold-js" beside this program */
    uint32_t time_limit_ms;  /* CPU time of one call of a script segment, up to 1,024 items: 1000 */
    uint32_t memory_limit_mb; /* of the worker: 256 */
    uint32_t batch_roots;     /* root events in one batch, up to 4096: 4096 */
    uint64_t snapshot_events; /* a snapshot after so many root events: 500,000 */
    uint64_t snapshot_bytes;  /* or so many bytes of them: 256 MiB; but not before as many bytes
                               * were read as the last one wrote */
};

/* True when `app` has files in flows/. */
bool flows_wanted(const struct app *app);

/* Runs the declarations of `app`, checks all graphs and reads the snapshots in `dir`, which is made
 * when it is missing (NULL: no snapshots). EVER_INVALID: `report` has a line "flows/x.js:12: what
 * is wrong" for each fault. `store` and `app` are borrowed until close. */
struct ever_err flows_open(struct ever *store, const struct app *app, const char *dir,
                           const struct flows_options *options, struct text *report,
                           struct flows **out_flows);
struct ever_err flows_start(struct flows *flows); /* starts the thread */
/* NULL-safe; ends the batch in hand, waits for the thread, writes a snapshot. Close the store after
 * it. */
void flows_close(struct flows *flows);

/* Runs on the calling thread, without the thread started, until everything in the log has passed
 * through every flow that is not stopped. For tests and tools. */
struct ever_err flows_run_to_end(struct flows *flows);

size_t flows_count(const struct flows *flows);
struct flow *flows_at(struct flows *flows, size_t index); /* sorted by name */
struct flow *flows_find(struct flows *flows, struct ever_slice name);

#define FLOW_STREAM_BYTES_MAX 200

/* What does not change while the server runs. */
struct flow_info {
    const char *name;
    const char *file; /* "flows/bank.js" */
    uint32_t line;
    const char *version;     /* 16 hexadecimal digits */
    const char *stream;      /* "flow-NAME.VERSION" */
    const char *alias;       /* "flow-NAME" */
    struct ever_slice graph; /* JSON: {"name","file","line","options","nodes":[...]} */
    size_t node_count;
};
const struct flow_info *flow_info(const struct flow *flow);

enum flow_state {
    FLOW_BUILDING, /* a new or changed flow on its way through the log */
    FLOW_LIVE,     /* follows, and serves */
    FLOW_STOPPED,  /* see `failure`; a restart tries it again */
};
const char *flow_state_name(enum flow_state state); /* "building", "live", "stopped" */

#define FLOW_NODE_NAME_BYTES 104 /* longer ones are cut */
#define FLOW_FAILURE_BYTES 768

struct flow_status {
    enum flow_state state;
    uint64_t position;    /* its outputs of every root event up to here are durable: its frontier */
    uint64_t lag;         /* positions of the log behind that, 0 when it has seen everything */
    int64_t watermark_us; /* event time, us since 1970; FLOW_NO_WATERMARK before the first event */
    uint64_t roots;       /* root events that it took in, of the whole log */
    uint64_t events;      /* in its main stream */
    uint64_t late;        /* in its .late stream */
    uint64_t errors;      /* in its .errors stream */
    uint64_t keys;        /* of all operators' state */
    uint64_t bytes;       /* of all operators' state */
    char serving[17];     /* the version readers of the alias are sent to; "" when none yet */
    uint64_t serving_from; /* from which position on it serves */
    char hash[17]; /* over all events of this version so far, in order; see flows_verify() */
    /* STOPPED, or waiting for the disk: */
    uint64_t failed_position;               /* the root event; 0 when it is none's fault */
    char failed_node[FLOW_NODE_NAME_BYTES]; /* its name in the graph; "" : none */
    char failure[FLOW_FAILURE_BYTES];       /* NUL-terminated; "" while all is well */
};
#define FLOW_NO_WATERMARK INT64_MIN
void flow_status(const struct flow *flow, struct flow_status *out_status);
uint64_t flow_position(const struct flow *flow); /* one atomic */

struct flow_node_status {
    uint64_t in; /* items since the thread or the last takeover began */
    uint64_t out;
    uint64_t keys;
    uint64_t bytes;
};
/* Of node `index` of the graph. */
void flow_node_status(const struct flow *flow, size_t index, struct flow_node_status *out_status);

/* Calls `fn` whenever position or state of a flow moved. One watcher; `fn` NULL ends it: no call is
 * running or will come when this returns. */
typedef void flows_watch_fn(void *arg);
void flows_watch(struct flows *flows, flows_watch_fn *fn, void *arg);

/* What left a node: for pictures. Lent for the call. */
struct flow_mark {
    size_t node;
    uint64_t position;       /* of the root event */
    int64_t time_us;         /* event time */
    struct ever_slice key;   /* canonical JSON; empty: none */
    struct ever_slice value; /* JSON */
};
typedef void flow_tap_fn(void *arg, const struct flow_mark *mark);
struct flow_tap;
/* From the next batch on, of the flow that runs under this name, building or live. Any number;
 * flow_untap() returns when no call is running or will come. */
struct flow_tap *flow_tap(struct flow *flow, flow_tap_fn *fn, void *arg);
void flow_untap(struct flow_tap *tap); /* NULL-safe. Before flows_close(). */

/* Proves that the log holds what the flows say: runs them from position 0 to the end of the log in
 * memory and compares. Only reads the store; `flow` NULL: all. */
enum flow_verdict {
    FLOW_SAME,      /* every event in the log is the one computed; `missing` may not be 0 */
    FLOW_DIFFERENT, /* see `difference` */
    FLOW_FAILED,    /* it stops at an event, as it does in the server: see `difference` */
};
struct flow_proof {
    const struct flow_info *info; /* lent for the call */
    enum flow_verdict verdict;
    uint64_t compared;   /* events of the log, in all its streams */
    uint64_t missing;    /* computed, but not in the log: the server has yet to write them */
    char hash[17];       /* over all computed events */
    const char *serving; /* what the log says; another version than info->version or "" possible */
    const char *difference; /* sentences; "" when there is none */
};
struct flows_verify_options {
    const struct flows_options *flows;
    const char *only; /* this flow and what it reads; NULL: all */
    void (*progress)(void *arg, uint64_t position, uint64_t last); /* may be NULL */
    void (*proof)(void *arg, const struct flow_proof *proof);
    void *arg;
};
/* EVER_NOT_FOUND: no flow is named `only`. EVER_INVALID as from flows_open(). */
struct ever_err flows_verify(struct ever *store, const struct app *app,
                             const struct flows_verify_options *options, struct text *report);
