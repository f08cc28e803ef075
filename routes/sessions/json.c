#include "routes/sessions/json.h"

#include "routes/json/writer.h"

/* Upper estimate of a session's size without its texts, in bytes. */
#define RESERVED_BYTES 256

void session_json_add_lease(struct buffer *out, const struct session_lease *lease)
{
    buffer_add(out, SLICE_LITERAL("{\"owner\":"));
    json_add_string(out, lease->owner);
    buffer_add(out, SLICE_LITERAL(",\"token\":"));
    buffer_add_int(out, lease->token);
    buffer_add(out, SLICE_LITERAL(",\"ttl_seconds\":"));
    buffer_add_int(out, lease->ttl_ms / 1000);
    buffer_add(out, SLICE_LITERAL(",\"expires_at\":"));
    json_add_time(out, lease->expires_us);
    buffer_add_char(out, '}');
}

static void add_lease_members(struct buffer *out, const struct session *session)
{
    if (session->lease.owner.data == NULL) {
        buffer_add(out, SLICE_LITERAL(",\"lease\":null"));
    } else {
        buffer_add(out, SLICE_LITERAL(",\"lease\":"));
        session_json_add_lease(out, &session->lease);
    }
    buffer_add(out, SLICE_LITERAL(",\"recovered_at\":"));
    if (session->recovered_us == 0)
        buffer_add(out, SLICE_LITERAL("null"));
    else
        json_add_time(out, session->recovered_us);
}

/* Appends the entry counts and the closing brace. Most sessions of a long list have no entries, so
 * that case is one literal. */
static void add_entry_counts(struct buffer *out, const struct session *session)
{
    if (session->entry_count == 0) {
        buffer_add(out, SLICE_LITERAL(",\"entry_count\":0,\"entry_bytes\":0}"));
        return;
    }
    buffer_add(out, SLICE_LITERAL(",\"entry_count\":"));
    buffer_add_int(out, session->entry_count);
    buffer_add(out, SLICE_LITERAL(",\"entry_bytes\":"));
    buffer_add_int(out, session->entry_bytes);
    buffer_add_char(out, '}');
}

void session_json_add(struct buffer *out, const struct session *session)
{
    buffer_reserve(out, RESERVED_BYTES + session->project_path.len + session->thread_id.len +
                            session->context.len);
    buffer_add(out, SLICE_LITERAL("{\"id\":"));
    json_add_string(out, session->id);
    buffer_add(out, SLICE_LITERAL(",\"project_path\":"));
    json_add_string(out, session->project_path);
    buffer_add(out, SLICE_LITERAL(",\"thread_id\":"));
    json_add_string(out, session->thread_id);
    buffer_add(out, SLICE_LITERAL(",\"status\":\""));
    buffer_add_text(out, session_status_name(session->status));
    if (session->context.data != NULL) {
        buffer_add(out, SLICE_LITERAL("\",\"context\":"));
        buffer_add(out, session->context);
    } else {
        buffer_add(out, SLICE_LITERAL("\",\"context_bytes\":"));
        buffer_add_int(out, session->context_bytes);
    }
    buffer_add(out, SLICE_LITERAL(",\"version\":"));
    buffer_add_int(out, session->version);
    buffer_add(out, SLICE_LITERAL(",\"created_at\":"));
    json_add_time(out, session->created_us);
    buffer_add(out, SLICE_LITERAL(",\"updated_at\":"));
    json_add_time(out, session->updated_us);
    add_lease_members(out, session);
    buffer_add(out, SLICE_LITERAL(",\"parent_id\":"));
    if (session->parent_id.data == NULL)
        buffer_add(out, SLICE_LITERAL("null"));
    else
        json_add_string(out, session->parent_id);
    add_entry_counts(out, session);
}
