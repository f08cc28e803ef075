/*
 * What the HTTP side counts, and /metrics. Any thread may count: relaxed atomics. The text is
 * Prometheus' exposition format, version 0.0.4.
 */
#ifndef SESSIOND_ROUTES_META_METRICS_H
#define SESSIOND_ROUTES_META_METRICS_H

#include "routes/core/route.h"

/* A request's headers have arrived; metrics_end ends it. */
void metrics_begin(struct metrics *metrics);
void metrics_end(struct metrics *metrics);

enum metrics_gauge {
    METRICS_CONNECTIONS,
    METRICS_BODIES_BYTES,
    METRICS_STREAMS, /* responses that are made while they are sent */
    METRICS_WAITING, /* connections that wait for an event */
    METRICS_GAUGES
};

/* More of it, or less. */
void metrics_change(struct metrics *metrics, enum metrics_gauge gauge, int64_t by);

/* The limits whose refusals have no status, or not one of their own. */
enum metrics_limit {
    METRICS_BODIES,
    METRICS_RATE,
    METRICS_CONNECTIONS_RESERVED,
    METRICS_CLIENT_CONNECTIONS, /* of a token */
    METRICS_CLIENT_STREAMS,
    METRICS_CLIENT_JOBS,
    METRICS_CLIENT_BYTES,
    METRICS_REQUEST_TIMEOUT,
    METRICS_RESPONSE_TIMEOUT,
    METRICS_LIMITS
};

/* A limit has refused a request, or ended a connection. */
void metrics_limit(struct metrics *metrics, enum metrics_limit limit);

/* Why a request was not let in. */
enum metrics_refusal {
    REFUSED_NO_TOKEN,
    REFUSED_WRONG_TOKEN,
    REFUSED_SCOPE,
    REFUSED_HOST,
    REFUSED_ORIGIN,
    METRICS_REFUSALS
};

/* A request was not let in. */
void metrics_refuse(struct metrics *metrics, enum metrics_refusal why);

/* A request is over: answered, or ended without an answer (ex->status 0). */
void metrics_count(struct metrics *metrics, const struct exchange *ex, int64_t duration_us);

int64_t metrics_in_flight(const struct metrics *metrics);

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

#endif
