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

static bool prepare(struct reader *reader, enum reader_event_statement which, sqlite3_stmt **out,
                    struct error *err)
{
    sqlite3_stmt **kept = &reader->events[which];

    if (*kept == NULL && !connection_prepare(reader->db, texts[which], kept, err))
        return false;
    *out = *kept;
    return true;
}

/* Steps to the one row that there is to read. *ok is false when SQLite failed. */
static bool one_row(struct reader *reader, sqlite3_stmt *stmt, bool *ok, struct error *err)
{
    const int result = sqlite3_step(stmt);

    *ok = result == SQLITE_ROW || result == SQLITE_DONE;
    if (!*ok)
        sqlite_error_set(reader->db, "reading events", err);
    return result == SQLITE_ROW;
}

/* --- Where a page begins ------------------------------------------------------------------- */

/* The rows that a page may look at: above `low` and, for a timeline, below `high`. */
struct range {
    int64_t low;
    int64_t high;
};

static bool read_kept(struct reader *reader, int64_t *purged, struct store_event_page *page,
                      struct error *err)
{
    sqlite3_stmt *stmt;
    bool ok;

    if (!prepare(reader, READER_EVENTS_KEPT, &stmt, err))
        return false;
    if (one_row(reader, stmt, &ok, err)) {
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

    if (!prepare(reader, READER_CONSUMER, &stmt, err))
        return false;
    sqlite3_bind_text64(stmt, 1, name.data, name.len, SQLITE_STATIC, SQLITE_UTF8);
    if (one_row(reader, stmt, &ok, err)) {
        *out = (struct store_consumer){
            .name = name,
            .after = column_time(stmt, 0),
            .updated_us = column_time(stmt, 1),
        };
    } else if (ok) {
        ok = error_set(err, ERROR_NOT_FOUND, NULL, "there is no consumer with the name %.*s",
                       (int)name.len, name.data);
    }
    sqlite3_reset(stmt);
    return ok;
}

/* Whether the event with this id is one of the session's. */
static bool is_at(struct reader *reader, int64_t event_id, struct slice session_id, bool *is,
                  struct error *err)
{
    sqlite3_stmt *stmt;
    bool ok;

    if (!prepare(reader, READER_EVENT_AT, &stmt, err))
        return false;
    sqlite3_bind_int64(stmt, 1, event_id);
    *is = one_row(reader, stmt, &ok, err) && slice_equal(column_text(stmt, 0), session_id);
    sqlite3_reset(stmt);
    return ok;
}

/* A session's first event is its creation's, and its last one happened at updated_at or when its
 * log was last appended to, so that nothing that is newer has to be looked at. Where there is no
 * event at that time (another program changed the session, or it is older than the events),
 * everything has. */
static bool read_life(struct reader *reader, struct slice id, struct range *out, struct error *err)
{
    struct range life = {.high = INT64_MAX};
    int64_t updated_us = 0;
    int64_t appended_us = 0;
    bool ok;
    bool known = false;
    sqlite3_stmt *stmt;

    if (!prepare(reader, READER_SESSION_LIFE, &stmt, err))
        return false;
    sqlite3_bind_text64(stmt, 1, id.data, id.len, SQLITE_STATIC, SQLITE_UTF8);
    const bool found = one_row(reader, stmt, &ok, err);
    if (found) {
        life.low = column_time(stmt, 0) - 1;
        known = timestamp_parse(column_text(stmt, 1), &updated_us);
        appended_us = column_time(stmt, 2);
    }
    sqlite3_reset(stmt);
    if (!ok)
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, NULL, "there is no session with the id %.*s",
                         (int)id.len, id.data);
    if (known && !is_at(reader, updated_us, id, &known, err))
        return false;
    if (known)
        life.high = (appended_us > updated_us ? appended_us : updated_us) + 1;
    *out = life;
    return true;
}

static bool find_range(struct reader *reader, const struct store_event_query *query,
                       struct range *range, struct store_event_page *page, struct error *err)
{
    struct store_consumer consumer = {.after = query->after};
    int64_t purged = 0;

    if (!read_kept(reader, &purged, page, err))
        return false;
    if (query->timeline) {
        if (!read_life(reader, query->session_id, range, err))
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

static bool is_wanted(sqlite3_stmt *stmt, int column, struct slice wanted)
{
    return wanted.data == NULL || slice_equal(column_text(stmt, column), wanted);
}

/* A row whose type is unknown matches, so that it is reported. */
static bool matches(sqlite3_stmt *stmt, const struct store_event_query *query)
{
    const int type = sqlite3_column_int(stmt, COLUMN_TYPE);

    if (!is_event_type(type))
        return true;
    if (query->types != 0 && !(query->types & 1U << type))
        return false;
    if (!is_wanted(stmt, COLUMN_SESSION_ID, query->session_id) ||
        !is_wanted(stmt, COLUMN_THREAD_ID, query->thread_id))
        return false;
    return is_wanted(stmt, COLUMN_PROJECT_PATH, query->project_path) ||
           (type == EVENT_SESSION_RELOCATED && is_wanted(stmt, COLUMN_FROM, query->project_path));
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

/* Visits what the bound statement finds. */
static bool visit_rows(struct reader *reader, sqlite3_stmt *stmt,
                       const struct store_event_query *query, store_event_fn visit, void *arg,
                       struct store_event_page *page, struct error *err)
{
    struct store_event event;
    int64_t seen = 0;
    int taken = 0;
    int step;

    for (; (step = sqlite3_step(stmt)) == SQLITE_ROW; seen++) {
        page->more = taken == query->limit || seen == query->scan;
        if (page->more)
            return true;
        if (matches(stmt, query)) {
            if (!read_row(stmt, &event, err))
                return false;
            page->more = visit(arg, &event) == STORE_VISIT_STOP;
            if (page->more)
                return true;
            taken++;
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

    if (!find_range(reader, query, &range, &result, err) || !prepare(reader, which, &stmt, err))
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
