/* fold_priv.h - count, sum, max ...: what an aggregate makes of many items.
 *
 * The state of a set of folds is their states behind each other; it exists once there was an item.
 * Whole numbers are summed exactly in 64 bits, a sum beyond that stops the flow; numbers with
 * fractions are summed with their rounding errors carried along. A path that is missing in an item
 * is a failure: no fold passes it over. First and latest go by event time, then by position. */
#pragma once
#include "domain/flow/engine/engine_priv.h"
#include "domain/flow/engine/state_priv.h"

struct derive_fold;
struct derive_folds {
    struct derive_fold *folds;
    uint32_t count;
    const struct ever_slice *names;
};

/* Parses [["n",{"fold":"count"}]...]. */
void folds_parse(struct derive_parse *parse, struct derive_node *node, struct json_value json,
                 struct derive_folds *out_folds);

/* Writes the state after one more item behind `out`; an empty reader is the state of no items.
 * False after a failure or stop: what was written is then of no use. */
bool folds_step(const struct derive_folds *folds, struct derive_node *node,
                const struct derive_item *item, struct state_reader before, struct text *out);

/* The results of a state, as many as there are folds, in the stretch's arena. */
void folds_results(const struct derive_folds *folds, struct derive_node *node,
                   struct state_reader state, struct derive_value *out_results);

/* Writes the state of the items of both. False after a failure or stop, named at `root`. */
bool folds_join(const struct derive_folds *folds, struct derive_node *node, uint32_t root,
                struct state_reader a, struct state_reader b, struct text *out);
