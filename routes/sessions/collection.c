/* /sessions: create a session, list sessions. */

#include "routes/core/mutation.h"
#include "routes/core/page.h"
#include "routes/core/problem.h"
#include "routes/json/body.h"
#include "routes/sessions/json.h"
#include "routes/sessions/list_params.h"
#include "routes/sessions/response.h"

/* `if_exists` has one value, "return"; without it the request always creates a session. */
static bool read_if_exists(struct exchange *ex, struct error *err)
{
    struct slice word;

    if (!json_body_has(ex->payload, "if_exists"))
        return true;
    if (!json_body_text(ex->payload, "if_exists", SESSION_THREAD_ID_MAX, &word, err))
        return false;
    ex->job.or_existing = slice_is(word, "return");
    return ex->job.or_existing || error_set(err, ERROR_INVALID_PAYLOAD, "/if_exists",
                                            "if_exists must be \"return\" or absent");
}

static bool read_create(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"project_path", "thread_id", "context", "if_exists", NULL};

    return session_parse_body(routes, ex, names, err) && read_if_exists(ex, err);
}

static enum route_step create_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_CREATE, read_create);
}

static void create_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    session_respond_job(ex, ex->job.created ? 201 : 200);
}

const struct route route_sessions_create = {
    .method = METHOD_POST,
    .pattern = "/sessions",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON,
    .begin = create_begin,
    .finish = create_finish,
};

static enum store_visit add_to_page(void *arg, const struct session *session)
{
    struct exchange *ex = arg;
    const size_t began = page_begin_item(ex);

    session_json_add(&ex->response, session);
    return page_end_item(ex, began);
}

static void end_page(struct exchange *ex)
{
    struct buffer *out = &ex->response;
    struct buffer link = {0};

    ex->status = 200;
    ex->content_type = "application/json";
    buffer_add_text(out, "],\"next_cursor\":");
    if (!ex->job.page.more) {
        buffer_add_text(out, "null}\n");
        return;
    }
    buffer_add_char(out, '"');
    list_params_add_cursor(out, &ex->job.page);
    buffer_add_text(out, "\"}\n");
    list_params_add_link(&link, ex->query, &ex->job.page);
    exchange_add_header(ex, "Link", buffer_slice(&link));
    buffer_release(&link);
}

static enum route_step list_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_job *job = &ex->job;
    struct error err;

    if (!list_params_read(ex->query, &ex->query_text, &job->query, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    ex->max_page_bytes = routes->max_page_bytes;
    buffer_add_text(&ex->response, "{\"sessions\":[");
    if (list_params_is_long(&job->query)) {
        job->operation = STORE_LIST;
        job->visit = add_to_page;
        job->visit_arg = ex;
        return ROUTE_JOB;
    }
    if (store_list(routes->store, &job->query, add_to_page, ex, &job->page, &job->error))
        end_page(ex);
    else
        problem_respond_job(ex);
    return ROUTE_RESPONDED;
}

static void list_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (ex->job.error.kind == ERROR_NONE)
        end_page(ex);
    else
        problem_respond_job(ex);
}

const struct route route_sessions_list = {
    .method = METHOD_GET,
    .pattern = "/sessions",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = list_begin,
    .finish = list_finish,
};
