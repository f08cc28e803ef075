#include "routes/events/json.h"

#include "routes/json/writer.h"

/* Upper estimate of an event's size without its texts, in bytes. */
#define RESERVED_BYTES 320

static void add_text(struct buffer *out, struct slice name, struct slice text)
{
    if (text.data == NULL)
        return;
    buffer_add(out, SLICE_LITERAL(",\""));
    buffer_add(out, name);
    buffer_add(out, SLICE_LITERAL("\":"));
    json_add_string(out, text);
}

static void add_number(struct buffer *out, struct slice name, int64_t number)
{
    if (number == 0)
        return;
    buffer_add(out, SLICE_LITERAL(",\""));
    buffer_add(out, name);
    buffer_add(out, SLICE_LITERAL("\":"));
    buffer_add_int(out, number);
}

/* The member name of event->from, which is a status, a path or a session id by type. */
static struct slice origin_member_name(enum store_event_type type)
{
    if (type == EVENT_SESSION_RELOCATED)
        return SLICE_LITERAL("from_path");
    return type == EVENT_SESSION_CREATED ? SLICE_LITERAL("parent_id") : SLICE_LITERAL("from");
}

static void add_references(struct buffer *out, const struct store_event *event)
{
    add_text(out, origin_member_name(event->type), event->from);
    add_text(out, SLICE_LITERAL("to"), event->to);
    if (event->context_changed)
        buffer_add(out, SLICE_LITERAL(",\"context_changed\":true"));
    add_text(out, SLICE_LITERAL("stream"), event->stream);
    add_number(out, SLICE_LITERAL("first_seq"), event->first_seq);
    add_number(out, SLICE_LITERAL("last_seq"), event->last_seq);
    add_text(out, SLICE_LITERAL("lease_owner"), event->lease_owner);
    add_number(out, SLICE_LITERAL("lease_token"), event->lease_token);
}

void event_json_add(struct buffer *out, const struct store_event *event)
{
    buffer_reserve(out, RESERVED_BYTES + event->thread_id.len + event->project_path.len +
                            event->from.len + event->stream.len + event->lease_owner.len);
    buffer_add(out, SLICE_LITERAL("{\"id\":"));
    buffer_add_int(out, event->id);
    buffer_add(out, SLICE_LITERAL(",\"type\":\""));
    buffer_add_text(out, store_event_name(event->type));
    buffer_add(out, SLICE_LITERAL("\",\"time\":"));
    json_add_time(out, event->id);
    buffer_add(out, SLICE_LITERAL(",\"session_id\":"));
    json_add_string(out, event->session_id);
    buffer_add(out, SLICE_LITERAL(",\"version\":"));
    buffer_add_int(out, event->version);
    buffer_add(out, SLICE_LITERAL(",\"thread_id\":"));
    json_add_string(out, event->thread_id);
    buffer_add(out, SLICE_LITERAL(",\"project_path\":"));
    json_add_string(out, event->project_path);
    add_references(out, event);
    buffer_add_char(out, '}');
}

static void add_id(struct buffer *out, struct slice name, int64_t id)
{
    buffer_add(out, name);
    if (id == 0)
        buffer_add(out, SLICE_LITERAL("null"));
    else
        buffer_add_int(out, id);
}

void event_json_add_bounds(struct buffer *out, const struct store_event_page *page)
{
    add_id(out, SLICE_LITERAL("\"oldest\":"), page->oldest);
    add_id(out, SLICE_LITERAL(",\"newest\":"), page->newest);
}
