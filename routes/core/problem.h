/* Errors on the wire: RFC 9457, application/problem+json, for everything that is not a success. */
#ifndef SESSIOND_ROUTES_CORE_PROBLEM_H
#define SESSIOND_ROUTES_CORE_PROBLEM_H

#include "routes/core/exchange.h"

/* Answers with the problem that `err` is. What concerns only the operator (internal errors) is not
 * shown: the server logs ex->job.error. */
void problem_respond(struct exchange *ex, const struct error *err);

/* The same for an error that has only a fixed sentence. */
void problem_respond_kind(struct exchange *ex, enum error_kind kind, const char *detail);

/* The same, and says after how many seconds to try again. */
void problem_respond_later(struct exchange *ex, const struct error *err, int64_t seconds);

/* The same, and shows the version that is there. */
void problem_respond_precondition(struct exchange *ex, const struct error *err, int64_t version);

/* Answers that events are missing, and shows what is kept. */
void problem_respond_gone(struct exchange *ex, const struct store_event_page *page);

/* Answers with ex->job.error, and shows of the stored session what helps to go on. */
void problem_respond_job(struct exchange *ex);

#endif
