/* Sockets that are files: `unix:PATH` (unix(7)). Abstract names are not taken, since they have no
 * owner and no mode. */
#ifndef SESSIOND_SERVICE_NET_UNIX_SOCKET_H
#define SESSIOND_SERVICE_NET_UNIX_SOCKET_H

#include "db/base/error.h"

#include <sys/types.h>

struct sockaddr_un;

/* Whether the address begins with `unix:`. */
bool unix_socket_named(const char *address);

/* Takes the path out of `unix:PATH`; it has at most 107 bytes. */
MUST_USE bool unix_socket_address(const char *address, struct sockaddr_un *out, struct error *err);

/* Makes the file with exactly this mode and listens; *descriptor is the caller's to close. A socket
 * that nobody answers, left by a process that was killed, is replaced. One that is served, or a
 * file of another kind, is left as it is and refused. Changes the umask meanwhile, so no other
 * thread may make a file. */
MUST_USE bool unix_socket_listen(const struct sockaddr_un *address, mode_t mode, int *descriptor,
                                 struct error *err);

#endif
