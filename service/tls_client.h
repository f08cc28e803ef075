/* TLS of a command that asks the running service. It trusts one certificate, whatever names and
 * dates that has: the one that the service was given. Blocks; one thread. */
#ifndef SESSIOND_SERVICE_TLS_CLIENT_H
#define SESSIOND_SERVICE_TLS_CLIENT_H

#include "db/error.h"

#include <sys/types.h>

struct tls_client;

/* Shakes hands on a connected socket, which stays the caller's. `certificate` names a PEM file,
 * whose first certificate the service has to show. */
MUST_USE bool tls_client_open(int socket, const char *certificate, struct tls_client **out,
                              struct error *err);

/* As send(2) and recv(2), with EAGAIN when the socket's time is over. */
ssize_t tls_client_send(struct tls_client *client, const void *data, size_t len);
ssize_t tls_client_receive(struct tls_client *client, void *out, size_t size);

/* NULL is legal. */
void tls_client_close(struct tls_client *client);

#endif
