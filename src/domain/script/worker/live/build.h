/* build.h - operators by name: what a row of the table is given.
 *
 * A row is a name, the kinds of its arguments, and a function that builds. js/live.js brings what
 * users write into this form: it fills in what was left out, takes options apart, and wraps
 * functions that give streams so that they give handles. So an argument of another kind is our own
 * mistake.
 *
 *     s stream (the first is `in`)   S array of streams   f function or null   n number
 *     t time in ms, Infinity: never  b boolean            v value; undefined: none given
 *     V array of values              o what a subject is: [kind, initial | count, window ms] or
 * null */
#pragma once
#include "domain/script/worker/live/value.h"

#define LIVE_FUNCTIONS_MAX 3
#define LIVE_NUMBERS_MAX 3

struct live_args {
    struct flow_region *region; /* where what has no input is built */
    struct flow_stream *in;
    struct flow_stream *other; /* of a second s */
    struct flow_stream **streams;
    size_t stream_count;
    const flow_val *values;
    size_t value_count;
    flow_val value;
    bool has_value;
    void *fn[LIVE_FUNCTIONS_MAX];    /* for the callbacks of call.h; NULL: null was given */
    size_t number[LIVE_NUMBERS_MAX]; /* 0: Infinity, or none */
    double raw[LIVE_NUMBERS_MAX];    /* the same as it came */
    flow_time time[LIVE_NUMBERS_MAX];
    bool flag[LIVE_NUMBERS_MAX];
    struct flow_subject_opts subject;
};

struct live_operator {
    const char *name;
    const char *arguments;
    struct flow_stream *(*build)(const struct live_args *a);
};

/* Tables, each ending with a row without a name. */
extern const struct live_operator live_operators_one[];   /* one stream in, values out */
extern const struct live_operator live_operators_many[];  /* several streams in */
extern const struct live_operator live_operators_inner[]; /* streams made for events */
extern const struct live_operator live_operators_time[];
extern const struct live_operator live_operators_again[]; /* ends, errors, sharing */
extern const struct live_operator live_operators_make[];  /* no stream in */
extern const struct live_operator live_operators_bacon[]; /* properties */

#define LIVE_OPERATOR(name_, expression_)                                                          \
    static struct flow_stream *name_(const struct live_args *a)                                    \
    {                                                                                              \
        return expression_;                                                                        \
    }

/* The function lives as long as `region`. */
void live_own(struct flow_region *region, JSObjectRef function);

/* Builds by name, in the region of the running callback that makes streams, or in the expression's.
 * `arguments` as the row says; null: it could not be built. */
JSValueRef live_build(const char *name, const JSValueRef arguments[], size_t count);
