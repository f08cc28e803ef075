/* GET /sessions/{id}/streams: lists the streams of a session. */

#include "routes/core/problem.h"
#include "routes/entries/params.h"
#include "routes/json/writer.h"
#include "routes/sessions/response.h"

/* The state of writing a page of streams. The next page's cursor is the name of the last stream. */
struct page_writer {
    struct buffer *out;
    struct buffer last;
    int count;
};

static enum store_visit add_stream(void *arg, const struct store_stream *stream)
{
    struct page_writer *page = arg;
    struct buffer *out = page->out;

    buffer_add_text(out, page->count++ == 0 ? "{\"stream\":" : ",{\"stream\":");
    json_add_string(out, stream->name);
    buffer_printf(out, ",\"count\":%lld,\"last_seq\":%lld,\"bytes\":%lld,\"updated_at\":",
                  (long long)stream->last_seq, (long long)stream->last_seq,
                  (long long)stream->bytes);
    json_add_time(out, stream->updated_us);
    buffer_add_char(out, '}');
    page->last.len = 0;
    buffer_add(&page->last, stream->name);
    return STORE_VISIT_NEXT;
}

static void end_page(struct exchange *ex, const struct page_writer *page, bool more)
{
    ex->status = 200;
    ex->content_type = "application/json";
    buffer_add_text(&ex->response, "],\"next_after\":");
    if (more)
        json_add_string(&ex->response, buffer_slice(&page->last));
    else
        buffer_add_text(&ex->response, "null");
    buffer_add_text(&ex->response, "}\n");
}

static enum route_step streams_begin(const struct routes *routes, struct exchange *ex)
{
    struct page_writer page = {.out = &ex->response};
    struct slice after;
    char id[UUID_SIZE];
    int limit;
    bool more;

    if (!session_parse_id(ex, id))
        return ROUTE_RESPONDED;
    if (!entries_params_streams(ex->query, &ex->query_text, &after, &limit, &ex->job.error)) {
        problem_respond(ex, &ex->job.error);
        return ROUTE_RESPONDED;
    }
    buffer_add_text(&ex->response, "{\"streams\":[");
    if (store_streams(routes->store, id, after, limit, add_stream, &page, &more, &ex->job.error))
        end_page(ex, &page, more);
    else
        problem_respond_job(ex);
    buffer_release(&page.last);
    return ROUTE_RESPONDED;
}

const struct route route_streams = {
    .method = METHOD_GET,
    .pattern = "/sessions/{id}/streams",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = streams_begin,
};
