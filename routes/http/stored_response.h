/*
 * The serialized response that is stored under an Idempotency-Key: a status, a content type,
 * headers and a body. The database is not trusted, so the reader accepts only what the writer can
 * have written.
 *
 * Threads: any; the exchange and the buffer have one user at a time.
 */
#ifndef SESSIOND_ROUTES_HTTP_STORED_RESPONSE_H
#define SESSIOND_ROUTES_HTTP_STORED_RESPONSE_H

#include "routes/core/exchange.h"

/* Replaces the contents of `out` with the serialized response of the exchange. Of the headers only
 * ETag, Location and Retry-After are stored. */
void stored_response_write(const struct exchange *ex, struct buffer *out);

/* Replaces the exchange's response with the stored one. Content type and header names point to
 * constants; the rest is copied. ERROR_INTERNAL when `stored` is corrupt; the exchange then has no
 * response. */
MUST_USE bool stored_response_read(struct exchange *ex, struct slice stored, struct error *err);

#endif
