/* POST /admin/import: imports a batch of lines from /admin/export. */

#include "routes/admin/import_body.h"
#include "routes/core/mutation.h"
#include "routes/json/writer.h"

static bool read_batch(const struct routes *routes, struct exchange *ex, struct error *err)
{
    if (!import_body_new(&ex->body, routes->max_json_depth, &ex->import, err))
        return false;
    ex->job.import = import_body_batch(ex->import);
    return true;
}

static enum route_step import_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_IMPORT, read_batch);
}

struct sums {
    int64_t sessions_created;
    int64_t sessions_present;
    int64_t entries_created;
    int64_t entries_present;
};

static struct sums sum_results(const struct store_import *import)
{
    struct sums sums = {0};

    for (size_t i = 0; i < import->count; i++) {
        const struct store_import_item *item = &import->items[i];
        if (item->conflict != NULL)
            continue;
        sums.sessions_created += item->created;
        sums.sessions_present += item->has_session && !item->created;
        sums.entries_created += item->appended;
        sums.entries_present += (int64_t)item->count - item->appended;
    }
    return sums;
}

static void add_conflict(struct buffer *out, const struct store_import_item *item)
{
    buffer_add_text(out, "{\"session_id\":");
    json_add_string(out, item->session.id);
    if (item->stream.data != NULL) {
        buffer_add_text(out, ",\"stream\":");
        json_add_string(out, item->stream);
        buffer_printf(out, ",\"seq\":%lld", (long long)item->seq);
    }
    buffer_add_text(out, ",\"detail\":");
    json_add_string(out, slice_from(item->conflict));
    buffer_add_char(out, '}');
}

static void import_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_import *import = &ex->job.import;
    const struct sums sums = sum_results(import);
    struct buffer *out = &ex->response;
    const char *separator = "";

    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    buffer_printf(out,
                  "{\"sessions\":{\"created\":%lld,\"present\":%lld},"
                  "\"entries\":{\"created\":%lld,\"present\":%lld},\"conflicts\":[",
                  (long long)sums.sessions_created, (long long)sums.sessions_present,
                  (long long)sums.entries_created, (long long)sums.entries_present);
    for (size_t i = 0; i < import->count; i++) {
        if (import->items[i].conflict == NULL)
            continue;
        buffer_add_text(out, separator);
        add_conflict(out, &import->items[i]);
        separator = ",";
    }
    buffer_add_text(out, "]}\n");
}

const struct route route_import = {
    .method = METHOD_POST,
    .pattern = "/admin/import",
    .scope = SCOPE_ADMIN,
    .body = ROUTE_BODY_JSON_OR_LINES,
    .extra_body_bytes = IMPORT_LINE_MORE_BYTES,
    .begin = import_begin,
    .finish = import_finish,
};
