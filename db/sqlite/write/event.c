#include "db/sqlite/write/event.h"

#include "db/base/timestamp.h"
#include "db/sqlite/connection/column.h"

/* Limit of the events that one pass removes, so that it does not delay other writes. */
#define EXPIRE_BATCH_EVENTS 512

struct store_event write_event_make(const struct session *session, enum store_event_type type)
{
    return (struct store_event){
        .id = session->updated_us,
        .type = type,
        .version = session->version,
        .session_id = session->id,
        .thread_id = session->thread_id,
        .project_path = session->project_path,
    };
}

void write_event_status(struct store_event *event, enum session_status from, enum session_status to)
{
    if (from == to)
        return;
    event->from = slice_from(session_status_name(from));
    event->to = slice_from(session_status_name(to));
}

static void bind_number_if_set(sqlite3_stmt *stmt, int parameter, int64_t number)
{
    if (number != 0)
        sqlite3_bind_int64(stmt, parameter, number);
}

static void bind_text_if_set(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    if (text.data != NULL)
        column_bind_text(stmt, parameter, text);
}

/* A parameter that is not bound is NULL. */
static void bind_references(sqlite3_stmt *stmt, const struct store_event *event)
{
    bind_text_if_set(stmt, 7, event->from);
    bind_text_if_set(stmt, 8, event->to);
    bind_number_if_set(stmt, 9, event->context_changed);
    bind_text_if_set(stmt, 10, event->stream);
    bind_number_if_set(stmt, 11, event->first_seq);
    bind_number_if_set(stmt, 12, event->last_seq);
    bind_text_if_set(stmt, 13, event->lease_owner);
    bind_number_if_set(stmt, 14, event->lease_token);
}

bool write_event(struct write_operations *ops, const struct store_event *event, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_EVENT];

    sqlite3_bind_int64(stmt, 1, event->id);
    sqlite3_bind_int(stmt, 2, (int)event->type);
    sqlite3_bind_int64(stmt, 3, event->version);
    column_bind_text(stmt, 4, event->session_id);
    column_bind_text(stmt, 5, event->thread_id);
    column_bind_text(stmt, 6, event->project_path);
    bind_references(stmt, event);
    if (!write_run(&ops->statements, WRITE_EVENT, "recording an event", err))
        return false;
    ops->change.newest_event = event->id;
    ops->change.counts[STORE_EVENTS_WRITTEN]++;
    return true;
}

/* Finds the last of the oldest `limit` events with an id below `below`. *last is unchanged when
 * there is none. */
static bool find_last_expired(struct write_operations *ops, int64_t below, int64_t limit,
                              int64_t *last, struct error *err)
{
    sqlite3_stmt *stmt = ops->statements.prepared[WRITE_EVENT_OLDEST];
    bool ok;

    sqlite3_bind_int64(stmt, 1, below);
    sqlite3_bind_int64(stmt, 2, limit);
    if (!write_next_row(&ops->statements, WRITE_EVENT_OLDEST, "finding expired events", &ok, err))
        return ok;
    *last = sqlite3_column_int64(stmt, 0);
    write_reset(&ops->statements, WRITE_EVENT_OLDEST);
    return true;
}

static bool remove_up_to(struct write_operations *ops, int64_t last, int *removed,
                         struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[WRITE_EVENT_REMOVE], 1, last);
    if (!write_run(&ops->statements, WRITE_EVENT_REMOVE, "deleting expired events", err))
        return false;
    *removed = sqlite3_changes(ops->statements.db);
    ops->change.counts[STORE_EVENTS_EXPIRED] += *removed;
    sqlite3_bind_int64(ops->statements.prepared[WRITE_EVENT_REMOVED], 1, last);
    return write_run(&ops->statements, WRITE_EVENT_REMOVED,
                     "storing the id of the newest deleted event", err);
}

bool write_event_expire(struct write_operations *ops, bool *more, struct error *err)
{
    const int64_t excess = ops->state.events - ops->max_events;
    int64_t last = 0;
    int removed = 0;

    if (!find_last_expired(ops, timestamp_now_us() - ops->event_retention_us, EXPIRE_BATCH_EVENTS,
                           &last, err))
        return false;
    if (last == 0 && excess > 0 &&
        !find_last_expired(ops, INT64_MAX,
                           excess < EXPIRE_BATCH_EVENTS ? excess : EXPIRE_BATCH_EVENTS, &last, err))
        return false;
    if (last != 0 && !remove_up_to(ops, last, &removed, err))
        return false;
    *more = removed > 0;
    return true;
}
