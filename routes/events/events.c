/* /events: the event log of all sessions. /sessions/{id}/events: the events of one session. */

#include "routes/core/mutation.h"
#include "routes/core/page.h"
#include "routes/core/problem.h"
#include "routes/events/json.h"
#include "routes/events/params.h"
#include "routes/events/sse.h"
#include "routes/http/accept.h"
#include "routes/sessions/response.h"

static enum store_visit add_to_page(void *arg, const struct store_event *event)
{
    struct exchange *ex = arg;
    const size_t began = page_begin_item(ex);

    event_json_add(&ex->response, event);
    return page_end_item(ex, began);
}

/* Forwards, the next cursor is always present, because new events will be appended. Backwards it is
 * null after the oldest event. */
static void add_next_cursor(struct buffer *out, bool timeline, const struct store_event_page *page)
{
    if (timeline && page->more)
        buffer_printf(out, "],\"next_before\":%lld}\n", (long long)page->last);
    else if (timeline)
        buffer_add_text(out, "],\"next_before\":null}\n");
    else
        buffer_printf(out, "],\"next_after\":%lld,\"more\":%s}\n", (long long)page->last,
                      page->more ? "true" : "false");
}

static void end_page(struct exchange *ex)
{
    const struct store_events_job *events = &ex->job.events;

    if (ex->job.error.kind == ERROR_NONE && events->page.gone)
        problem_respond_gone(ex, &events->page);
    else if (mutation_respond_json(ex))
        add_next_cursor(&ex->response, events->query.timeline, &events->page);
}

static enum route_step read_page(const struct routes *routes, struct exchange *ex)
{
    struct store_events_job *events = &ex->job.events;

    ex->max_page_bytes = routes->max_page_bytes;
    buffer_add_text(&ex->response, "{\"events\":[");
    if (event_params_is_long(&events->query)) {
        ex->job.operation = STORE_EVENTS;
        events->visit = add_to_page;
        ex->job.visit_arg = ex;
        return ROUTE_JOB;
    }
    if (store_events(routes->store, &events->query, add_to_page, ex, &events->page, &ex->job.error))
        end_page(ex);
    else
        problem_respond_job(ex);
    return ROUTE_RESPONDED;
}

static void events_finish(const struct routes *routes, struct exchange *ex)
{
    (void)routes;
    end_page(ex);
}

static enum route_step events_begin(const struct routes *routes, struct exchange *ex)
{
    struct error err;

    if (accept_includes(ex->headers[REQUEST_ACCEPT], SSE_MEDIA_TYPE))
        return sse_begin(routes, ex);
    if (event_params_read(ex->query, &ex->query_text, &ex->job.events.query, &err))
        return read_page(routes, ex);
    problem_respond(ex, &err);
    return ROUTE_RESPONDED;
}

const struct route route_events = {
    .method = METHOD_GET,
    .pattern = "/events",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = events_begin,
    .finish = events_finish,
};

static enum route_step timeline_begin(const struct routes *routes, struct exchange *ex)
{
    struct store_job *job = &ex->job;
    struct error err;

    if (!session_parse_id(ex, job->id))
        return ROUTE_RESPONDED;
    if (!event_params_read_timeline(ex->query, &ex->query_text, &job->events.query, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    job->events.query.session_id = (struct slice){job->id, UUID_LENGTH};
    return read_page(routes, ex);
}

const struct route route_session_events = {
    .method = METHOD_GET,
    .pattern = "/sessions/{id}/events",
    .scope = SCOPE_READ,
    .takes_query = true,
    .begin = timeline_begin,
    .finish = events_finish,
};
