/* groups.h - the groups of operations, one file each. */
#pragma once
#include "gateway/operation.h"

struct operation_group {
    const struct operation *operations;
    size_t count;
};

extern const struct operation_group stream_operations;         /* streams.c */
extern const struct operation_group append_operations;         /* append.c */
extern const struct operation_group event_operations;          /* events.c */
extern const struct operation_group decider_operations;        /* deciders.c */
extern const struct operation_group command_giving_operations; /* commands.c: one */
extern const struct operation_group command_operations;        /* commands.c: the others */
extern const struct operation_group view_operations;           /* views.c */
extern const struct operation_group query_operations;          /* views.c: one */
extern const struct operation_group flow_operations;           /* flows.c */
extern const struct operation_group live_operations;           /* live.c */
extern const struct operation_group asset_operations;          /* assets.c */
extern const struct operation_group health_operations;         /* health.c */
extern const struct operation_group metric_operations;         /* metrics.c */
extern const struct operation_group
    description_operations; /* description.c: index, openapi, problems */

#define OPERATION_GROUP(rows)                                                                      \
    {                                                                                              \
        .operations = (rows), .count = sizeof(rows) / sizeof(rows)[0]                              \
    }
