/* /sessions/{id}/lease: acquire, renew and release the lease of a session. */

#include "routes/core/mutation.h"
#include "routes/http/etag.h"
#include "routes/http/lease_token.h"
#include "routes/json/body.h"
#include "routes/sessions/json.h"
#include "routes/sessions/response.h"

#define TTL_MAX_SECONDS 86400

static bool read_payload(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"owner", "ttl_seconds", "steal", NULL};
    static const char *const required[] = {"owner", "ttl_seconds", NULL};
    struct store_job *job = &ex->job;
    int64_t ttl_seconds;

    if (!lease_token_read(ex, err) ||
        !json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload, err) ||
        !json_body_require(ex->payload, required, err) ||
        !json_body_text(ex->payload, "owner", SESSION_OWNER_MAX, &job->owner, err) ||
        !json_body_integer(ex->payload, "ttl_seconds", 1, TTL_MAX_SECONDS, &ttl_seconds, err) ||
        !json_body_flag(ex->payload, "steal", &job->steal, err))
        return false;
    job->ttl_ms = ttl_seconds * 1000;
    return true;
}

static enum route_step put_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_LEASE, read_payload);
}

static void put_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    etag_add_header(ex, ex->job.session.version);
    session_json_add_lease(&ex->response, &ex->job.session.lease);
    buffer_add_char(&ex->response, '\n');
}

const struct route route_lease_put = {
    .method = METHOD_PUT,
    .pattern = "/sessions/{id}/lease",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = put_begin,
    .finish = put_finish,
};

static bool read_token(const struct routes *routes, struct exchange *ex, struct error *err)
{
    (void)routes;
    return lease_token_read(ex, err);
}

static enum route_step delete_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_RELEASE, read_token);
}

const struct route route_lease_delete = {
    .method = METHOD_DELETE,
    .pattern = "/sessions/{id}/lease",
    .scope = SCOPE_WRITE,
    .begin = delete_begin,
    .finish = mutation_finish_empty,
};
