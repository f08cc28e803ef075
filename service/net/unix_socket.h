/* Unix domain sockets: `unix:PATH` (unix(7)). Abstract names are rejected, since they have no owner
 * and no mode. */
#ifndef SESSIOND_SERVICE_NET_UNIX_SOCKET_H
#define SESSIOND_SERVICE_NET_UNIX_SOCKET_H

#include "db/base/error.h"

#include <sys/types.h>

struct sockaddr_un;

/* Whether the address begins with `unix:`. */
bool unix_socket_is_address(const char *address);

/* Extracts the path from `unix:PATH`. Fails for an empty or abstract path and for more than 107
 * bytes. */
MUST_USE bool unix_socket_address(const char *address, struct sockaddr_un *out, struct error *err);

/* Creates the socket file with exactly this mode and listens. The caller closes *descriptor.
 * Replaces a stale socket that a killed process has left. Fails, and changes nothing, when a
 * process listens on the socket or the file is of another kind. Changes the umask for the duration
 * of bind(), so no other thread may create files meanwhile. */
MUST_USE bool unix_socket_listen(const struct sockaddr_un *address, mode_t mode, int *descriptor,
                                 struct error *err);

#endif
