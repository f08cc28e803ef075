/*
 * A route: a method and a path, and the two halves of its handler. `begin` parses, validates and
 * either answers or fills ex->job; `finish` turns the job's result into an answer. Both run on the
 * HTTP thread. Each file of routes exports its own as constants; routes/core/router.c lists them.
 */
#ifndef SESSIOND_ROUTES_CORE_ROUTE_H
#define SESSIOND_ROUTES_CORE_ROUTE_H

#include "routes/core/exchange.h"
#include "routes/core/scope.h"

struct metrics;
struct sse_buffer;

/* What routes work with: set up at start, then only read. */
struct routes {
    struct store *store;
    struct metrics *metrics;
    struct sse_buffer *events;
    size_t max_body_bytes;
    size_t max_json_depth;
    size_t max_page_bytes;
    size_t max_batch_entries;
    const char *version;
};

enum route_step {
    ROUTE_ANSWERED,
    ROUTE_JOB,  /* ex->job is filled: submit it, then finish */
    ROUTE_WAIT, /* ex->wait is filled: call `begin` again when it is over */
};

enum route_body {
    ROUTE_BODY_NONE,
    ROUTE_BODY_JSON,          /* application/json */
    ROUTE_BODY_JSON_OR_PATCH, /* that, or application/merge-patch+json */
    ROUTE_BODY_JSON_OR_LINES, /* that, or application/x-ndjson */
};

struct route {
    enum method method;  /* GET serves HEAD too */
    const char *pattern; /* as in openapi.yaml; {…} stands for one segment */
    enum scope scope;    /* what a token has to allow */
    enum route_body body;
    bool takes_query;       /* else any parameter is refused */
    size_t more_body_bytes; /* than the limit of others */
    enum route_step (*begin)(const struct routes *routes, struct exchange *ex);
    void (*finish)(const struct routes *routes, struct exchange *ex); /* NULL: never a job */
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
