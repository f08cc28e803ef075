/* A session as JSON, the way the contract shows it. */
#ifndef SESSIOND_ROUTES_SESSIONS_JSON_H
#define SESSIOND_ROUTES_SESSIONS_JSON_H

#include "db/store/session.h"
#include "routes/core/buffer.h"

/* Adds the session; one without its context shows `context_bytes` in its place. */
void session_json_add(struct buffer *out, const struct session *session);

/* Adds a lease that is held. */
void session_json_add_lease(struct buffer *out, const struct session_lease *lease);

#endif
