/* /sessions/{id}/entries: append entries to a stream of a session, and read them. */

#include "routes/core/mutation.h"
#include "routes/core/page.h"
#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "routes/entries/body.h"
#include "routes/entries/json.h"
#include "routes/entries/ndjson_stream.h"
#include "routes/entries/params.h"
#include "routes/http/accept.h"
#include "routes/http/lease_token.h"
#include "routes/http/method.h"
#include "routes/sessions/response.h"

#define NDJSON_MEDIA_TYPE "application/x-ndjson"

#define LIMIT_DEFAULT 100

/* Up to this many entries are read on the HTTP thread. A longer read would block the thread's other
 * connections, so it is a job. */
#define SHORT_LIMIT 200

static bool read_append(const struct routes *routes, struct exchange *ex, struct error *err)
{
    const bool by_lines = media_type_is(ex->headers[REQUEST_CONTENT_TYPE], "application/x-ndjson");
    const struct entries_body_limits limits = {
        .max_depth = routes->max_json_depth,
        .max_count = routes->max_batch_entries,
    };
    struct store_append *append = &ex->job.append;

    if (!entries_params_append(ex->query, &ex->query_text, append, err) ||
        !lease_token_read(ex, err) ||
        !entries_body_new(&ex->body, by_lines, &limits, &ex->entries, err))
        return false;
    append->entries = entries_body_items(ex->entries);
    append->count = entries_body_count(ex->entries);
    return true;
}

static enum route_step append_begin(const struct routes *routes, struct exchange *ex)
{
    return mutation_begin(routes, ex, STORE_APPEND, read_append);
}

static void append_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_append *append = &ex->job.append;

    (void)routes;
    if (!mutation_respond_json(ex))
        return;
    buffer_printf(&ex->response, "{\"appended\":%lld,\"duplicates\":%lld,\"last_seq\":%lld}\n",
                  (long long)append->appended, (long long)append->duplicates,
                  (long long)append->last_seq);
}

const struct route route_entries_append = {
    .method = METHOD_POST,
    .pattern = "/sessions/{id}/entries",
    .scope = SCOPE_WRITE,
    .body = ROUTE_BODY_JSON_OR_LINES,
    .takes_query = true,
    .begin = append_begin,
    .finish = append_finish,
};

static enum store_visit add_to_page(void *arg, const struct store_entry *entry)
{
    struct exchange *ex = arg;
    const size_t began = page_begin_item(ex);

    entry_json_add(&ex->response, entry);
    return page_end_item(ex, began);
}

/* Ascending, the next cursor is always present, because more entries may be appended. Descending,
 * it is null after the first entry. */
static void add_next_cursor(struct buffer *out, const struct store_entry_query *query,
                            const struct store_entry_page *page)
{
    if (!query->descending) {
        buffer_printf(out, "\"next_after\":%lld",
                      (long long)(page->last != 0 ? page->last : query->after));
    } else if (page->more && page->last != 0) {
        buffer_printf(out, "\"next_before\":%lld", (long long)page->last);
    } else {
        buffer_add_text(out, "\"next_before\":null");
    }
}

static void end_page(struct exchange *ex)
{
    const struct store_entry_read *read = &ex->job.entry_read;
    struct buffer *out = &ex->response;

    if (ex->job.error.kind != ERROR_NONE) {
        problem_respond_job(ex);
        return;
    }
    ex->status = 200;
    ex->content_type = "application/json";
    exchange_add_header(ex, "Vary", SLICE_LITERAL("Accept"));
    if (ex->wait.limit_ms != 0)
        exchange_forbid_buffering(ex);
    buffer_add_text(out, "],");
    add_next_cursor(out, &read->query, &read->page);
    buffer_printf(out, ",\"last_seq\":%lld}\n", (long long)read->page.last_seq);
}

static enum route_step read_page(const struct routes *routes, struct exchange *ex)
{
    struct store_entry_read *read = &ex->job.entry_read;

    ex->max_page_bytes = routes->max_page_bytes;
    if (read->query.limit == 0)
        read->query.limit = LIMIT_DEFAULT;
    read->visit = add_to_page;
    read->arg = ex;
    buffer_add_text(&ex->response, "{\"entries\":[");
    if (read->query.limit > SHORT_LIMIT) {
        ex->job.operation = STORE_ENTRIES;
        return ROUTE_JOB;
    }
    if (!store_entries(routes->store, &read->query, add_to_page, ex, &read->page, &ex->job.error)) {
        problem_respond_job(ex);
        return ROUTE_RESPONDED;
    }
    end_page(ex);
    return ROUTE_RESPONDED;
}

static enum store_visit stop_at_first(void *arg, const struct store_entry *entry)
{
    *(bool *)arg = true;
    (void)entry;
    return STORE_VISIT_STOP;
}

/* Whether the request is a long poll and has to wait: there is no matching entry yet and its time
 * limit has not passed. */
static bool should_wait(const struct routes *routes, struct exchange *ex)
{
    struct store_entry_query query = ex->job.entry_read.query;
    const int64_t newest = store_newest_event(routes->store); /* before the read */
    struct store_entry_page page;
    bool found = false;

    if (ex->wait.limit_ms == 0 || ex->wait.timed_out || ex->wait.stopping)
        return false;
    query.limit = 1;
    if (!store_entries(routes->store, &query, stop_at_first, &found, &page, &ex->job.error) ||
        found)
        return false;
    memcpy(ex->wait.session_id, query.id, UUID_SIZE);
    ex->wait.seen = newest;
    return true;
}

static enum route_step read_in_requested_format(const struct routes *routes, struct exchange *ex,
                                                int64_t wait_s)
{
    const bool by_lines = accept_includes(ex->headers[REQUEST_ACCEPT], NDJSON_MEDIA_TYPE);
    struct error err;

    if (by_lines && wait_s != 0) {
        error_set(&err, ERROR_INVALID_QUERY, "wait",
                  "wait needs a page; send Accept: application/json");
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    if (by_lines) {
        ndjson_stream_respond(routes, ex);
        return ROUTE_RESPONDED;
    }
    ex->wait.limit_ms = wait_s * 1000;
    return should_wait(routes, ex) ? ROUTE_WAIT : read_page(routes, ex);
}

/* Also called again after a wait. */
static enum route_step read_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_entry_query *query = &ex->job.entry_read.query;
    struct error err;
    int64_t wait_s;

    ex->query_text.len = 0;
    if (!session_parse_id(ex, query->id))
        return ROUTE_RESPONDED;
    if (!entries_params_read(ex->query, &ex->query_text, query, &wait_s, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    return read_in_requested_format(routes, ex, wait_s);
}

static void read_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    end_page(ex);
}

const struct route route_entries_read = {
    .method = METHOD_GET,
    .pattern = "/sessions/{id}/entries",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = read_begin,
    .finish = read_finish,
};
