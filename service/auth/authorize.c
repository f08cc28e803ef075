#include "service/auth/authorize.h"

#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "service/auth/origin.h"
#include "service/auth/tokens.h"
#include "service/net/unix_socket.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CHALLENGE "Bearer realm=\"sessiond\""
#define ENVIRONMENT_NAME "SESSIOND_TOKEN"

/* Shorter tokens can be guessed. */
#define SHORT_TOKEN_CHARACTERS 16

struct authorizer {
    const char *token_file;
    struct token environment_token; /* token of SESSIOND_TOKEN; scope SCOPE_UNKNOWN: none */
    bool accepts_any_host;
    char *address;
    char *host; /* host of --listen */
    bool has_tokens;
    pthread_rwlock_t lock;
    struct tokens *tokens;            /* with the lock */
    atomic_uint_least64_t generation; /* number of reloads of the tokens */
    bool has_short_token;
};

struct rejection {
    enum error_kind kind;
    const char *detail;
    const char *challenge; /* NULL: none */
};

static const struct rejection rejections[METRICS_AUTH_FAILURES] = {
    [AUTH_FAILURE_NO_TOKEN] =
        {ERROR_UNAUTHORIZED,
         "no token was sent; send a token of this service as Authorization: Bearer TOKEN",
         CHALLENGE},
    [AUTH_FAILURE_WRONG_TOKEN] = {ERROR_UNAUTHORIZED,
                                  "the token is unknown; send a token of this service",
                                  CHALLENGE ", error=\"invalid_token\""},
    [AUTH_FAILURE_HOST] =
        {ERROR_MISDIRECTED,
         "without tokens the service accepts local requests only; use localhost, 127.0.0.1 or "
         "[::1] as its host",
         NULL},
    [AUTH_FAILURE_ORIGIN] =
        {ERROR_CROSS_ORIGIN,
         "without tokens the service rejects requests of pages of another origin", NULL},
};

static char *copy_text(struct slice text)
{
    char *out = strndup(text.data == NULL ? "" : text.data, text.len);

    if (out == NULL)
        abort();
    return out;
}

static bool load_environment_token(struct authorizer *access, char *token, struct error *err)
{
    const struct slice text = slice_from(token);

    if (token == NULL)
        return true;
    if (!token_is_valid(text))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         ENVIRONMENT_NAME " has an invalid character; use letters, digits and "
                                          "-._~+/, or a token of sessiond token NAME SCOPE");
    access->has_short_token = text.len < SHORT_TOKEN_CHARACTERS;
    access->environment_token = (struct token){.name = ENVIRONMENT_NAME, .scope = SCOPE_ADMIN};
    sha256_text(text, access->environment_token.digest);
    explicit_bzero(token, text.len);
    return true;
}

/* Sets *out to NULL when no token is configured. */
static bool load_tokens(const struct authorizer *access, struct tokens **out, struct error *err)
{
    struct tokens *tokens = tokens_new();
    bool ok = true;

    if (access->environment_token.scope != SCOPE_UNKNOWN)
        ok = tokens_add(tokens, &access->environment_token, err);
    if (ok && access->token_file != NULL)
        ok = tokens_read(tokens, access->token_file, err);
    if (!ok || tokens_count(tokens) == 0) {
        tokens_free(tokens);
        tokens = NULL;
    }
    if (ok)
        *out = tokens;
    return ok;
}

/* A Unix domain socket is reachable only from this machine, and not by a browser. */
static bool is_local(const char *address)
{
    return unix_socket_is_address(address) || origin_is_loopback(slice_from(address));
}

static bool check_options(const struct authorizer *access, const struct authorizer_options *options,
                          struct error *err)
{
    if (access->has_tokens && options->allow_anonymous)
        return error_set(
            err, ERROR_INVALID_PAYLOAD, "allow-anonymous",
            "--allow-anonymous and tokens are both set; remove --allow-anonymous or the "
            "tokens");
    if (access->has_short_token && !is_local(options->address))
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         ENVIRONMENT_NAME " has fewer than %d characters, which is too short when "
                                          "other machines can connect; generate a token with "
                                          "sessiond token NAME SCOPE",
                         SHORT_TOKEN_CHARACTERS);
    if (access->has_tokens || options->allow_anonymous || is_local(options->address))
        return true;
    return error_set(err, ERROR_INVALID_PAYLOAD, "listen",
                     "--listen %.50s lets other machines connect; set --token-file or "
                     "SESSIOND_TOKEN, or --allow-anonymous if everyone may read and write",
                     options->listen);
}

bool authorizer_new(const struct authorizer_options *options, struct authorizer **out,
                    struct error *err)
{
    struct authorizer *access = calloc(1, sizeof(*access));

    if (access == NULL)
        abort();
    access->token_file = options->token_file;
    access->accepts_any_host = options->allow_anonymous || unix_socket_is_address(options->address);
    access->address = copy_text(slice_from(options->address));
    access->host = copy_text(origin_host(slice_from(options->listen)));
    pthread_rwlock_init(&access->lock, NULL);
    if (load_environment_token(access, options->token, err) &&
        load_tokens(access, &access->tokens, err)) {
        access->has_tokens = access->tokens != NULL;
        if (check_options(access, options, err)) {
            *out = access;
            return true;
        }
    }
    authorizer_free(access);
    return false;
}

void authorizer_free(struct authorizer *access)
{
    if (access == NULL)
        return;
    tokens_free(access->tokens);
    pthread_rwlock_destroy(&access->lock);
    free(access->address);
    free(access->host);
    explicit_bzero(access, sizeof(*access));
    free(access);
}

bool authorizer_reload(struct authorizer *access, struct error *err)
{
    struct tokens *new_tokens;

    if (!load_tokens(access, &new_tokens, err))
        return false;
    pthread_rwlock_wrlock(&access->lock);
    struct tokens *old = access->tokens;
    access->tokens = new_tokens;
    atomic_fetch_add(&access->generation, 1);
    pthread_rwlock_unlock(&access->lock);
    tokens_free(old);
    return true;
}

bool authorizer_needs_token(const struct authorizer *access)
{
    return access->has_tokens;
}

size_t authorizer_token_count(struct authorizer *access)
{
    if (!access->has_tokens)
        return 0;
    pthread_rwlock_rdlock(&access->lock);
    const size_t count = tokens_count(access->tokens);
    pthread_rwlock_unlock(&access->lock);
    return count;
}

static bool reject(struct exchange *ex, struct metrics *metrics, enum metrics_auth_failure reason)
{
    metrics_count_auth_failure(metrics, reason);
    problem_respond_kind(ex, rejections[reason].kind, rejections[reason].detail);
    if (rejections[reason].challenge != NULL)
        exchange_add_header(ex, "WWW-Authenticate", slice_from(rejections[reason].challenge));
    return false;
}

static bool reject_scope(struct exchange *ex, struct metrics *metrics, const struct token *token)
{
    const char *missing = scope_name(router_scope(ex));
    struct buffer challenge = {0};
    struct error err;

    metrics_count_auth_failure(metrics, AUTH_FAILURE_SCOPE);
    error_set(&err, ERROR_FORBIDDEN, NULL,
              "the request requires a token of scope %s; the token %s has scope %s", missing,
              token->name, scope_name(token->scope));
    problem_respond(ex, &err);
    buffer_printf(&challenge, CHALLENGE ", error=\"insufficient_scope\", scope=\"%s\"", missing);
    exchange_add_header(ex, "WWW-Authenticate", buffer_slice(&challenge));
    buffer_release(&challenge);
    return false;
}

/* Reads the token of `Bearer TOKEN` (RFC 6750 §2.1). Returns false for another scheme or without a
 * token. */
static bool read_credentials(struct slice header, struct slice *token)
{
    static const char scheme[] = "Bearer";
    size_t at = sizeof(scheme) - 1;

    if (header.len <= at || strncasecmp(header.data, scheme, at) != 0 || header.data[at] != ' ')
        return false;
    while (at < header.len && header.data[at] == ' ')
        at++;
    *token = (struct slice){header.data + at, header.len - at};
    return true;
}

/* Copies the token, since a reload may free the set. */
static bool copy_token(struct authorizer *access, struct slice presented, struct token *out)
{
    pthread_rwlock_rdlock(&access->lock);
    const struct token *found = tokens_find(access->tokens, presented);
    if (found != NULL)
        *out = *found;
    pthread_rwlock_unlock(&access->lock);
    return found != NULL;
}

static bool admit_token(struct authorizer *access, struct metrics *metrics, struct request *request)
{
    struct exchange *ex = &request->ex;
    struct slice presented;
    struct token token;

    if (router_scope(ex) == SCOPE_OPEN)
        return true;
    /* read before the lookup, so that a concurrent reload is detected later */
    request->token_generation = atomic_load(&access->generation);
    if (!read_credentials(ex->headers[REQUEST_AUTHORIZATION], &presented))
        return reject(ex, metrics, AUTH_FAILURE_NO_TOKEN);
    if (!copy_token(access, presented, &token))
        return reject(ex, metrics, AUTH_FAILURE_WRONG_TOKEN);
    snprintf(request->token_name, sizeof(request->token_name), "%s", token.name);
    memcpy(request->token_digest, token.digest, SHA256_BYTES);
    return token.scope >= router_scope(ex) || reject_scope(ex, metrics, &token);
}

uint64_t authorizer_generation(struct authorizer *access)
{
    return atomic_load(&access->generation);
}

bool authorizer_still_admits(struct authorizer *access, struct request *request)
{
    const bool has_token = request->token_name[0] != '\0';

    if (request->token_generation == atomic_load(&access->generation))
        return true;
    pthread_rwlock_rdlock(&access->lock);
    const struct token *found =
        has_token ? tokens_find_digest(access->tokens, request->token_digest) : NULL;
    const bool admits = !has_token || (found != NULL && found->scope >= router_scope(&request->ex));
    if (admits)
        request->token_generation = atomic_load(&access->generation);
    pthread_rwlock_unlock(&access->lock);
    return admits;
}

void authorizer_reject_revoked(struct metrics *metrics, struct request *request)
{
    reject(&request->ex, metrics, AUTH_FAILURE_WRONG_TOKEN);
}

static bool accepts_host(const struct authorizer *access, struct slice authority)
{
    return access->accepts_any_host || slice_is(authority, access->address) ||
           origin_is_loopback(authority) ||
           (access->host[0] != '\0' && slice_is(origin_host(authority), access->host));
}

/* Browsers send Origin with each request that may change state or whose response a page may read.
 * For other requests, newer browsers send Sec-Fetch-Site. */
static bool is_cross_origin(const struct exchange *ex, struct slice authority)
{
    const struct slice origin = ex->headers[REQUEST_ORIGIN];

    return (origin.data != NULL && !origin_is_same(origin, authority)) ||
           slice_is(ex->headers[REQUEST_SEC_FETCH_SITE], "cross-site");
}

bool authorizer_admit(struct authorizer *access, struct metrics *metrics, struct request *request)
{
    if (access->has_tokens)
        return admit_token(access, metrics, request);
    const struct slice authority = request_authority(request);
    /* Health checks may send any Host or none: their responses reveal nothing else about the
     * service. */
    if (router_scope(&request->ex) != SCOPE_OPEN && !accepts_host(access, authority))
        return reject(&request->ex, metrics, AUTH_FAILURE_HOST);
    if (is_cross_origin(&request->ex, authority))
        return reject(&request->ex, metrics, AUTH_FAILURE_ORIGIN);
    return true;
}
