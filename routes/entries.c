/* /sessions/{id}/entries: append to a session's log, and read it. */

#include "routes/entries_request.h"
#include "routes/json_entries.h"
#include "routes/json_text.h"
#include "routes/lease_token.h"
#include "routes/problem.h"
#include "routes/router.h"
#include "routes/session_answer.h"
#include "routes/write_route.h"

#define LIMIT_DEFAULT 100

/* So many are read on the HTTP thread; with more, its other connections would wait. */
#define SHORT_LIMIT 200

static bool read_append(const struct routes *routes, struct exchange *ex, struct error *err)
{
    const bool by_lines = media_type_is(ex->headers[REQUEST_CONTENT_TYPE], "application/x-ndjson");
    const struct json_entries_limits limits = {
        .max_depth = routes->max_json_depth,
        .max_count = routes->max_batch_entries,
    };
    struct store_append *append = &ex->job.append;

    if (!entries_request_append(ex->query, &ex->query_text, append, err) ||
        !lease_token_read(ex, err) ||
        !json_entries_new(&ex->body, by_lines, &limits, &ex->entries, err))
        return false;
    append->entries = json_entries_items(ex->entries);
    append->count = json_entries_count(ex->entries);
    return true;
}

static enum route_step append_begin(const struct routes *routes, struct exchange *ex)
{
    return write_route_begin(routes, ex, STORE_APPEND, read_append);
}

static void append_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_append *append = &ex->job.append;

    (void)routes;
    if (!write_route_answer_json(ex))
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

/* What ends a page: its brackets and two numbers. */
#define PAGE_END_BYTES 96

static void add_entry(struct buffer *out, const struct store_entry *entry)
{
    buffer_add(out, SLICE_LITERAL("{\"seq\":"));
    buffer_add_int(out, entry->seq);
    buffer_add(out, SLICE_LITERAL(",\"created_at\":"));
    json_add_time(out, entry->created_us);
    buffer_add(out, SLICE_LITERAL(",\"entry\":"));
    buffer_add(out, entry->text);
    buffer_add_char(out, '}');
}

/* A page ends before the entry that would make it longer than max_page_bytes, but has at least one.
 * May run on the store's thread. */
static enum store_visit add_to_page(void *arg, const struct store_entry *entry)
{
    struct exchange *ex = arg;
    struct buffer *out = &ex->response;
    const size_t before = out->len;
    const bool first = ex->page_items == 0;

    if (!first)
        buffer_add_char(out, ',');
    add_entry(out, entry);
    if (!first && out->len + PAGE_END_BYTES > ex->max_page_bytes) {
        out->len = before;
        return STORE_VISIT_STOP;
    }
    ex->page_items++;
    return STORE_VISIT_NEXT;
}

/* Upwards the place to go on is always told: more may come. Downwards there is an end. */
static void add_place(struct buffer *out, const struct store_entry_query *query,
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
        problem_answer_job(ex);
        return;
    }
    ex->status = 200;
    ex->content_type = "application/json";
    buffer_add_text(out, "],");
    add_place(out, &read->query, &read->page);
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
        problem_answer_job(ex);
        return ROUTE_ANSWERED;
    }
    end_page(ex);
    return ROUTE_ANSWERED;
}

static enum route_step read_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_entry_query *query = &ex->job.entry_read.query;
    struct error err;

    if (!session_read_id(ex, query->id))
        return ROUTE_ANSWERED;
    if (!entries_request_read(ex->query, &ex->query_text, query, &err)) {
        problem_answer(ex, &err);
        return ROUTE_ANSWERED;
    }
    return read_page(routes, ex);
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
