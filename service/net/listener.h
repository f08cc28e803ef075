/* The listening socket: a port, a file, or what the service manager passes. Main thread. */
#ifndef SESSIOND_SERVICE_NET_LISTENER_H
#define SESSIOND_SERVICE_NET_LISTENER_H

#include "db/base/error.h"

#include <sys/types.h>

struct addrinfo;

struct listener {
    int descriptor;
    bool passed;       /* by the service manager, which goes on listening on it */
    char address[128]; /* where it really listens, as in --listen */
    char path[108];    /* the file that was made; empty: none */
    dev_t device;      /* of that file */
    ino_t inode;
};

/* Looks up HOST:PORT, [IPV6]:PORT. `flags` are those of getaddrinfo; the caller frees *found with
 * freeaddrinfo. */
MUST_USE bool listener_resolve(const char *address, int flags, struct addrinfo **found,
                               struct error *err);

/* Listens on `address`: HOST:PORT, [IPV6]:PORT, where port 0 picks a free one, or unix:PATH, whose
 * file has mode `socket_mode`. A socket that the service manager passes goes before the address.
 * The descriptor is the caller's to close. */
MUST_USE bool listener_open(const char *address, mode_t socket_mode, struct listener *out,
                            struct error *err);

/* Removes the file that was made, unless it is another process's by now. While the socket still
 * listens, so that a successor either finds it served or finds nothing. */
void listener_withdraw(struct listener *listener);

#endif
