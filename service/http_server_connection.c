#include "service/http_server_internal.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* The part of an address that one client cannot change: of IPv6 the network, since a host has all
 * of its 64 bits to itself. */
static uint64_t peer_of(const struct rate *rate, const struct sockaddr *address)
{
    if (rate == NULL || address == NULL)
        return 0;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        return rate_key(rate, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        return rate_key(rate, &ipv6.sin6_addr, sizeof(ipv6.sin6_addr) / 2);
    }
    return 0;
}

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
    const uint64_t peer = peer_of(server->rate, info == NULL ? NULL : info->client_addr);

    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = client_open(server->clients, info == NULL ? -1 : (int)info->connect_fd, peer);
    attach_certificate(server, connection);
}

/* Its descriptor is still open. */
static void close_connection(struct http_server *server, struct MHD_Connection *connection,
                             struct client *client)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (client != NULL)
        client_close(client);
    if (info != NULL)
        lingering_take(server->lingering, info->connect_fd);
}

void http_server_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(cls, connection, context);
    else
        close_connection(cls, connection, *context);
}

struct client *http_server_client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

uint64_t http_server_rate_key(const struct request *request)
{
    const struct http_server *server = request->server;
    const size_t len = strlen(request->token_name);

    if (len > 0)
        return rate_key(server->rate, request->token_name, len);
    return client_peer(request->client);
}
