/* /sessions/relocate: a folder was moved; so are the project paths of it and of all below it, a
 * page at a time. */

#include "routes/core/mutation.h"
#include "routes/json/body.h"
#include "routes/json/writer.h"
#include "routes/sessions/bulk_params.h"
#include "routes/sessions/response.h"

static bool read_payload(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"from", "to", "dry_run", NULL};
    static const char *const required[] = {"from", "to", NULL};
    struct store_job *job = &ex->job;

    job->many.max_path_bytes = SESSION_PROJECT_PATH_MAX;
    return many_request_read(ex->query, true, &ex->query_text, &job->many, err) &&
           json_payload_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                            err) &&
           json_payload_require(ex->payload, required, err) &&
           json_payload_text(ex->payload, "from", SESSION_PROJECT_PATH_MAX, &job->project_path,
                             err) &&
           json_payload_text(ex->payload, "to", SESSION_PROJECT_PATH_MAX, &job->many.destination,
                             err) &&
           json_payload_flag(ex->payload, "dry_run", &job->many.dry_run, err);
}

static enum route_step relocate_begin(const struct routes *routes, struct exchange *ex)
{
    return write_route_begin(routes, ex, STORE_RELOCATE, read_payload);
}

static void relocate_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_many *many = &ex->job.many;
    struct buffer *out = &ex->response;

    (void)routes;
    if (!write_route_answer_json(ex))
        return;
    buffer_add_text(out, "{\"relocated\":[");
    for (size_t i = 0; i < many->changed_count; i++) {
        buffer_add_text(out, i == 0 ? "{\"id\":" : ",{\"id\":");
        json_add_string(out, many->changed[i].id);
        buffer_add_text(out, ",\"project_path\":");
        json_add_string(out, many->changed[i].project_path);
        buffer_add_char(out, '}');
    }
    buffer_printf(out, "],\"dry_run\":%s", many->dry_run ? "true" : "false");
    many_request_add_cursor(out, true, many);
    buffer_add_text(out, "}\n");
}

const struct route route_relocate = {
    .method = METHOD_POST,
    .pattern = "/sessions/relocate",
    .scope = SCOPE_WRITE,
    .takes_query = true,
    .body = ROUTE_BODY_JSON,
    .begin = relocate_begin,
    .finish = relocate_finish,
};
