/*
 * What a request takes of its client's quota and of the memory for bodies, and the responses to
 * those that would take too much. On the HTTP thread of the connection, unless it says otherwise.
 */
#ifndef SESSIOND_SERVICE_HTTP_REQUEST_LIMITS_H
#define SESSIOND_SERVICE_HTTP_REQUEST_LIMITS_H

#include "service/http/request.h"

struct http_server;

/* The client that the request is counted against; see service/limits/client_key.h. */
uint64_t http_server_client_key(const struct request *request);

/* A request that authorizer_admit let in authorizes its connection, and from then on counts against
 * its token. False, and the request is answered, when there is no connection for it. */
MUST_USE bool http_server_authorize(struct http_server *server, struct request *request);

/* Takes one of the client's quota until http_server_give_quota; a second call takes nothing. False,
 * and the request is answered, when the client has all that it may have. */
MUST_USE bool http_server_acquire_quota(struct http_server *server, struct request *request,
                                        enum quota_kind kind);
void http_server_release_quota(struct request *request, enum quota_kind kind);

/* Answers that the client has all that it may have. */
void http_server_reject_over_quota(struct request *request, enum quota_kind kind);

/* Charges bytes of the request's bodies to its client and to --max-bodies-bytes until
 * http_server_uncharge. False, counted, and request->over_quota set, where they do not fit. */
MUST_USE bool http_server_charge(struct http_server *server, struct request *request,
                                 uint64_t bytes);

/* Whether a body of so many bytes would fit now. False as above. */
MUST_USE bool http_server_has_room(struct http_server *server, struct request *request,
                                   uint64_t bytes);

/* Answers a request whose bytes did not fit. `detail` is for those beyond --max-bodies-bytes. */
void http_server_reject_bytes(struct request *request, const char *detail);

/* Charges what the store copies for a job, whose admit_arg is the request; on the store's thread.
 */
bool http_server_admit(struct store_job *job, size_t bytes);

/* Gives back all that the request was charged. */
void http_server_uncharge(struct http_server *server, struct request *request);

#endif
