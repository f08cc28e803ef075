/*
 * Who may. With tokens, what a request may do is what its bearer token's scope allows (RFC 6750).
 * Without, the service is for the programs of this machine: a request has to name it by a name that
 * only this machine has, since a page whose own name was made to lead here (DNS rebinding) names it
 * otherwise, and must not come from a page of another origin. HTTP threads ask; the main thread
 * loads and reloads.
 */
#ifndef SESSIOND_SERVICE_AUTH_AUTHORIZE_H
#define SESSIOND_SERVICE_AUTH_AUTHORIZE_H

#include "routes/meta/metrics.h"
#include "service/http/request.h"

struct authorizer;

struct authorizer_options {
    const char *token_file; /* NULL: none; borrowed */
    char *token;            /* one of scope admin, NULL: none; wiped once it is known */
    bool allow_anonymous;   /* to listen without tokens where others than this machine connect */
    const char *listen;     /* as configured */
    const char *address;    /* where it really listens, numeric */
};

/* Refused when the token or the file is no good, when --allow-anonymous contradicts them, or when
 * anybody could connect and nothing says that they may. */
MUST_USE bool authorizer_new(const struct authorizer_options *options, struct authorizer **out,
                             struct error *err);
void authorizer_free(struct authorizer *access);

/* Reads the token file again. On failure the tokens in force stay. Without a file, nothing. */
MUST_USE bool authorizer_reload(struct authorizer *access, struct error *err);

/* How often the tokens were read again. */
uint64_t authorizer_generation(struct authorizer *access);

/* How many tokens there are; 0: none is needed. */
size_t authorizer_token_count(struct authorizer *access);

/* Whether a request without a token is only for an open path. */
bool authorizer_needs_token(const struct authorizer *access);

/* Whether a request, whose route was looked for, may go on. If not, it is answered: 401 or 403 with
 * WWW-Authenticate (RFC 6750 §3), 403 or 421, and counted. Sets request->token_name. */
bool authorizer_admit(struct authorizer *access, struct metrics *metrics, struct request *request);

/* Whether the token of a request that was let in still allows it. It may have been removed, or its
 * scope reduced, by authorizer_reload since. Costs nothing while nothing was reloaded. */
MUST_USE bool authorizer_still_admits(struct authorizer *access, struct request *request);

/* The answer to a request that is no longer let in. Counted. */
void authorizer_reject_revoked(struct metrics *metrics, struct request *request);

#endif
