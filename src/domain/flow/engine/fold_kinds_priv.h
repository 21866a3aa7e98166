/* fold_kinds_priv.h - one kind of fold: how an item changes its state, how two states become one.
 * fold.c has the table. */
#pragma once
#include "domain/flow/engine/fold_priv.h"

struct fold_step { /* one item, or the joining of two states, as a fold sees it */
    struct derive_node *node;
    uint32_t root;
    uint64_t position;
    int64_t time_us;
    struct derive_value value;      /* at the fold's path */
    const struct derive_item *item; /* NULL: two states are joined */
};

struct fold_kind {
    const char *name;
    bool needs_path;
    bool keeps_item; /* without a path, or as what goes with it, the item as a whole */
    /* Reads its state unless `fresh`, writes the next. */
    bool (*step)(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                 struct state_reader *before, struct text *out);
    bool (*join)(const struct derive_fold *fold, const struct fold_step *step,
                 struct state_reader *a, struct state_reader *b, struct text *out);
    struct derive_value (*result)(const struct derive_fold *fold, struct derive_node *node,
                                  struct state_reader *state);
};

struct derive_fold {
    const struct fold_kind *kind;
    struct derive_path *path; /* NULL: the item as a whole */
    bool greatest;            /* max, maxBy, topK: the greater wins */
    bool latest;
    uint64_t limit; /* of topK and collect */
};

struct ever_slice fold_path_text(const struct derive_fold *fold); /* for sentences */
/* In the stretch's arena. */
struct ever_slice fold_step_json(const struct fold_step *step);
struct derive_value fold_kept_json(struct derive_node *node, struct ever_slice json);

/* fold_number.c */
extern const struct fold_kind fold_count;
extern const struct fold_kind fold_sum;
extern const struct fold_kind fold_avg;
/* fold_order.c */
extern const struct fold_kind fold_min;
extern const struct fold_kind fold_max;
extern const struct fold_kind fold_min_by;
extern const struct fold_kind fold_max_by;
extern const struct fold_kind fold_top;
/* fold_keep.c */
extern const struct fold_kind fold_first;
extern const struct fold_kind fold_latest;
extern const struct fold_kind fold_distinct;
extern const struct fold_kind fold_collect;

/* An array of values that are kept as: count, then (position, text) each. */
struct derive_value fold_list_result(const struct derive_fold *fold, struct derive_node *node,
                                     struct state_reader *state);
