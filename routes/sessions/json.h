/* A session as JSON, as openapi.yaml defines it. Each function appends to `out`. Any thread; when
 * memory runs out, the process aborts. */
#ifndef SESSIOND_ROUTES_SESSIONS_JSON_H
#define SESSIOND_ROUTES_SESSIONS_JSON_H

#include "db/store/session.h"
#include "routes/core/buffer.h"

/* Appends the session. If its context was not read, `context_bytes` replaces `context`. */
void session_json_add(struct buffer *out, const struct session *session);

/* Appends a lease, which must have an owner. */
void session_json_add_lease(struct buffer *out, const struct session_lease *lease);

#endif
