/* kinds_priv.h - the table of operators. A new one is an op_*.c file and a line in kinds.c. */
#pragma once
#include "domain/flow/engine/engine_priv.h"

extern const struct derive_kind kind_from;      /* source.c */
extern const struct derive_kind kind_where;     /* op_where.c */
extern const struct derive_kind kind_select;    /* op_select.c */
extern const struct derive_kind kind_key_by;    /* op_key.c */
extern const struct derive_kind kind_aggregate; /* op_aggregate.c */
extern const struct derive_kind kind_emit;      /* op_emit.c */
