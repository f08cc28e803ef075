/*
 * The end of connections whose client may still be sending. Closing a socket with bytes unread
 * resets the connection, and the reset can overtake the answer. So, as RFC 9112 §9.6 has it, the
 * service ends its own side first, and a thread reads and drops what comes until the client ends
 * its side too; for a limited time, so many bytes, and so many connections at once. What is beyond
 * that is closed at once.
 */
#ifndef SESSIOND_SERVICE_HTTP_LINGERING_CLOSE_H
#define SESSIOND_SERVICE_HTTP_LINGERING_CLOSE_H

#include "db/base/error.h"

/* Connections at once, each one descriptor. */
#define LINGERING_CLOSE_MAX 128

struct lingering_close;

MUST_USE bool lingering_close_start(struct lingering_close **out, struct error *err);

/* For a socket that the caller is about to close: duplicates it where the client has not ended its
 * side. Never blocks. Any thread. */
void lingering_close_add(struct lingering_close *lingering, int socket);

/* Gives those that are left a last moment, then frees. */
void lingering_close_stop(struct lingering_close *lingering);

#endif
