/* POST /sessions/{id}/transition: an atomic compare-and-set of the status. */

#include "routes/core/mutation.h"
#include "routes/http/etag.h"
#include "routes/http/lease_token.h"
#include "routes/json/body.h"
#include "routes/sessions/response.h"

static bool read_payload(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"from", "to", NULL};
    struct store_job *job = &ex->job;

    return etag_read_conditions(ex, err) && lease_token_read(ex, err) &&
           json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                         err) &&
           json_body_require(ex->payload, names, err) &&
           json_body_status(ex->payload, "from", &job->has_expected, &job->expected, err) &&
           json_body_status(ex->payload, "to", &job->has_status, &job->status, err);
}

static enum route_step transition_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_UPDATE, read_payload);
}

static void transition_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    session_respond_job(ex, 200);
}

const struct route route_transition = {
    .method = METHOD_POST,
    .pattern = "/sessions/{id}/transition",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = transition_begin,
    .finish = transition_finish,
};
