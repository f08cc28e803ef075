/* POST /sessions/{id}/fork: creates a session with the context and the entries of another one. */

#include "routes/core/mutation.h"
#include "routes/entries/params.h"
#include "routes/json/body.h"
#include "routes/sessions/response.h"

static bool read_at_seq(struct exchange *ex, struct error *err)
{
    struct store_fork *fork = &ex->job.fork;

    fork->stream = SLICE_LITERAL(ENTRIES_STREAM_DEFAULT);
    fork->has_at_seq = json_body_has(ex->payload, "at_seq");
    return !fork->has_at_seq || json_body_integer(ex->payload, "at_seq", 0,
                                                  STORE_STREAM_ENTRIES_MAX, &fork->at_seq, err);
}

/* Reads an optional member. When it is missing, *out is unchanged, and the fork gets the parent's
 * value. */
static bool read_text(struct exchange *ex, const char *name, size_t max_bytes, struct slice *out,
                      struct error *err)
{
    return !json_body_has(ex->payload, name) ||
           json_body_text(ex->payload, name, max_bytes, out, err);
}

static bool read_payload(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"at_seq", "thread_id", "project_path", NULL};
    struct store_job *job = &ex->job;

    return json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                         err) &&
           read_at_seq(ex, err) &&
           read_text(ex, "thread_id", SESSION_THREAD_ID_MAX, &job->thread_id, err) &&
           read_text(ex, "project_path", SESSION_PROJECT_PATH_MAX, &job->project_path, err);
}

static enum route_step fork_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_FORK, read_payload);
}

static void fork_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    session_respond_job(ex, 201);
}

const struct route route_fork = {
    .method = METHOD_POST,
    .pattern = "/sessions/{id}/fork",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = fork_begin,
    .finish = fork_finish,
};
