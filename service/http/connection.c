#include "service/http/daemon.h"

#include "service/limits/client_key.h"

static void attach_certificate(const struct http_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (server->options.tls != NULL && info != NULL)
        tls_attach(server->options.tls, info->tls_session);
}

static void open_connection(struct http_server *server, struct MHD_Connection *connection,
                            void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const uint64_t address =
        client_key_of_address(server->key_seed, info == NULL ? NULL : info->client_addr);

    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const int descriptor = info == NULL ? -1 : (int)info->connect_fd;
    *context = tracked_open(server->clients, descriptor,
                            connection_slot_acquire(server->slots, descriptor, address));
    attach_certificate(server, connection);
}

/* Runs while the descriptor is still open. An evicted connection does not linger, since its client
 * waits for no response. */
static void close_connection(struct http_server *server, struct MHD_Connection *connection,
                             struct tracked_connection *client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    bool was_evicted = false;

    if (client != NULL) {
        struct connection_slot *slot = tracked_slot(client);
        tracked_close(client);
        was_evicted = connection_slot_release(slot);
    }
    if (info != NULL && !was_evicted)
        lingering_close_add(server->lingering, info->connect_fd);
}

void http_server_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(cls, connection, context);
    else
        close_connection(cls, connection, *context);
}

struct tracked_connection *http_server_find_tracked(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}
