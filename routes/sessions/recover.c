/* POST /sessions/recover: pauses the sessions that a crashed owner left ACTIVE, a page at a time.
 */

#include "routes/core/mutation.h"
#include "routes/json/body.h"
#include "routes/json/writer.h"
#include "routes/sessions/bulk_params.h"
#include "routes/sessions/response.h"

static bool read_payload(const struct routes *routes, struct exchange *ex, struct error *err)
{
    static const char *const names[] = {"owner", NULL};

    return bulk_params_read(ex->query, false, &ex->query_text, &ex->job.bulk, err) &&
           json_body_new(buffer_slice(&ex->body), routes->max_json_depth, names, &ex->payload,
                         err) &&
           (!json_body_has(ex->payload, "owner") ||
            json_body_text(ex->payload, "owner", SESSION_OWNER_MAX, &ex->job.owner, err));
}

static enum route_step recover_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_RECOVER, read_payload);
}

static void recover_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_job *job = &ex->job;
    const struct store_bulk *bulk = &job->bulk;
    struct buffer *out = &ex->response;

    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    buffer_add_text(out, "{\"recovered\":[");
    for (size_t i = 0; i < bulk->changed_count; i++) {
        buffer_add_text(out, i == 0 ? "" : ",");
        json_add_string(out, bulk->changed[i].id);
    }
    buffer_add_text(out, "],\"recovered_at\":");
    if (bulk->changed_count == 0)
        buffer_add_text(out, "null");
    else
        json_add_time(out, job->session.recovered_us);
    bulk_params_add_cursor(out, false, bulk);
    buffer_add_text(out, "}\n");
}

const struct route route_recover = {
    .method = METHOD_POST,
    .pattern = "/sessions/recover",
    .scope = SCOPE_WRITE,
    .takes_query = true,
    .body = ROUTE_BODY_JSON,
    .begin = recover_begin,
    .finish = recover_finish,
};
