#include "gateway/metrics.h"

#include "base/assert.h"
#include "base/mem.h"
#include "gateway/gateway_priv.h"

#include <stdlib.h>

struct metrics {
    struct operation_metrics *rows; /* in the order of the table; behind them "none" */
    size_t count;
};

static const uint64_t bucket_ns[METRICS_BUCKETS - 1] = {
    100000,   250000,   500000,    1000000,   2500000,   5000000,    10000000,
    25000000, 50000000, 100000000, 250000000, 500000000, 1000000000,
};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = mem_alloc_zero(sizeof *metrics);
    metrics->count = operation_count() + 1;
    metrics->rows = mem_alloc_zero(metrics->count * sizeof *metrics->rows);
    for (size_t i = 0; i + 1 < metrics->count; i++) {
        metrics->rows[i].operation = operation_at(i);
    }
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics != NULL) {
        free(metrics->rows);
        free(metrics);
    }
}

void metrics_count(struct gateway *gateway, const struct operation *operation, unsigned status,
                   uint64_t duration_ns)
{
    ASSERT(status >= 100 && status < 600);
    struct operation_metrics *row = gateway->metrics->rows;
    while (row->operation != operation) {
        row++; /* ends at the row of "none" at the latest: its operation is NULL */
    }
    size_t bucket = 0;
    while (bucket < METRICS_BUCKETS - 1 && duration_ns > bucket_ns[bucket]) {
        bucket++;
    }
    row->by_class[status / 100]++;
    row->by_bucket[bucket]++;
    row->duration_ns += duration_ns;
}

size_t metrics_size(const struct metrics *metrics)
{
    return metrics->count;
}

const struct operation_metrics *metrics_at(const struct metrics *metrics, size_t index)
{
    ASSERT(index < metrics->count);
    return &metrics->rows[index];
}

double metrics_bucket_seconds(size_t bucket)
{
    ASSERT(bucket < METRICS_BUCKETS - 1);
    return (double)bucket_ns[bucket] / 1e9;
}
