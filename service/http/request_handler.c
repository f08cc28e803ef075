#include "service/http/daemon.h"
#include "service/http/request_limits.h"

#include "db/base/monotonic.h"
#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "routes/events/sse.h"
#include "routes/http/accept.h"

#include <string.h>

/* Cuts the target off after the `?`. libmicrohttpd would otherwise create a record for each
 * parameter, and when its memory is exhausted by that, it neither responds nor reports the end of
 * the request. It passes its own buffer here; routes parse the query from a copy. */
static void hide_query(const char *target)
{
    const size_t path_len = strcspn(target, "?");
    char *buffer;

    if (target[path_len] == '\0')
        return;
    memcpy(&buffer, &target, sizeof(buffer));
    buffer[path_len + 1] = '\0';
}

void *http_server_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = cls;
    struct request *request = request_new(target);

    hide_query(target);
    request->server = server;
    request->connection = connection;
    request->client = http_server_find_tracked(connection);
    request->began_us = monotonic_us();
    request->target_at = target;
    tracked_on_request(request->client, request->ex.path, request->began_us);
    return request;
}

/* Context of on_header(): the header section under construction, and its request. */
struct head_context {
    struct request_head head;
    struct request *request;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct head_context *context = cls;

    (void)kind;
    request_head_add(&context->head, (struct slice){name, name_len},
                     (struct slice){value, value_len});
    request_header(context->request, name, value);
    return MHD_YES;
}

/* Called by a store thread. */
static void on_job_done(struct store_job *job)
{
    struct request *request = job->arg;
    struct http_server *server = request->server;

    /* After MHD_resume_connection() the request may end at any time, so it must not be used. */
    MHD_resume_connection(request->connection);
    atomic_fetch_sub(&server->jobs_pending, 1);
}

/* Called by a store thread. The connection is suspended, so it stays open. */
static bool is_client_gone(const struct store_job *job)
{
    const struct request *request = job->arg;

    return tracked_has_peer_closed(request->client);
}

static enum MHD_Result reject_job(struct http_server *server, struct request *request,
                                  enum error_kind kind, const char *detail)
{
    problem_respond_kind(&request->ex, kind, detail);
    return http_server_send(server, request);
}

/* Suspends the connection before store_submit(), since the job may complete before that returns. */
static enum MHD_Result submit_job(struct http_server *server, struct request *request)
{
    struct store *store = server->options.routes->store;
    struct store_job *job = &request->ex.job;

    if (!tracked_on_request_complete(request->client))
        return MHD_NO;
    atomic_fetch_add(&server->jobs_pending, 1);
    if (atomic_load(&server->stopped)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return reject_job(server, request, ERROR_STOPPING,
                          "the service is shutting down; send the request again");
    }
    if (!http_server_acquire_quota(server, request, QUOTA_JOBS)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return http_server_send(server, request);
    }
    if (!store_reserve(store, job->operation)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return reject_job(
            server, request, ERROR_QUEUE_FULL,
            "the write queue is full (--max-queue); nothing was changed; send the request again");
    }
    job->done = on_job_done;
    job->arg = request;
    job->client = http_server_client_key(request);
    job->admit = http_server_admit;
    job->admit_arg = request;
    job->is_client_gone = is_client_gone;
    http_server_leave_phase(server, request);
    request->phase = REQUEST_WAITING;
    MHD_suspend_connection(request->connection);
    store_submit(store, job);
    return MHD_YES;
}

static enum MHD_Result wait_for_event(struct http_server *server, struct request *request)
{
    if (!tracked_on_request_complete(request->client))
        return MHD_NO;
    if (!http_server_acquire_quota(server, request, QUOTA_STREAMS))
        return http_server_send(server, request);
    http_server_leave_phase(server, request);
    request->phase = REQUEST_LISTENING;
    if (!request->ex.wait.stopping &&
        http_server_suspend(server, request, request->began_us + request->ex.wait.limit_ms * 1000))
        return MHD_YES;
    return reject_job(server, request, ERROR_STOPPING,
                      "the service is shutting down; send the request again");
}

static enum MHD_Result start_wait(struct http_server *server, struct request *request)
{
    return request->awaits_event ? wait_for_event(server, request) : submit_job(server, request);
}

/* Delays a wait to the next call of libmicrohttpd. When a connection is suspended while
 * libmicrohttpd reads from it, libmicrohttpd reads again once it is resumed, and closes it without
 * the response if the client has closed its side meanwhile. After a call with the complete request
 * that queues no response, libmicrohttpd does not read and calls again immediately. That second
 * call suspends the connection. */
static enum MHD_Result prepare_wait(struct http_server *server, struct request *request,
                                    bool awaits_event)
{
    request->awaits_event = awaits_event;
    if (request->phase != REQUEST_BODY)
        return start_wait(server, request);
    http_server_leave_phase(server, request);
    request->phase = REQUEST_WHOLE;
    return MHD_YES;
}

static enum MHD_Result begin_route(struct http_server *server, struct request *request)
{
    if (request->ex.status != 0)
        return http_server_send(server, request);
    switch (router_begin(server->options.routes, &request->ex)) {
    case ROUTE_RESPONDED:
        break;
    case ROUTE_JOB:
        return prepare_wait(server, request, false);
    case ROUTE_WAIT:
        return prepare_wait(server, request, true);
    }
    return http_server_send(server, request);
}

/* Runs the route again after its wait has ended. */
static enum MHD_Result resume_route(struct http_server *server, struct request *request)
{
    http_server_resumed(server, request);
    exchange_discard_response(&request->ex);
    if (!authorizer_still_admits(server->options.access, request))
        authorizer_reject_revoked(server->options.routes->metrics, request);
    return begin_route(server, request);
}

static bool is_rate_limited(struct http_server *server, struct request *request)
{
    struct error err;
    int64_t wait_us;

    if (server->rate == NULL || rate_limiter_acquire(server->rate, http_server_client_key(request),
                                                     request->began_us, &wait_us))
        return false;
    metrics_count_limit_rejection(server->options.routes->metrics, METRICS_RATE);
    error_set(&err, ERROR_RATE_LIMITED, NULL,
              "more than %lld requests per second (--rate-limit); nothing was changed; send the "
              "request again after the "
              "time in Retry-After",
              (long long)server->options.limits.rate_per_second);
    problem_respond_retry_after(&request->ex, &err, (wait_us + 999999) / 1000000);
    return true;
}

/* A client of Server-Sent Events reconnects when the connection ends without a response, but not
 * after a status other than 200 (HTML standard, section 9.2.2). So ex->status stays 0 for such a
 * client, and the connection is closed. */
static void reject_while_stopping(struct exchange *ex)
{
    if (accept_includes(ex->headers[REQUEST_ACCEPT], SSE_MEDIA_TYPE))
        return;
    problem_respond_kind(
        ex, ERROR_STOPPING,
        "the service is shutting down; nothing was changed; send the request again");
}

/* Rejects requests before the router runs: invalid ones, after which the connection closes, and all
 * requests during shutdown. */
static bool is_rejected(struct http_server *server, struct request *request,
                        const struct request_head *head)
{
    struct error err;

    if (!admission_check(&server->options.admission, head, &err)) {
        problem_respond(&request->ex, &err);
        request->ex.close = true;
        return true;
    }
    if (!atomic_load_explicit(&server->draining, memory_order_relaxed))
        return false;
    reject_while_stopping(&request->ex);
    return true;
}

/* Authorizes the request before the response can reveal anything, such as which paths exist.
 * Rejected requests count against the rate limit too, so tokens cannot be guessed faster than
 * requests are allowed. */
static void find_route(struct http_server *server, struct request *request)
{
    const struct routes *routes = server->options.routes;

    router_find(&request->ex);
    const bool admitted = authorizer_admit(server->options.access, routes->metrics, request);
    if (!is_rate_limited(server, request) && admitted && http_server_authorize(server, request))
        router_check(routes, &request->ex);
}

/* Returns false when the request is rejected. */
static bool read_head(struct http_server *server, struct request *request, const char *method,
                      const char *version)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct head_context context;

    /* Leaves `fields` uninitialized: the array is large and is filled field by field. */
    context.request = request;
    context.head.bytes = (struct slice){method, size == NULL ? SIZE_MAX : size->header_size};
    context.head.method = slice_from(method);
    context.head.target_at = request->target_at;
    context.head.target = slice_from(request->target);
    context.head.version = slice_from(version);
    context.head.keeps_lf = server->keeps_lf;
    context.head.field_count = 0;
    request->chunked = strcmp(version, "HTTP/1.0") != 0;
    request_set_method(request, method);
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, on_header, &context);
    request_identify(request, &server->ids);
    /* Reads nothing after a chunked body, since libmicrohttpd parses chunked framing leniently. */
    request->ex.close = request->ex.has_chunked_body;
    return !is_rejected(server, request, &context.head);
}

/* Handles the headers of a request, before its body. A response at this point closes the connection
 * if the request has a body, so a response that leaves no body unread waits for the next call. */
static enum MHD_Result on_headers(struct http_server *server, struct request *request,
                                  const char *method, const char *version)
{
    struct exchange *ex = &request->ex;
    struct connection_slot *slot = tracked_slot(request->client);

    if (!connection_slot_begin_request(slot))
        return MHD_NO;
    request->quota = connection_slot_quota(slot, false);
    metrics_on_request_start(server->options.routes->metrics);
    atomic_fetch_add(&server->receiving, 1);
    request->phase = REQUEST_BODY;
    if (read_head(server, request, method, version))
        find_route(server, request);
    else if (ex->status == 0)
        return MHD_NO;
    request_wipe_credentials(request);
    http_server_check_room(server, request);
    if (ex->status != 0 && (ex->close || ex->content_length > 0))
        return http_server_send(server, request); /* without reading the body */
    return MHD_YES;
}

/* The store does not know which limit http_server_admit() found exceeded. */
static void finish_route(struct http_server *server, struct request *request)
{
    router_finish(server->options.routes, &request->ex);
    if (request->ex.job.error.kind == ERROR_OVERLOADED && request->over_quota)
        http_server_reject_over_quota(request, QUOTA_BYTES);
}

enum MHD_Result http_server_on_request(void *cls, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *data_size, void **request_cls)
{
    struct http_server *server = cls;
    struct request *request = *request_cls;
    struct slice part;

    (void)connection;
    (void)url;
    switch (request->phase) {
    case REQUEST_NEW:
        return on_headers(server, request, method, version);
    case REQUEST_BODY:
        if (*data_size == 0)
            return begin_route(server, request);
        part = (struct slice){data, *data_size};
        *data_size = 0;
        return http_server_store_part(server, request, part);
    case REQUEST_WHOLE:
        return start_wait(server, request);
    case REQUEST_WAITING:
        http_server_release_quota(request, QUOTA_JOBS);
        finish_route(server, request);
        return http_server_send(server, request);
    case REQUEST_LISTENING:
        return resume_route(server, request);
    case REQUEST_ANSWERED:
        break;
    }
    *data_size = 0; /* discards the rest of a rejected body */
    return MHD_YES;
}

/* Sets the status of a request whose client left during a write, or that libmicrohttpd answered by
 * itself. */
static void determine_status(struct http_server *server, struct request *request)
{
    struct exchange *ex = &request->ex;

    if (request->phase == REQUEST_WAITING)
        finish_route(server, request);
    if (ex->status != 0)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (info != NULL)
        ex->status = (int)info->http_status;
}

void http_server_on_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                              enum MHD_RequestTerminationCode code)
{
    struct http_server *server = cls;
    struct metrics *metrics = server->options.routes->metrics;
    struct request *request = *request_cls;

    (void)connection;
    (void)code;
    if (request == NULL)
        return;
    *request_cls = NULL;
    determine_status(server, request);
    http_server_leave_phase(server, request);
    http_server_release_quota(request, QUOTA_JOBS);
    http_server_release_quota(request, QUOTA_STREAMS);
    http_server_uncharge(server, request);
    http_server_resumed(server, request);
    http_server_end_stream(server, request);
    const int64_t now_us = monotonic_us();
    const int64_t duration_us = now_us - request->began_us;
    if (tracked_on_idle(request->client, now_us, request->ex.request_id))
        request->ex.status = 408;
    connection_slot_end_request(tracked_slot(request->client));
    /* The duration of a stream is the client's choice, so it is not part of the latency. */
    metrics_count_request(metrics, &request->ex,
                          request->streams ? request->streams_since_us - request->began_us
                                           : duration_us);
    if (request->phase != REQUEST_NEW)
        metrics_on_request_end(metrics);
    request_log(request, server->options.log, duration_us);
    request_free(request);
}
