/* What the session routes have in common. */
#ifndef SESSIOND_ROUTES_SESSIONS_RESPONSE_H
#define SESSIOND_ROUTES_SESSIONS_RESPONSE_H

#include "routes/core/route.h"

/* Limits of the contract, in bytes of UTF-8. */
#define SESSION_PROJECT_PATH_MAX 4096
#define SESSION_THREAD_ID_MAX 512
#define SESSION_OWNER_MAX 256

/* Answers with the session: its JSON and its ETag. */
void session_respond(struct exchange *ex, int status, const struct session *session);

/* The same, with a Location header when the status is 201. */
void session_respond_created(struct exchange *ex, int status, const struct session *session);

/* Answers with the job's session, and with 201 says where it is; or with the job's error. */
void session_respond_job(struct exchange *ex, int status);

/* Reads {project_path, thread_id, context?} into ex->job. `names` are all members that there may be
 * (NULL-terminated). */
MUST_USE bool session_parse_body(const struct routes *routes, struct exchange *ex,
                                 const char *const *names, struct error *err);

/* Takes the path's {id} into `id`. Answers 404 and returns false when it is no UUID. */
MUST_USE bool session_parse_id(struct exchange *ex, char id[UUID_SIZE]);

#endif
