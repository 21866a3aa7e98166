/* world.h - one case while it runs: its sources, and how to build what it describes. */
#pragma once
#include "jv.h"

struct named {
    const char *name;
    struct flow_stream *stream;
    struct named *after;
};

struct world {
    struct flow_loop *loop;
    struct flow_region *region;
    struct flow_marble *marble;
    struct jv_pool *pool;
    struct named *names;
    struct text problem; /* why the case cannot be built; empty: it can */
};

/* A function of the vocabulary with its world: the `ud` of callbacks. */
struct closure {
    struct world *world;
    const struct jv *spec;
};

void world_problem(struct world *world, const char *format, const char *what);
void world_name(struct world *world, const char *name, struct flow_stream *stream);
struct flow_stream *world_find(struct world *world, const char *name);

/* vocabulary.c: what a function of the vocabulary gives. A thrown error is flow_fail(). */
struct closure *closure_new(struct world *world, const struct jv *spec);
const struct jv *closure_call(const struct closure *closure, const struct jv *const *args,
                              size_t count);
struct flow_stream *closure_stream(const struct closure *closure, const struct jv *const *args,
                                   size_t count);
/* The same as callbacks. */
flow_map_fn call_map;
flow_pred_fn call_pred;
flow_fold_fn call_fold;
flow_project_fn call_project;
flow_fold_project_fn call_fold_project;
flow_equal_fn call_equal;
flow_compare_fn call_compare;
flow_list_fn call_list;
flow_make_fn call_make;
flow_catch_fn call_catch;
flow_with_fn call_with;
flow_action_fn call_action;
/* A value as a stream: one that it holds, or an array's items. NULL: it is neither. */
struct flow_stream *jv_to_stream(struct world *world, const struct jv *v);

/* convert.c: what operators make, as JSON. */
struct flow_stream *from_list(struct flow_stream *stream);
struct flow_stream *from_int(struct flow_stream *stream);
struct flow_stream *from_bool(struct flow_stream *stream);
struct flow_stream *from_notification(struct flow_stream *stream);
struct flow_stream *to_notification(struct world *world, struct flow_stream *stream);
struct flow_stream *from_stream(struct flow_stream *stream);
struct flow_stream *from_group(struct flow_stream *stream);
struct flow_stream *to_stream(struct world *world, struct flow_stream *stream);
struct flow_stream *from_pair(struct flow_stream *stream, const char *second);
struct flow_stream *from_keys(struct world *world, struct flow_stream *stream,
                              const struct jv *keys);
/* An error as JSON text: what was thrown, or the name of the library's. */
const char *error_json(const struct flow_error *error);

/* build.c: expressions. */
struct flow_stream *build(struct world *world, const struct jv *expr);
struct flow_stream *build_argument(struct world *world, const struct jv *argument);
/* Takes {"val": x} apart. */
const struct jv *plain_value(const struct jv *argument);
flow_time time_of_ms(const struct jv *v); /* "Infinity": FLOW_NEVER */

/* The four kinds of cases. True: as expected; else both are in `report`. */
struct settings {
    uint32_t block_seed; /* 0: no blocks */
};
bool run_case(const struct jv *line, const struct settings *settings, struct text *report);
bool run_script(const struct jv *line, const struct settings *settings, struct text *report);
bool run_bacon(const struct jv *line, const struct settings *settings, struct text *report);
bool run_parse(const struct jv *line, struct text *report);
