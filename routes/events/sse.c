#include "routes/events/sse.h"

#include "routes/core/problem.h"
#include "routes/events/json.h"
#include "routes/events/params.h"
#include "routes/events/sse_buffer.h"
#include "routes/http/query.h"

#include <stdlib.h>
#include <string.h>

/* When nothing was sent for so long, a comment shows that the connection lives. */
#define SSE_KEEPALIVE_MS 15000

/* What a client that lost the connection waits before it connects again. */
#define RETRY_MS 2000

/* Of the store at once: work of about a millisecond. */
#define PAGE_EVENTS 128
#define PAGE_ROWS 2000

/* So many rows that were not asked for are passed over, and then the client is told how far: or it
 * would make the service pass over them again when it comes back. */
#define UNTOLD_ROWS 20000

struct event_stream {
    struct store_event_query query; /* its `after` is what was given, or passed over */
    struct buffer pending;          /* to be sent before anything else */
    size_t pending_sent;
    int64_t told;   /* the client has an id that is no older */
    int64_t untold; /* rows that were passed over since then */
    bool live;      /* all that the store had was given: the rest comes by the ring */
};

static void free_stream(void *state)
{
    struct event_stream *stream = state;

    buffer_release(&stream->pending);
    free(stream);
}

/* An id without data changes what the client sends as Last-Event-ID, and nothing else. */
static void emit_id(struct event_stream *stream)
{
    buffer_printf(&stream->pending, "id: %lld\n\n", (long long)stream->query.after);
    stream->told = stream->query.after;
    stream->untold = 0;
}

/* What was asked for is gone, or not there yet: says so, and goes on with the oldest. */
static void tell_reset(struct event_stream *stream, const struct store_event_page *page)
{
    stream->query.after = page->oldest > 0 ? page->oldest - 1 : page->newest;
    buffer_printf(&stream->pending,
                  "id: %lld\nevent: reset\ndata: {\"oldest\":%lld,\"newest\":%lld}\n\n",
                  (long long)stream->query.after, (long long)page->oldest, (long long)page->newest);
    stream->told = stream->query.after;
}

static enum store_visit add_event(void *arg, const struct store_event *event)
{
    struct event_stream *stream = arg;

    sse_buffer_add_frame(&stream->pending, event);
    stream->told = event->id;
    stream->untold = 0;
    return STORE_VISIT_NEXT;
}

/* The next events that the store has, as pending text. */
static bool read_store(struct exchange *ex, struct event_stream *stream)
{
    const int64_t after = stream->query.after;
    struct store_event_page page;
    struct error *err = &ex->job.error;

    if (!store_events(ex->routes->store, &stream->query, add_event, stream, &page, err))
        return false;
    if (page.gone) {
        tell_reset(stream, &page);
        return true;
    }
    stream->query.after = page.last;
    stream->live = !page.more;
    if (stream->told < page.last && after != page.last)
        stream->untold += PAGE_ROWS;
    if (stream->untold > UNTOLD_ROWS)
        emit_id(stream);
    return true;
}

static enum stream_step send_pending(struct event_stream *stream, char *out, size_t max,
                                     size_t *len)
{
    const size_t left = stream->pending.len - stream->pending_sent;

    *len = left < max ? left : max;
    memcpy(out, stream->pending.data + stream->pending_sent, *len);
    stream->pending_sent += *len;
    if (*len == left) {
        buffer_release(&stream->pending);
        stream->pending_sent = 0;
    }
    return STREAM_DATA;
}

static enum stream_step wait_for_events(struct exchange *ex, struct event_stream *stream)
{
    ex->wait.seen = stream->query.after;
    ex->wait.limit_ms = SSE_KEEPALIVE_MS;
    ex->wait.soon = !stream->live;
    return STREAM_WAIT;
}

/* What is sent when there was nothing else to send. */
static void emit_keepalive(struct event_stream *stream)
{
    buffer_add(&stream->pending, SLICE_LITERAL(":\n"));
    if (stream->told < stream->query.after)
        emit_id(stream);
    else
        buffer_add_char(&stream->pending, '\n');
}

static enum stream_step read_next(struct exchange *ex, char *out, size_t max, size_t *len)
{
    struct event_stream *stream = ex->stream.state;
    const bool silent = ex->wait.timed_out;
    enum sse_buffer_state state;

    ex->wait.timed_out = false;
    if (stream->pending.len > 0)
        return send_pending(stream, out, max, len);
    if (ex->wait.seen > stream->query.after)
        stream->query.after = ex->wait.seen;
    state = sse_buffer_copy(ex->routes->events, &stream->query, &stream->query.after, out, max, len,
                            &stream->pending);
    if (*len > 0)
        return STREAM_DATA;
    if (state == SSE_BUFFER_ABSENT)
        stream->live = false;
    if (!stream->live && !read_store(ex, stream))
        return STREAM_FAILED;
    if (silent && stream->pending.len == 0)
        emit_keepalive(stream);
    if (stream->pending.len > 0)
        return send_pending(stream, out, max, len);
    return wait_for_events(ex, stream);
}

static struct event_stream *make_stream(struct exchange *ex)
{
    struct event_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        abort();
    stream->query = ex->job.events.query;
    stream->query.consumer = (struct slice){0};
    stream->query.limit = PAGE_EVENTS;
    stream->query.scan = PAGE_ROWS;
    buffer_printf(&stream->pending, "retry: %d\n\n", RETRY_MS);
    ex->stream = (struct exchange_stream){read_next, stream, free_stream, .endless = true};
    return stream;
}

static bool read_last_event_id(struct exchange *ex, bool *found, int64_t *after, struct error *err)
{
    const struct slice value = ex->headers[REQUEST_LAST_EVENT_ID];

    *found = value.data != NULL && value.len > 0;
    return !*found || query_number(value, 0, INT64_MAX, after) ||
           error_set(err, ERROR_INVALID_HEADER, "Last-Event-ID",
                     "Last-Event-ID is the id of an event, as a stream gave it");
}

/* Where the stream begins. */
static bool find_place(struct exchange *ex, bool placed, int64_t *after, bool *from_now,
                       struct error *err)
{
    const struct store_event_query *query = &ex->job.events.query;
    struct store *store = ex->routes->store;
    struct store_consumer consumer = {.after = query->after};
    bool found;

    if (!read_last_event_id(ex, &found, after, err))
        return false;
    *from_now = !found && !placed;
    if (*from_now)
        *after = store_newest_event(store);
    if (found || *from_now)
        return true;
    if (query->consumer.data != NULL && !store_consumer(store, query->consumer, &consumer, err))
        return false;
    *after = consumer.after;
    return true;
}

static bool begin(struct exchange *ex, struct error *err)
{
    struct store_event_query *query = &ex->job.events.query;
    struct event_stream *stream;
    bool from_now;
    bool placed;
    int64_t after;

    if (!event_params_read_stream(ex->query, &ex->query_text, query, &placed, err) ||
        !find_place(ex, placed, &after, &from_now, err))
        return false;
    stream = make_stream(ex);
    stream->query.after = after;
    stream->told = after;
    if (from_now)
        emit_id(stream);
    if (query->session_id.data != NULL)
        memcpy(ex->wait.session_id, query->session_id.data, UUID_LENGTH);
    return true;
}

enum route_step sse_begin(const struct routes *routes, struct exchange *ex)
{
    struct error err;

    (void)routes;
    if (!begin(ex, &err)) {
        problem_respond(ex, &err);
        return ROUTE_ANSWERED;
    }
    ex->status = 200;
    ex->content_type = SSE_MEDIA_TYPE;
    exchange_forbid_buffering(ex);
    return ROUTE_ANSWERED;
}
