#include "routes/events/sse.h"

#include "routes/core/problem.h"
#include "routes/events/json.h"
#include "routes/events/params.h"
#include "routes/events/sse_buffer.h"
#include "routes/http/query.h"

#include <stdlib.h>
#include <string.h>

/* Without data for this long, the service sends a comment, which keeps the connection alive. */
#define SSE_KEEPALIVE_MS 15000

/* How long a client waits before it reconnects: the value of the stream's `retry` field. */
#define SSE_RETRY_MS 2000

/* Limits of one read from the store, which takes about a millisecond: events and scanned rows. */
#define PAGE_EVENTS 128
#define PAGE_SCAN_ROWS 2000

/* After skipping this many rows that do not match the query, the stream sends its position as an
 * id. Otherwise the service would scan the rows again when the client reconnects. */
#define SKIPPED_ROWS_MAX 20000

struct event_stream {
    struct store_event_query query; /* `after` is the last id that was sent or skipped */
    struct buffer pending;          /* owned; sent before anything else */
    size_t pending_sent;            /* bytes */
    int64_t sent_id;                /* the client has this id or a newer one */
    int64_t skipped_rows;           /* about as many rows were skipped since then */
    bool is_live; /* the store has no more events: the next ones come from the SSE buffer */
};

static void free_stream(void *state)
{
    struct event_stream *stream = state;

    buffer_release(&stream->pending);
    free(stream);
}

/* An id without data only changes the client's Last-Event-ID. */
static void emit_id(struct event_stream *stream)
{
    buffer_printf(&stream->pending, "id: %lld\n\n", (long long)stream->query.after);
    stream->sent_id = stream->query.after;
    stream->skipped_rows = 0;
}

/* The requested position has expired or is newer than the newest event: sends a reset event and
 * continues with the oldest event. */
static void emit_reset(struct event_stream *stream, const struct store_event_page *page)
{
    stream->query.after = page->oldest > 0 ? page->oldest - 1 : page->newest;
    buffer_printf(&stream->pending,
                  "id: %lld\nevent: reset\ndata: {\"oldest\":%lld,\"newest\":%lld}\n\n",
                  (long long)stream->query.after, (long long)page->oldest, (long long)page->newest);
    stream->sent_id = stream->query.after;
}

static enum store_visit add_event(void *arg, const struct store_event *event)
{
    struct event_stream *stream = arg;

    sse_buffer_add_frame(&stream->pending, event);
    stream->sent_id = event->id;
    stream->skipped_rows = 0;
    return STORE_VISIT_NEXT;
}

/* Reads the next events from the store into `pending`. */
static bool read_store(struct exchange *ex, struct event_stream *stream)
{
    const int64_t after = stream->query.after;
    struct store_event_page page;
    struct error *err = &ex->job.error;

    if (!store_events(ex->routes->store, &stream->query, add_event, stream, &page, err))
        return false;
    if (page.gone) {
        emit_reset(stream, &page);
        return true;
    }
    stream->query.after = page.last;
    stream->is_live = !page.more;
    if (stream->sent_id < page.last && after != page.last)
        stream->skipped_rows += PAGE_SCAN_ROWS;
    if (stream->skipped_rows > SKIPPED_ROWS_MAX)
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
    ex->wait.soon = !stream->is_live;
    return STREAM_WAIT;
}

/* Sends a comment, and the position when the client may not have it yet. */
static void emit_keepalive(struct event_stream *stream)
{
    buffer_add(&stream->pending, SLICE_LITERAL(":\n"));
    if (stream->sent_id < stream->query.after)
        emit_id(stream);
    else
        buffer_add_char(&stream->pending, '\n');
}

static enum stream_step read_chunk(struct exchange *ex, char *out, size_t max, size_t *len)
{
    struct event_stream *stream = ex->stream.state;
    const bool is_idle = ex->wait.timed_out;
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
        stream->is_live = false;
    if (!stream->is_live && !read_store(ex, stream))
        return STREAM_FAILED;
    if (is_idle && stream->pending.len == 0)
        emit_keepalive(stream);
    if (stream->pending.len > 0)
        return send_pending(stream, out, max, len);
    return wait_for_events(ex, stream);
}

static struct event_stream *create_stream(struct exchange *ex)
{
    struct event_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        abort();
    stream->query = ex->job.events.query;
    stream->query.consumer = (struct slice){0};
    stream->query.limit = PAGE_EVENTS;
    stream->query.scan = PAGE_SCAN_ROWS;
    buffer_printf(&stream->pending, "retry: %d\n\n", SSE_RETRY_MS);
    ex->stream = (struct exchange_stream){read_chunk, stream, free_stream, .endless = true};
    return stream;
}

static bool read_last_event_id(struct exchange *ex, bool *found, int64_t *after, struct error *err)
{
    const struct slice value = ex->headers[REQUEST_LAST_EVENT_ID];

    *found = value.data != NULL && value.len > 0;
    return !*found || query_number(value, 0, INT64_MAX, after) ||
           error_set(err, ERROR_INVALID_HEADER, "Last-Event-ID",
                     "Last-Event-ID must be the id of an event of a stream");
}

/* Sets *after to the id after which the stream begins. *from_now: neither the request's header nor
 * its query has a position, and *after is the newest event. */
static bool find_start(struct exchange *ex, bool has_position, int64_t *after, bool *from_now,
                       struct error *err)
{
    const struct store_event_query *query = &ex->job.events.query;
    struct store *store = ex->routes->store;
    struct store_consumer consumer = {.after = query->after};
    bool found;

    if (!read_last_event_id(ex, &found, after, err))
        return false;
    *from_now = !found && !has_position;
    if (*from_now)
        *after = store_newest_event(store);
    if (found || *from_now)
        return true;
    if (query->consumer.data != NULL && !store_consumer(store, query->consumer, &consumer, err))
        return false;
    *after = consumer.after;
    return true;
}

static bool open_stream(struct exchange *ex, struct error *err)
{
    struct store_event_query *query = &ex->job.events.query;
    struct event_stream *stream;
    bool from_now;
    bool has_position;
    int64_t after;

    if (!event_params_read_stream(ex->query, &ex->query_text, query, &has_position, err) ||
        !find_start(ex, has_position, &after, &from_now, err))
        return false;
    stream = create_stream(ex);
    stream->query.after = after;
    stream->sent_id = after;
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
    if (!open_stream(ex, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    ex->status = 200;
    ex->content_type = SSE_MEDIA_TYPE;
    exchange_forbid_buffering(ex);
    return ROUTE_RESPONDED;
}
