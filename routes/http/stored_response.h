/*
 * The response that is stored under an Idempotency-Key: a status, a content type, headers and a
 * body as one text of bytes. The database may come from anywhere, so the reader accepts only what
 * the writer can have written.
 *
 * Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_HTTP_STORED_RESPONSE_H
#define SESSIOND_ROUTES_HTTP_STORED_RESPONSE_H

#include "routes/core/exchange.h"

/* Replaces `out` with the response of the exchange. Headers other than ETag, Location and
 * Retry-After are not stored. */
void stored_response_write(const struct exchange *ex, struct buffer *out);

/* Makes the stored response the exchange's. Content type and header names point to constants, the
 * rest is copied. ERROR_INTERNAL when `stored` is corrupt; the exchange then has no response. */
MUST_USE bool stored_response_read(struct exchange *ex, struct slice stored, struct error *err);

#endif
