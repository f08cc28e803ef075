#include "service/http/request_limits.h"
#include "service/http/daemon.h"

#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "service/limits/client_key.h"

uint64_t http_server_client_key(const struct request *request)
{
    const struct http_server *server = request->server;

    if (request->token_name[0] != '\0')
        return client_key_of_token(server->key_seed, request->token_name);
    return connection_slot_quota(tracked_slot(request->client), false)->key;
}

/* The metric and the problem detail of each quota kind. */
static const struct {
    enum metrics_limit limit;
    const char *detail;
} rejections[QUOTA_KINDS] = {
    [QUOTA_CONNECTIONS] = {METRICS_CLIENT_CONNECTIONS,
                           "the token has reached the limit of connections "
                           "(--max-connections-per-token); nothing was changed; close some, or "
                           "send the request again later"},
    [QUOTA_STREAMS] = {METRICS_CLIENT_STREAMS,
                       "the token or address has reached the limit of event streams and long polls "
                       "(--max-streams-per-client); end some, or send the request again later"},
    [QUOTA_JOBS] = {METRICS_CLIENT_JOBS,
                    "the token or address has reached the limit of queued requests "
                    "(--max-queue-per-client); nothing was changed; send the request again"},
    [QUOTA_BYTES] =
        {METRICS_CLIENT_BYTES,
         "bodies and responses of the token or address use all of their memory "
         "(--body-memory-limit-per-client); nothing was changed; send the request again"},
};

void http_server_reject_over_quota(struct request *request, enum quota_kind kind)
{
    struct error err;

    error_set(&err, ERROR_CLIENT_LIMIT, NULL, "%s", rejections[kind].detail);
    problem_respond_retry_after(&request->ex, &err, 1);
}

static void reject(struct http_server *server, struct request *request, enum quota_kind kind)
{
    metrics_count_limit_rejection(server->options.routes->metrics, rejections[kind].limit);
    http_server_reject_over_quota(request, kind);
}

bool http_server_acquire_quota(struct http_server *server, struct request *request,
                               enum quota_kind kind)
{
    if (request->holds[kind])
        return true;
    if (!memory_budget_acquire(&request->quota->held[kind], 0, 1)) {
        reject(server, request, kind);
        return false;
    }
    request->holds[kind] = true;
    return true;
}

void http_server_release_quota(struct request *request, enum quota_kind kind)
{
    if (request->holds[kind])
        memory_budget_release(&request->quota->held[kind], 1);
    request->holds[kind] = false;
}

bool http_server_authorize(struct http_server *server, struct request *request)
{
    struct connection_slot *slot = tracked_slot(request->client);
    const bool has_token = request->token_name[0] != '\0';

    if (connection_slot_is_reserved(slot) && router_scope(&request->ex) != SCOPE_OPEN) {
        metrics_count_limit_rejection(server->options.routes->metrics,
                                      METRICS_CONNECTIONS_RESERVED);
        problem_respond_kind(
            &request->ex, ERROR_OVERLOADED,
            "all connections except those for health checks are in use; nothing was "
            "changed; send the request again");
        request->ex.close = true;
        return false;
    }
    if (!has_token && authorizer_needs_token(server->options.access))
        return true; /* the route is open */
    if (!connection_slot_authorize(slot, has_token ? http_server_client_key(request) : 0)) {
        reject(server, request, QUOTA_CONNECTIONS);
        request->ex.close = true;
        return false;
    }
    request->quota = connection_slot_quota(slot, has_token);
    tracked_mark_kept(request->client);
    return true;
}
