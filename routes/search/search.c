/* GET /search: full-text search in entries and contexts. */

#include "routes/core/problem.h"
#include "routes/core/route.h"
#include "routes/json/writer.h"
#include "routes/search/params.h"

/* Escapes &, < and > as HTML character references, so that the text cannot contain a <mark> tag. */
static void add_escaped(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '&')
            buffer_add_text(out, "&amp;");
        else if (text.data[i] == '<')
            buffer_add_text(out, "&lt;");
        else if (text.data[i] == '>')
            buffer_add_text(out, "&gt;");
        else
            buffer_add_char(out, text.data[i]);
    }
}

static void add_part(struct buffer *out, struct slice text, size_t from, size_t to)
{
    add_escaped(out, (struct slice){text.data + from, to - from});
}

static void add_snippet(struct buffer *out, const struct store_hit *hit)
{
    struct buffer html = {0};
    size_t at = 0;

    for (size_t i = 0; i < hit->mark_count; i++) {
        const struct store_mark *mark = &hit->marks[i];
        add_part(&html, hit->snippet, at, mark->from);
        buffer_add_text(&html, "<mark>");
        add_part(&html, hit->snippet, mark->from, mark->to);
        buffer_add_text(&html, "</mark>");
        at = mark->to;
    }
    add_part(&html, hit->snippet, at, hit->snippet.len);
    json_add_string(out, buffer_slice(&html));
    buffer_release(&html);
}

static void add_stream(struct buffer *out, const struct store_hit *hit)
{
    if (hit->stream.data == NULL) {
        buffer_add_text(out, ",\"stream\":null,\"seq\":null");
        return;
    }
    buffer_add_text(out, ",\"stream\":");
    json_add_string(out, hit->stream);
    buffer_printf(out, ",\"seq\":%lld", (long long)hit->seq);
}

/* Runs on the store's thread. */
static enum store_visit add_hit(void *arg, const struct store_hit *hit)
{
    struct exchange *ex = arg;
    struct buffer *out = &ex->response;

    if (ex->page_items++ > 0)
        buffer_add_char(out, ',');
    buffer_add_text(out, "{\"session_id\":");
    json_add_string(out, hit->session_id);
    buffer_add_text(out, ",\"project_path\":");
    json_add_string(out, hit->project_path);
    buffer_add_text(out, ",\"thread_id\":");
    json_add_string(out, hit->thread_id);
    buffer_printf(out, ",\"status\":\"%s\"", session_status_name(hit->status));
    add_stream(out, hit);
    buffer_add_text(out, ",\"created_at\":");
    json_add_time(out, hit->created_us);
    buffer_printf(out,
                  ",\"score\":%d.%06d,\"snippet\":", (int)(hit->score / STORE_SEARCH_SCORE_MAX),
                  (int)(hit->score % STORE_SEARCH_SCORE_MAX));
    add_snippet(out, hit);
    buffer_add_char(out, '}');
    return STORE_VISIT_NEXT;
}

static enum route_step search_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_job *job = &ex->job;
    struct error err;

    (void)routes;
    if (!search_params_read(ex->query, &ex->query_text, &job->search.query, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    job->operation = STORE_SEARCH;
    job->search.visit = add_hit;
    job->visit_arg = ex;
    buffer_add_text(&ex->response, "{\"hits\":[");
    return ROUTE_JOB;
}

static void search_finish(const struct routes *routes, struct exchange *ex)
{
    const struct store_search *search = &ex->job.search;
    struct buffer *out = &ex->response;

    (void)routes;
    if (ex->job.error.kind != ERROR_NONE) {
        problem_respond_job(ex);
        return;
    }
    ex->status = 200;
    ex->content_type = "application/json";
    buffer_add_text(out, "],\"next_cursor\":");
    if (search->more) {
        buffer_add_char(out, '"');
        search_params_add_cursor(out, &search->last);
        buffer_add_char(out, '"');
    } else {
        buffer_add_text(out, "null");
    }
    buffer_printf(out, ",\"complete\":%s}\n", search->complete ? "true" : "false");
}

const struct route route_search = {
    .method = METHOD_GET,
    .pattern = "/search",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = search_begin,
    .finish = search_finish,
};
