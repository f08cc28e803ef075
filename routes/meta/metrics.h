/*
 * Counters and gauges of the HTTP side, and GET /metrics in the Prometheus text format, version
 * 0.0.4.
 *
 * Threads: any; the values are relaxed atomics. Errors: none; when memory runs out, the process
 * aborts.
 */
#ifndef SESSIOND_ROUTES_META_METRICS_H
#define SESSIOND_ROUTES_META_METRICS_H

#include "routes/core/route.h"

/* Counts a request as in flight, from the arrival of its headers to metrics_on_request_end(). */
void metrics_on_request_start(struct metrics *metrics);
void metrics_on_request_end(struct metrics *metrics);

enum metrics_gauge {
    METRICS_CONNECTIONS,
    METRICS_BODIES_BYTES,
    METRICS_STREAMS,    /* streaming responses */
    METRICS_LONG_POLLS, /* connections that wait for an event */
    METRICS_GAUGES
};

/* Adds `by`, which may be negative, to a gauge. */
void metrics_add_to_gauge(struct metrics *metrics, enum metrics_gauge gauge, int64_t by);

/* The limits whose rejections have no status code, or share one with other rejections. */
enum metrics_limit {
    METRICS_BODIES,
    METRICS_RATE,
    METRICS_CONNECTIONS_RESERVED,
    METRICS_CLIENT_CONNECTIONS, /* per token */
    METRICS_CLIENT_STREAMS,
    METRICS_CLIENT_JOBS,
    METRICS_CLIENT_BYTES,
    METRICS_REQUEST_TIMEOUT,
    METRICS_RESPONSE_TIMEOUT,
    METRICS_LIMITS
};

/* Counts a request that a limit rejected, or a connection that it closed. */
void metrics_count_limit_rejection(struct metrics *metrics, enum metrics_limit limit);

/* Why the authorization rejected a request. */
enum metrics_auth_failure {
    AUTH_FAILURE_NO_TOKEN,
    AUTH_FAILURE_WRONG_TOKEN,
    AUTH_FAILURE_SCOPE,
    AUTH_FAILURE_HOST,
    AUTH_FAILURE_ORIGIN,
    METRICS_AUTH_FAILURES
};

/* Counts a request that the authorization rejected. */
void metrics_count_auth_failure(struct metrics *metrics, enum metrics_auth_failure why);

/* Counts a finished request by route, method and status, and adds its duration in µs to the route's
 * histogram. Ignores a request that ended without a response (ex->status 0). */
void metrics_count_request(struct metrics *metrics, const struct exchange *ex, int64_t duration_us);

/* The number of requests in flight. */
int64_t metrics_in_flight(const struct metrics *metrics);

/* Creates metrics with all values 0; the caller frees them. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

#endif
