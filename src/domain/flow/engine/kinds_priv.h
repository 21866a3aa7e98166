/* kinds_priv.h - the table of operators. A new one is an op_*.c file and a line in kinds.c. */
#pragma once
#include "domain/flow/engine/engine_priv.h"

extern const struct derive_kind kind_from;      /* source.c */
extern const struct derive_kind kind_where;     /* op_where.c */
extern const struct derive_kind kind_select;    /* op_select.c */
extern const struct derive_kind kind_key_by;    /* op_key.c */
extern const struct derive_kind kind_aggregate; /* op_aggregate.c */
extern const struct derive_kind kind_emit;      /* op_emit.c */
/* op_cut.c */
extern const struct derive_kind kind_take;
extern const struct derive_kind kind_skip;
extern const struct derive_kind kind_changed;
extern const struct derive_kind kind_distinct;
extern const struct derive_kind kind_start_with;
/* op_last.c */
extern const struct derive_kind kind_pairwise;
extern const struct derive_kind kind_buffer_count;
extern const struct derive_kind kind_sliding_window;
/* op_rate.c */
extern const struct derive_kind kind_throttle_time;
extern const struct derive_kind kind_debounce_time;
extern const struct derive_kind kind_delay;
/* op_combine.c */
extern const struct derive_kind kind_merge;
extern const struct derive_kind kind_combine_latest;
extern const struct derive_kind kind_with_latest_from;
extern const struct derive_kind kind_join_within; /* op_join.c */
extern const struct derive_kind kind_script;      /* op_script.c */
