/* The listening socket: a TCP port, a Unix domain socket, or a socket that the service manager
 * passes. Main thread. */
#ifndef SESSIOND_SERVICE_NET_LISTENER_H
#define SESSIOND_SERVICE_NET_LISTENER_H

#include "db/base/error.h"

#include <sys/types.h>

struct addrinfo;

struct listener {
    int descriptor;
    bool passed;       /* passed by the service manager, which keeps listening on the socket */
    char address[128]; /* address of the socket, in the form of --listen */
    char path[108];    /* file of the Unix domain socket that was created; empty: none */
    dev_t device;      /* device and inode identify that file */
    ino_t inode;
};

/* Resolves HOST:PORT or [IPV6]:PORT. `flags` are those of getaddrinfo(); the caller frees *found
 * with freeaddrinfo(). Fails when the address is malformed or cannot be resolved. */
MUST_USE bool listener_resolve(const char *address, int flags, struct addrinfo **found,
                               struct error *err);

/* Listens on `address`: HOST:PORT or [IPV6]:PORT, where port 0 selects a free port, or unix:PATH,
 * whose file gets the mode `socket_mode`. A socket that the service manager passes takes precedence
 * over the address. The caller closes the descriptor. */
MUST_USE bool listener_open(const char *address, mode_t socket_mode, struct listener *out,
                            struct error *err);

/* Removes the file of the Unix domain socket unless another process has replaced it. Call it while
 * the socket still listens, so that a successor finds either a live socket or no file. */
void listener_unlink_socket(struct listener *listener);

#endif
