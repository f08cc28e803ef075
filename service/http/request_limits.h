/*
 * Use of quotas and body memory by a request, and the responses when a limit is exceeded. HTTP
 * thread of the connection, unless stated otherwise.
 */
#ifndef SESSIOND_SERVICE_HTTP_REQUEST_LIMITS_H
#define SESSIOND_SERVICE_HTTP_REQUEST_LIMITS_H

#include "service/http/request.h"

struct http_server;

/* Returns the client key of the request; see service/limits/client_key.h. */
uint64_t http_server_client_key(const struct request *request);

/* Authorizes the connection for a request that authorizer_admit() has accepted; from then on the
 * connection counts against the token. Returns false, with a response set, when the connection
 * limit is reached. */
MUST_USE bool http_server_authorize(struct http_server *server, struct request *request);

/* Acquires one unit of the client's quota, until http_server_release_quota(). Does nothing when the
 * request already holds a unit of this kind. Returns false, with a response set, when the quota is
 * exhausted. */
MUST_USE bool http_server_acquire_quota(struct http_server *server, struct request *request,
                                        enum quota_kind kind);
void http_server_release_quota(struct request *request, enum quota_kind kind);

/* Sets the response to a request whose client has exhausted its quota. */
void http_server_reject_over_quota(struct request *request, enum quota_kind kind);

/* Charges bytes of the request to the client's quota and to --body-memory-limit, until
 * http_server_uncharge(). Returns false when they exceed a limit; the rejection is counted and
 * request->over_quota is set. */
MUST_USE bool http_server_charge(struct http_server *server, struct request *request,
                                 uint64_t bytes);

/* Whether a body of `bytes` would fit now. Charges nothing. Returns false as
 * http_server_charge(). */
MUST_USE bool http_server_has_room(struct http_server *server, struct request *request,
                                   uint64_t bytes);

/* Sets the response to a request whose bytes exceeded a limit. `detail` applies to
 * --body-memory-limit. */
void http_server_reject_bytes(struct request *request, const char *detail);

/* Charges bytes that the store copies for a job; job->admit_arg is the request. Returns false as
 * http_server_charge(). Store thread. */
bool http_server_admit(struct store_job *job, size_t bytes);

/* Releases all bytes that the request was charged. */
void http_server_uncharge(struct http_server *server, struct request *request);

#endif
