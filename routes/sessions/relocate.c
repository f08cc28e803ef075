/* POST /sessions/relocate: after a folder was moved, rewrites the project paths of the folder and
 * of all folders below it, a page at a time. */

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

    job->bulk.max_path_bytes = SESSION_PROJECT_PATH_MAX;
    return bulk_params_read(ex->query, true, &ex->query_text, &job->bulk, err) &&
           json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                         err) &&
           json_body_require(ex->payload, required, err) &&
           json_body_text(ex->payload, "from", SESSION_PROJECT_PATH_MAX, &job->project_path, err) &&
           json_body_text(ex->payload, "to", SESSION_PROJECT_PATH_MAX, &job->bulk.destination,
                          err) &&
           json_body_flag(ex->payload, "dry_run", &job->bulk.dry_run, err);
}

static enum route_step relocate_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_RELOCATE, read_payload);
}

static void relocate_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_bulk *bulk = &ex->job.bulk;
    struct buffer *out = &ex->response;

    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    buffer_add_text(out, "{\"relocated\":[");
    for (size_t i = 0; i < bulk->changed_count; i++) {
        buffer_add_text(out, i == 0 ? "{\"id\":" : ",{\"id\":");
        json_add_string(out, bulk->changed[i].id);
        buffer_add_text(out, ",\"project_path\":");
        json_add_string(out, bulk->changed[i].project_path);
        buffer_add_char(out, '}');
    }
    buffer_printf(out, "],\"dry_run\":%s", bulk->dry_run ? "true" : "false");
    bulk_params_add_cursor(out, true, bulk);
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
