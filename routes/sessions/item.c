/* /sessions/{id}: get, put, patch and delete a session. */

#include "routes/core/mutation.h"
#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "routes/http/etag.h"
#include "routes/http/lease_token.h"
#include "routes/http/method.h"
#include "routes/json/body.h"
#include "routes/json/merge.h"
#include "routes/json/patch.h"
#include "routes/sessions/response.h"

/* If-Match is evaluated before If-None-Match (RFC 9110 §13.2.2). A session with a lease or entries
 * never yields 304, because lease.expires_at and the entry counts change without a new version. */
static enum store_visit respond_with_session(void *arg, const struct session *session)
{
    struct exchange *ex = arg;
    const struct store_job *job = &ex->job;
    const bool is_volatile = session->lease.owner.data != NULL || session->entry_count > 0;
    struct error err;

    if (job->match.present && !store_match_names(&job->match, session->version)) {
        error_set(&err, ERROR_PRECONDITION_FAILED, "If-Match", "the session has version %lld",
                  (long long)session->version);
        problem_respond_precondition(ex, &err, session->version);
    } else if (!is_volatile && store_match_names(&job->none_match, session->version)) {
        session_respond(ex, 304, session); /* same headers as the 200 (RFC 9110 §15.4.5) */
    } else {
        session_respond(ex, 200, session);
    }
    return STORE_VISIT_NEXT;
}

static enum route_step get_begin(const struct routes *routes, struct exchange *ex)
{
    char id[UUID_SIZE];
    struct error err;

    if (!session_parse_id(ex, id))
        return ROUTE_RESPONDED;
    if (!etag_read_conditions(ex, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    if (!store_get(routes->store, id, respond_with_session, ex, &ex->job.error))
        problem_respond_job(ex);
    return ROUTE_RESPONDED;
}

const struct route route_session_get = {
    .method = METHOD_GET,
    .pattern = "/sessions/{id}",
    .scope = SCOPE_READ,
    .begin = get_begin,
};

static bool read_put(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"project_path", "thread_id", "context", NULL};

    return etag_read_conditions(ex, err) && session_parse_body(routes, ex, names, err);
}

static enum route_step put_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_PUT, read_put);
}

static void put_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    session_respond_job(ex, ex->job.created ? 201 : 200);
}

const struct route route_session_put = {
    .method = METHOD_PUT,
    .pattern = "/sessions/{id}",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = put_begin,
    .finish = put_finish,
};

/* Runs on the writer thread. */
static bool merge_context(void *arg, struct slice current, char **out, size_t *len,
                          struct error *err)
{
    const struct exchange *ex = arg;
    struct buffer merged = {0};

    if (!json_patch_apply(ex->patch, current, ex->max_context_bytes, &merged, err)) {
        buffer_release(&merged);
        return false;
    }
    *out = merged.data;
    *len = merged.len;
    return true;
}

/* Prepares the merge of the patch's `context` with the stored one (RFC 7396): an object is merged;
 * null removes the member, which for a context restores the default {}. */
static bool read_merge(const struct routes *routes, struct exchange *ex, struct error *err)
{
    struct slice patch;

    if (json_body_is_null(ex->payload, "context")) {
        ex->job.context = SLICE_LITERAL("{}");
        return true;
    }
    if (!json_body_object(ex->payload, "context", &patch, err))
        return false;
    if (patch.data == NULL)
        return true;
    ex->patch = json_patch_new(patch);
    ex->max_context_bytes = routes->max_body_bytes;
    ex->job.edit = merge_context;
    ex->job.edit_arg = ex;
    ex->job.edit_bytes = patch.len;
    return true;
}

static bool read_patch(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"status", "context", NULL};
    struct store_job *job = &ex->job;

    if (!etag_read_conditions(ex, err) || !lease_token_read(ex, err) ||
        !json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload, err) ||
        !json_body_status(ex->payload, "status", &job->has_status, &job->status, err))
        return false;
    if (media_type_is(ex->headers[REQUEST_CONTENT_TYPE], "application/json"))
        return json_body_object(ex->payload, "context", &job->context, err);
    return read_merge(routes, ex, err);
}

static enum route_step patch_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_UPDATE, read_patch);
}

static void patch_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    session_respond_job(ex, 200);
}

const struct route route_session_patch = {
    .method = METHOD_PATCH,
    .pattern = "/sessions/{id}",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON_OR_PATCH,
    .begin = patch_begin,
    .finish = patch_finish,
};

static bool read_delete(const struct routes *routes, struct exchange *ex, struct error *err)
{
    (void)routes;
    return etag_read_conditions(ex, err) && lease_token_read(ex, err);
}

static enum route_step delete_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_DELETE, read_delete);
}

const struct route route_session_delete = {
    .method = METHOD_DELETE,
    .pattern = "/sessions/{id}",
    .scope = SCOPE_WRITE,
    .begin = delete_begin,
    .finish = mutation_finish_empty,
};
