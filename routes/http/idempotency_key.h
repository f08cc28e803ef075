/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a retried POST has no second
 * effect. The service replays the stored response with `Idempotency-Replayed: true`.
 *
 * Threads: the HTTP thread. The response to store is serialized on the store's thread, inside the
 * write transaction.
 */
#ifndef SESSIOND_ROUTES_HTTP_IDEMPOTENCY_KEY_H
#define SESSIOND_ROUTES_HTTP_IDEMPOTENCY_KEY_H

#include "routes/core/exchange.h"

#define IDEMPOTENCY_KEY_MAX 255

/* In bytes. A longer response with a session is not stored; the key refers to the session instead.
 */
#define IDEMPOTENCY_RESPONSE_MAX 16384

/* Parses the header of a POST, if present, and fills the job's idempotency key and the digest of
 * the request. The key is a String of RFC 8941 §3.3.3; the quotes may be missing. Other methods
 * ignore the header. ERROR_INVALID_HEADER when the key is malformed, empty or longer than
 * IDEMPOTENCY_KEY_MAX characters. */
MUST_USE bool idempotency_key_read(struct exchange *ex, struct error *err);

/* Responds with the response that is stored under the key, or with 500 when it is corrupt. If it
 * refers to a session, responds with the session as it is now, or with 404 when it was deleted. */
void idempotency_key_replay(struct exchange *ex);

#endif
