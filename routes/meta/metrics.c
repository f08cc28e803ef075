#include "routes/meta/metrics.h"
#include "routes/http/method.h"

#include "db/store/stats.h"
#include "routes/core/router.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* The last index counts requests without a route. */
#define NO_ROUTE_INDEX (ROUTER_ROUTES_MAX - 1)
#define STATUS_FIRST 200
#define STATUS_LAST 599
#define DURATION_BUCKETS 12

static const int64_t duration_bounds_us[DURATION_BUCKETS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2500000, 10000000};

struct route_metrics {
    atomic_int_least64_t requests[METHOD_COUNT + 1][STATUS_LAST - STATUS_FIRST + 1];
    atomic_int_least64_t durations[DURATION_BUCKETS + 1]; /* not cumulative */
    atomic_int_least64_t duration_us;
};

struct metrics {
    struct route_metrics routes[ROUTER_ROUTES_MAX];
    atomic_int_least64_t in_flight;
    atomic_int_least64_t gauges[METRICS_GAUGES];
    atomic_int_least64_t limits[METRICS_LIMITS];
    atomic_int_least64_t auth_failures[METRICS_AUTH_FAILURES];
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));

    if (metrics == NULL)
        abort();
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

static void add_to_counter(atomic_int_least64_t *counter, int64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static int64_t read_counter(const atomic_int_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_on_request_start(struct metrics *metrics)
{
    add_to_counter(&metrics->in_flight, 1);
}

void metrics_on_request_end(struct metrics *metrics)
{
    add_to_counter(&metrics->in_flight, -1);
}

void metrics_count_auth_failure(struct metrics *metrics, enum metrics_auth_failure why)
{
    add_to_counter(&metrics->auth_failures[why], 1);
}

int64_t metrics_in_flight(const struct metrics *metrics)
{
    return read_counter(&metrics->in_flight);
}

void metrics_add_to_gauge(struct metrics *metrics, enum metrics_gauge gauge, int64_t by)
{
    add_to_counter(&metrics->gauges[gauge], by);
}

void metrics_count_limit_rejection(struct metrics *metrics, enum metrics_limit limit)
{
    add_to_counter(&metrics->limits[limit], 1);
}

static size_t route_index(const struct route *route)
{
    for (size_t i = 0; route != NULL && router_route(i) != NULL; i++) {
        if (router_route(i) == route)
            return i;
    }
    return NO_ROUTE_INDEX;
}

void metrics_count_request(struct metrics *metrics, const struct exchange *ex, int64_t duration_us)
{
    struct route_metrics *route = &metrics->routes[route_index(ex->route)];
    size_t bucket = 0;

    if (ex->status < STATUS_FIRST || ex->status > STATUS_LAST)
        return;
    while (bucket < DURATION_BUCKETS && duration_us > duration_bounds_us[bucket])
        bucket++;
    add_to_counter(&route->requests[ex->method][ex->status - STATUS_FIRST], 1);
    add_to_counter(&route->durations[bucket], 1);
    add_to_counter(&route->duration_us, duration_us);
}

static void add_family(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *pattern_at(size_t index)
{
    return index == NO_ROUTE_INDEX ? "none" : router_route(index)->pattern;
}

static bool is_route_index(size_t index)
{
    return index == NO_ROUTE_INDEX || router_route(index) != NULL;
}

static void add_requests(struct buffer *out, const struct metrics *metrics)
{
    add_family(out, "sessiond_http_requests_total", "counter",
               "Requests by route, method and status.");
    for (size_t index = 0; index < ROUTER_ROUTES_MAX; index++) {
        for (unsigned method = 0; is_route_index(index) && method <= METHOD_COUNT; method++) {
            for (int status = STATUS_FIRST; status <= STATUS_LAST; status++) {
                const int64_t count =
                    read_counter(&metrics->routes[index].requests[method][status - STATUS_FIRST]);
                if (count > 0)
                    buffer_printf(out,
                                  "sessiond_http_requests_total{route=\"%s\",method=\"%s\","
                                  "status=\"%d\"} %lld\n",
                                  pattern_at(index), method_name((enum method)method), status,
                                  (long long)count);
            }
        }
    }
}

static void add_auth_failures(struct buffer *out, const struct metrics *metrics)
{
    static const char name[] = "sessiond_auth_failures_total";
    static const char *const reasons[METRICS_AUTH_FAILURES] = {
        [AUTH_FAILURE_NO_TOKEN] = "missing_token",   [AUTH_FAILURE_WRONG_TOKEN] = "invalid_token",
        [AUTH_FAILURE_SCOPE] = "insufficient_scope", [AUTH_FAILURE_HOST] = "misdirected",
        [AUTH_FAILURE_ORIGIN] = "cross_origin",
    };

    add_family(out, name, "counter", "Requests that failed authorization, by reason.");
    for (int i = 0; i < METRICS_AUTH_FAILURES; i++)
        buffer_printf(out, "%s{reason=\"%s\"} %lld\n", name, reasons[i],
                      (long long)read_counter(&metrics->auth_failures[i]));
}

/* Adds the buckets of one histogram series, without its sum, and returns its count. `label` is
 * empty or ends in a comma; the bounds are divided by `unit`. */
static int64_t add_histogram(struct buffer *out, const char *name, const char *label,
                             const int64_t *bounds, const int64_t *counts, size_t buckets,
                             double unit)
{
    int64_t cumulative = 0;

    for (size_t i = 0; i < buckets; i++) {
        cumulative += counts[i];
        buffer_printf(out, "%s_bucket{%sle=\"%g\"} %lld\n", name, label, (double)bounds[i] / unit,
                      (long long)cumulative);
    }
    cumulative += counts[buckets];
    buffer_printf(out, "%s_bucket{%sle=\"+Inf\"} %lld\n", name, label, (long long)cumulative);
    return cumulative;
}

static void add_durations(struct buffer *out, const struct metrics *metrics)
{
    static const char name[] = "sessiond_http_request_duration_seconds";
    int64_t counts[DURATION_BUCKETS + 1];
    char label[64];

    add_family(out, name, "histogram",
               "Time from the headers of a request to its response, by route and method.");
    for (size_t index = 0; index < ROUTER_ROUTES_MAX; index++) {
        const struct route_metrics *route = &metrics->routes[index];
        int64_t total = 0;
        for (size_t i = 0; i <= DURATION_BUCKETS; i++)
            total += counts[i] = read_counter(&route->durations[i]);
        /* The series is labelled by pattern and method, because routes may share a pattern. */
        if (total == 0)
            continue;
        snprintf(label, sizeof(label), "route=\"%s\",method=\"%s\",", pattern_at(index),
                 index == NO_ROUTE_INDEX ? "any" : method_name(router_route(index)->method));
        add_histogram(out, name, label, duration_bounds_us, counts, DURATION_BUCKETS, 1e6);
        label[strlen(label) - 1] = '\0';
        buffer_printf(out, "%s_sum{%s} %.6f\n%s_count{%s} %lld\n", name, label,
                      (double)read_counter(&route->duration_us) / 1e6, name, label,
                      (long long)total);
    }
}

static void add_gauge(struct buffer *out, const char *name, const char *help, int64_t value)
{
    add_family(out, name, "gauge", help);
    buffer_printf(out, "%s %lld\n", name, (long long)value);
}

/* The option that sets each limit, now and in version 0.1. */
static const struct {
    const char *flag;
    const char *deprecated;
} limit_labels[METRICS_LIMITS] = {
    [METRICS_BODIES] = {"body-memory-limit", "max-bodies-bytes"},
    [METRICS_RATE] = {"rate-limit", "rate-per-second"},
    [METRICS_CONNECTIONS_RESERVED] = {"reserved-connections", "reserved-connections"},
    [METRICS_CLIENT_CONNECTIONS] = {"max-connections-per-token", "max-connections-per-token"},
    [METRICS_CLIENT_STREAMS] = {"max-streams-per-client", "max-streams-per-client"},
    [METRICS_CLIENT_JOBS] = {"max-queue-per-client", "max-queue-per-client"},
    [METRICS_CLIENT_BYTES] = {"body-memory-limit-per-client", "max-bodies-bytes-per-client"},
    [METRICS_REQUEST_TIMEOUT] = {"request-timeout", "request-timeout-ms"},
    [METRICS_RESPONSE_TIMEOUT] = {"response-timeout", "response-timeout-ms"},
};

static void add_counter(struct buffer *out, const char *name, const char *help, int64_t value)
{
    add_family(out, name, "counter", help);
    buffer_printf(out, "%s %lld\n", name, (long long)value);
}

static void add_limits(struct buffer *out, const struct metrics *metrics)
{
    static const char name[] = "sessiond_http_requests_rejected_total";

    add_gauge(out, "sessiond_connections", "Open connections.",
              read_counter(&metrics->gauges[METRICS_CONNECTIONS]));
    add_gauge(out, "sessiond_http_body_memory_bytes",
              "Memory for request bodies and large responses in progress.",
              read_counter(&metrics->gauges[METRICS_BODIES_BYTES]));
    add_gauge(out, "sessiond_streaming_responses",
              "Responses that are generated while they are sent.",
              read_counter(&metrics->gauges[METRICS_STREAMS]));
    add_gauge(out, "sessiond_long_poll_connections", "Connections that wait for an event.",
              read_counter(&metrics->gauges[METRICS_LONG_POLLS]));
    add_family(out, name, "counter", "Requests that a limit rejected or aborted, by limit.");
    for (int i = 0; i < METRICS_LIMITS; i++)
        buffer_printf(out, "%s{limit=\"%s\"} %lld\n", name, limit_labels[i].flag,
                      (long long)read_counter(&metrics->limits[i]));
}

static void add_commits(struct buffer *out, const struct store_stats *stats)
{
    static const char batch[] = "sessiond_commit_batch_size";
    static const char duration[] = "sessiond_commit_duration_seconds";
    int64_t count;

    add_family(out, batch, "histogram", "Writes in one commit.");
    count = add_histogram(out, batch, "", store_batch_bounds, stats->batch_buckets,
                          STORE_BATCH_BUCKETS, 1);
    buffer_printf(out, "%s_sum %lld\n%s_count %lld\n", batch, (long long)stats->batch_jobs, batch,
                  (long long)count);
    add_family(out, duration, "histogram", "Time of a commit, including its fsync.");
    count = add_histogram(out, duration, "", store_commit_bounds_us, stats->commit_buckets,
                          STORE_COMMIT_BUCKETS, 1e6);
    buffer_printf(out, "%s_sum %.6f\n%s_count %lld\n", duration, (double)stats->commit_us / 1e6,
                  duration, (long long)count);
}

static void add_checkpoints(struct buffer *out, const struct store_stats *stats)
{
    static const char name[] = "sessiond_checkpoints_total";

    add_family(out, name, "counter", "Checkpoints of the write-ahead log, by result.");
    buffer_printf(out, "%s{result=\"complete\"} %lld\n", name,
                  (long long)stats->checkpoints_complete);
    buffer_printf(out, "%s{result=\"partial\"} %lld\n", name,
                  (long long)stats->checkpoints_partial);
    buffer_printf(out, "%s{result=\"failed\"} %lld\n", name, (long long)stats->checkpoints_failed);
}

static void add_store_counters(struct buffer *out, const struct store_stats *stats)
{
    static const struct {
        const char *name;
        const char *help;
    } families[STORE_COUNT_KINDS] = {
        [STORE_LEASES_GRANTED] = {"sessiond_lease_grants_total",
                                  "Leases granted, including takeovers, without renewals."},
        [STORE_LEASES_STOLEN] = {"sessiond_lease_steals_total",
                                 "Leases taken over from another owner."},
        [STORE_LEASES_EXPIRED] = {"sessiond_lease_expiries_total", "Expired leases."},
        [STORE_WRITES_FENCED] = {"sessiond_fenced_writes_total",
                                 "Writes rejected because they had no valid lease token."},
        [STORE_SESSIONS_RECOVERED] =
            {"sessiond_recoveries_total",
             "Sessions paused after their lease expired or by a recovery."},
        [STORE_REPLAYS] = {"sessiond_idempotency_replays_total",
                           "Responses replayed for an Idempotency-Key."},
        [STORE_QUOTA_REJECTED] = {"sessiond_quota_rejections_total",
                                  "Writes rejected because of --max-db-size, --max-consumers or "
                                  "--max-streams-per-session."},
        [STORE_EVENTS_WRITTEN] = {"sessiond_events_written_total", "Events written."},
        [STORE_EVENTS_EXPIRED] = {"sessiond_events_expired_total",
                                  "Events deleted because of their age or number."},
        [STORE_ENTRIES_APPENDED] = {"sessiond_entries_appended_total", "Appended entries."},
        [STORE_ENTRIES_DUPLICATE] = {"sessiond_entries_duplicate_total",
                                     "Appended entries that already existed, by their uuid."},
        [STORE_ENTRIES_BYTES] = {"sessiond_entries_appended_bytes_total",
                                 "Bytes of appended entries."},
        [STORE_FORKS] = {"sessiond_forks_total", "Sessions created by forks."},
        [STORE_SESSIONS_IMPORTED] = {"sessiond_imported_sessions_total",
                                     "Sessions created by imports."},
        [STORE_ENTRIES_IMPORTED] = {"sessiond_imported_entries_total",
                                    "Entries created by imports."},
        [STORE_SEARCH_INDEXED] = {"sessiond_search_indexed_total", "Indexed entries and contexts."},
        [STORE_SEARCH_REBUILDS] = {"sessiond_search_rebuilds_total",
                                   "Rebuilds of a corrupt search index."},
    };

    for (int i = 0; i < STORE_COUNT_KINDS; i++) {
        if (families[i].name == NULL)
            continue; /* part of a family with labels */
        add_counter(out, families[i].name, families[i].help, stats->counts[i]);
    }
}

static void add_purged(struct buffer *out, const struct store_stats *stats)
{
    static const char name[] = "sessiond_sessions_purged_total";

    add_family(out, name, "counter", "Sessions that retention deleted, by reason.");
    buffer_printf(out, "%s{reason=\"terminated\"} %lld\n", name,
                  (long long)stats->counts[STORE_PURGED_TERMINATED]);
    buffer_printf(out, "%s{reason=\"idle\"} %lld\n", name,
                  (long long)stats->counts[STORE_PURGED_IDLE]);
}

static void add_task_failures(struct buffer *out, const struct store_stats *stats)
{
    static const char name[] = "sessiond_maintenance_failures_total";

    add_family(out, name, "counter", "Failed runs of maintenance tasks, by task.");
    for (int i = 0; i < STORE_TASKS; i++)
        buffer_printf(out, "%s{task=\"%s\"} %lld\n", name, store_task_name((enum store_task)i),
                      (long long)stats->task_failures[i]);
}

static void add_size(struct buffer *out, const struct store_stats *stats)
{
    add_gauge(out, "sessiond_database_bytes", "Size of the stored data, without free pages.",
              stats->database_bytes);
    add_gauge(out, "sessiond_database_free_bytes", "Size of the free pages of the database file.",
              stats->free_bytes);
    add_gauge(out, "sessiond_database_max_bytes", "Value of --max-db-size; 0: no limit.",
              stats->max_database_bytes);
    add_gauge(out, "sessiond_database_nearly_full",
              "1 when the stored data has reached four fifths of --max-db-size.",
              stats->nearly_full);
}

static void add_store_stats(struct buffer *out, const struct store_stats *stats)
{
    add_commits(out, stats);
    add_gauge(out, "sessiond_write_queue_depth", "Writes that wait for their commit.",
              stats->queue_depth);
    add_gauge(out, "sessiond_wal_bytes",
              "Length of the part of the write-ahead log that is in use.", stats->wal_bytes);
    add_checkpoints(out, stats);
    add_store_counters(out, stats);
    add_gauge(out, "sessiond_search_index_ready",
              "1 when search finds all stored data; 0 while the index is built, or with --search "
              "off.",
              stats->search_complete);
    add_gauge(out, "sessiond_events", "Stored events.", stats->events);
    add_gauge(out, "sessiond_events_newest_id", "Id of the newest event; 0 before the first event.",
              stats->newest_event);
    add_purged(out, stats);
    add_task_failures(out, stats);
    add_size(out, stats);
    add_family(out, "sessiond_sessions", "gauge", "Sessions by status.");
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++)
        buffer_printf(out, "sessiond_sessions{status=\"%s\"} %lld\n",
                      session_status_name((enum session_status)i), (long long)stats->sessions[i]);
}

/* Names of version 0.1, which version 0.3 removes. */
static void add_deprecated(struct buffer *out, const struct metrics *metrics,
                           const struct store_stats *stats)
{
    static const char limits[] = "sessiond_limit_refusals_total";

    add_gauge(out, "sessiond_bodies_bytes", "Deprecated, use sessiond_http_body_memory_bytes.",
              read_counter(&metrics->gauges[METRICS_BODIES_BYTES]));
    add_gauge(out, "sessiond_streams", "Deprecated, use sessiond_streaming_responses.",
              read_counter(&metrics->gauges[METRICS_STREAMS]));
    add_gauge(out, "sessiond_waiting", "Deprecated, use sessiond_long_poll_connections.",
              read_counter(&metrics->gauges[METRICS_LONG_POLLS]));
    add_gauge(out, "sessiond_search_complete", "Deprecated, use sessiond_search_index_ready.",
              stats->search_complete);
    add_counter(out, "sessiond_growth_refusals_total",
                "Deprecated, use sessiond_quota_rejections_total.",
                stats->counts[STORE_QUOTA_REJECTED]);
    add_counter(out, "sessiond_events_removed_total",
                "Deprecated, use sessiond_events_expired_total.",
                stats->counts[STORE_EVENTS_EXPIRED]);
    add_family(out, limits, "counter", "Deprecated, use sessiond_http_requests_rejected_total.");
    for (int i = 0; i < METRICS_LIMITS; i++)
        buffer_printf(out, "%s{limit=\"%s\"} %lld\n", limits, limit_labels[i].deprecated,
                      (long long)read_counter(&metrics->limits[i]));
}

static enum route_step metrics_route_begin(const struct routes *routes, struct exchange *ex)
{
    struct buffer *out = &ex->response;
    struct store_stats stats;

    ex->status = 200;
    ex->content_type = "text/plain; version=0.0.4; charset=utf-8";
    add_family(out, "sessiond_build_info", "gauge", "Always 1; the version is in the label.");
    buffer_printf(out, "sessiond_build_info{version=\"%s\"} 1\n", routes->version);
    add_requests(out, routes->metrics);
    add_durations(out, routes->metrics);
    add_gauge(out, "sessiond_http_requests_in_flight", "Requests without a response yet.",
              metrics_in_flight(routes->metrics));
    add_limits(out, routes->metrics);
    add_auth_failures(out, routes->metrics);
    store_stats(routes->store, &stats);
    add_store_stats(out, &stats);
    add_deprecated(out, routes->metrics, &stats);
    return ROUTE_RESPONDED;
}

const struct route route_metrics = {
    .method = METHOD_GET,
    .pattern = "/metrics",
    .scope = SCOPE_READ,
    .is_for_operators = true,
    .begin = metrics_route_begin,
};
