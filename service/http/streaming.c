#include "service/http/daemon.h"

#include "db/base/monotonic.h"

/* Buffer sizes of libmicrohttpd. For HTTP/1.0, which has no chunks, it allocates a buffer of its
 * own; for chunked responses it uses the memory of the connection. */
#define UNCHUNKED_BYTES 16384
#define CHUNKED_BYTES 1

/* Maximum size of one piece: the memory that a streaming connection uses. */
#define PIECE_MAX_BYTES 16384

static struct request *request_from_waiter(struct waiter *waiter)
{
    return (struct request *)((char *)waiter - offsetof(struct request, waiter));
}

/* Called by the notifier thread. */
static void on_wake(struct waiter *waiter)
{
    struct request *request = request_from_waiter(waiter);
    struct http_server *server = request->server;

    /* After MHD_resume_connection() the request may end at any time, so it must not be used. */
    MHD_resume_connection(request->connection);
    atomic_fetch_sub(&server->jobs_pending, 1);
}

bool http_server_suspend(struct http_server *server, struct request *request, int64_t deadline_us)
{
    const struct exchange_wait *wait = &request->ex.wait;

    atomic_fetch_add(&server->jobs_pending, 1);
    if (atomic_load(&server->stopped)) {
        atomic_fetch_sub(&server->jobs_pending, 1);
        return false;
    }
    request->waiter = (struct waiter){
        .session_id = wait->session_id[0] == '\0' ? NULL : wait->session_id,
        .seen = wait->seen,
        .deadline_us = deadline_us,
        .soon = wait->soon,
        .generation = request->token_generation,
        .wake = on_wake,
    };
    request->is_waiting = true;
    metrics_add_to_gauge(server->options.routes->metrics, METRICS_LONG_POLLS, 1);
    /* Suspends the connection before notifier_wait(), since the waiter may be woken before that
     * returns. */
    MHD_suspend_connection(request->connection);
    if (!notifier_wait(server->options.notifier, &request->waiter)) {
        request->waiter.reason = WAKE_STOPPING;
        on_wake(&request->waiter);
    }
    return true;
}

void http_server_resumed(struct http_server *server, struct request *request)
{
    struct exchange_wait *wait = &request->ex.wait;

    if (!request->is_waiting)
        return;
    request->is_waiting = false;
    metrics_add_to_gauge(server->options.routes->metrics, METRICS_LONG_POLLS, -1);
    wait->seen = request->waiter.seen;
    wait->timed_out = request->waiter.reason == WAKE_TIME;
    wait->stopping = request->waiter.reason == WAKE_STOPPING;
}

/* Marks the response as endless; a shutdown does not wait for it. */
static ssize_t wait_for_more(struct http_server *server, struct request *request)
{
    if (!request->is_endless) {
        request->is_endless = true;
        tracked_mark_streaming(request->client);
        atomic_fetch_add(&server->endless_count, 1);
    }
    if (tracked_on_request_complete(request->client) &&
        http_server_suspend(server, request,
                            request->last_piece_us + request->ex.wait.limit_ms * 1000))
        return 0;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t cut_response(const struct request *request)
{
    tracked_shut_down(request->client);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Produces the next piece. The previous piece was sent, so the response timeout starts again. */
static ssize_t on_read_piece(void *cls, uint64_t position, char *out, size_t max)
{
    struct request *request = cls;
    struct http_server *server = request->server;
    struct exchange *ex = &request->ex;
    size_t len = 0;

    (void)position;
    http_server_resumed(server, request);
    if (ex->wait.stopping)
        return MHD_CONTENT_READER_END_OF_STREAM;
    /* A response that has an end is cut off, so that a part cannot be mistaken for the whole. */
    if (!authorizer_still_admits(server->options.access, request))
        return ex->stream.endless ? MHD_CONTENT_READER_END_OF_STREAM : cut_response(request);
    if (!tracked_on_response(request->client, true) ||
        (ex->wait.timed_out && tracked_is_at_eof(request->client)))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    switch (ex->stream.read(ex, out, max < PIECE_MAX_BYTES ? max : PIECE_MAX_BYTES, &len)) {
    case STREAM_DATA:
        request->input_bytes += len;
        request->last_piece_us = monotonic_us();
        return (ssize_t)len;
    case STREAM_WAIT:
        return wait_for_more(server, request);
    case STREAM_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    case STREAM_FAILED:
        break;
    }
    return cut_response(request);
}

struct MHD_Response *http_server_stream(struct http_server *server, struct request *request)
{
    request->streams = true;
    request->streams_since_us = monotonic_us();
    request->last_piece_us = request->streams_since_us;
    metrics_add_to_gauge(server->options.routes->metrics, METRICS_STREAMS, 1);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, request->chunked ? CHUNKED_BYTES : UNCHUNKED_BYTES, on_read_piece,
        request, NULL);
    /* libmicrohttpd sends the last chunk even in the response to HEAD, which must not have content
     * (RFC 9110 §9.3.2). Without chunked encoding nothing follows, but the connection closes. */
    if (response != NULL && request->ex.method == METHOD_HEAD)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

void http_server_end_stream(struct http_server *server, struct request *request)
{
    if (request->streams)
        metrics_add_to_gauge(server->options.routes->metrics, METRICS_STREAMS, -1);
    if (request->is_endless)
        atomic_fetch_sub(&server->endless_count, 1);
}
