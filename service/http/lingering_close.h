/*
 * Lingering close (RFC 9112 §9.6), for connections whose client may still be sending. Closing a
 * socket with unread bytes resets the connection, and the reset can overtake the response. So the
 * service closes its own side first, and a thread reads and discards data until the client closes
 * its side too. Time, bytes and the number of connections are limited; beyond the limits a
 * connection is closed immediately.
 */
#ifndef SESSIOND_SERVICE_HTTP_LINGERING_CLOSE_H
#define SESSIOND_SERVICE_HTTP_LINGERING_CLOSE_H

#include "db/base/error.h"

/* Maximum number of lingering connections. Each uses one descriptor. */
#define LINGERING_CLOSE_MAX 128

struct lingering_close;

/* Starts the thread. Fails when the eventfd or the thread cannot be created. The caller stops *out
 * with lingering_close_stop(). */
MUST_USE bool lingering_close_start(struct lingering_close **out, struct error *err);

/* Call it before closing `socket`. Duplicates the socket when the client has not closed its side;
 * the caller still closes its own descriptor. Never blocks. Any thread. */
void lingering_close_add(struct lingering_close *lingering, int socket);

/* Limits the remaining connections to a short time, waits for them, stops the thread and frees. */
void lingering_close_stop(struct lingering_close *lingering);

#endif
