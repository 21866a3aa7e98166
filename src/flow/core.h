/* core.h - what every operator stands on: nodes, streams, the loop, emissions, transactions.
 *
 * A `flow_stream` is a description: immutable, lazy, owned by its region. Subscribing to it builds
 * a chain of `node`s, one for each operator, each the child of the node downstream of it. An event
 * runs down the chain by next(); closing a node closes what is upstream of it, because those are
 * its children. Both halves of the protocol are therefore one tree:
 *
 *      observer <- map <- filter <- link (a place in a subject's table of observers)
 *        parent   child    child     child
 *
 * Grammar:  next*, then at most one of error and complete. send_error() and send_complete() enforce
 *           the last part; next is not checked, because a closed node is no longer reachable from
 *           its source: sources and operators that emit in a loop look at `closed` after each
 * event. Freeing:  a closed node stays readable until the loop's depth is 0 again, so that any
 * callback may close any node, itself included. Values:   borrowed for the call. Who keeps one
 * calls value_keep(), and lets go by value_drop(), which waits until no event is running. Threads:
 * one, but for flow_post(). */
#pragma once
#include "flow.h"

#include <stdatomic.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A promise of our own code; stops the program, on in release. */
#define FLOW_ASSERT(cond) ((cond) ? (void)0 : flow_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void flow_assert_failed(const char *what, const char *file, int line);

struct node;

/* What a kind of node does. A NULL member passes the message downstream; `closed` and `destroy` may
 * be NULL when there is nothing to do. */
struct node_ops {
    void (*next)(struct node *node, flow_val v);
    void (*block)(struct node *node, flow_val *v, size_t count); /* NULL: next() for each */
    void (*error)(struct node *node, const struct flow_error *error);
    void (*fault)(struct node *node, const struct flow_error *error);
    void (*complete)(struct node *node);
    void (*closed)(struct node *node); /* once, after the children have closed: let go of sources */
    void (*destroy)(struct node *node); /* once, when no callback runs: let go of values */
    void (*commit)(struct node *node);  /* transactional nodes: emit, all inputs have arrived */
    bool spreads;                       /* its events go on to the observers of a `multicast` */
};

struct node {
    void (*next)(struct node *node, flow_val v); /* a copy of ops->next: one load less per event */
    const struct node_ops *ops;
    struct node *down; /* the node this one talks to */
    struct flow_loop *loop;
    struct node *parent; /* closes this one when it closes; NULL for a root */
    struct node *child_first, *child_last;
    struct node *sibling_before, *sibling_after; /* after: also the list of the dead */
    uint32_t sub;                                /* 1-based slot of its handle; 0: none */
    bool stopped;                                /* has had its error or complete */
    bool closed;
};

/* A node of `size` bytes, zeroed, the last child of `parent`. When `parent` is closed already, so
 * is the new node. Without memory: `down` gets the error and the result is NULL. */
void *node_new(struct node *parent, struct node *down, const struct node_ops *ops, size_t size);
/* Without parent; NULL: no memory. */
void *node_root(struct flow_loop *loop, const struct node_ops *ops, size_t size);
void node_close(struct node *node); /* NULL-safe; again: nothing */
/* A root gets a parent; closes with it at once when that is closed already. */
void node_adopt(struct node *node, struct node *parent);

static inline void send_next(struct node *node, flow_val v)
{
    node->next(node, v);
}
void send_error(struct node *node, const struct flow_error *error);
void send_fault(struct node *node, const struct flow_error *error);
void send_complete(struct node *node);
/* Hands over a block; nodes without block() get its values one by one, until they close. */
void send_block(struct node *node, flow_val *v, size_t count);
void send_code(struct node *node, int code, const char *what);

/* A user function called flow_fail(): its error goes to `down`, which closes the operator. */
void node_fail(struct node *node);

/* ---- the user's functions, one union for all operators ---- */
union flow_fn {
    flow_map_fn *map;
    flow_pred_fn *pred;
    flow_fold_fn *fold;
    flow_project_fn *project;
    flow_fold_project_fn *fold_project;
    flow_equal_fn *equal;
    flow_compare_fn *compare;
    flow_list_fn *list;
    flow_make_fn *make;
    flow_catch_fn *handle;
    flow_error_map_fn *error_map;
    flow_with_fn *with;
    flow_block_fn *block;
    flow_scan_block_fn *scan_block;
    flow_action_fn *action;
    void (*any)(void);
};

/* ---- streams ---- */
struct bound {
    size_t items;
    enum flow_overflow policy;
};

/* The parameters that most operators share; others embed it as their first member. */
struct flow_stream {
    const struct flow_type *type; /* what it carries */
    struct flow_region *region;
    struct flow_loop *loop;
    void (*subscribe)(struct flow_stream *stream, struct node *down);
    const struct node_ops *ops;   /* of op_subscribe()'s node */
    const struct flow_type *kept; /* of `op.held` and `arg` */
    struct flow_stream *in;
    union flow_fn fn;
    void *ud;
    flow_val arg;
    bool has_arg;
    bool property;  /* new observers hear its current value first, marked as initial */
    uint32_t level; /* transactional operators above it, at most; see txn.c */
    uint64_t n, m;
    struct bound bound;
};

void *stream_new(struct flow_region *region, size_t size, const struct flow_type *type,
                 void (*subscribe)(struct flow_stream *, struct node *));
/* On top of `in`; NULL when that is NULL. */
void *stream_on(struct flow_stream *in, size_t size, const struct flow_type *type,
                void (*subscribe)(struct flow_stream *, struct node *));
static inline void stream_subscribe(struct flow_stream *stream, struct node *down)
{
    stream->subscribe(stream, down);
}
/* Keeps a value as long as the region; `stream_arg` makes it what each op of the stream holds at
 * first. NULL-safe in `stream` and `v`. */
flow_val region_keep(struct flow_region *region, const struct flow_type *type, flow_val v);
void stream_arg(struct flow_stream *stream, const struct flow_type *type, const flow_val *v);

/* A handle for a root node, which becomes a child of the region. */
struct flow_sub sub_make(struct flow_region *region, struct node *node);
void sub_forget(struct flow_loop *loop, struct node *node);

/* The node of an operator with one input and a little state. */
struct op {
    struct node node;
    union flow_fn fn;
    void *ud;
    uint64_t count;
    flow_val held;
    bool has;
    struct flow_stream *stream;
};
struct flow_stream *op_new(struct flow_stream *in, const struct flow_type *type,
                           const struct node_ops *ops);
void op_subscribe(struct flow_stream *stream, struct node *down);
void op_destroy(struct node *node);      /* drops `held` */
void op_hold(struct op *op, flow_val v); /* keeps it in place of the old one */
void op_let_go(struct op *op);           /* has no value any more */
/* The value is taken out and lives until no event is running. */
flow_val op_take(struct op *op);

static inline struct op *op_of(struct node *node)
{
    return (struct op *)node;
}

/* ---- values kept ---- */
static inline flow_val value_keep(const struct flow_type *type, flow_val v)
{
    return type->retain == NULL ? v : type->retain(v);
}
/* Released when no event is running: a frame above may still be showing it to somebody. */
void value_drop_late(struct flow_loop *loop, const struct flow_type *type, flow_val v);
static inline void value_drop(struct flow_loop *loop, const struct flow_type *type, flow_val v)
{
    if (type->release != NULL) {
        value_drop_late(loop, type, v);
    }
}
bool value_equal(const struct flow_type *type, flow_val a, flow_val b);
uint64_t value_hash(const struct flow_type *type, flow_val v);

/* A queue of kept values with a bound. */
struct ring {
    flow_val *items;
    size_t first, count, capacity;
};
/* False: the bound was met and the policy says error, or there is no memory; `down` has been told.
 */
bool ring_push(struct ring *ring, const struct flow_stream *owner, const struct flow_type *type,
               flow_val v, struct node *down);
flow_val ring_at(const struct ring *ring, size_t index);
/* The caller owns the value now. */
flow_val ring_shift(struct ring *ring);
/* Its value lives until no event is running. */
flow_val ring_take(struct ring *ring, struct flow_loop *loop, const struct flow_type *type);
void ring_clear(struct ring *ring, struct flow_loop *loop, const struct flow_type *type);
void ring_free(struct ring *ring, struct flow_loop *loop, const struct flow_type *type);

/* Kept keys with something for each, in the order they came. */
struct table_entry {
    flow_val key;
    void *data;
    uint64_t hash;
    struct table_entry *chain, *before, *after;
};
struct table {
    const struct flow_type *type;
    struct table_entry **buckets;
    size_t bucket_count, count;
    struct table_entry *first, *last;
};
struct table_entry *table_find(const struct table *table, flow_val key);
struct table_entry *table_add(struct table *table, flow_val key); /* NULL: no memory */
void table_remove(struct table *table, struct table_entry *entry, struct flow_loop *loop);
void table_free(struct table *table, struct flow_loop *loop); /* empty and usable again */

/* A list value in the event's arena; items and types borrowed. `types` NULL: all are `type`. */
flow_val list_make(struct flow_loop *loop, const struct flow_type *type,
                   const struct flow_type *const *types, const flow_val *items, size_t count);
flow_val list_of_ring(struct flow_loop *loop, const struct flow_type *type,
                      const struct ring *ring);

/* ---- sources ---- */
/* A place where an event begins. Brackets every next() of a source, so that what the event put into
 * the arena goes away, and what waited for its end runs. */
struct event {
    size_t arena_used;
    void *arena_chunk;
};
static inline struct event event_begin(struct flow_loop *loop);
static inline void event_end(struct flow_loop *loop, struct event event);
void source_next(struct node *down, flow_val v); /* event_begin, next, event_end */
void source_complete(struct node *down);
void source_error(struct node *down, const struct flow_error *error);

/* ---- a table of observers ---- */
struct link; /* the child of an observer that holds its place */
struct slot {
    struct node *target; /* NULL: gone, waits to be compacted */
    struct link *link;
};
struct replay;

struct multicast {
    struct flow_stream stream; /* subscribing to it adds an observer */
    struct slot *slots;
    uint32_t count, live, capacity;
    uint32_t emitting; /* deliveries in progress: slots do not move */
    uint32_t refs;
    bool stopped;
    bool failed;
    struct flow_error *error; /* when failed */
    struct replay *replay;    /* NULL: a plain subject */
    void *owner;              /* of a group: the hub that feeds it, while there is one */
    flow_val key;             /* of a group */
    const struct flow_type *key_type;
    struct flow_region *home; /* owns subscriptions to a group or window */
    struct ring waiting;      /* values sent from inside a delivery */
};
struct multicast *multicast_new(struct flow_loop *loop, const struct flow_type *type,
                                const struct flow_subject_opts *opts);
void multicast_ref(struct multicast *cast);
void multicast_unref(struct multicast *cast); /* NULL-safe */
void multicast_subscribe(struct flow_stream *stream, struct node *down);
void multicast_add(struct multicast *cast, struct node *down);
struct multicast *subject_cast(struct flow_subject *subject);
void multicast_next(struct multicast *cast, flow_val v);
void multicast_block(struct multicast *cast, flow_val *v, size_t count);
void multicast_error(struct multicast *cast, const struct flow_error *error);
void multicast_fault(struct multicast *cast, const struct flow_error *error);
void multicast_complete(struct multicast *cast);

void multicast_deliver_all(struct multicast *cast, flow_val v);
/* After a delivery: slots of those that went, and values sent meanwhile. */
void multicast_settle(struct multicast *cast);
static inline void multicast_deliver(struct multicast *cast, flow_val v)
{
    if (LIKELY(cast->count == 1)) {
        struct node *target = cast->slots[0].target;
        cast->emitting++;
        if (LIKELY(target != NULL)) {
            target->next(target, v);
        }
        cast->emitting--;
    } else {
        multicast_deliver_all(cast, v);
    }
    if (UNLIKELY(cast->count != cast->live || cast->waiting.count > 0)) {
        multicast_settle(cast);
    }
}

/* replay.c: what a multicast gives to those who come late. */
struct replay *replay_new(const struct flow_type *type, const struct flow_subject_opts *opts);
void replay_free(struct replay *replay, struct multicast *cast);
void replay_store(struct multicast *cast, flow_val v);
bool replay_swallows(const struct multicast *cast); /* AsyncSubject: nothing before the end */
bool replay_last(const struct multicast *cast, flow_val *out_v);
void replay_subscribe(struct multicast *cast, struct node *down);

/* A node whose events go on to the observers of `cast`, NULL when there is none now. */
struct spreader {
    struct node node;
    struct multicast *cast;
};

/* ---- transactions, txn.c ---- */
struct txn {
    struct node node;
    uint32_t level;
    bool pending;
    struct txn *pending_after;
};
/* Runs commit() at once, or, while one event is being handed to several observers, when it has
 * reached all of them: lowest level first. */
static inline void txn_touch(struct txn *txn);
void txn_wait(struct txn *txn);
void txn_forget(struct txn *txn); /* it closes */
void txn_commit_all(struct flow_loop *loop);
void txn_raise(struct node *node, uint32_t level);

/* ---- operators with several inputs ----
 * The hub holds the state and is a child of `down`; its inputs are its children, and talk to
 * `down`. What an input does not handle itself therefore goes downstream. */
struct hub {
    struct txn txn;
    struct flow_stream *stream;
};
struct input {
    struct node node;
    struct hub *hub;
    size_t index;
    flow_val kept; /* what the input was made for; of `kept_type` when that is set */
    const struct flow_type *kept_type;
    bool done;
};
void *hub_new(struct flow_stream *stream, struct node *down, const struct node_ops *ops,
              size_t size);
struct input *input_new(struct hub *hub, const struct node_ops *ops, size_t index);
void input_keep(struct input *input, const struct flow_type *type, flow_val v);
void input_destroy(struct node *node); /* drops `kept` */
/* Calls fn(v); subscribes a new input to what it gave, after storing it in *out_input unless that
 * is NULL. NULL: it failed. */
struct input *input_project(struct hub *hub, const struct node_ops *ops, flow_val v,
                            struct input **out_input);
void complete_ignore(struct node *node); /* for notifiers: their end says nothing */
static inline struct hub *hub_of(struct node *input)
{
    return ((struct input *)input)->hub;
}

/* combine_latest whose inputs' values during subscription make one initial value. */
struct flow_stream *combine_initials(struct flow_region *region, struct flow_stream *const *in,
                                     size_t count, const struct flow_type *out, flow_list_fn *fn,
                                     void *ud);
/* with_latest_from, but fn gets (latest, sample); NULL: the latest. */
struct flow_stream *sample_latest(struct flow_stream *sampler, struct flow_stream *latest,
                                  const struct flow_type *out, flow_list_fn *fn, void *ud);
/* The values for which fn() is false. */
struct flow_stream *filter_not(struct flow_stream *in, flow_pred_fn *fn, void *ud);

/* ---- timers, timer.c ---- */
/* The place of a timer among those due at the same time, taken when it is set. */
struct turn {
    uint64_t order; /* when it was first set; a periodic timer keeps it */
    uint64_t slot;  /* its place in the queue; a periodic timer gets one before each run */
};
struct timer {
    struct node node;
    void (*run)(struct timer *timer);
    void *owner;
    flow_time due, period;
    struct turn turn, again;
    size_t at_slot, at_order; /* 1-based places in the loop's heaps; 0: not waiting */
};
/* A child of `parent`, not yet set. */
struct timer *timer_new(struct node *parent, void (*run)(struct timer *), void *owner);
void *timer_new_sized(struct node *parent, void (*run)(struct timer *), void *owner, size_t size);
/* Due after `delay`: negative is 0; FLOW_NEVER never. */
void timer_set(struct timer *timer, flow_time delay);
/* From its own run(): with the same delay it is periodic and keeps its order. */
void timer_again(struct timer *timer, flow_time delay);
/* For the messages of marble tests: runs when its slot comes up, whatever other timers there are.
 */
void timer_set_slot(struct timer *timer, flow_time due);
void timer_stop(struct timer *timer);
static inline bool timer_waits(const struct timer *timer)
{
    return timer->at_slot != 0;
}
struct turn turn_take(struct flow_loop *loop);
void timer_set_turn(struct timer *timer, flow_time due, struct turn turn);
static inline flow_time time_after(flow_time now, flow_time delay)
{
    return delay >= FLOW_NEVER - now ? FLOW_NEVER : now + (delay < 0 ? 0 : delay);
}

/* ---- the loop ---- */
struct arena_chunk {
    struct arena_chunk *before;
    size_t size;
    _Alignas(16) char bytes[];
};

struct heap {
    struct timer **items;
    size_t count, capacity;
};

struct queued { /* a root event that came while another was running */
    struct multicast *cast;
    int kind;
    flow_val v;
    struct flow_error *error;
};

struct dropped {
    const struct flow_type *type;
    flow_val v;
};

struct flow_loop {
    bool failed;         /* flow_fail() was called; `error` says what */
    bool initial;        /* the running event is a property's current value, not a change */
    bool full;           /* a bound was met while the running event was delivered */
    bool unsettled;      /* something waits for the running event to end */
    uint32_t index;      /* flow_index() */
    uint32_t depth;      /* calls into the library in progress; at 0 the dead are freed */
    uint32_t emitting;   /* events in progress, nested ones included */
    uint32_t fanout;     /* deliveries to more than one observer in progress */
    struct txn *pending; /* lowest level first */
    uint64_t event_id;   /* of the running root event */
    struct arena_chunk *arena;
    size_t arena_used;
    struct node *dead;
    struct flow_region *dead_regions;
    struct dropped *dropped;
    size_t dropped_count, dropped_capacity;
    struct queued *queue;
    size_t queue_first, queue_count, queue_capacity, queue_bound;
    struct flow_error error;
    struct flow_region *inner; /* flow_here(): made when first asked for */
    uint32_t inner_calls;      /* functions running that may ask */
    flow_time now;
    uint64_t order, slot; /* last given */
    struct heap by_slot, by_order;
    bool released; /* flow_loop_free() was called from a callback */
    struct flow_region *regions;
    struct sub_slot *subs;
    size_t subs_count, subs_free;
    flow_unhandled_fn *unhandled;
    void *unhandled_ud;
    _Atomic(struct posted *) posted;
    atomic_size_t posted_count;
    flow_wake_fn *wake;
    void *wake_ud;
    flow_val block[FLOW_BLOCK_MAX];
};

static inline void loop_enter(struct flow_loop *loop)
{
    loop->depth++;
}
void loop_leave_last(struct flow_loop *loop);
static inline void loop_leave(struct flow_loop *loop)
{
    if (--loop->depth == 0 &&
        UNLIKELY(loop->dead != NULL || loop->dead_regions != NULL || loop->arena_used != 0)) {
        loop_leave_last(loop);
    }
}
void loop_settle(struct flow_loop *loop);
void loop_queue_run(struct flow_loop *loop);
void loop_posted_discard(struct flow_loop *loop);
void arena_rewind(struct flow_loop *loop, struct event event);
void timers_run_until(struct flow_loop *loop, flow_time to);
/* A root event: now, or behind the running one. */
enum flow_status loop_event(struct multicast *cast, int kind, flow_val v,
                            const struct flow_error *error);
enum flow_status loop_block(struct multicast *cast, const flow_val *v, size_t count);
enum flow_status loop_next(struct multicast *cast, flow_val v);
void loop_error(struct multicast *cast, const struct flow_error *error);
void loop_fault(struct multicast *cast, const struct flow_error *error);
void loop_complete(struct multicast *cast);
/* An error that no observer took. */
void loop_report(struct flow_loop *loop, struct flow_region *region,
                 const struct flow_error *error);

static inline void txn_touch(struct txn *txn)
{
    if (txn->node.loop->fanout == 0) {
        txn->node.ops->commit(&txn->node);
    } else if (!txn->pending) {
        txn_wait(txn);
    }
}

static inline struct event event_begin(struct flow_loop *loop)
{
    loop->emitting++;
    return (struct event){.arena_used = loop->arena_used, .arena_chunk = loop->arena};
}

static inline void event_end(struct flow_loop *loop, struct event event)
{
    if (UNLIKELY(loop->arena_used != event.arena_used || loop->arena != event.arena_chunk)) {
        arena_rewind(loop, event);
    }
    if (--loop->emitting == 0 && UNLIKELY(loop->unsettled)) {
        loop_settle(loop);
    }
}

/* A bound was met: the producer will be told. */
static inline void bound_met(struct flow_loop *loop)
{
    loop->full = loop->unsettled = true;
}

/* What the producer of the event just delivered is told. */
static inline enum flow_status loop_status(const struct multicast *cast)
{
    if (UNLIKELY(cast->stream.loop->full)) {
        return FLOW_FULL;
    }
    return UNLIKELY(cast->live == 0) && cast->replay == NULL ? FLOW_CLOSED : FLOW_OK;
}

/* ---- regions ---- */
struct flow_region {
    struct flow_loop *loop;
    struct flow_region *sibling_before, *sibling_after;
    struct node root; /* parent of every subscription made in it */
    struct owned *owned;
    struct region_chunk *chunks;
    size_t chunk_used;
    int error;
    struct bound bound;
    bool freed;
};
void region_destroy(struct flow_region *region);
void region_fail(struct flow_region *region, int code); /* NULL-safe */
void *region_alloc(struct flow_region *region, size_t size);

/* ---- calling a function that gives a stream ----
 *     struct flow_region *region = inner_begin(loop);
 *     struct flow_stream *made = inner_end(node, fn(...), &region);
 *     if (made != NULL) inner_subscribe(made, new_node, region); */
static inline struct flow_region *inner_begin(struct flow_loop *loop)
{
    struct flow_region *outer = loop->inner;
    loop->inner = NULL;
    loop->inner_calls++;
    return outer;
}
/* NULL: the function failed or gave nothing, and `down` has been told. Else *inout_region becomes
 * what the function made its streams in, NULL when it made none. */
struct flow_stream *inner_end(struct node *down, struct flow_stream *made,
                              struct flow_region **inout_region);
/* `region` lives as long as `node`. Transactional nodes below `node` are raised above those of
 * `made`, so that they run after them. */
void inner_subscribe(struct flow_stream *made, struct node *node, struct flow_region *region);
