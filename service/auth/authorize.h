/*
 * Authorization. With tokens: a bearer token with a scope (RFC 6750). Without tokens: only programs
 * on this machine may use the service. Then the Host must be a name that only this machine has,
 * against DNS rebinding, and the Origin must not be that of another site, against cross-site
 * requests. HTTP threads authorize requests; the main thread loads and reloads the tokens.
 */
#ifndef SESSIOND_SERVICE_AUTH_AUTHORIZE_H
#define SESSIOND_SERVICE_AUTH_AUTHORIZE_H

#include "routes/meta/metrics.h"
#include "service/http/request.h"

struct authorizer;

struct authorizer_options {
    const char *token_file; /* borrowed; NULL: none */
    char *token;            /* token of scope admin; NULL: none; wiped after it is hashed */
    bool allow_anonymous;   /* listen without tokens on an address that other machines can reach */
    const char *listen;     /* as configured */
    const char *address;    /* numeric address of the listening socket */
};

/* Fails when the token or the file is invalid, when tokens and --allow-anonymous are both set, or
 * when other machines could connect without tokens and --allow-anonymous is not set. The caller
 * frees *out with authorizer_free(). */
MUST_USE bool authorizer_new(const struct authorizer_options *options, struct authorizer **out,
                             struct error *err);

/* Wipes and frees the authorizer. `access` may be NULL. Main thread. */
void authorizer_free(struct authorizer *access);

/* Reads the token file again. On failure the current tokens stay in use. Main thread. */
MUST_USE bool authorizer_reload(struct authorizer *access, struct error *err);

/* Number of reloads so far. Any thread. */
uint64_t authorizer_generation(struct authorizer *access);

/* Number of tokens; 0: none is configured. Any thread. */
size_t authorizer_token_count(struct authorizer *access);

/* Whether requests without a token are limited to routes of SCOPE_OPEN. */
bool authorizer_needs_token(const struct authorizer *access);

/* Authorizes a request whose route the router has looked up. Sets request->token_name. When it
 * returns false, the exchange has the response and the rejection is counted: 401 or 403 with
 * WWW-Authenticate (RFC 6750 §3), 403 for another origin, or 421 for another host. */
bool authorizer_admit(struct authorizer *access, struct metrics *metrics, struct request *request);

/* Whether the token of an authorized request is still valid for it. A reload may have removed the
 * token or reduced its scope. Costs one atomic read when no reload has happened. */
MUST_USE bool authorizer_still_admits(struct authorizer *access, struct request *request);

/* Sets the response to a request that authorizer_still_admits() has rejected, and counts the
 * rejection. */
void authorizer_reject_revoked(struct metrics *metrics, struct request *request);

#endif
