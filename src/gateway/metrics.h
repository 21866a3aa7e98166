/* metrics.h - counting what the gateway answers: by operation, class of status and duration. */
#pragma once
#include "gateway/gateway.h"
#include "gateway/operation.h"

#define METRICS_BUCKETS 14 /* the last one has no upper bound */

struct operation_metrics {
    const struct operation *operation; /* NULL: requests that match none */
    uint64_t by_class[6];              /* [2]: answers 2xx */
    uint64_t by_bucket[METRICS_BUCKETS];
    uint64_t duration_ns;
};

struct metrics;
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* Notes one answer; streams count when they begin. */
void metrics_count(struct gateway *gateway, const struct operation *operation, unsigned status,
                   uint64_t duration_ns);

size_t metrics_size(const struct metrics *metrics);
const struct operation_metrics *metrics_at(const struct metrics *metrics, size_t index);
double metrics_bucket_seconds(size_t bucket); /* upper bound; of all but the last */
