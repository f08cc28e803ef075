/* GET /admin/export: all sessions with their entries, oldest first, as NDJSON for /admin/import. */

#include "routes/core/problem.h"
#include "routes/core/route.h"
#include "routes/http/query.h"
#include "routes/json/legacy_context.h"
#include "routes/json/writer.h"

#include <stdlib.h>

/* Limits of a chunk, unless a single line is longer. */
#define CHUNK_BYTES (32 << 10)
#define CHUNK_ENTRIES 128

/* The position of the export. It holds no reader or transaction of the store between two chunks. */
struct export
{
    struct store *store;
    int64_t after;        /* the seq of the last session that was written */
    char id[UUID_SIZE];   /* of that session, until its entries are written; then empty */
    int64_t session_seq;  /* of that session */
    struct buffer stream; /* name of the stream that is being written, or was written last */
    bool in_stream;       /* entries of `stream` are being written */
    int64_t entry_after;  /* the seq of the last entry of `stream` that was written */
    struct buffer chunk;
    size_t input_bytes; /* of the chunk */
};

static void free_export(void *state)
{
    struct export *export = state;

    buffer_release(&export->stream);
    buffer_release(&export->chunk);
    free(export);
}

static void add_text_or_null(struct buffer *out, const char *name, struct slice text)
{
    buffer_printf(out, ",\"%s\":", name);
    if (text.data == NULL)
        buffer_add_text(out, "null");
    else
        json_add_string(out, text);
}

static void add_session(struct buffer *out, const struct session *session)
{
    buffer_add_text(out, "{\"type\":\"session\",\"id\":");
    json_add_string(out, session->id);
    add_text_or_null(out, "project_path", session->project_path);
    add_text_or_null(out, "thread_id", session->thread_id);
    buffer_printf(out, ",\"status\":\"%s\",\"version\":%lld,\"created_at\":",
                  session_status_name(session->status), (long long)session->version);
    json_add_time(out, session->created_us);
    buffer_add_text(out, ",\"updated_at\":");
    json_add_time(out, session->updated_us);
    buffer_add_text(out, ",\"recovered_at\":");
    if (session->recovered_us == 0)
        buffer_add_text(out, "null");
    else
        json_add_time(out, session->recovered_us);
    add_text_or_null(out, "parent_id", session->parent_id);
    buffer_printf(out, ",\"lease_token\":%lld", (long long)session->lease.token);
    buffer_add_text(out, ",\"context\":");
    legacy_context_add_line(out, session->context);
    buffer_add_text(out, "}\n");
}

static enum store_visit on_session(void *arg, const struct session *session)
{
    struct export *export = arg;

    add_session(&export->chunk, session);
    export->after = session->seq;
    export->session_seq = session->seq;
    memcpy(export->id, session->id.data, UUID_LENGTH);
    export->id[UUID_LENGTH] = '\0';
    export->stream.len = 0;
    export->in_stream = false;
    if (session->entry_count == 0)
        export->id[0] = '\0';
    return STORE_VISIT_NEXT;
}

/* Writes one session. *end: there are no more sessions. */
static bool write_next_session(struct export *export, bool *end, struct error *err)
{
    const struct store_list_query query = {
        .after = export->after, .limit = 1, .ascending = true, .with_context = true};
    struct store_page page;
    const size_t before = export->chunk.len;

    if (!store_list(export->store, &query, on_session, export, &page, err))
        return false;
    *end = export->chunk.len == before;
    return true;
}

static enum store_visit on_stream(void *arg, const struct store_stream *stream)
{
    struct export *export = arg;

    export->stream.len = 0;
    buffer_add(&export->stream, stream->name);
    export->in_stream = true;
    export->entry_after = 0;
    return STORE_VISIT_NEXT;
}

/* Handles the error of a read of entries or streams: a session that was deleted during the export
 * has no more entries. Returns false for any other error. */
static bool skip_deleted_session(struct export *export, struct error *err)
{
    if (err->kind != ERROR_NOT_FOUND)
        return false;
    export->id[0] = '\0';
    return true;
}

static bool find_next_stream(struct export *export, struct error *err)
{
    bool more;

    if (!store_streams(export->store, export->id, buffer_slice(&export->stream), 1, on_stream,
                       export, &more, err))
        return skip_deleted_session(export, err);
    if (!export->in_stream)
        export->id[0] = '\0';
    return true;
}

static enum store_visit on_entry(void *arg, const struct store_entry *entry)
{
    struct export *export = arg;
    struct buffer *out = &export->chunk;

    if (out->len >= CHUNK_BYTES)
        return STORE_VISIT_STOP;
    buffer_printf(out, "{\"type\":\"entry\",\"session_id\":\"%s\",\"stream\":", export->id);
    json_add_string(out, buffer_slice(&export->stream));
    buffer_printf(out, ",\"seq\":%lld,\"created_at\":", (long long)entry->seq);
    json_add_time(out, entry->created_us);
    buffer_add_text(out, ",\"entry\":");
    legacy_context_add_line(out, entry->text);
    buffer_add_text(out, "}\n");
    return STORE_VISIT_NEXT;
}

static bool write_next_entries(struct export *export, struct error *err)
{
    struct store_entry_query query = {
        .stream = buffer_slice(&export->stream),
        .after = export->entry_after,
        .limit = CHUNK_ENTRIES,
        .session_seq = export->session_seq,
    };
    struct store_entry_page page;

    memcpy(query.id, export->id, UUID_SIZE);
    if (!store_entries(export->store, &query, on_entry, export, &page, err))
        return skip_deleted_session(export, err);
    if (page.last != 0)
        export->entry_after = page.last;
    export->in_stream = page.more;
    return true;
}

static bool fill_chunk(struct export *export, struct error *err)
{
    bool end = false;
    bool ok = true;

    export->chunk.len = 0;
    export->input_bytes = 0;
    while (ok && !end && export->chunk.len == 0) {
        if (export->id[0] == '\0')
            ok = write_next_session(export, &end, err);
        else if (!export->in_stream)
            ok = find_next_stream(export, err);
        else
            ok = write_next_entries(export, err);
    }
    return ok;
}

static enum stream_step read_chunk(struct exchange *ex, char *out, size_t max, size_t *len)
{
    struct export *export = ex->stream.state;
    struct buffer *chunk = &export->chunk;
    struct error err;

    if (export->input_bytes == chunk->len && !fill_chunk(export, &err))
        return STREAM_FAILED;
    if (chunk->len == 0)
        return STREAM_END;
    *len = chunk->len - export->input_bytes < max ? chunk->len - export->input_bytes : max;
    memcpy(out, chunk->data + export->input_bytes, *len);
    export->input_bytes += *len;
    if (export->input_bytes == chunk->len && chunk->len > (size_t)2 * CHUNK_BYTES) {
        buffer_release(chunk);
        export->input_bytes = 0;
    }
    return STREAM_DATA;
}

static enum store_visit on_after_session(void *arg, const struct session *session)
{
    *(int64_t *)arg = session->seq;
    return STORE_VISIT_NEXT;
}

/* The parameter `after` is the id of a session: only newer sessions are exported. Sets *after to
 * the seq of that session. */
static bool read_query(const struct routes *routes, struct exchange *ex, int64_t *after,
                       struct error *err)
{
    struct query_parameter parameter;
    struct slice rest = ex->query;
    char id[UUID_SIZE];

    while (query_next(&rest, &parameter)) {
        if (!slice_is(parameter.name, "after"))
            return query_reject(&parameter,
                                "unknown parameter; the only parameter of this path is after", err);
        if (*after != 0)
            return query_reject(&parameter, "after must not be repeated", err);
        if (!uuid_read(parameter.value, id))
            return query_reject(&parameter, "after must be the id of a session, a UUID", err);
        if (!store_get(routes->store, id, on_after_session, after, err))
            return false;
    }
    return true;
}

static enum route_step export_begin(const struct routes *routes, struct exchange *ex)
{
    struct error err;
    int64_t after = 0;

    if (!read_query(routes, ex, &after, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    struct export *export = calloc(1, sizeof(*export));
    if (export == NULL)
        abort();
    export->store = routes->store;
    export->after = after;
    if (!fill_chunk(export, &ex->job.error)) {
        free_export(export);
        problem_respond_job(ex);
        return ROUTE_RESPONDED;
    }
    ex->stream.read = read_chunk;
    ex->stream.state = export;
    ex->stream.free_state = free_export;
    ex->status = 200;
    ex->content_type = "application/x-ndjson";
    exchange_forbid_buffering(ex);
    return ROUTE_RESPONDED;
}

const struct route route_export = {
    .method = METHOD_GET,
    .pattern = "/admin/export",
    .scope = SCOPE_ADMIN,
    .takes_query = true,
    .begin = export_begin,
};
