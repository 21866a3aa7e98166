/* query_job.h - a query of a view, run on a thread of libuv's pool, its answer back on the loop. */
#pragma once
#include "gateway/gateway_priv.h"

#define QUERY_JOBS_MAX 256 /* at once; beyond: EVER_BUSY */
#define QUERY_ROWS_MAX 10000
#define QUERY_BYTES_MAX (16u << 20)
#define QUERY_TIME_LIMIT_MS 5000

struct query_job { /* memory of the caller, who keeps it until `done` */
    struct gateway *gateway;
    struct view *view;
    const struct view_query_info *query;
    const struct view_argument *arguments;
    size_t argument_count;
    void (*done)(struct query_job *job); /* on the loop; frees nothing of what follows */

    /* The result, until `done` returns. */
    struct ever_err err;
    struct text rows;
    struct text report;
    uint64_t position;

    uv_work_t work;
};

struct ever_err query_job_start(struct query_job *job);
