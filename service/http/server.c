#include "service/http/server.h"
#include "service/http/daemon.h"

#include "service/limits/client_key.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Memory of one connection: the header section of the request, libmicrohttpd's record of it, and
 * the header section of the response. Cleared after each request. */
#define CONNECTION_MEMORY_BYTES(max_header_bytes) ((size_t)(max_header_bytes) + 16384)

/* From this size on libmicrohttpd maps the memory instead of allocating it from the heap. Then an
 * idle connection uses no physical memory, and closing one returns its memory to the system. */
#define MAPPED_MEMORY_BYTES ((size_t)36864)

static void on_log_message(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void on_log_message(void *cls, const char *format, va_list args)
{
    struct http_server *server = cls;
    char message[256];

    vsnprintf(message, sizeof(message), format, args);
    message[strcspn(message, "\n")] = '\0';
    log_event(server->options.log, LOG_DEBUG, "libmicrohttpd", message);
}

static bool start_clients(struct http_server *server, struct error *err)
{
    const struct http_server_limits *limits = &server->options.limits;
    const struct connection_tracker_options options = {
        .request_timeout_ms = limits->request_timeout_ms,
        .response_timeout_ms = limits->response_timeout_ms,
        .idle_timeout_ms = limits->idle_timeout_ms,
        .max_requests = limits->max_requests_per_connection,
        .max_kept = limits->max_keepalive_connections,
        .encrypted = server->options.tls != NULL,
        .metrics = server->options.routes->metrics,
        .ids = &server->ids,
    };

    return connection_tracker_start(&options, &server->clients, err);
}

/* At most one in this number of connections is reserved. */
#define RESERVED_DIVISOR 8

static struct connection_slots *make_slots(const struct http_server_limits *limits)
{
    const int64_t reserved_max = limits->max_connections / RESERVED_DIVISOR;
    const int64_t reserved =
        limits->reserved_connections < reserved_max ? limits->reserved_connections : reserved_max;
    struct connection_slots_options options = {
        .max_connections = limits->max_connections - reserved,
        .of_address.most = {[QUOTA_CONNECTIONS] = limits->max_connections_per_address,
                            [QUOTA_STREAMS] = limits->max_streams_per_client,
                            [QUOTA_JOBS] = limits->max_queue_per_client,
                            [QUOTA_BYTES] = limits->max_bodies_bytes_per_client},
    };

    options.of_token = options.of_address;
    options.of_token.most[QUOTA_CONNECTIONS] = limits->max_connections_per_token;
    return connection_slots_new(&options);
}

static void free_server(struct http_server *server)
{
    if (server->lingering != NULL)
        lingering_close_stop(server->lingering);
    connection_tracker_stop(server->clients);
    connection_slots_free(server->slots);
    rate_limiter_free(server->rate);
    if (server->placeholder_fd >= 0)
        close(server->placeholder_fd);
    free(server);
}

/* epoll and "turbo" are the fastest. A passed listener must not be shut down at a stop, so
 * MHD_quiesce_daemon() is used; with epoll, two threads may then remove the listener at once, and
 * libmicrohttpd aborts the process. With TLS, an unfinished handshake makes a thread spin with
 * epoll, and makes the connection outlive the idle timeout with "turbo". */
static unsigned select_event_loop(const struct http_server_options *options)
{
    if (options->tls != NULL)
        return MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS;
    if (options->listener_passed)
        return MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TURBO;
    return MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO;
}

const char *http_server_library_version(void)
{
    return MHD_get_version();
}

static bool start_daemon(struct http_server *server, struct error *err)
{
    const struct http_server_options *options = &server->options;
    const struct http_server_limits *limits = &options->limits;
    /* libmicrohttpd does not treat one thread as a pool. */
    const unsigned pool = options->threads > 1 ? (unsigned)options->threads : 0;
    const size_t needed_bytes = CONNECTION_MEMORY_BYTES(options->admission.max_header_bytes);
    const unsigned timeout_s = (unsigned)((limits->idle_timeout_ms + 999) / 1000);
    /* Level 1 of MHD_OPTION_CLIENT_DISCIPLINE_LVL, which head_validate() requires from 1.0 on. In
     * 0.9 it would only make libmicrohttpd answer more requests by itself. */
    const int strictness = server->keeps_lf ? 1 : 0;

    /* Without TLS the option list ends before the TLS options. */
    const enum MHD_OPTION next =
        options->tls == NULL ? MHD_OPTION_END : MHD_OPTION_HTTPS_PRIORITIES;

    server->daemon = MHD_start_daemon(
        select_event_loop(options) | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        http_server_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log_message, server,
        MHD_OPTION_LISTEN_SOCKET, options->listener, MHD_OPTION_STRICT_FOR_CLIENT, strictness,
        MHD_OPTION_THREAD_POOL_SIZE, pool, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)limits->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        needed_bytes > MAPPED_MEMORY_BYTES ? needed_bytes : MAPPED_MEMORY_BYTES,
        MHD_OPTION_NOTIFY_CONNECTION, http_server_on_connection, server,
        MHD_OPTION_URI_LOG_CALLBACK, http_server_on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_server_on_completed, server, next, tls_priorities(), MHD_OPTION_HTTPS_CERT_CALLBACK,
        tls_retriever(), MHD_OPTION_END);
    return server->daemon != NULL ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "libmicrohttpd cannot start with %d threads and %lld connections",
                     options->threads, (long long)limits->max_connections);
}

/* Reserves the descriptor at start, because creating one may fail at shutdown. */
static bool make_placeholder(struct http_server *server, struct error *err)
{
    server->placeholder_fd = eventfd(0, EFD_CLOEXEC);
    return server->placeholder_fd >= 0 ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "cannot create a file descriptor that is never ready");
}

bool http_server_start(const struct http_server_options *options, struct http_server **out,
                       struct error *err)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        abort();
    server->options = *options;
    server->keeps_lf = strtol(http_server_library_version(), NULL, 10) >= 1;
    request_ids_init(&server->ids);
    memory_budget_init(&server->bodies, (uint64_t)options->limits.max_bodies_bytes);
    server->key_seed = client_key_seed();
    server->slots = make_slots(&options->limits);
    if (options->limits.rate_per_second > 0)
        server->rate = rate_limiter_new(options->limits.rate_per_second);
    if (!make_placeholder(server, err) || !lingering_close_start(&server->lingering, err) ||
        !start_clients(server, err) || !start_daemon(server, err)) {
        free_server(server);
        return false;
    }
    *out = server;
    return true;
}

/* Replaces the listener by a descriptor that is never ready. A listener that was shut down stays
 * ready, so every HTTP thread would spin until the stop is complete. A thread that has reached its
 * connection limit is about to remove the listener from its epoll, and libmicrohttpd aborts the
 * process when the listener is not there. In that case this function does nothing. */
static void detach_listener(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    const union MHD_DaemonInfo *open =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    const int64_t most = options->limits.max_connections / options->threads - options->threads;

    if (open != NULL && open->num_connections < most)
        (void)dup3(server->placeholder_fd, options->listener, O_CLOEXEC);
}

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->draining, true);
    notifier_drain(server->options.notifier);
    if (server->options.listener_passed) {
        MHD_quiesce_daemon(server->daemon);
        return;
    }
    /* Refuses new connections immediately, instead of leaving them in the backlog. */
    shutdown(server->options.listener, SHUT_RD);
    detach_listener(server);
}

int64_t http_server_count_in_flight(const struct http_server *server)
{
    return metrics_in_flight(server->options.routes->metrics);
}

int64_t http_server_count_receiving(const struct http_server *server)
{
    return atomic_load(&server->receiving);
}

int64_t http_server_count_endless(const struct http_server *server)
{
    return atomic_load(&server->endless_count);
}

bool http_server_stop(struct http_server *server)
{
    atomic_store(&server->stopped, true);
    if (atomic_load(&server->jobs_pending) != 0)
        return false;
    MHD_stop_daemon(server->daemon);
    if (server->options.listener_passed)
        close(server->options.listener);
    free_server(server);
    return true;
}
