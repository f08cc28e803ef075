#include "service/http/daemon.h"
#include "service/http/request_limits.h"

#include "routes/core/problem.h"
#include "service/http/timeout_response.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Shorter texts are not charged: they are about as large as the memory of a connection itself. */
#define CHARGE_MIN_BYTES 16384

/* Bytes of a snapshot that one read returns at most. */
#define FILE_PIECE_BYTES 65536

/* Reads the next piece of the snapshot. A download has no time limit, so removing its token ends
 * it. */
static ssize_t read_snapshot(void *cls, uint64_t position, char *out, size_t max)
{
    struct request *request = cls;
    const struct http_server *server = request->server;
    const struct store_snapshot *snapshot = &request->ex.job.snapshot;

    if (authorizer_still_admits(server->options.access, request)) {
        const ssize_t count = pread(snapshot->descriptor, out, max, (off_t)position);
        if (count > 0)
            return count;
    }
    tracked_shut_down(request->client);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The response takes ownership of the exchange's text. */
static struct MHD_Response *make_response(struct request *request, size_t *size)
{
    struct exchange *ex = &request->ex;
    struct slice fixed = ex->fixed_response;

    if (ex->sends_snapshot) {
        *size = (size_t)ex->job.snapshot.bytes;
        return MHD_create_response_from_callback(*size, FILE_PIECE_BYTES, read_snapshot, request,
                                                 NULL);
    }
    if (fixed.data == NULL && ex->response.len > 0) {
        char *text = ex->response.data;
        *size = ex->response.len;
        ex->response = (struct buffer){0};
        return MHD_create_response_from_buffer_with_free_callback(*size, text, free);
    }
    /* libmicrohttpd takes a non-const pointer, but does not change persistent data. */
    *size = fixed.len;
    union {
        const char *constant;
        void *variable;
    } text = {.constant = fixed.data};
    return MHD_create_response_from_buffer(fixed.len, text.variable, MHD_RESPMEM_PERSISTENT);
}

static void add_charge(struct http_server *server, struct request *request, uint64_t bytes)
{
    request->memory_budget_bytes += bytes;
    metrics_add_to_gauge(server->options.routes->metrics, METRICS_BODIES_BYTES, (int64_t)bytes);
}

/* Counts the rejection. Always returns false. */
static bool reject_charge(struct http_server *server, struct request *request, bool over_quota)
{
    request->over_quota = over_quota;
    metrics_count_limit_rejection(server->options.routes->metrics,
                                  over_quota ? METRICS_CLIENT_BYTES : METRICS_BODIES);
    return false;
}

bool http_server_charge(struct http_server *server, struct request *request, uint64_t bytes)
{
    struct memory_budget *client_budget = &request->quota->held[QUOTA_BYTES];

    if (!memory_budget_acquire(client_budget, request->memory_budget_bytes, bytes))
        return reject_charge(server, request, true);
    if (!memory_budget_acquire(&server->bodies, request->memory_budget_bytes, bytes)) {
        memory_budget_release(client_budget, bytes);
        return reject_charge(server, request, false);
    }
    add_charge(server, request, bytes);
    return true;
}

bool http_server_has_room(struct http_server *server, struct request *request, uint64_t bytes)
{
    if (bytes == 0)
        return true;
    if (!memory_budget_has_room(&request->quota->held[QUOTA_BYTES], bytes))
        return reject_charge(server, request, true);
    return memory_budget_has_room(&server->bodies, bytes) || reject_charge(server, request, false);
}

void http_server_reject_bytes(struct request *request, const char *detail)
{
    if (request->over_quota)
        http_server_reject_over_quota(request, QUOTA_BYTES);
    else
        problem_respond_kind(&request->ex, ERROR_OVERLOADED, detail);
}

bool http_server_admit(struct store_job *job, size_t bytes)
{
    struct request *request = job->admit_arg;
    /* an edit creates a second copy */
    const uint64_t all_bytes = job->edit == NULL ? bytes : 2 * (uint64_t)bytes;

    return bytes < CHARGE_MIN_BYTES || http_server_charge(request->server, request, all_bytes);
}

void http_server_uncharge(struct http_server *server, struct request *request)
{
    if (request->memory_budget_bytes == 0)
        return;
    memory_budget_release(&server->bodies, request->memory_budget_bytes);
    memory_budget_release(&request->quota->held[QUOTA_BYTES], request->memory_budget_bytes);
    metrics_add_to_gauge(server->options.routes->metrics, METRICS_BODIES_BYTES,
                         -(int64_t)request->memory_budget_bytes);
    request->memory_budget_bytes = 0;
}

/* The response to a write is never rejected, because the write has happened; nor is one that an
 * operator needs most when memory is short. */
static bool may_be_rejected(const struct exchange *ex)
{
    return (ex->method == METHOD_GET || ex->method == METHOD_HEAD) &&
           (ex->route == NULL || !ex->route->is_for_operators);
}

/* Charges a large response until it is sent. */
static void charge_response(struct http_server *server, struct request *request)
{
    struct exchange *ex = &request->ex;
    const uint64_t bytes = ex->response.len;

    if (bytes < CHARGE_MIN_BYTES)
        return;
    if (!may_be_rejected(ex)) {
        memory_budget_charge(&server->bodies, bytes);
        memory_budget_charge(&request->quota->held[QUOTA_BYTES], bytes);
        add_charge(server, request, bytes);
    } else if (!http_server_charge(server, request, bytes)) {
        http_server_reject_bytes(
            request,
            "the memory for bodies (--body-memory-limit) is in use; send the request again");
    }
}

void http_server_leave_phase(struct http_server *server, const struct request *request)
{
    if (request->phase == REQUEST_BODY)
        atomic_fetch_sub(&server->receiving, 1);
}

enum MHD_Result http_server_send(struct http_server *server, struct request *request)
{
    struct exchange *ex = &request->ex;
    struct MHD_Response *response;

    charge_response(server, request);
    /* When the quota is exhausted, the response is a problem instead of the stream. */
    const bool streams =
        ex->stream.read != NULL && http_server_acquire_quota(server, request, QUOTA_STREAMS);
    if (!tracked_on_response(request->client, !ex->sends_snapshot))
        return MHD_NO;
    response = streams ? http_server_stream(server, request)
                       : make_response(request, &request->input_bytes);
    if (response == NULL)
        return MHD_NO;
    if (ex->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", ex->content_type);
    for (size_t i = 0; i < ex->response_header_count; i++)
        MHD_add_response_header(response, ex->response_headers[i].name,
                                exchange_header_value(ex, i));
    MHD_add_response_header(response, "X-Request-Id", ex->request_id);
    if (ex->close ||
        !tracked_may_keep_alive(request->client,
                                memory_budget_used(&request->quota->held[QUOTA_CONNECTIONS])) ||
        connection_slot_is_reserved(tracked_slot(request->client)) ||
        atomic_load_explicit(&server->draining, memory_order_relaxed))
        MHD_add_response_header(response, "Connection", "close");
    http_server_leave_phase(server, request);
    request->phase = REQUEST_ANSWERED;
    if (ex->status == 304 || ex->method == METHOD_HEAD)
        request->input_bytes = 0;
    const enum MHD_Result queued =
        MHD_queue_response(request->connection, (unsigned)ex->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* No other thread writes to the socket while a request arrives. Data that does not fit into the
 * empty socket buffer is dropped. */
static void write_early(const struct http_server *server, struct MHD_Connection *connection,
                        struct slice text)
{
    const bool encrypted = server->options.tls != NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, encrypted ? MHD_CONNECTION_INFO_GNUTLS_SESSION
                                                      : MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info == NULL)
        return;
    if (encrypted)
        tls_send(info->tls_session, text.data, text.len);
    else
        (void)!send(info->connect_fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

enum MHD_Result http_server_send_early(struct http_server *server, struct request *request)
{
    struct buffer text = {0};

    if (!tracked_on_response(request->client, true))
        return MHD_NO;
    early_response(&text, &request->ex);
    http_server_leave_phase(server, request);
    request->phase = REQUEST_ANSWERED;
    request->input_bytes = request->ex.response.len;
    write_early(server, request->connection, buffer_slice(&text));
    buffer_release(&text);
    return MHD_NO;
}
