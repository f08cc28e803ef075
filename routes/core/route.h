/*
 * A route: a method, a path pattern and a handler in two halves. `begin` parses and validates the
 * request, and either writes the response or fills ex->job. `finish` turns the job's result into
 * the response. Each file of routes exports its routes as constants; routes/core/router.c lists
 * them.
 *
 * Threads: both run on the HTTP thread. For a request with an Idempotency-Key `finish` also runs on
 * the store's thread, inside the write transaction, to serialize the response that is stored.
 */
#ifndef SESSIOND_ROUTES_CORE_ROUTE_H
#define SESSIOND_ROUTES_CORE_ROUTE_H

#include "routes/core/exchange.h"
#include "routes/core/scope.h"

struct metrics;
struct sse_buffer;

/* The context of all routes. Set before the server starts and constant from then on; the pointers
 * are borrowed. */
struct routes {
    struct store *store;
    struct metrics *metrics;
    struct sse_buffer *events;
    size_t max_body_bytes;    /* of a request */
    size_t max_json_depth;    /* arrays and objects that are open at the same time */
    size_t max_page_bytes;    /* of a list's response */
    size_t max_batch_entries; /* of one append */
    const char *version;      /* of the service */
};

enum route_step {
    ROUTE_RESPONDED, /* the response is complete, or its status and headers are and it is a stream
                      */
    ROUTE_JOB,       /* ex->job is filled: submit it, then call `finish` */
    ROUTE_WAIT,      /* ex->wait is filled: call `begin` again when the wait ends */
};

enum route_body {
    ROUTE_BODY_NONE,
    ROUTE_BODY_JSON,          /* application/json */
    ROUTE_BODY_JSON_OR_PATCH, /* application/json or application/merge-patch+json */
    ROUTE_BODY_JSON_OR_LINES, /* application/json or application/x-ndjson */
};

struct route {
    enum method method;  /* GET also serves HEAD */
    const char *pattern; /* as in openapi.yaml; {…} matches one path segment */
    enum scope scope;    /* required of the token */
    enum route_body body;
    bool takes_query;        /* false: every query parameter is rejected */
    bool is_for_operators;   /* its response is charged, but never rejected for lack of memory */
    size_t extra_body_bytes; /* added to routes.max_body_bytes for this route */
    enum route_step (*begin)(const struct routes *routes, struct exchange *ex);
    void (*finish)(const struct routes *routes, struct exchange *ex); /* NULL: submits no job */
};

extern const struct route route_sessions_create;
extern const struct route route_sessions_list;
extern const struct route route_session_get;
extern const struct route route_session_put;
extern const struct route route_session_patch;
extern const struct route route_session_delete;
extern const struct route route_session_events;
extern const struct route route_entries_append;
extern const struct route route_entries_read;
extern const struct route route_streams;
extern const struct route route_lease_put;
extern const struct route route_lease_delete;
extern const struct route route_fork;
extern const struct route route_transition;
extern const struct route route_recover;
extern const struct route route_relocate;
extern const struct route route_events;
extern const struct route route_consumer_get;
extern const struct route route_consumer_put;
extern const struct route route_consumer_delete;
extern const struct route route_search;
extern const struct route route_healthz;
extern const struct route route_readyz;
extern const struct route route_backup;
extern const struct route route_export;
extern const struct route route_import;
extern const struct route route_retention;
extern const struct route route_purge;
extern const struct route route_metrics;
extern const struct route route_openapi_yaml;
extern const struct route route_openapi_json;

#endif
