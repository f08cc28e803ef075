#include "routes/sessions/response.h"

#include "routes/core/problem.h"
#include "routes/http/etag.h"
#include "routes/json/body.h"
#include "routes/sessions/json.h"

void session_respond(struct exchange *ex, int status, const struct session *session)
{
    ex->status = status;
    ex->content_type = "application/json";
    etag_add_header(ex, session->version);
    session_json_add(&ex->response, session);
    buffer_add_char(&ex->response, '\n');
}

/* A 201 names the created resource (RFC 9110 §15.3.2). */
static void add_location_header(struct exchange *ex, struct slice id)
{
    struct buffer location = {0};

    buffer_add_text(&location, "/sessions/");
    buffer_add(&location, id);
    exchange_add_header(ex, "Location", buffer_slice(&location));
    buffer_release(&location);
}

void session_respond_created(struct exchange *ex, int status, const struct session *session)
{
    session_respond(ex, status, session);
    if (status == 201)
        add_location_header(ex, session->id);
}

void session_respond_job(struct exchange *ex, int status)
{
    if (ex->job.error.kind != ERROR_NONE) {
        problem_respond_job(ex);
        return;
    }
    session_respond_created(ex, status, &ex->job.session);
}

bool session_parse_body(const struct routes *routes, struct exchange *ex, const char *const *names,
                        struct error *err)
{
    static const char *const required[] = {"project_path", "thread_id", NULL};
    struct store_job *job = &ex->job;

    if (!json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload, err) ||
        !json_body_require(ex->payload, required, err) ||
        !json_body_text(ex->payload, "project_path", SESSION_PROJECT_PATH_MAX, &job->project_path,
                        err) ||
        !json_body_text(ex->payload, "thread_id", SESSION_THREAD_ID_MAX, &job->thread_id, err) ||
        !json_body_object(ex->payload, "context", &job->context, err))
        return false;
    if (job->context.data == NULL)
        job->context = SLICE_LITERAL("{}");
    return true;
}

bool session_parse_id(struct exchange *ex, char id[UUID_SIZE])
{
    if (uuid_read(ex->id_text, id))
        return true;
    problem_respond_kind(ex, ERROR_NOT_FOUND, "the id of a session must be a UUID");
    return false;
}
