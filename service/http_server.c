#include "service/http_server_life.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of a connection: the request's head, libmicrohttpd's record of it, and the response's head. It is
 * cleared after each request. */
#define CONNECTION_MEMORY_BYTES(max_header_bytes) ((size_t)(max_header_bytes) + 16384)

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

/* A connection's descriptor is still open when its end is told. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    const struct http_server *server = cls;

    (void)context;
    if (code != MHD_CONNECTION_NOTIFY_CLOSED)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        lingering_take(server->lingering, info->connect_fd);
}

static struct MHD_Daemon *start_daemon(struct http_server *server)
{
    const struct http_server_options *options = &server->options;
    /* A pool of one thread is no pool to libmicrohttpd. */
    const unsigned pool = options->threads > 1 ? (unsigned)options->threads : 0;
    const unsigned timeout_s = (unsigned)((options->idle_timeout_ms + 999) / 1000);

    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL, http_server_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_message,
        server, MHD_OPTION_LISTEN_SOCKET, options->listener, MHD_OPTION_THREAD_POOL_SIZE, pool,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY_BYTES(options->admission.max_header_bytes), MHD_OPTION_URI_LOG_CALLBACK,
        http_server_on_target, server, MHD_OPTION_NOTIFY_COMPLETED, http_server_on_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
}

bool http_server_start(const struct http_server_options *options, struct http_server **out,
                       struct error *err)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        abort();
    server->options = *options;
    request_ids_init(&server->ids);
    if (!lingering_start(&server->lingering, err)) {
        free(server);
        return false;
    }
    server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        lingering_stop(server->lingering);
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
    lingering_stop(server->lingering);
    free(server);
    return true;
}
