/* A TCP connection for what no HTTP client would send. Nothing here but raw_connect fails the
 * test. */
#ifndef SESSIOND_TESTS_RAW_CONNECTION_H
#define SESSIOND_TESTS_RAW_CONNECTION_H

#include "tests/support/process.h"

/* The descriptor; the caller closes it. */
int raw_connect(const struct service *service);

/* Sends all of it. False when the service has ended the connection. */
bool raw_send(int descriptor, const char *data, size_t len);

/* Reads until the service ends the connection, and NUL-terminates; what does not fit is dropped.
 * False when it goes on for longer than PATIENCE_MS. */
bool raw_read_to_end(int descriptor, char *out, size_t size);

/* Whether a byte can be read, or the connection has ended, within the time. */
bool raw_await(int descriptor, int limit_ms);

/* Reads until `end` stands in what has come. False when the connection ends before. */
bool raw_read_until(int descriptor, const char *end, char *out, size_t size);

#endif
