/* GET /admin/retention: what a purge would delete (dry run). POST /admin/purge: deletes a bounded
 * number of these sessions now. */

#include "routes/admin/purge_cursor.h"
#include "routes/core/mutation.h"
#include "routes/core/problem.h"
#include "routes/http/query.h"
#include "routes/json/writer.h"

static const char *const reason_names[STORE_PURGE_REASONS] = {
    [STORE_PURGE_TERMINATED] = "terminated",
    [STORE_PURGE_IDLE] = "idle",
};

static bool read_cursor(const struct routes *routes, struct exchange *ex, struct error *err)
{
    struct query_parameter parameter;
    struct slice rest = ex->query;

    (void)routes;
    while (query_next(&rest, &parameter)) {
        if (!slice_is(parameter.name, "cursor"))
            return query_reject(
                &parameter, "unknown parameter; the only parameter of this path is cursor", err);
        if (ex->query_text.len > 0)
            return query_reject(&parameter, "cursor must not be repeated", err);
        if (!query_decode(&parameter, &ex->query_text, err))
            return false;
        if (!purge_cursor_read(buffer_slice(&ex->query_text), &ex->job.purge.from))
            return query_reject(&parameter, "cursor must be a next_cursor of this path", err);
    }
    return true;
}

static enum route_step retention_begin(const struct routes *routes, struct exchange *ex)
{
    struct error err;

    ex->job.operation = STORE_RETENTION;
    if (read_cursor(routes, ex, &err))
        return ROUTE_JOB;
    problem_respond(ex, &err);
    return ROUTE_RESPONDED;
}

static void add_next_cursor(struct buffer *out, const struct store_purge *purge)
{
    if (purge->more)
        purge_cursor_add(out, &purge->next);
    else
        buffer_add_text(out, "null");
}

static void add_reason(struct buffer *out, const struct store_retention_of *of)
{
    if (of->after_us == 0)
        buffer_add_text(out, "{\"retain_seconds\":null");
    else
        buffer_printf(out, "{\"retain_seconds\":%lld", (long long)(of->after_us / 1000000));
    buffer_printf(out, ",\"sessions\":%lld,\"bytes\":%lld,\"more\":%s,\"oldest_change_at\":",
                  (long long)of->sessions, (long long)of->bytes, of->more ? "true" : "false");
    if (of->sessions == 0)
        buffer_add_text(out, "null");
    else
        json_add_time(out, of->oldest_us);
    buffer_add_text(out, ",\"first\":[");
    for (int i = 0; i < of->shown; i++)
        buffer_printf(out, "%s\"%s\"", i == 0 ? "" : ",", of->ids[i]);
    buffer_add_text(out, "]}");
}

static void retention_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    for (int i = 0; i < STORE_PURGE_REASONS; i++) {
        buffer_printf(&ex->response, "%s\"%s\":", i == 0 ? "{" : ",", reason_names[i]);
        add_reason(&ex->response, &ex->job.retention->of[i]);
    }
    buffer_add_text(&ex->response, ",\"next_cursor\":");
    add_next_cursor(&ex->response, &ex->job.purge);
    buffer_add_text(&ex->response, "}\n");
}

const struct route route_retention = {
    .method = METHOD_GET,
    .pattern = "/admin/retention",
    .scope = SCOPE_ADMIN,
    .takes_query = true,
    .begin = retention_begin,
    .finish = retention_finish,
};

static enum route_step purge_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_PURGE, read_cursor);
}

static void purge_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_purge *purge = &ex->job.purge;
    struct buffer *out = &ex->response;

    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    buffer_add_text(out, "{\"purged\":{");
    for (int i = 0; i < STORE_PURGE_REASONS; i++)
        buffer_printf(out, "\"%s\":%lld,", reason_names[i], (long long)purge->sessions[i]);
    buffer_printf(out, "\"bytes\":%lld},\"next_cursor\":", (long long)purge->bytes);
    add_next_cursor(out, purge);
    buffer_add_text(out, "}\n");
}

const struct route route_purge = {
    .method = METHOD_POST,
    .pattern = "/admin/purge",
    .scope = SCOPE_ADMIN,
    .takes_query = true,
    .begin = purge_begin,
    .finish = purge_finish,
};
