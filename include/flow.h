/* flow.h - event streams: reactive operators in C, usable alone.
 *
 *     struct flow_loop *loop = flow_loop_new();
 *     struct flow_region *region = flow_region_new(loop);
 *     struct flow_subject *in = flow_subject_new(region, &flow_i64, NULL);
 *     struct flow_stream *s = flow_subject_stream(in);
 *     s = flow_map(s, &flow_i64, triple, NULL);
 *     s = flow_filter(s, is_even, NULL);
 *     flow_subscribe(s, &(struct flow_observer){.next = show});
 *     if (flow_region_error(region) != 0) ...        one check for all that was built
 *     flow_next(in, flow_int(14));                   show() hears 42
 *     flow_region_free(region);                      one clean-up
 *     flow_loop_free(loop);
 *
 * A stream is a description of events to come; nothing runs until somebody subscribes. Names and
 * behaviour are those of RxJS 7.8 where RxJS has the name, of Bacon.js 3 for properties;
 * docs/event-streams.md lists the differences and teaches the rest.
 *
 * Grammar:  an observer hears next*, then at most one of error and complete, then nothing. A fault
 *           is an error event that does not end the stream; it passes every operator that does not
 *           ask for it.
 * Values:   8 bytes, lent for the length of the call. A flow_type says how to keep one longer.
 * Memory:   a region owns all that was built in it. NULL in gives NULL out, and the first error of
 *           a region stays in flow_region_error(). Operators that keep values have a bound, see
 *           flow_bound(). Passing an event on allocates nothing.
 * Order:    an event is delivered to everybody before the next one begins: flow_next() from inside
 *           a callback is queued. Operators that combine several inputs emit once for one event
 *           that reaches them by several ways.
 * Ending:   everything may be unsubscribed or freed at any time, also from its own callback.
 * Threads:  a loop and all in it belong to one thread; only flow_post() may be called by others.
 *
 * Diagrams: time runs to the right, one character is one millisecond; a letter is a value, | the
 * end, # an error, (ab) both at the same time, ! a fault, ^ and ! in a last line subscribe and
 * unsubscribe. */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLOW_API __attribute__((visibility("default")))

struct flow_loop;
struct flow_region;
struct flow_stream;
struct flow_subject;
struct flow_emitter;

/* ==== Values ====================================================================================
 */

/* What travels: a number, or a pointer to something lent for the length of the call. */
typedef union flow_val {
    int64_t i;
    uint64_t u;
    double d;
    const void *p;
} flow_val;

static inline flow_val flow_int(int64_t i)
{
    flow_val v;
    v.i = i;
    return v;
}
static inline flow_val flow_double(double d)
{
    flow_val v;
    v.d = d;
    return v;
}
static inline flow_val flow_ptr(const void *p)
{
    flow_val v;
    v.p = p;
    return v;
}

/* How values of a stream are kept, compared and shown; static and const. Members may be NULL. */
struct flow_type {
    const char *name;
    flow_val (*retain)(
        flow_val v);             /* gives a value that outlives the call: a reference or a copy */
    void (*release)(flow_val v); /* takes such a value back; both or neither are NULL */
    bool (*equal)(flow_val a, flow_val b);  /* NULL: the 8 bytes are the same */
    uint64_t (*hash)(flow_val v);           /* NULL: of the 8 bytes; agrees with equal */
    int (*compare)(flow_val a, flow_val b); /* for min and max; NULL: as int64_t */
};
extern FLOW_API const struct flow_type flow_i64;  /* .i */
extern FLOW_API const struct flow_type flow_f64;  /* .d */
extern FLOW_API const struct flow_type flow_bool; /* .i, 0 or 1 */
extern FLOW_API const struct flow_type flow_text; /* .p: char *, ending in 0; kept by copying */

/* Several values as one, for operators that make lists: .p of type flow_list_type. */
struct flow_list {
    uint32_t references; /* 0: lives in the running event's arena */
    uint32_t count;
    const struct flow_type *type;         /* of every item; NULL: see `types` */
    const struct flow_type *const *types; /* one for each item, when they differ */
    flow_val items[];
};
extern FLOW_API const struct flow_type flow_list_type;
extern FLOW_API const struct flow_type flow_stream_type; /* .p: struct flow_stream * */

/* Time in microseconds, on a scale of the loop's owner. */
typedef int64_t flow_time;
#define FLOW_NEVER INT64_MAX
#define FLOW_MS(n) ((flow_time)(n)*1000)

enum flow_code {
    FLOW_ERROR_EMPTY = 1,    /* no value came: first, last, single, throw_if_empty */
    FLOW_ERROR_TIMEOUT,      /* flow_timeout */
    FLOW_ERROR_NOT_FOUND,    /* single: values came, none was right */
    FLOW_ERROR_SEQUENCE,     /* single: a second value was right */
    FLOW_ERROR_OUT_OF_RANGE, /* element_at */
    FLOW_ERROR_FULL,         /* a bound was met and its policy is FLOW_OVERFLOW_ERROR */
    FLOW_ERROR_MEMORY,       /* an allocation failed */
    FLOW_ERROR_INVALID,      /* an argument breaks a stated rule; a function gave no stream */
    FLOW_ERROR_USER = 1000,  /* codes of your own begin here */
};

/* What went wrong; lent for the call, may be copied. */
struct flow_error {
    int code;
    char text[124];
};

enum flow_status {
    FLOW_OK,     /* delivered, or queued behind the running event */
    FLOW_CLOSED, /* nobody listens any more: the producer may stop */
    FLOW_FULL,   /* a bound was met on the way: the producer should slow down */
};

enum flow_overflow {
    FLOW_OVERFLOW_ERROR,  /* the stream ends with FLOW_ERROR_FULL */
    FLOW_OVERFLOW_OLDEST, /* the oldest kept value is dropped for the new one */
    FLOW_OVERFLOW_NEWEST, /* the new value is dropped */
};

enum {
    FLOW_BOUND_DEFAULT = 65536, /* values kept by one operator */
    FLOW_BLOCK_MAX = 256,       /* values in one block */
};

/* ==== Functions that operators call =============================================================
 */

/* Each gets the loop, for flow_fail(), flow_now(), flow_alloc(), flow_index(), and the `ud` that
 * was given with it. */
typedef flow_val flow_map_fn(struct flow_loop *loop, void *ud, flow_val v);
typedef bool flow_pred_fn(struct flow_loop *loop, void *ud, flow_val v);
typedef flow_val flow_fold_fn(struct flow_loop *loop, void *ud, flow_val state, flow_val v);
typedef bool flow_equal_fn(struct flow_loop *loop, void *ud, flow_val a, flow_val b);
typedef int flow_compare_fn(struct flow_loop *loop, void *ud, flow_val a, flow_val b);
typedef flow_val flow_list_fn(struct flow_loop *loop, void *ud, const flow_val *v, size_t count);
/* In place; gives how many values are left. */
typedef size_t flow_block_fn(struct flow_loop *loop, void *ud, flow_val *v, size_t count);
/* Folds a block into *state and replaces each value by the state after it. */
typedef void flow_scan_block_fn(struct flow_loop *loop, void *ud, flow_val *state, flow_val *v,
                                size_t count);
/* These give a stream; what they build belongs in flow_here(loop) and dies with its use. */
typedef struct flow_stream *flow_project_fn(struct flow_loop *loop, void *ud, flow_val v);
typedef struct flow_stream *flow_fold_project_fn(struct flow_loop *loop, void *ud, flow_val state,
                                                 flow_val v);
typedef struct flow_stream *flow_make_fn(struct flow_loop *loop, void *ud);
typedef struct flow_stream *flow_catch_fn(struct flow_loop *loop, void *ud,
                                          const struct flow_error *error,
                                          struct flow_stream *caught);
typedef struct flow_stream *flow_with_fn(struct flow_loop *loop, void *ud, struct flow_stream *in);
typedef flow_val flow_error_map_fn(struct flow_loop *loop, void *ud,
                                   const struct flow_error *error);
typedef void flow_action_fn(struct flow_loop *loop, void *ud);

/* The value of `return flow_fail(...)` is ignored: the operator ends with this error. In a function
 * that does not return a flow_val, call it and return anything. */
FLOW_API flow_val flow_fail(struct flow_loop *loop, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The time of the running event; never the wall clock. */
FLOW_API flow_time flow_now(const struct flow_loop *loop);
/* How many values this operator of this subscription saw before: 0, 1, 2. */
FLOW_API size_t flow_index(const struct flow_loop *loop);
/* Memory that lasts until the running event is over, 16-byte aligned; NULL when there is none. */
FLOW_API void *flow_alloc(struct flow_loop *loop, size_t size);
/* In a function that gives a stream: the region that dies with the use of that stream. Elsewhere
 * NULL. */
FLOW_API struct flow_region *flow_here(struct flow_loop *loop);

/* ==== The loop: time, and the order of events ===================================================
 */

/* Time stands at 0 and moves only by flow_advance(). NULL: no memory. */
FLOW_API struct flow_loop *flow_loop_new(void);
/* Frees all regions too. NULL-safe; not from inside a callback. */
FLOW_API void flow_loop_free(struct flow_loop *loop);
/* Takes in what other threads posted, then runs all timers due up to and including `to`, in the
 * order (due, set), and leaves time at `to`. A server calls it with its clock whenever it wakes,
 * and sleeps until flow_next_due(). From inside a callback: nothing. */
FLOW_API void flow_advance(struct flow_loop *loop, flow_time to);
FLOW_API flow_time flow_next_due(const struct flow_loop *loop); /* FLOW_NEVER: no timer is set */
/* Called for errors and faults that reach an observer without a function for them. Without it the
 * first such error stays in flow_region_error(). */
typedef void flow_unhandled_fn(void *ud, const struct flow_error *error);
FLOW_API void flow_loop_unhandled(struct flow_loop *loop, flow_unhandled_fn *fn, void *ud);
/* Most root events that may wait behind the running one; FLOW_BOUND_DEFAULT at first. */
FLOW_API void flow_loop_bound(struct flow_loop *loop, size_t events);
/* Called by flow_post(), in the posting thread: wake the loop's own thread, so that it calls
 * flow_advance(). Set it before the first post. */
typedef void flow_wake_fn(void *ud);
FLOW_API void flow_loop_wake(struct flow_loop *loop, flow_wake_fn *fn, void *ud);

/* ==== Regions: who owns what ====================================================================
 */

FLOW_API struct flow_region *flow_region_new(struct flow_loop *loop); /* NULL: no memory */
/* Unsubscribes all that was subscribed to in it, newest first, then frees its streams, subjects and
 * flow_own() data, newest first. From inside a callback it waits for the end of the call. */
FLOW_API void flow_region_free(struct flow_region *region); /* NULL-safe */
FLOW_API void flow_own(struct flow_region *region, void *data, void (*free_fn)(void *data));
FLOW_API int flow_region_error(const struct flow_region *region); /* enum flow_code; 0: none */
FLOW_API struct flow_loop *flow_region_loop(const struct flow_region *region);
/* The default of flow_bound() for operators built in this region from now on. */
FLOW_API void flow_region_bound(struct flow_region *region, size_t items,
                                enum flow_overflow policy);
/* Gives `stream`, whose operator keeps at most `items` values in each of its buffers. */
FLOW_API struct flow_stream *flow_bound(struct flow_stream *stream, size_t items,
                                        enum flow_overflow policy);
FLOW_API const struct flow_type *flow_stream_carries(const struct flow_stream *stream);

/* ==== Subscribing ===============================================================================
 */

/* All functions may be NULL. They cannot fail: flow_fail() in one is an unhandled error. */
struct flow_observer {
    void (*next)(struct flow_loop *loop, void *ud, flow_val v);
    void (*next_block)(struct flow_loop *loop, void *ud, const flow_val *v, size_t count);
    void (*initial)(struct flow_loop *loop, void *ud, flow_val v); /* NULL: next */
    void (*error)(struct flow_loop *loop, void *ud, const struct flow_error *error);
    void (*fault)(struct flow_loop *loop, void *ud, const struct flow_error *error);
    void (*complete)(struct flow_loop *loop, void *ud);
    void *ud;
};
/* By value; usable as long as the loop lives. */
struct flow_sub {
    struct flow_loop *loop;
    uint32_t slot;
    uint32_t generation;
};
FLOW_API struct flow_sub flow_subscribe(struct flow_stream *stream,
                                        const struct flow_observer *observer);
/* The subscription belongs to `region` instead of the stream's. */
FLOW_API struct flow_sub flow_subscribe_in(struct flow_region *region, struct flow_stream *stream,
                                           const struct flow_observer *observer);
FLOW_API void flow_unsubscribe(struct flow_sub sub); /* any time; again is harmless */
FLOW_API bool flow_subscribed(struct flow_sub sub);

/* ==== Subjects: streams fed by hand =============================================================
 */

enum flow_subject_kind {
    FLOW_SUBJECT,          /* observers hear what comes after they subscribed */
    FLOW_SUBJECT_BEHAVIOR, /* and first of all the latest value; starts with `initial` */
    FLOW_SUBJECT_REPLAY,   /* and first of all the last `count` values not older than `window` */
    FLOW_SUBJECT_ASYNC,    /* only the last value, at the end */
};
struct flow_subject_opts {
    enum flow_subject_kind kind;
    flow_val initial; /* of BEHAVIOR */
    size_t count;     /* of REPLAY; 0: up to the bound, oldest dropped */
    flow_time window; /* of REPLAY; 0: no limit */
};
/* `opts` NULL: a plain subject.
 *
 *     next:        1--2--3|         BEHAVIOR:  0 when subscribed before, 2 in the gap after 2
 *     A from 0:    1--2--3|         REPLAY 2:  (12) in the same gap
 *     B from 4:        --3|         ASYNC:     ------(3|)
 */
FLOW_API struct flow_subject *flow_subject_new(struct flow_region *region,
                                               const struct flow_type *type,
                                               const struct flow_subject_opts *opts);
FLOW_API struct flow_stream *flow_subject_stream(struct flow_subject *subject);
/* From inside a callback these are queued: the running event is delivered to everyone first. */
FLOW_API enum flow_status flow_next(struct flow_subject *subject, flow_val v);
/* As `count` times flow_next(), but operators may work on all of them at once where nobody can see
 * the difference. */
FLOW_API enum flow_status flow_next_block(struct flow_subject *subject, const flow_val *v,
                                          size_t count);
FLOW_API void flow_error(struct flow_subject *subject, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
FLOW_API void flow_fault(struct flow_subject *subject, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
FLOW_API void flow_complete(struct flow_subject *subject);
/* The latest value of a BEHAVIOR subject, lent. False: it is of another kind, or has failed. */
FLOW_API bool flow_subject_value(const struct flow_subject *subject, flow_val *out_v);
/* From any thread: the value becomes a root event at the next flow_advance(). It must be of a type
 * without retain, or already retained: the loop releases it. FLOW_FULL: the bound is met. The
 * subject must outlive the post. */
FLOW_API enum flow_status flow_post(struct flow_subject *subject, flow_val v);
/* Bacon's Bus.plug: what `stream` emits goes to the subject, but not its end.
 *
 *     subject by hand:  -a-----b--|
 *     plugged stream:   ---1-2|
 *     heard:            -a-1-2-b--|
 */
FLOW_API struct flow_sub flow_plug(struct flow_subject *subject, struct flow_stream *stream);

/* ==== Making streams ============================================================================
 */

/* of(a)            (a|)          one value, at once */
FLOW_API struct flow_stream *flow_of(struct flow_region *region, const struct flow_type *type,
                                     flow_val v);
/* from(a b c)      (abc|)        the values are kept */
FLOW_API struct flow_stream *flow_from(struct flow_region *region, const struct flow_type *type,
                                       const flow_val *v, size_t count);
/* empty            |             */
FLOW_API struct flow_stream *flow_empty(struct flow_region *region, const struct flow_type *type);
/* never            -------       */
FLOW_API struct flow_stream *flow_never(struct flow_region *region, const struct flow_type *type);
/* throw            #             */
FLOW_API struct flow_stream *flow_throw(struct flow_region *region, const struct flow_type *type,
                                        int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* range(5, 3)      (567|)        */
FLOW_API struct flow_stream *flow_range(struct flow_region *region, int64_t first, uint64_t count);
/* generate(1, x<9, x*2)   (1248|)    */
FLOW_API struct flow_stream *flow_generate(struct flow_region *region, const struct flow_type *type,
                                           flow_val first, flow_pred_fn *goes_on, flow_map_fn *step,
                                           void *ud);
/* timer(3, NEVER)  ---(0|)
 * timer(3, 2)      ---0-1-2-3    numbers from 0. Delay 0 is after the running event; below 0 is 0
 */
FLOW_API struct flow_stream *flow_timer(struct flow_region *region, flow_time delay,
                                        flow_time period);
/* The same with the first value at a moment of the loop's time. */
FLOW_API struct flow_stream *flow_timer_at(struct flow_region *region, flow_time at,
                                           flow_time period);
/* interval(3)      ---0--1--2--  */
FLOW_API struct flow_stream *flow_interval(struct flow_region *region, flow_time period);
/* defer(make)      the stream that make() gives, asked anew at each subscription
 *
 *     make gives:  -a-b|    at the first, -c|  at the second
 *     first:       -a-b|
 *     second:      -c|
 */
FLOW_API struct flow_stream *flow_defer(struct flow_region *region, const struct flow_type *type,
                                        flow_make_fn *make, void *ud);
/* iif(test)        `yes` or `no`, decided at each subscription; test() gets 0
 *
 *     yes -a|   no -b|   test true:  -a|   test false:  -b|
 */
FLOW_API struct flow_stream *flow_iif(flow_pred_fn *test, void *ud, struct flow_stream *yes,
                                      struct flow_stream *no);
/* using(open, close): open() gives the stream and may set *out_resource, close() gets it back when
 * the subscription is over, by whatever way.
 *
 *     open gives:  -a-b|
 *     heard:       -a-b|   then close
 */
typedef struct flow_stream *flow_open_fn(struct flow_loop *loop, void *ud, void **out_resource);
typedef void flow_close_fn(struct flow_loop *loop, void *ud, void *resource);
FLOW_API struct flow_stream *flow_using(struct flow_region *region, const struct flow_type *type,
                                        flow_open_fn *open, flow_close_fn *close, void *ud);
/* create(start, stop): start() gets an emitter for each subscription and may emit at once or later,
 * until stop() is called; then the emitter is gone. `stop` may be NULL. From inside another
 * callback of the same emitter, emissions are queued.
 *
 *     start emits:  a, then b after 3, then ends:  a--(b|)   then stop
 */
typedef void flow_start_fn(struct flow_loop *loop, void *ud, struct flow_emitter *emitter);
typedef void flow_stop_fn(struct flow_loop *loop, void *ud, struct flow_emitter *emitter);
FLOW_API struct flow_stream *flow_create(struct flow_region *region, const struct flow_type *type,
                                         flow_start_fn *start, flow_stop_fn *stop, void *ud);
FLOW_API enum flow_status flow_emit(struct flow_emitter *emitter, flow_val v);
FLOW_API void flow_emit_error(struct flow_emitter *emitter, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
FLOW_API void flow_emit_complete(struct flow_emitter *emitter);

/* ==== One value in, one or none out =============================================================
 */

/* map(x*10)
 *     in   -1--2--3|
 *     out  -A--B--C|     A=10 B=20 C=30 */
FLOW_API struct flow_stream *flow_map(struct flow_stream *in, const struct flow_type *out,
                                      flow_map_fn *fn, void *ud);
/* The same for many values at a time: fn() gets between 1 and FLOW_BLOCK_MAX of them, changes them
 * in place and may leave some out. */
FLOW_API struct flow_stream *flow_map_block(struct flow_stream *in, const struct flow_type *out,
                                            flow_block_fn *fn, void *ud);
/* map_to(x)
 *     in   -1--2--3|
 *     out  -x--x--x|     `v` is kept */
FLOW_API struct flow_stream *flow_map_to(struct flow_stream *in, const struct flow_type *out,
                                         flow_val v);
/* filter(even)
 *     in   -1--2--3--4|
 *     out  ----2-----4|   */
FLOW_API struct flow_stream *flow_filter(struct flow_stream *in, flow_pred_fn *fn, void *ud);
/* tap: look at what passes, change nothing
 *     in   -a--b|
 *     out  -a--b|        next(a) next(b) complete() finalize() */
struct flow_tap {
    flow_map_fn *next; /* its result is ignored, flow_fail() is not */
    void (*error)(struct flow_loop *loop, void *ud, const struct flow_error *error);
    flow_action_fn *complete, *subscribe, *unsubscribe, *finalize;
    void *ud;
};
FLOW_API struct flow_stream *flow_tap(struct flow_stream *in, const struct flow_tap *tap);
/* finalize(fn): once, after the end, an error or unsubscription; upstream first
 *     in   -a--b|
 *     out  -a--b|        then fn() */
FLOW_API struct flow_stream *flow_finalize(struct flow_stream *in, flow_action_fn *fn, void *ud);
/* scan(sum, seed 0)
 *     in   -1--2--3|
 *     out  -1--3--6|     each state; `seed` NULL: the first value is the first state */
FLOW_API struct flow_stream *flow_scan(struct flow_stream *in, const struct flow_type *out,
                                       const flow_val *seed, flow_fold_fn *fn, void *ud);
/* The same for many values at a time; `out` must be a type without retain. */
FLOW_API struct flow_stream *flow_scan_block(struct flow_stream *in, const struct flow_type *out,
                                             flow_val seed, flow_scan_block_fn *fn, void *ud);
/* pairwise
 *     in   -a--b--c|
 *     out  ----P--Q|     P=[a,b] Q=[b,c] */
FLOW_API struct flow_stream *flow_pairwise(struct flow_stream *in);
/* distinct_until_changed
 *     in   -a-a-b-b-a|
 *     out  -a---b---a|   `equal` NULL: that of the type */
FLOW_API struct flow_stream *flow_distinct_until_changed(struct flow_stream *in,
                                                         flow_equal_fn *equal, void *ud);
/* The same by a key, such as a member of a record (distinctUntilKeyChanged).
 *     in   -a1-a2-b3|
 *     out  -a1----b3|    key: the letter */
FLOW_API struct flow_stream *flow_distinct_until_key_changed(struct flow_stream *in,
                                                             const struct flow_type *key_type,
                                                             flow_map_fn *key, flow_equal_fn *equal,
                                                             void *ud);
/* distinct(key)
 *     in   -a-b-a-c-b|
 *     out  -a-b---c---|  `key` NULL: the value; `flush` NULL, or a stream whose values forget all
 *     The bound counts keys. */
FLOW_API struct flow_stream *flow_distinct(struct flow_stream *in, const struct flow_type *key_type,
                                           flow_map_fn *key, void *ud, struct flow_stream *flush);
/* ignore_elements
 *     in   -a-b-c|
 *     out  ------|       */
FLOW_API struct flow_stream *flow_ignore_elements(struct flow_stream *in);
/* with_index is flow_map() with flow_index(). timestamp and time_interval give {value, time}:
 *     in   --a--b|
 *     timestamp      --(a 2ms)--(b 5ms)|
 *     time_interval  --(a 2ms)--(b 3ms)|   lists of the value and a flow_i64 */
FLOW_API struct flow_stream *flow_timestamp(struct flow_stream *in);
FLOW_API struct flow_stream *flow_time_interval(struct flow_stream *in);
/* materialize: what happens as values; dematerialize: the other way round
 *     in             -a-b|
 *     materialize    -A-B(C|)     A={next a} B={next b} C={complete} */
enum flow_kind {
    FLOW_KIND_NEXT,
    FLOW_KIND_ERROR,
    FLOW_KIND_COMPLETE,
};
struct flow_notification {
    enum flow_kind kind;
    const struct flow_type *type; /* of `v` */
    flow_val v;                   /* of FLOW_KIND_NEXT */
    struct flow_error error;      /* of FLOW_KIND_ERROR */
};
extern FLOW_API const struct flow_type flow_notification_type; /* .p: struct flow_notification * */
FLOW_API struct flow_stream *flow_materialize(struct flow_stream *in);
/*     in             -A-B-C
 *     dematerialize  -a-b-|       */
FLOW_API struct flow_stream *flow_dematerialize(struct flow_stream *in,
                                                const struct flow_type *out);

/* ==== Cuts ======================================================================================
 */

/* take(2)
 *     in   -a-b-c-d|
 *     out  -a-(b|)       take(0) does not subscribe */
FLOW_API struct flow_stream *flow_take(struct flow_stream *in, uint64_t count);
/* take_while(x<3)
 *     in   -1-2-3-4|
 *     out  -1-2-|        inclusive: -1-2-(3|) */
FLOW_API struct flow_stream *flow_take_while(struct flow_stream *in, flow_pred_fn *fn, void *ud);
FLOW_API struct flow_stream *flow_take_while_inclusive(struct flow_stream *in, flow_pred_fn *fn,
                                                       void *ud);
/* take_until(n)
 *     in   -a-b-c-d|
 *     n    ----x---
 *     out  -a-b|         */
FLOW_API struct flow_stream *flow_take_until(struct flow_stream *in, struct flow_stream *notifier);
/* take_last(2)
 *     in   -a-b-c|
 *     out  ------(bc|)   */
FLOW_API struct flow_stream *flow_take_last(struct flow_stream *in, size_t count);
/* skip(2)
 *     in   -a-b-c-d|
 *     out  -----c-d|     */
FLOW_API struct flow_stream *flow_skip(struct flow_stream *in, uint64_t count);
/* skip_while(x<3)
 *     in   -1-2-3-1|
 *     out  -----3-1|     */
FLOW_API struct flow_stream *flow_skip_while(struct flow_stream *in, flow_pred_fn *fn, void *ud);
/* skip_until(n)
 *     in   -a-b-c-d|
 *     n    ----x---
 *     out  -----c-d|     */
FLOW_API struct flow_stream *flow_skip_until(struct flow_stream *in, struct flow_stream *notifier);
/* skip_last(1)
 *     in   -a-b-c|
 *     out  ---a-b|       */
FLOW_API struct flow_stream *flow_skip_last(struct flow_stream *in, size_t count);
/* first, last(even)
 *     in     -1-2-3-4|
 *     first  ---(2|)
 *     last   --------(4|)    none: `fallback`, or FLOW_ERROR_EMPTY when that is NULL
 * `fn` NULL: any value. */
FLOW_API struct flow_stream *flow_first(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                                        const flow_val *fallback);
FLOW_API struct flow_stream *flow_last(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                                       const flow_val *fallback);
/* single(even): the only one, at the end
 *     in   -1-2-3|
 *     out  ------(2|)    another one: FLOW_ERROR_SEQUENCE; none: EMPTY or NOT_FOUND */
FLOW_API struct flow_stream *flow_single(struct flow_stream *in, flow_pred_fn *fn, void *ud);
/* element_at(1)
 *     in   -a-b-c|
 *     out  ---(b|)       too few: `fallback`, or FLOW_ERROR_OUT_OF_RANGE */
FLOW_API struct flow_stream *flow_element_at(struct flow_stream *in, uint64_t index,
                                             const flow_val *fallback);
/* find(even), find_index(even)
 *     in          -1-2-3|
 *     find        ---(2|)    none: `none`
 *     find_index  ---(1|)    none: -1 */
FLOW_API struct flow_stream *flow_find(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                                       flow_val none);
FLOW_API struct flow_stream *flow_find_index(struct flow_stream *in, flow_pred_fn *fn, void *ud);

/* ==== Folds: one value, at the end ==============================================================
 */

/* reduce(sum, seed 0)
 *     in   -1--2--3|
 *     out  --------(6|)  no seed and no value: nothing */
FLOW_API struct flow_stream *flow_reduce(struct flow_stream *in, const struct flow_type *out,
                                         const flow_val *seed, flow_fold_fn *fn, void *ud);
/* count(even)
 *     in   -1-2-3-4|
 *     out  --------(2|)  `fn` NULL: all */
FLOW_API struct flow_stream *flow_count(struct flow_stream *in, flow_pred_fn *fn, void *ud);
/* min, max
 *     in   -3-1-2|
 *     min  ------(1|)
 *     max  ------(3|)    `fn` NULL: compare() of the type */
FLOW_API struct flow_stream *flow_min(struct flow_stream *in, flow_compare_fn *fn, void *ud);
FLOW_API struct flow_stream *flow_max(struct flow_stream *in, flow_compare_fn *fn, void *ud);
/* to_array
 *     in   -a-b|
 *     out  ----(X|)      X=[a,b] */
FLOW_API struct flow_stream *flow_to_array(struct flow_stream *in);
/* every(x<3)
 *     in   -1-2-3-4|
 *     out  -----(f|)     all: true, at the end */
FLOW_API struct flow_stream *flow_every(struct flow_stream *in, flow_pred_fn *fn, void *ud);
/* is_empty
 *     in   --a-b|
 *     out  --(f|)        */
FLOW_API struct flow_stream *flow_is_empty(struct flow_stream *in);
/* default_if_empty(x)
 *     in   ----|
 *     out  ----(x|)      */
FLOW_API struct flow_stream *flow_default_if_empty(struct flow_stream *in, flow_val v);
/* throw_if_empty
 *     in   ----|
 *     out  ----#         `make` NULL: FLOW_ERROR_EMPTY; else it calls flow_fail() */
FLOW_API struct flow_stream *flow_throw_if_empty(struct flow_stream *in, flow_action_fn *make,
                                                 void *ud);

/* ==== Several streams ===========================================================================
 */

/* merge: all at once, at most `concurrent` at a time (0: no limit)
 *     a    -1---2|
 *     b    ---3---4|
 *     out  -1-3-2-4|     */
FLOW_API struct flow_stream *flow_merge(struct flow_region *region, size_t concurrent,
                                        struct flow_stream *const *in, size_t count);
/* concat: one after the other
 *     a    -1-2|
 *     b    -3|
 *     out  -1-2-3|       */
FLOW_API struct flow_stream *flow_concat(struct flow_region *region, struct flow_stream *const *in,
                                         size_t count);
/* combine_latest: the latest of each once all have one; once for one root event
 *     a    -1-----2|
 *     b    ---5-6--|
 *     out  ---A-B-C|     A=[1,5] B=[1,6] C=[2,6]
 * `fn` makes the value from the latest ones; NULL: a list, and `out` is ignored. */
FLOW_API struct flow_stream *flow_combine_latest(struct flow_region *region,
                                                 struct flow_stream *const *in, size_t count,
                                                 const struct flow_type *out, flow_list_fn *fn,
                                                 void *ud);
/* zip: the n-th of each
 *     a    -1-2---3|
 *     b    ---5-6--|
 *     out  ---A-B--|     A=[1,5] B=[2,6] */
FLOW_API struct flow_stream *flow_zip(struct flow_region *region, struct flow_stream *const *in,
                                      size_t count, const struct flow_type *out, flow_list_fn *fn,
                                      void *ud);
/* fork_join: the last of each, when all have ended
 *     a    -1-2|
 *     b    ---5--|
 *     out  ------(A|)    A=[2,5]; one without a value: ends at once */
FLOW_API struct flow_stream *flow_fork_join(struct flow_region *region,
                                            struct flow_stream *const *in, size_t count,
                                            const struct flow_type *out, flow_list_fn *fn,
                                            void *ud);
/* race: the first to speak wins, an end or error speaks too
 *     a    --1-2|
 *     b    -5---6|
 *     out  -5---6|       */
FLOW_API struct flow_stream *flow_race(struct flow_region *region, struct flow_stream *const *in,
                                       size_t count);
/* on_error_resume_next: concat that goes on after errors
 *     a    -1#
 *     b    -2|
 *     out  -1-2|         */
FLOW_API struct flow_stream *flow_on_error_resume_next(struct flow_region *region,
                                                       struct flow_stream *const *in, size_t count);
/* with_latest_from: each event with the latest of the others
 *     in     -1----2--3|
 *     other  ---5----6-|
 *     out    ------A--B|    A=[2,5] B=[3,6] */
FLOW_API struct flow_stream *flow_with_latest_from(struct flow_stream *in,
                                                   struct flow_stream *const *others, size_t count,
                                                   const struct flow_type *out, flow_list_fn *fn,
                                                   void *ud);
/* start_with(x), end_with(x)
 *     in          -a|
 *     start_with  xa|   (x first, at once)
 *     end_with    -(ax|) when a and the end come together, else -a-(x|) */
FLOW_API struct flow_stream *flow_start_with(struct flow_stream *in, const flow_val *v,
                                             size_t count);
FLOW_API struct flow_stream *flow_end_with(struct flow_stream *in, const flow_val *v, size_t count);
/* partition(even): out[0] has those for which fn() is true, out[1] the others
 *     in      -1-2-3-4|
 *     out[0]  ---2---4|
 *     out[1]  -1---3--|  */
FLOW_API void flow_partition(struct flow_stream *in, flow_pred_fn *fn, void *ud,
                             struct flow_stream *out[2]);
/* sequence_equal
 *     a    -1-2-|
 *     b    --1-2|
 *     out  -----(t|)     */
FLOW_API struct flow_stream *flow_sequence_equal(struct flow_stream *a, struct flow_stream *b,
                                                 flow_equal_fn *equal, void *ud);

/* ==== A stream for each event ===================================================================
 */

/* merge_map(x => -x-x|): all at once, at most `concurrent` at a time (0: no limit)
 *     in   a-b|
 *     out  -aabb|        (events of both interleave) */
FLOW_API struct flow_stream *flow_merge_map(struct flow_stream *in, const struct flow_type *out,
                                            size_t concurrent, flow_project_fn *fn, void *ud);
/* concat_map(x => -x-x|): in turn, later ones wait
 *     in   a-b|
 *     out  -a-a-b-b|     */
FLOW_API struct flow_stream *flow_concat_map(struct flow_stream *in, const struct flow_type *out,
                                             flow_project_fn *fn, void *ud);
/* switch_map(x => -x-x|): the latest only
 *     in   a-b------|
 *     out  -a-b-b---|    */
FLOW_API struct flow_stream *flow_switch_map(struct flow_stream *in, const struct flow_type *out,
                                             flow_project_fn *fn, void *ud);
/* exhaust_map(x => -x-x|): ignores events while one runs
 *     in   a-b-----c----|
 *     out  -a-a-----c-c-|  */
FLOW_API struct flow_stream *flow_exhaust_map(struct flow_stream *in, const struct flow_type *out,
                                              flow_project_fn *fn, void *ud);
/* The same for streams of streams: values of flow_stream_type, flattened.
 *     in          --A--B|      A= -a-a|  B= -b|
 *     merge_all   ---a-a(b)|   (order of time)   concat_all  each after the one before
 *     switch_all  ---a--b|     exhaust_all  ---a-a|  when B comes while A runs */
FLOW_API struct flow_stream *flow_merge_all(struct flow_stream *in, const struct flow_type *out,
                                            size_t concurrent);
FLOW_API struct flow_stream *flow_concat_all(struct flow_stream *in, const struct flow_type *out);
FLOW_API struct flow_stream *flow_switch_all(struct flow_stream *in, const struct flow_type *out);
FLOW_API struct flow_stream *flow_exhaust_all(struct flow_stream *in, const struct flow_type *out);
/* combine_latest_all, zip_all: collects the streams until `in` ends, then combines or zips them.
 *     in   -A-B|         then as flow_combine_latest() or flow_zip() of A and B */
FLOW_API struct flow_stream *flow_combine_latest_all(struct flow_stream *in,
                                                     const struct flow_type *out, flow_list_fn *fn,
                                                     void *ud);
FLOW_API struct flow_stream *flow_zip_all(struct flow_stream *in, const struct flow_type *out,
                                          flow_list_fn *fn, void *ud);
/* expand(x => one later x*2, while x < 8): each value is emitted and expanded again
 *     in   1----|
 *     out  1248-|        */
FLOW_API struct flow_stream *flow_expand(struct flow_stream *in, size_t concurrent,
                                         flow_project_fn *fn, void *ud);
/* merge_scan, switch_scan: a fold with a stream for each step; its values are the new states
 *     in   -1--2|        fn(state, x) => of(state + x)
 *     out  -1--3|        */
FLOW_API struct flow_stream *flow_merge_scan(struct flow_stream *in, const struct flow_type *out,
                                             size_t concurrent, flow_val seed,
                                             flow_fold_project_fn *fn, void *ud);
FLOW_API struct flow_stream *flow_switch_scan(struct flow_stream *in, const struct flow_type *out,
                                              flow_val seed, flow_fold_project_fn *fn, void *ud);
/* group_by(letter): a stream for each key, emitted before its first value
 *     in   -a1-b2-a3|
 *     out  -A--B----|    A= a1-----a3|   B= b2----|
 * Values are of flow_stream_type; flow_group_key() gives their key. Without `duration` keys live as
 * long as the subscription; the bound counts them. */
struct flow_group_opts {
    const struct flow_type *key_type;
    flow_map_fn *key;
    const struct flow_type *element_type; /* of `element`; NULL: that of the input */
    flow_map_fn *element;                 /* NULL: the value itself */
    flow_with_fn *duration;               /* gets the group; its first value ends the group */
    struct flow_subject_opts connector;
    void *ud;
};
FLOW_API struct flow_stream *flow_group_by(struct flow_stream *in,
                                           const struct flow_group_opts *opts);
FLOW_API flow_val flow_group_key(const struct flow_stream *group);

/* ==== Collecting ================================================================================
 */

/* buffer_count(2), and buffer_count(2, every 3)
 *     in    -a-b-c-d-e|
 *     2     ---A---B--(C|)    A=[a,b] B=[c,d] C=[e]
 *     2, 3  ---A-----D|       D=[d,e] ; `every` 0: as `size` */
FLOW_API struct flow_stream *flow_buffer_count(struct flow_stream *in, size_t size, size_t every);
/* buffer(n)
 *     in   -a-b-c-d|
 *     n    ----x-----
 *     out  ----A---(B|)  A=[a,b] B=[c,d] */
FLOW_API struct flow_stream *flow_buffer(struct flow_stream *in, struct flow_stream *notifier);
/* buffer_time(span, every, max): `every` FLOW_NEVER: one after the other; max 0: no limit
 *     in        -a-b-c-d-|
 *     span 5ms  -----A----(B|)   A=[a,b] B=[c,d] */
FLOW_API struct flow_stream *flow_buffer_time(struct flow_stream *in, flow_time span,
                                              flow_time every, size_t max);
/* buffer_when(fn): fn() gives the stream whose first value closes the running buffer
 *     in   -a-b-c-d|
 *     fn   ---x  ---x
 *     out  ---A--B-(C|)  A=[a,b] B=[c] C=[d] */
FLOW_API struct flow_stream *flow_buffer_when(struct flow_stream *in, flow_make_fn *fn, void *ud);
/* buffer_toggle(openings, fn): a buffer from each opening until fn(opening) speaks
 *     in        -a-b-c-d|
 *     openings  --x------
 *     fn          ---y
 *     out       -----A--|   A=[b,c] */
FLOW_API struct flow_stream *flow_buffer_toggle(struct flow_stream *in,
                                                struct flow_stream *openings, flow_project_fn *fn,
                                                void *ud);
/* window, window_count, window_time, window_when, window_toggle: as the buffers, but streams that
 * are emitted when they begin. Values are of flow_stream_type.
 *     in        -a-b-c-d|
 *     n         ----x-----
 *     window    A---B---|     A= -a-b|  B= -c-d|  */
FLOW_API struct flow_stream *flow_window(struct flow_stream *in, struct flow_stream *notifier);
FLOW_API struct flow_stream *flow_window_count(struct flow_stream *in, size_t size, size_t every);
FLOW_API struct flow_stream *flow_window_time(struct flow_stream *in, flow_time span,
                                              flow_time every, size_t max);
FLOW_API struct flow_stream *flow_window_when(struct flow_stream *in, flow_make_fn *fn, void *ud);
FLOW_API struct flow_stream *flow_window_toggle(struct flow_stream *in,
                                                struct flow_stream *openings, flow_project_fn *fn,
                                                void *ud);

/* ==== Time and rate =============================================================================
 */

/* delay(2ms)
 *     in   a--b|
 *     out  --a--(b|)     errors are not delayed; what waits is lost */
FLOW_API struct flow_stream *flow_delay(struct flow_stream *in, flow_time delay);
/* Until a moment of the loop's time; values after it are not delayed but come after the running
 * event.
 *     in          a--b-----c|
 *     until 5ms   -----(ab)c|   */
FLOW_API struct flow_stream *flow_delay_until(struct flow_stream *in, flow_time at);
/* delay_when(fn): each value until fn(value) speaks
 *     in   a--b|
 *     fn   --x  --x
 *     out  --a--(b|)     `subscription_delay` NULL, or a stream to wait for before subscribing */
FLOW_API struct flow_stream *flow_delay_when(struct flow_stream *in, flow_project_fn *fn, void *ud,
                                             struct flow_stream *subscription_delay);
/* debounce_time(2ms): when it has been quiet for so long
 *     in   a-bc----d|
 *     out  -----c---(d|)  */
FLOW_API struct flow_stream *flow_debounce_time(struct flow_stream *in, flow_time quiet);
/* debounce(fn): when fn(value) speaks before the next value
 *     in   a-bc----d|
 *     fn   each --x
 *     out  -----c---(d|)  */
FLOW_API struct flow_stream *flow_debounce(struct flow_stream *in, flow_project_fn *fn, void *ud);
/* throttle_time(3ms): one, then silence
 *     in        a-bc----d|
 *     leading   a-------d|
 *     trailing  ---c-------(d|)   */
enum flow_edges {
    FLOW_LEADING = 1,
    FLOW_TRAILING = 2,
    FLOW_BOTH_EDGES = 3,
};
FLOW_API struct flow_stream *flow_throttle_time(struct flow_stream *in, flow_time span,
                                                enum flow_edges edges);
/*     in        a-bc----d|
 *     fn        --x each
 *     leading   a--c----d|   */
FLOW_API struct flow_stream *flow_throttle(struct flow_stream *in, enum flow_edges edges,
                                           flow_project_fn *fn, void *ud);
/* audit_time(3ms): silence, then the latest
 *     in   a-bc----d----|
 *     out  ---c-------d-|   */
FLOW_API struct flow_stream *flow_audit_time(struct flow_stream *in, flow_time span);
/*     in   a-bc----d----|
 *     fn   --x each
 *     out  --b--c----d--|   (each window ends with the latest value) */
FLOW_API struct flow_stream *flow_audit(struct flow_stream *in, flow_project_fn *fn, void *ud);
/* sample(n), sample_time(3ms): the latest, if it is new
 *     in   a-bc----d|
 *     3ms  ---c-----|       (at 3: b or c, whichever came first in the queue; at 6: nothing new) */
FLOW_API struct flow_stream *flow_sample(struct flow_stream *in, struct flow_stream *notifier);
FLOW_API struct flow_stream *flow_sample_time(struct flow_stream *in, flow_time period);
/* timeout: an error, or another stream, when values are late
 *     in             a--b------c|
 *     each 4ms       a--b---#
 *     with -x|       a--b----x|  */
struct flow_timeout {
    flow_time each;     /* after each value; 0: no limit */
    flow_time first;    /* for the first; 0: as `each` */
    bool first_at;      /* `first` is a moment of the loop's time */
    flow_make_fn *with; /* NULL: FLOW_ERROR_TIMEOUT */
    void *ud;
};
FLOW_API struct flow_stream *flow_timeout(struct flow_stream *in, const struct flow_timeout *opts);
/* observe_on(2ms): like delay, but ends and errors wait too; subscribe_on(2ms) waits to subscribe
 *     in            a--b#
 *     observe_on    --a--b#
 *     subscribe_on  --a--b#  (a cold stream) */
FLOW_API struct flow_stream *flow_observe_on(struct flow_stream *in, flow_time delay);
FLOW_API struct flow_stream *flow_subscribe_on(struct flow_stream *in, flow_time delay);

/* ==== Ends and errors ===========================================================================
 */

/* catch_error(fn): fn(error, caught) gives the stream to go on with; `caught` is this one again
 *     in   -a-#
 *     fn   -b|
 *     out  -a--b|        */
FLOW_API struct flow_stream *flow_catch_error(struct flow_stream *in, flow_catch_fn *fn, void *ud);
/* retry: subscribes again after an error
 *     in       -a-#
 *     count 1  -a--a-#   */
struct flow_retry {
    uint64_t count; /* most times; UINT64_MAX: for ever */
    bool has_delay;
    flow_time delay;         /* waits so long, when has_delay */
    flow_catch_fn *delay_by; /* or until this stream speaks; its end ends the stream; flow_index()
                                is the number of the retry from 1; `caught` is NULL */
    bool reset_on_success;   /* a value sets the count back */
    void *ud;
};
FLOW_API struct flow_stream *flow_retry(struct flow_stream *in, const struct flow_retry *opts);
/* repeat: subscribes again after the end
 *     in       -a-|
 *     count 2  -a--a-|   */
struct flow_repeat {
    uint64_t count; /* times in all; UINT64_MAX: for ever; 0: does not subscribe */
    bool has_delay;
    flow_time delay;
    flow_project_fn *delay_by; /* gets the number of the repetition, from 1 */
    void *ud;
};
FLOW_API struct flow_stream *flow_repeat(struct flow_stream *in, const struct flow_repeat *opts);
/* retry_when(fn), repeat_when(fn): fn() gets a stream of the errors (values of flow_error_type) or
 * ends (values 0) and gives one whose values subscribe again, and whose end ends.
 *     in   -a-#          fn(errors) = errors, 2 later
 *     out  -a----a----a  */
extern FLOW_API const struct flow_type flow_error_type; /* .p: struct flow_error * */
FLOW_API struct flow_stream *flow_retry_when(struct flow_stream *in, flow_with_fn *fn, void *ud);
FLOW_API struct flow_stream *flow_repeat_when(struct flow_stream *in, flow_with_fn *fn, void *ud);

/* ==== Sharing ===================================================================================
 */

/* share: one subscription for many observers
 *     in (cold)    -a-b-c|
 *     A from 0     -a-b-c|
 *     B from 2      --b-c|   (not the first again) */
struct flow_share_opts {
    struct flow_subject_opts connector;
    bool keep_on_error, keep_on_complete,
        keep_on_zero; /* do not reset; all false: RxJS' defaults */
    /* Or reset when the given stream speaks; the error is NULL but for on_error. */
    flow_catch_fn *reset_on_error, *reset_on_complete, *reset_on_zero;
    void *ud;
};
FLOW_API struct flow_stream *flow_share(struct flow_stream *in, const struct flow_share_opts *opts);
/* share_replay(2): and the last values for those who come late
 *     in           -a-b-c|
 *     B from 4     ----(ab)c|
 * `count` 0: all, up to the bound; `window` 0: of any age. It stays subscribed when nobody listens,
 * unless ref_count. */
FLOW_API struct flow_stream *flow_share_replay(struct flow_stream *in, size_t count,
                                               flow_time window, bool ref_count);
/* connect(fn): fn() gets a stream that shares one subscription and gives what to emit
 *     in   -a-b-c|       fn(s) = merge(s.take(1), s.map(upper))
 *     out  -(aA)-B-C|    `connector` NULL: a plain subject */
FLOW_API struct flow_stream *flow_connect(struct flow_stream *in, const struct flow_type *out,
                                          const struct flow_subject_opts *connector,
                                          flow_with_fn *fn, void *ud);
/* connectable: shares, and subscribes only by flow_connect_now()
 *     in            -a-b-c|
 *     A from 0
 *     connected 2   ---a-b-c|  */
FLOW_API struct flow_stream *flow_connectable(struct flow_stream *in,
                                              const struct flow_subject_opts *connector);
FLOW_API struct flow_sub flow_connect_now(struct flow_stream *connectable);

/* ==== Properties: streams with a current value (Bacon.js) =======================================
 */

/* to_property: remembers the latest value. A new observer hears it first, as *initial*: its
 * `initial` callback, or `next` without one. Nobody listening: it is disconnected and goes stale.
 *     in            --a--b--|
 *     A from 0      i-a--b--|     i: `initial`, NULL: none yet
 *     B from 4          (a)b--|   hears a at once
 * All operators work on properties; those that delay let the initial value pass. */
FLOW_API struct flow_stream *flow_to_property(struct flow_stream *in, const flow_val *initial);
/* NULL: no. */
FLOW_API bool flow_is_property(const struct flow_stream *stream);
/* A value that does not change.
 *     constant(a)   (a|)  as initial, to each observer */
FLOW_API struct flow_stream *flow_constant(struct flow_region *region, const struct flow_type *type,
                                           flow_val v);
/* Stays connected, whether somebody listens or not, as long as its region lives. Gives `property`.
 *     in            --a--b--
 *     B from 4          a-b--     also when A has gone at 3 */
FLOW_API struct flow_stream *flow_keep(struct flow_stream *property);
/* changes: without the initial value
 *     property      i-a--b--|
 *     out           --a--b--|   */
FLOW_API struct flow_stream *flow_changes(struct flow_stream *property);
/* combine: a function of several, once each has a value; once for one root event
 *     a    1----2---|
 *     b    5--6-----|
 *     out  A--B-C---|    A=fn(1,5) B=fn(1,6) C=fn(2,6) ; fn NULL: lists */
FLOW_API struct flow_stream *flow_combine(struct flow_region *region, struct flow_stream *const *in,
                                          size_t count, const struct flow_type *out,
                                          flow_list_fn *fn, void *ud);
/* combine_template: named members, streams or constants, as one property of lists in that order
 *     {x: a, y: 7}   a  1----2---|
 *     out               A----B---|    A=[1,7] B=[2,7] */
struct flow_member {
    const char *name;
    struct flow_stream *stream; /* NULL: `constant` of `type` */
    const struct flow_type *type;
    flow_val constant;
};
FLOW_API struct flow_stream *flow_combine_template(struct flow_region *region,
                                                   const struct flow_member *members, size_t count);
/* sampled_by: its value when `sampler` fires; sees the new value of the same root event
 *     property  1----2-----|
 *     sampler   ---x---x---|
 *     out       ---1---2---|    fn(value, sample), NULL: the value */
FLOW_API struct flow_stream *flow_sampled_by(struct flow_stream *property,
                                             struct flow_stream *sampler,
                                             const struct flow_type *out, flow_list_fn *fn,
                                             void *ud);

/* when, update: join patterns. A pattern matches when each of its streams has an event waiting and
 * each of its properties a value; it takes one event of each stream. The first pattern that matches
 * wins; matching waits until all inputs of a root event have arrived. */
typedef flow_val flow_update_fn(struct flow_loop *loop, void *ud, flow_val state, const flow_val *v,
                                size_t count);
struct flow_pattern {
    struct flow_stream *const *in; /* at least one that is no property */
    size_t count;
    flow_list_fn *fn;       /* of when; NULL: a list */
    flow_update_fn *update; /* of update */
    void *ud;
};
/*     a         -1-----2-|
 *     b         ----5--6-|
 *     [a,b]     ----A--B-|   A=fn(1,5) B=fn(2,6) */
FLOW_API struct flow_stream *flow_when(struct flow_region *region, const struct flow_type *out,
                                       const struct flow_pattern *patterns, size_t count);
/* update: the state, from several streams; a property
 *     add       -2---3-|
 *     clear     ---x---|
 *     out       02-0-3-|     initial 0; [add]: state + x; [clear]: 0 */
FLOW_API struct flow_stream *flow_update(struct flow_region *region, const struct flow_type *type,
                                         flow_val initial, const struct flow_pattern *patterns,
                                         size_t count);

/* hold_when: keeps values while `valve` is true, then lets them go
 *     in      -a-b-c-d|
 *     valve   f-t---f-|
 *     out     -a----(bc)d|    */
FLOW_API struct flow_stream *flow_hold_when(struct flow_stream *in, struct flow_stream *valve);
/* awaiting: a has fired, b not yet; a property of flow_bool
 *     a      -x----x--
 *     b      ---x-----
 *     out    ft-f--t--       */
FLOW_API struct flow_stream *flow_awaiting(struct flow_stream *a, struct flow_stream *b);
/* sliding_window(max 2, min 0): the last values, as lists; a property
 *     in     -a-b-c|
 *     out    E-A-B-C|     E=[] A=[a] B=[a,b] C=[b,c] */
FLOW_API struct flow_stream *flow_sliding_window(struct flow_stream *in, size_t max, size_t min);
/* diff(start, fn): fn(previous, current); a property
 *     in     -1--4|
 *     out    -A--B|     A=fn(start,1) B=fn(1,4) */
FLOW_API struct flow_stream *flow_diff(struct flow_stream *in, const struct flow_type *out,
                                       flow_val start, flow_fold_fn *fn, void *ud);
/* state_machine: fn() sees each event and its state, and emits what it likes
 *     in     -1-2-3|
 *     out    ---A-B|      A, B: whatever flow_machine_emit() was given */
struct flow_machine;
typedef flow_val flow_machine_fn(struct flow_machine *machine, void *ud, flow_val state,
                                 enum flow_kind kind, flow_val v, const struct flow_error *error);
FLOW_API struct flow_stream *flow_state_machine(struct flow_stream *in, const struct flow_type *out,
                                                const struct flow_type *state, flow_val initial,
                                                flow_machine_fn *fn, void *ud);
FLOW_API void flow_machine_emit(struct flow_machine *machine, flow_val v);
FLOW_API void flow_machine_end(struct flow_machine *machine);
FLOW_API struct flow_loop *flow_machine_loop(struct flow_machine *machine);

/* Errors as events: faults do not end a stream.
 *     in              -a-!-b-|
 *     map_error       -a-x-b-|    fn(error)
 *     skip_errors     -a---b-|
 *     errors          ---!---|
 *     end_on_error    -a-(!|)
 *     flat_map_error  -a-s-b-|    the values of fn(error)'s stream
 *     map_end         -a-!-b-(x|)
 *     to_faults: what ends in an error ends in a fault, then completes
 *     in              -a-#
 *     to_faults       -a-(!|)  */
FLOW_API struct flow_stream *flow_map_error(struct flow_stream *in, flow_error_map_fn *fn,
                                            void *ud);
FLOW_API struct flow_stream *flow_skip_errors(struct flow_stream *in);
FLOW_API struct flow_stream *flow_errors(struct flow_stream *in);
FLOW_API struct flow_stream *flow_end_on_error(struct flow_stream *in);
FLOW_API struct flow_stream *flow_flat_map_error(struct flow_stream *in, flow_catch_fn *fn,
                                                 void *ud);
FLOW_API struct flow_stream *flow_map_end(struct flow_stream *in, flow_val v);
FLOW_API struct flow_stream *flow_to_faults(struct flow_stream *in);
/* buffering_throttle(4ms): at most one for each span, none lost
 *     in     abc--------|
 *     out    a---b---c---|   */
FLOW_API struct flow_stream *flow_buffering_throttle(struct flow_stream *in, flow_time span);
/* buffer_with_time(4ms, max): a list each 4ms while there are values; the end waits for the last
 *     in     ab---c-----|
 *     out    ----A---B--|   A=[a,b] B=[c] ; `max` 0: no limit, else a full list goes at once */
FLOW_API struct flow_stream *flow_buffer_with_time(struct flow_stream *in, flow_time span,
                                                   size_t max);
/* group_simultaneous: lists of what each input emitted for one root event
 *     d -1-2-|   a = d+10, b = the even ones
 *     out  -A-B-|     A=[[11],[]] B=[[12],[2]] */
FLOW_API struct flow_stream *flow_group_simultaneous(struct flow_region *region,
                                                     struct flow_stream *const *in, size_t count);
/* sequentially(2ms, a b): --a--(b|)... each after the one before; repeatedly starts again
 *     sequentially  --a-(b|)
 *     repeatedly    --a-b-a-b-   */
FLOW_API struct flow_stream *flow_sequentially(struct flow_region *region,
                                               const struct flow_type *type, flow_time every,
                                               const flow_val *v, size_t count);
FLOW_API struct flow_stream *flow_repeatedly(struct flow_region *region,
                                             const struct flow_type *type, flow_time every,
                                             const flow_val *v, size_t count);
/* from_poll(2ms, fn): what fn() gives, until it gives false
 *     out  --1-2-3|   */
typedef bool flow_poll_fn(struct flow_loop *loop, void *ud, flow_val *out_v);
FLOW_API struct flow_stream *flow_from_poll(struct flow_region *region,
                                            const struct flow_type *type, flow_time every,
                                            flow_poll_fn *fn, void *ud);

/* ==== Marble tests ==============================================================================
 */

/* Streams written as diagrams, and what should come of them. One character is FLOW_MS(1); a letter
 * is a flow_i64 of its character code; "3ms " between spaces passes time; ^ in a hot stream is time
 * 0. Order within one moment is that of RxJS' TestScheduler.
 *
 *     struct flow_marble *m = flow_marble_new(region);
 *     struct flow_stream *s = flow_hot(m, "-a-b-c|");
 *     flow_expect(m, flow_take(s, 2), "^------", "-a-(b|)");
 *     flow_expect_subs(m, s, "^--!");
 *     int failed = flow_marble_run(m, stderr);    prints both diagrams where they differ
 */
struct flow_marble;
FLOW_API struct flow_marble *flow_marble_new(struct flow_region *region);
/*     plays from time 0, whoever listens:  --a--b--|   */
FLOW_API struct flow_stream *flow_hot(struct flow_marble *marble, const char *diagram);
/*     plays from each subscription on:     --a--b--|   */
FLOW_API struct flow_stream *flow_cold(struct flow_marble *marble, const char *diagram);
/* `subscription`: ^ subscribes, ! unsubscribes; NULL: at 0, never. */
FLOW_API void flow_expect(struct flow_marble *marble, struct flow_stream *stream,
                          const char *subscription, const char *diagram);
/* One subscription diagram after the other, separated by a comma: "^--!,---^--!". */
FLOW_API void flow_expect_subs(struct flow_marble *marble, struct flow_stream *source,
                               const char *subscriptions);
/* Runs the virtual time to its end. Gives the number of expectations that were not met. */
struct _IO_FILE;
FLOW_API int flow_marble_run(struct flow_marble *marble, struct _IO_FILE *out);

/* The same without diagrams. */
struct flow_message {
    flow_time at;
    enum flow_kind kind;
    flow_val v;       /* of FLOW_KIND_NEXT */
    const char *text; /* of FLOW_KIND_ERROR; lent */
};
struct flow_span { /* of a subscription */
    flow_time from;
    flow_time to; /* FLOW_NEVER: still open */
};
/*     {1 next a} {3 complete}:  -a-|    */
FLOW_API struct flow_stream *flow_marble_source(struct flow_marble *marble,
                                                const struct flow_type *type, bool hot,
                                                const struct flow_message *messages, size_t count);
FLOW_API size_t flow_marble_spans(const struct flow_stream *source, const struct flow_span **out);
/* Calls fn(ud) at a moment; what is scheduled first comes first. */
FLOW_API void flow_marble_at(struct flow_marble *marble, flow_time at, flow_action_fn *fn,
                             void *ud);
/* From now on neighbouring values of one moment travel in blocks of random size; 0: one by one. */
FLOW_API void flow_marble_blocks(struct flow_marble *marble, uint32_t seed);
/* Hot sources take their places in the queue; flow_advance() then moves time. */
FLOW_API void flow_marble_start(struct flow_marble *marble);
/* False: not a diagram. The count is at most the length of the text; `out` may be NULL to count. */
FLOW_API bool flow_marble_parse(const char *diagram, struct flow_message *out, size_t *out_count);
FLOW_API bool flow_marble_parse_sub(const char *diagram, struct flow_span *out_span);

#ifdef __cplusplus
}
#endif
#endif
