/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is sent again is not
 * carried out again; it gets the first answer once more, with `Idempotency-Replayed: true`.
 * HTTP thread, except for the wording of an answer, which the store asks for in its transaction.
 */
#ifndef SESSIOND_ROUTES_HTTP_IDEMPOTENCY_KEY_H
#define SESSIOND_ROUTES_HTTP_IDEMPOTENCY_KEY_H

#include "routes/core/exchange.h"

#define IDEMPOTENCY_KEY_MAX 255

/* A response with a session that is longer is not stored: the key refers to the session instead. */
#define IDEMPOTENCY_RESPONSE_MAX 16384

/* Reads the header of a POST, if there is one, into the exchange's job. The key is a String of
 * RFC 8941 (§3.3.3); one that is written without its quotes is taken too. ERROR_INVALID_HEADER when
 * it is neither, or empty, or longer than IDEMPOTENCY_KEY_MAX. */
MUST_USE bool idempotency_key_read(struct exchange *ex, struct error *err);

/* Answers with the response that is stored under the key, or 500 when it is corrupt. Where it
 * refers to a session, with the session as it is now, or with 404 when it was deleted. */
void idempotency_key_replay(struct exchange *ex);

#endif
