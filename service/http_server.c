#include "service/http_server.h"

#include "db/monotonic.h"
#include "routes/problem.h"
#include "routes/router.h"
#include "service/request.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_FIELDS_MAX 128
#define BODY_RESERVE_BYTES 65536

/* Of a connection: the request's head, libmicrohttpd's record of it, and the response's head. It is
 * cleared after each request. */
#define CONNECTION_MEMORY_BYTES(max_header_bytes) ((size_t)(max_header_bytes) + 16384)

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    struct request_ids ids;
    atomic_bool draining;
    atomic_bool stopped;               /* no job is submitted any more */
    atomic_int_least64_t receiving;    /* requests whose body has not wholly arrived */
    atomic_int_least64_t jobs_pending; /* connections that are suspended, or about to be */
};

/* --- From the first byte to the response --------------------------------------------------- */

/* libmicrohttpd is about to make a record of each parameter; when its memory runs out over that, it
 * neither answers nor tells of the end. It hands out its own buffer here, and routes read the query
 * themselves. */
static void hide_query(const char *target)
{
    const size_t path_len = strcspn(target, "?");
    char *buffer;

    if (target[path_len] == '\0')
        return;
    memcpy(&buffer, &target, sizeof(buffer));
    buffer[path_len + 1] = '\0';
}

/* The first libmicrohttpd tells of a request: its target, before it is taken apart. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = cls;
    struct request *request = request_new(target);

    hide_query(target);
    request->server = server;
    request->connection = connection;
    request->began_us = monotonic_us();
    return request;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    request_header(cls, name, value);
    return MHD_YES;
}

/* The response takes over the snapshot's descriptor. */
static struct MHD_Response *make_file_response(struct store_snapshot *snapshot, size_t *size)
{
    struct MHD_Response *response =
        MHD_create_response_from_fd64((uint64_t)snapshot->bytes, snapshot->descriptor);

    if (response != NULL)
        snapshot->open = false;
    *size = (size_t)snapshot->bytes;
    return response;
}

/* The response takes over the exchange's text. */
static struct MHD_Response *make_response(struct exchange *ex, size_t *size)
{
    struct slice fixed = ex->fixed_response;

    if (ex->sends_snapshot)
        return make_file_response(&ex->job.snapshot, size);
    if (fixed.data == NULL && ex->response.len > 0) {
        char *text = ex->response.data;
        *size = ex->response.len;
        ex->response = (struct buffer){0};
        return MHD_create_response_from_buffer_with_free_callback(*size, text, free);
    }
    /* libmicrohttpd takes a pointer to what it may change, but does not change what is persistent.
     */
    *size = fixed.len;
    union {
        const char *constant;
        void *variable;
    } text = {.constant = fixed.data};
    return MHD_create_response_from_buffer(fixed.len, text.variable, MHD_RESPMEM_PERSISTENT);
}

/* Counts the requests whose body has not wholly arrived. */
static void leave_phase(struct http_server *server, const struct request *request)
{
    if (request->phase == REQUEST_BODY)
        atomic_fetch_sub(&server->receiving, 1);
}

static enum MHD_Result send_response(struct http_server *server, struct request *request)
{
    struct exchange *ex = &request->ex;
    struct MHD_Response *response = make_response(ex, &request->sent_bytes);

    if (response == NULL)
        return MHD_NO;
    if (ex->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", ex->content_type);
    for (size_t i = 0; i < ex->response_header_count; i++)
        MHD_add_response_header(response, ex->response_headers[i].name,
                                exchange_header_value(ex, i));
    MHD_add_response_header(response, "X-Request-Id", ex->request_id);
    if (ex->close || atomic_load_explicit(&server->draining, memory_order_relaxed))
        MHD_add_response_header(response, "Connection", "close");
    leave_phase(server, request);
    request->phase = REQUEST_ANSWERED;
    if (ex->status == 304 || ex->method == METHOD_HEAD)
        request->sent_bytes = 0;
    const enum MHD_Result queued =
        MHD_queue_response(request->connection, (unsigned)ex->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Called by the store's thread. */
static void on_job_done(struct store_job *job)
{
    struct request *request = job->arg;
    struct http_server *server = request->server;

    /* Once resumed, the request may end at any moment: nothing of it is touched afterwards. */
    MHD_resume_connection(request->connection);
    atomic_fetch_sub(&server->jobs_pending, 1);
}

static enum MHD_Result refuse_job(struct http_server *server, struct request *request,
                                  enum error_kind kind, const char *detail)
{
    problem_answer_kind(&request->ex, kind, detail);
    return send_response(server, request);
}

/* Suspends first: the store may be done before store_submit returns. */
static enum MHD_Result submit(struct http_server *server, struct request *request)
{
    struct store *store = server->options.routes->store;
    struct store_job *job = &request->ex.job;

    atomic_fetch_add(&server->jobs_pending, 1);
    if (atomic_load(&server->stopped)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return refuse_job(server, request, ERROR_STOPPING, "the service is stopping");
    }
    if (!store_reserve(store, job->operation)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return refuse_job(server, request, ERROR_QUEUE_FULL,
                          "too many requests wait for the disk; nothing was changed; try again");
    }
    job->done = on_job_done;
    job->arg = request;
    leave_phase(server, request);
    request->phase = REQUEST_WAITING;
    MHD_suspend_connection(request->connection);
    store_submit(store, job);
    return MHD_YES;
}

static enum MHD_Result begin(struct http_server *server, struct request *request)
{
    if (request->ex.status == 0 && router_begin(server->options.routes, &request->ex) == ROUTE_JOB)
        return submit(server, request);
    return send_response(server, request);
}

/* What no route is asked about. */
static bool is_refused(struct http_server *server, struct request *request)
{
    const struct http_server_options *options = &server->options;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct error err = {0};

    if (atomic_load_explicit(&server->draining, memory_order_relaxed))
        error_set(&err, ERROR_STOPPING, NULL,
                  "the service is stopping; nothing was changed; try again");
    else if (strlen(request->target) > (size_t)options->max_target_bytes)
        error_set(&err, ERROR_TARGET_TOO_LONG, NULL, "path and query may have at most %lld bytes",
                  (long long)options->max_target_bytes);
    else if (request->header_count > HEADER_FIELDS_MAX || size == NULL ||
             size->header_size > (size_t)options->max_header_bytes)
        error_set(&err, ERROR_HEADERS_TOO_LARGE, NULL,
                  "a request may have at most %d header fields, and %lld bytes of them",
                  HEADER_FIELDS_MAX, (long long)options->max_header_bytes);
    else if (request->repeated_length)
        error_set(&err, ERROR_INVALID_HEADER, "Content-Length",
                  "Content-Length may stand only once");
    else
        return false;
    problem_answer(&request->ex, &err);
    return true;
}

/* The headers are there, the body is not. A response at this point would end the connection, so
 * one that leaves no body unread waits for the next call. */
static enum MHD_Result start(struct http_server *server, struct request *request,
                             const char *method)
{
    struct exchange *ex = &request->ex;

    metrics_begin(server->options.routes->metrics);
    atomic_fetch_add(&server->receiving, 1);
    request->phase = REQUEST_BODY;
    request_set_method(request, method);
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, request);
    request_identify(request, &server->ids);
    if (!is_refused(server, request))
        router_match(server->options.routes, ex);
    const bool has_body =
        ex->content_length > 0 || ex->headers[REQUEST_TRANSFER_ENCODING].data != NULL;
    if (ex->status != 0 && has_body)
        return send_response(server, request); /* without reading the body */
    /* What is only announced takes no memory yet. */
    buffer_reserve(&ex->body, ex->content_length < BODY_RESERVE_BYTES ? ex->content_length
                                                                      : BODY_RESERVE_BYTES);
    return MHD_YES;
}

/* libmicrohttpd calls this once with the headers, once for each part of the body, once at its end,
 * and once more when a suspended connection goes on. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **request_cls)
{
    struct http_server *server = cls;
    struct request *request = *request_cls;

    (void)connection;
    (void)url;
    (void)version;
    switch (request->phase) {
    case REQUEST_NEW:
        return start(server, request, method);
    case REQUEST_BODY:
        if (*data_size == 0)
            return begin(server, request);
        buffer_add(&request->ex.body, (struct slice){data, *data_size});
        *data_size = 0;
        return MHD_YES;
    case REQUEST_WAITING:
        router_finish(server->options.routes, &request->ex);
        return send_response(server, request);
    case REQUEST_ANSWERED:
        break;
    }
    *data_size = 0; /* what is left of a refused body */
    return MHD_YES;
}

/* The client left while its write was under way, or libmicrohttpd has answered by itself. */
static void learn_status(struct http_server *server, struct request *request)
{
    struct exchange *ex = &request->ex;

    if (request->phase == REQUEST_WAITING)
        router_finish(server->options.routes, ex);
    if (ex->status != 0)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (info != NULL)
        ex->status = (int)info->http_status;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
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
    learn_status(server, request);
    leave_phase(server, request);
    const int64_t duration_us = monotonic_us() - request->began_us;
    metrics_count(metrics, &request->ex, duration_us);
    if (request->phase != REQUEST_NEW)
        metrics_end(metrics);
    request_log(request, server->options.log, duration_us);
    request_free(request);
}

/* --- The server ---------------------------------------------------------------------------- */

static void on_message(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void on_message(void *cls, const char *format, va_list args)
{
    struct http_server *server = cls;
    char message[256];

    vsnprintf(message, sizeof(message), format, args);
    message[strcspn(message, "\n")] = '\0';
    log_event(server->options.log, LOG_DEBUG, "libmicrohttpd", message);
}

bool http_server_start(const struct http_server_options *options, struct http_server **out,
                       struct error *err)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        abort();
    server->options = *options;
    request_ids_init(&server->ids);
    /* A pool of one thread is no pool to libmicrohttpd. */
    const unsigned pool = options->threads > 1 ? (unsigned)options->threads : 0;
    const unsigned timeout_s = (unsigned)((options->idle_timeout_ms + 999) / 1000);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_message, server,
        MHD_OPTION_LISTEN_SOCKET, options->listener, MHD_OPTION_THREAD_POOL_SIZE, pool,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY_BYTES(options->max_header_bytes), MHD_OPTION_URI_LOG_CALLBACK, on_target,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (server->daemon == NULL) {
        free(server);
        return error_set(err, ERROR_INTERNAL, NULL,
                         "libmicrohttpd cannot start with %d threads and %lld connections",
                         options->threads, (long long)options->max_connections);
    }
    *out = server;
    return true;
}

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->draining, true);
    /* Who connects from now on is refused at once, instead of being left without an answer. */
    shutdown(server->options.listener, SHUT_RD);
}

int64_t http_server_in_flight(const struct http_server *server)
{
    return metrics_in_flight(server->options.routes->metrics);
}

int64_t http_server_receiving(const struct http_server *server)
{
    return atomic_load(&server->receiving);
}

bool http_server_stop(struct http_server *server)
{
    atomic_store(&server->stopped, true);
    if (atomic_load(&server->jobs_pending) != 0)
        return false;
    MHD_stop_daemon(server->daemon);
    free(server);
    return true;
}
