/*
 * Error responses: RFC 9457, application/problem+json.
 *
 * Effect: each function replaces the exchange's response; status 503 adds Retry-After. Ownership:
 * arguments are copied. Threads: the HTTP thread, or the store's thread that serializes a response
 * for an Idempotency-Key. Errors: none.
 */
#ifndef SESSIOND_ROUTES_CORE_PROBLEM_H
#define SESSIOND_ROUTES_CORE_PROBLEM_H

#include "routes/core/exchange.h"

/* Responds with the problem for `err`. The detail of an internal error is for the operator only:
 * the response has a fixed sentence, and the server logs ex->job.error. */
void problem_respond(struct exchange *ex, const struct error *err);

/* The same for a kind and a fixed detail. */
void problem_respond_kind(struct exchange *ex, enum error_kind kind, const char *detail);

/* The same with Retry-After in seconds. */
void problem_respond_retry_after(struct exchange *ex, const struct error *err, int64_t seconds);

/* The same with the stored version as `current_version` and ETag; without both when `version` is 0,
 * which means that the session does not exist. */
void problem_respond_precondition(struct exchange *ex, const struct error *err, int64_t version);

/* Responds 410: the requested events have expired, or the position is not in this database. The
 * response has the ids of the oldest event that is available and of the newest event. */
void problem_respond_gone(struct exchange *ex, const struct store_event_page *page);

/* Responds with ex->job.error and, depending on its kind, members from the stored session: the
 * current status, the version, the lease's owner, or the last sequence number. */
void problem_respond_job(struct exchange *ex);

#endif
