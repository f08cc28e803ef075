#include "db/sqlite/read/entries.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/entry_key.h"
#include "db/sqlite/connection/sqlite_error.h"

static const char *const texts[READ_ENTRIES_STATEMENTS] = {
    [READ_STREAM] = "SELECT seq, number, last_seq FROM sessions"
                    " LEFT JOIN streams ON session_seq = seq AND name = ?2 WHERE id = ?1",
    [READ_ENTRIES_UP] =
        "SELECT key, created_us, entry FROM entries WHERE key > ?1 AND key < ?2 ORDER BY key",
    [READ_ENTRIES_DOWN] =
        "SELECT key, created_us, entry FROM entries WHERE key > ?1 AND key < ?2 ORDER BY key DESC",
    [READ_STREAMS] = "SELECT name, last_seq, bytes, updated_us FROM sessions"
                     " LEFT JOIN streams ON session_seq = seq AND name > ?2 WHERE id = ?1"
                     " ORDER BY name",
};

static bool statement(struct reader *reader, enum read_entries_statement which, sqlite3_stmt **out,
                      struct error *err)
{
    sqlite3_stmt **kept = &reader->entries[which];

    if (*kept == NULL && !connection_prepare(reader->db, texts[which], kept, err))
        return false;
    *out = *kept;
    return true;
}

static void bind_text(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    sqlite3_bind_text64(stmt, parameter, text.data == NULL ? "" : text.data, text.len,
                        SQLITE_STATIC, SQLITE_UTF8);
}

/* After the last step of a statement. */
static bool ended_well(struct reader *reader, int result, struct error *err)
{
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           sqlite_error_set(reader->db, "reading entries", err);
}

static bool refuse_missing(const char *id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, NULL, "there is no session with the id %s", id);
}

/* *number is 0 for a stream that nobody wrote to. */
static bool find_stream(struct reader *reader, const struct store_entry_query *query,
                        struct store_entry_page *page, int64_t *number, struct error *err)
{
    sqlite3_stmt *stmt;

    if (!statement(reader, READ_STREAM, &stmt, err))
        return false;
    bind_text(stmt, 1, (struct slice){query->id, UUID_LENGTH});
    bind_text(stmt, 2, query->stream);
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        page->session_seq = sqlite3_column_int64(stmt, 0);
        *number = column_number(stmt, 1, ENTRY_KEY_STREAMS_MAX);
        page->last_seq = column_number(stmt, 2, STORE_STREAM_ENTRIES_MAX);
    }
    const bool ok = ended_well(reader, result, err);
    sqlite3_reset(stmt);
    if (!ok)
        return false;
    const bool is_another = query->session_seq != 0 && query->session_seq != page->session_seq;
    return (result == SQLITE_ROW && !is_another) || refuse_missing(query->id, err);
}

/* What lies between query->after and query->before, as it can be a key. */
static void bind_range(sqlite3_stmt *stmt, const struct store_entry_query *query, int64_t number)
{
    const int64_t most = STORE_STREAM_ENTRIES_MAX;
    const int64_t after = query->after < most ? query->after : most;
    const bool to_the_end = query->before <= 0 || query->before > most;

    sqlite3_bind_int64(stmt, 1, entry_key(number, after));
    sqlite3_bind_int64(stmt, 2,
                       to_the_end ? entry_key(number + 1, 0) : entry_key(number, query->before));
}

/* There are no gaps, so the page's last entry tells. */
static bool is_more_left(const struct store_entry_query *query, const struct store_entry_page *page)
{
    if (query->descending)
        return page->last > query->after + 1;
    return page->last < page->last_seq && (query->before <= 0 || page->last + 1 < query->before);
}

static bool visit_entries(struct reader *reader, const struct store_entry_query *query,
                          int64_t number, store_entry_fn visit, void *arg,
                          struct store_entry_page *page, struct error *err)
{
    sqlite3_stmt *stmt;
    int result = SQLITE_DONE;

    if (!statement(reader, query->descending ? READ_ENTRIES_DOWN : READ_ENTRIES_UP, &stmt, err))
        return false;
    bind_range(stmt, query, number);
    for (int taken = 0; taken < query->limit; taken++) {
        result = sqlite3_step(stmt);
        if (result != SQLITE_ROW)
            break;
        const struct store_entry entry = {
            .seq = entry_key_seq(sqlite3_column_int64(stmt, 0)),
            .created_us = column_time(stmt, 1),
            .text = column_text(stmt, 2),
        };
        if (visit(arg, &entry) == STORE_VISIT_STOP) {
            page->more = true;
            break;
        }
        page->last = entry.seq;
    }
    const bool ok = ended_well(reader, result, err);
    sqlite3_reset(stmt);
    return ok;
}

bool read_entries(struct reader *reader, const struct store_entry_query *query,
                  store_entry_fn visit, void *arg, struct store_entry_page *page, struct error *err)
{
    struct store_entry_page result = {0};
    int64_t number = 0;

    if (!find_stream(reader, query, &result, &number, err) ||
        (number != 0 && !visit_entries(reader, query, number, visit, arg, &result, err)))
        return false;
    if (result.last != 0)
        result.more = is_more_left(query, &result);
    *page = result;
    return true;
}

static struct store_stream stream_at(sqlite3_stmt *stmt)
{
    return (struct store_stream){
        .name = column_text(stmt, 0),
        .last_seq = column_number(stmt, 1, STORE_STREAM_ENTRIES_MAX),
        .bytes = column_count(stmt, 2),
        .updated_us = column_time(stmt, 3),
    };
}

bool read_streams(struct reader *reader, const char *id, struct slice after, int limit,
                  store_stream_fn visit, void *arg, bool *more, struct error *err)
{
    sqlite3_stmt *stmt;
    int taken = 0;
    int result;

    if (!statement(reader, READ_STREAMS, &stmt, err))
        return false;
    bind_text(stmt, 1, (struct slice){id, UUID_LENGTH});
    bind_text(stmt, 2, after);
    *more = false;
    bool found = false;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        found = true;
        if (sqlite3_column_type(stmt, 0) != SQLITE_TEXT)
            continue; /* a session without streams, or a corrupt name, which no cursor can hold */
        const struct store_stream stream = stream_at(stmt);
        if (taken == limit || visit(arg, &stream) == STORE_VISIT_STOP) {
            *more = true;
            break;
        }
        taken++;
    }
    const bool ok = ended_well(reader, result, err);
    sqlite3_reset(stmt);
    return ok && (found || refuse_missing(id, err));
}
