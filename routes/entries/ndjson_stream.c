#include "routes/entries/ndjson_stream.h"

#include "routes/core/problem.h"
#include "routes/entries/json.h"

#include <stdlib.h>

/* Limits of one read from the store, whose result is sent as one chunk. A single entry may be
 * longer than READ_BYTES. */
#define READ_BYTES 16384
#define READ_ENTRIES 1000

/* A larger buffer is freed before the next read. */
#define KEPT_BUFFER_BYTES 65536

struct entries_stream {
    struct store *store;
    struct store_entry_query query; /* of the entries that are not read yet */
    int remaining;                  /* lines still to be read; 0: no limit */
    bool is_complete;               /* all entries have been read into `lines` */
    struct buffer lines;
    size_t sent; /* bytes of `lines` */
};

static void free_stream(void *state)
{
    struct entries_stream *stream = state;

    buffer_release(&stream->lines);
    free(stream);
}

static enum store_visit add_line(void *arg, const struct store_entry *entry)
{
    struct entries_stream *stream = arg;

    if (stream->lines.len > 0 && stream->lines.len + entry->text.len > READ_BYTES)
        return STORE_VISIT_STOP;
    entry_json_add(&stream->lines, entry);
    buffer_add_char(&stream->lines, '\n');
    if (stream->remaining > 0)
        stream->remaining--;
    return STORE_VISIT_NEXT;
}

/* Reads the next lines. Returns false when the store cannot be read. */
static bool read_lines(struct entries_stream *stream)
{
    const bool is_limited = stream->remaining > 0;
    struct store_entry_query *query = &stream->query;
    struct store_entry_page page;
    struct error err;

    if (stream->lines.capacity > KEPT_BUFFER_BYTES)
        buffer_release(&stream->lines);
    stream->lines.len = 0;
    stream->sent = 0;
    query->limit =
        is_limited && stream->remaining < READ_ENTRIES ? stream->remaining : READ_ENTRIES;
    if (!store_entries(stream->store, query, add_line, stream, &page, &err))
        return false;
    stream->is_complete = !page.more || page.last == 0 || (is_limited && stream->remaining == 0);
    if (query->descending)
        query->before = page.last;
    else
        query->after = page.last;
    return true;
}

static enum stream_step read_chunk(struct exchange *ex, char *out, size_t max, size_t *len)
{
    struct entries_stream *stream = ex->stream.state;

    if (stream->sent == stream->lines.len) {
        if (stream->is_complete)
            return STREAM_END;
        if (!read_lines(stream))
            return STREAM_FAILED;
    }
    const size_t remaining = stream->lines.len - stream->sent;
    if (remaining == 0)
        return STREAM_END;
    *len = remaining < max ? remaining : max;
    memcpy(out, stream->lines.data + stream->sent, *len);
    stream->sent += *len;
    return STREAM_DATA;
}

static enum store_visit stop_at_first(void *arg, const struct store_entry *entry)
{
    (void)arg;
    (void)entry;
    return STORE_VISIT_STOP;
}

/* Restricts the query to the session that has the id now, and to the entries that its stream has
 * now. */
static bool freeze_end(const struct routes *routes, struct store_entry_query *query,
                       struct error *err)
{
    struct store_entry_page page;

    query->limit = 1;
    if (!store_entries(routes->store, query, stop_at_first, NULL, &page, err))
        return false;
    query->session_seq = page.session_seq;
    if (query->before == 0 || query->before > page.last_seq)
        query->before = page.last_seq + 1;
    return true;
}

void ndjson_stream_respond(const struct routes *routes, struct exchange *ex)
{
    struct store_entry_query query = ex->job.entry_read.query;
    const int limit = query.limit;

    if (!freeze_end(routes, &query, &ex->job.error)) {
        problem_respond_job(ex);
        return;
    }
    struct entries_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        abort();
    stream->store = routes->store;
    stream->query = query;
    stream->remaining = limit;
    stream->is_complete = query.before == 1;
    ex->status = 200;
    ex->content_type = "application/x-ndjson";
    exchange_add_header(ex, "Vary", SLICE_LITERAL("Accept"));
    exchange_forbid_buffering(ex);
    ex->stream.read = read_chunk;
    ex->stream.state = stream;
    ex->stream.free_state = free_stream;
}
