/*
 * Common parts of the session routes: parse the path's id and the body, and respond with a session.
 *
 * Threads: the HTTP thread, or the store's thread that serializes a response for an
 * Idempotency-Key. Ownership: sessions are copied into the response; what is parsed belongs to the
 * exchange.
 */
#ifndef SESSIOND_ROUTES_SESSIONS_RESPONSE_H
#define SESSIOND_ROUTES_SESSIONS_RESPONSE_H

#include "routes/core/route.h"

/* Limits of the contract, in bytes of UTF-8. */
#define SESSION_PROJECT_PATH_MAX 4096
#define SESSION_THREAD_ID_MAX 512
#define SESSION_OWNER_MAX 256

/* Responds with the session's JSON and its ETag. */
void session_respond(struct exchange *ex, int status, const struct session *session);

/* The same, with a Location header when the status is 201. */
void session_respond_created(struct exchange *ex, int status, const struct session *session);

/* The same for the job's session; or responds with the problem of the job's error. */
void session_respond_job(struct exchange *ex, int status);

/* Parses {project_path, thread_id, context?} into ex->job. `names` are all members that the body
 * may have (NULL-terminated). Errors as json_body_new() and the readers of members. */
MUST_USE bool session_parse_body(const struct routes *routes, struct exchange *ex,
                                 const char *const *names, struct error *err);

/* Parses the path's {id} into `id`. Responds 404 and returns false when it is no UUID. */
MUST_USE bool session_parse_id(struct exchange *ex, char id[UUID_SIZE]);

#endif
