/* The listening socket, and addresses. */
#ifndef SESSIOND_SERVICE_LISTENER_H
#define SESSIOND_SERVICE_LISTENER_H

#include "db/error.h"

#include <stddef.h>

struct addrinfo;

/* Looks up HOST:PORT, [IPV6]:PORT. `flags` are those of getaddrinfo; the caller frees *found with
 * freeaddrinfo. */
MUST_USE bool listener_resolve(const char *address, int flags, struct addrinfo **found,
                               struct error *err);

/* Listens on `address`: HOST:PORT, [IPV6]:PORT; port 0 picks a free one. Writes where it really
 * listens, in the same form. *descriptor is the caller's to close. */
MUST_USE bool listener_open(const char *address, int *descriptor, char *where, size_t where_size,
                            struct error *err);

#endif
