/*
 * What the HTTP side counts, and /metrics. Any thread may count: relaxed atomics. The text is
 * Prometheus' exposition format, version 0.0.4.
 */
#ifndef SESSIOND_ROUTES_METRICS_H
#define SESSIOND_ROUTES_METRICS_H

#include "routes/route.h"

/* The response is on its way, or the connection ended without one (ex->status 0). */
void metrics_count(struct metrics *metrics, const struct exchange *ex, int64_t duration_us);

/* A request's headers arrived; metrics_count ends it. */
void metrics_begin(struct metrics *metrics);

int64_t metrics_in_flight(const struct metrics *metrics);

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

#endif
