/* GET /healthz: whether the process is alive. GET /readyz: whether a write reaches the disk. */

#include "routes/core/problem.h"
#include "routes/core/route.h"

static void respond_ok(struct exchange *ex, struct slice body)
{
    ex->status = 200;
    ex->content_type = "application/json";
    ex->fixed_response = body;
}

static enum route_step healthz_begin(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    respond_ok(ex, SLICE_LITERAL("{\"status\":\"ok\"}\n"));
    return ROUTE_RESPONDED;
}

const struct route route_healthz = {
    .method = METHOD_GET,
    .pattern = "/healthz",
    .scope = SCOPE_OPEN,
    .begin = healthz_begin,
};

static void respond_ready(struct exchange *ex)
{
    respond_ok(ex, SLICE_LITERAL("{\"status\":\"ready\"}\n"));
}

static enum route_step readyz_begin(const struct routes *routes, struct exchange *ex)
{
    if (store_has_just_committed(routes->store)) {
        respond_ready(ex);
        return ROUTE_RESPONDED;
    }
    ex->job.operation = STORE_PROBE;
    return ROUTE_JOB;
}

static void readyz_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind == ERROR_NONE)
        respond_ready(ex);
    else
        problem_respond_kind(
            ex, ERROR_NOT_READY,
            "a write to the database failed; the log of the service has the cause");
}

const struct route route_readyz = {
    .method = METHOD_GET,
    .pattern = "/readyz",
    .scope = SCOPE_OPEN,
    .begin = readyz_begin,
    .finish = readyz_finish,
};
