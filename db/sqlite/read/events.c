#include "db/sqlite/read/events.h"

#include "db/base/timestamp.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#define COLUMNS                                                                                    \
    "id, type, version, session_id, thread_id, project_path, from_value, to_value, "               \
    "context_changed, stream, first_seq, last_seq, lease_owner, lease_token"

enum column {
    COLUMN_ID,
    COLUMN_TYPE,
    COLUMN_VERSION,
    COLUMN_SESSION_ID,
    COLUMN_THREAD_ID,
    COLUMN_PROJECT_PATH,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_CONTEXT_CHANGED,
    COLUMN_STREAM,
    COLUMN_FIRST_SEQ,
    COLUMN_LAST_SEQ,
    COLUMN_LEASE_OWNER,
    COLUMN_LEASE_TOKEN,
};

static const char *const texts[READER_EVENT_STATEMENTS] = {
    [READER_EVENTS_KEPT] =
        "SELECT purged_id, coalesce((SELECT min(id) FROM events WHERE id > purged_id), 0),"
        " max(purged_id, coalesce((SELECT max(id) FROM events), 0)) FROM sessiond_events",
    [READER_EVENTS_AFTER] = "SELECT " COLUMNS " FROM events WHERE id > ?1 ORDER BY id",
    [READER_EVENTS_BEFORE] =
        "SELECT " COLUMNS " FROM events WHERE id < ?1 AND id >= ?2 ORDER BY id DESC",
    [READER_EVENT_AT] = "SELECT session_id FROM events WHERE id = ?1",
    [READER_SESSION_LIFE] =
        "SELECT seq, updated_at, updated_us FROM sessions" SESSION_LOG " WHERE id = ?1",
    [READER_CONSUMER] = "SELECT after, updated_us FROM consumers WHERE name = ?1",
};

static bool get_statement(struct reader *reader, enum reader_event_statement which,
                          sqlite3_stmt **out, struct error *err)
{
    sqlite3_stmt **prepared = &reader->events[which];

    if (*prepared == NULL && !connection_prepare(reader->db, texts[which], prepared, err))
        return false;
    *out = *prepared;
    return true;
}

/* Steps to the only row of the statement. False when there is no row; *ok is false when SQLite
 * failed. */
static bool step_single_row(struct reader *reader, sqlite3_stmt *stmt, bool *ok, struct error *err)
{
    const int result = sqlite3_step(stmt);

    *ok = result == SQLITE_ROW || result == SQLITE_DONE;
    if (!*ok)
        sqlite_error_set(reader->db, "reading events", err);
    return result == SQLITE_ROW;
}

/* --- Start of a page ------------------------------------------------------------------------ */

/* The ids that a page may read: above `low` and, for a timeline, below `high`. */
struct range {
    int64_t low;
    int64_t high;
};

static bool read_kept_range(struct reader *reader, int64_t *purged, struct store_event_page *page,
                            struct error *err)
{
    sqlite3_stmt *stmt;
    bool ok;

    if (!get_statement(reader, READER_EVENTS_KEPT, &stmt, err))
        return false;
    if (step_single_row(reader, stmt, &ok, err)) {
        *purged = column_time(stmt, 0);
        page->oldest = column_time(stmt, 1);
        page->newest = column_time(stmt, 2);
    } else if (ok) {
        ok = error_set(err, ERROR_INTERNAL, NULL, "the table sessiond_events is empty");
    }
    sqlite3_reset(stmt);
    return ok;
}

bool read_consumer(struct reader *reader, struct slice name, struct store_consumer *out,
                   struct error *err)
{
    sqlite3_stmt *stmt;
    bool ok;

    if (!get_statement(reader, READER_CONSUMER, &stmt, err))
        return false;
    sqlite3_bind_text64(stmt, 1, name.data, name.len, SQLITE_STATIC, SQLITE_UTF8);
    if (step_single_row(reader, stmt, &ok, err)) {
        *out = (struct store_consumer){
            .name = name,
            .after = column_time(stmt, 0),
            .updated_us = column_time(stmt, 1),
        };
    } else if (ok) {
        ok = error_set(err, ERROR_NOT_FOUND, NULL, "no consumer has the name %.*s", (int)name.len,
                       name.data);
    }
    sqlite3_reset(stmt);
    return ok;
}

/* *is: whether the event with this id belongs to the session. */
static bool is_event_of(struct reader *reader, int64_t event_id, struct slice session_id,
                        bool *belongs, struct error *err)
{
    sqlite3_stmt *stmt;
    bool ok;

    if (!get_statement(reader, READER_EVENT_AT, &stmt, err))
        return false;
    sqlite3_bind_int64(stmt, 1, event_id);
    *belongs =
        step_single_row(reader, stmt, &ok, err) && slice_equal(column_text(stmt, 0), session_id);
    sqlite3_reset(stmt);
    return ok;
}

/* Reads the range of the session's events. The first event is that of its creation. The last one
 * happened at updated_at or at the last append to its log, so newer events are not read. If there
 * is no event at that time (another program changed the session, or it is older than the event
 * log), the range is not limited. */
static bool read_lifetime(struct reader *reader, struct slice id, struct range *out,
                          struct error *err)
{
    struct range lifetime = {.high = INT64_MAX};
    int64_t updated_us = 0;
    int64_t appended_us = 0;
    bool ok;
    bool is_known = false;
    sqlite3_stmt *stmt;

    if (!get_statement(reader, READER_SESSION_LIFE, &stmt, err))
        return false;
    sqlite3_bind_text64(stmt, 1, id.data, id.len, SQLITE_STATIC, SQLITE_UTF8);
    const bool found = step_single_row(reader, stmt, &ok, err);
    if (found) {
        lifetime.low = column_time(stmt, 0) - 1;
        is_known = timestamp_parse(column_text(stmt, 1), &updated_us);
        appended_us = column_time(stmt, 2);
    }
    sqlite3_reset(stmt);
    if (!ok)
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, NULL, "no session has the id %.*s", (int)id.len,
                         id.data);
    if (is_known && !is_event_of(reader, updated_us, id, &is_known, err))
        return false;
    if (is_known)
        lifetime.high = (appended_us > updated_us ? appended_us : updated_us) + 1;
    *out = lifetime;
    return true;
}

static bool find_range(struct reader *reader, const struct store_event_query *query,
                       struct range *range, struct store_event_page *page, struct error *err)
{
    struct store_consumer consumer = {.after = query->after};
    int64_t purged = 0;

    if (!read_kept_range(reader, &purged, page, err))
        return false;
    if (query->timeline) {
        if (!read_lifetime(reader, query->session_id, range, err))
            return false;
        if (query->before != 0 && query->before < range->high)
            range->high = query->before;
        return true;
    }
    if (query->consumer.data != NULL && !read_consumer(reader, query->consumer, &consumer, err))
        return false;
    page->gone = consumer.after != 0 && (consumer.after < purged || consumer.after > page->newest);
    range->low = consumer.after == 0 ? purged : consumer.after;
    return true;
}

/* --- Rows ---------------------------------------------------------------------------------- */

static bool is_event_type(int type)
{
    return type >= EVENT_SESSION_CREATED && type < EVENT_TYPES;
}

static bool is_equal_or_any(sqlite3_stmt *stmt, int column, struct slice wanted)
{
    return wanted.data == NULL || slice_equal(column_text(stmt, column), wanted);
}

/* A row with an unknown type matches, so that read_row reports it. */
static bool matches_query(sqlite3_stmt *stmt, const struct store_event_query *query)
{
    const int type = sqlite3_column_int(stmt, COLUMN_TYPE);

    if (!is_event_type(type))
        return true;
    if (query->types != 0 && !(query->types & 1U << type))
        return false;
    if (!is_equal_or_any(stmt, COLUMN_SESSION_ID, query->session_id) ||
        !is_equal_or_any(stmt, COLUMN_THREAD_ID, query->thread_id))
        return false;
    return is_equal_or_any(stmt, COLUMN_PROJECT_PATH, query->project_path) ||
           (type == EVENT_SESSION_RELOCATED &&
            is_equal_or_any(stmt, COLUMN_FROM, query->project_path));
}

static bool read_row(sqlite3_stmt *stmt, struct store_event *out, struct error *err)
{
    const int type = sqlite3_column_int(stmt, COLUMN_TYPE);

    *out = (struct store_event){
        .id = sqlite3_column_int64(stmt, COLUMN_ID),
        .type = (enum store_event_type)type,
        .version = column_count(stmt, COLUMN_VERSION),
        .session_id = column_text(stmt, COLUMN_SESSION_ID),
        .thread_id = column_text(stmt, COLUMN_THREAD_ID),
        .project_path = column_text(stmt, COLUMN_PROJECT_PATH),
        .from = column_text(stmt, COLUMN_FROM),
        .to = column_text(stmt, COLUMN_TO),
        .context_changed = sqlite3_column_int(stmt, COLUMN_CONTEXT_CHANGED) != 0,
        .stream = column_text(stmt, COLUMN_STREAM),
        .first_seq = column_number(stmt, COLUMN_FIRST_SEQ, STORE_STREAM_ENTRIES_MAX),
        .last_seq = column_number(stmt, COLUMN_LAST_SEQ, STORE_STREAM_ENTRIES_MAX),
        .lease_owner = column_text(stmt, COLUMN_LEASE_OWNER),
        .lease_token = column_count(stmt, COLUMN_LEASE_TOKEN),
    };
    return is_event_type(type) ||
           error_set(err, ERROR_INTERNAL, NULL, "event %lld has the unknown type %d",
                     (long long)out->id, type);
}

/* Calls `visit` for each matching row of the bound statement. */
static bool visit_rows(struct reader *reader, sqlite3_stmt *stmt,
                       const struct store_event_query *query, store_event_fn visit, void *arg,
                       struct store_event_page *page, struct error *err)
{
    struct store_event event;
    int64_t examined = 0;
    int visited = 0;
    int step;

    for (; (step = sqlite3_step(stmt)) == SQLITE_ROW; examined++) {
        page->more = visited == query->limit || examined == query->scan;
        if (page->more)
            return true;
        if (matches_query(stmt, query)) {
            if (!read_row(stmt, &event, err))
                return false;
            page->more = visit(arg, &event) == STORE_VISIT_STOP;
            if (page->more)
                return true;
            visited++;
        }
        page->last = sqlite3_column_int64(stmt, COLUMN_ID);
    }
    if (step != SQLITE_DONE)
        sqlite_error_set(reader->db, "reading events", err);
    return step == SQLITE_DONE;
}

bool read_events(struct reader *reader, const struct store_event_query *query, store_event_fn visit,
                 void *arg, struct store_event_page *page, struct error *err)
{
    const enum reader_event_statement which =
        query->timeline ? READER_EVENTS_BEFORE : READER_EVENTS_AFTER;
    struct store_event_page result = {0};
    struct range range = {0};
    sqlite3_stmt *stmt;
    bool ok = true;

    if (!find_range(reader, query, &range, &result, err) ||
        !get_statement(reader, which, &stmt, err))
        return false;
    result.last = query->timeline ? range.high : range.low;
    if (!result.gone) {
        sqlite3_bind_int64(stmt, 1, query->timeline ? range.high : range.low);
        if (query->timeline)
            sqlite3_bind_int64(stmt, 2, range.low + 1);
        ok = visit_rows(reader, stmt, query, visit, arg, &result, err);
        sqlite3_reset(stmt);
    }
    if (ok)
        *page = result;
    return ok;
}
