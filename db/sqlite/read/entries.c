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

static bool get_statement(struct reader *reader, enum read_entries_statement which,
                          sqlite3_stmt **out, struct error *err)
{
    sqlite3_stmt **prepared = &reader->entries[which];

    if (*prepared == NULL && !connection_prepare(reader->db, texts[which], prepared, err))
        return false;
    *out = *prepared;
    return true;
}

static void bind_text(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    sqlite3_bind_text64(stmt, parameter, text.data == NULL ? "" : text.data, text.len,
                        SQLITE_STATIC, SQLITE_UTF8);
}

/* Maps the result of a statement's last step. */
static bool check_result(struct reader *reader, int result, struct error *err)
{
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           sqlite_error_set(reader->db, "reading entries", err);
}

static bool set_missing_error(const char *id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, NULL, "no session has the id %s", id);
}

/* *stream_id is 0 when the stream does not exist. */
static bool find_stream(struct reader *reader, const struct store_entry_query *query,
                        struct store_entry_page *page, int64_t *stream_id, struct error *err)
{
    sqlite3_stmt *stmt;

    if (!get_statement(reader, READ_STREAM, &stmt, err))
        return false;
    bind_text(stmt, 1, (struct slice){query->id, UUID_LENGTH});
    bind_text(stmt, 2, query->stream);
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW) {
        page->session_seq = sqlite3_column_int64(stmt, 0);
        *stream_id = column_number(stmt, 1, ENTRY_KEY_STREAMS_MAX);
        page->last_seq = column_number(stmt, 2, STORE_STREAM_ENTRIES_MAX);
    }
    const bool ok = check_result(reader, result, err);
    sqlite3_reset(stmt);
    if (!ok)
        return false;
    const bool is_another = query->session_seq != 0 && query->session_seq != page->session_seq;
    return (result == SQLITE_ROW && !is_another) || set_missing_error(query->id, err);
}

/* Binds the keys between query->after and query->before, clamped to valid seqs. */
static void bind_range(sqlite3_stmt *stmt, const struct store_entry_query *query, int64_t stream_id)
{
    const int64_t max_seq = STORE_STREAM_ENTRIES_MAX;
    const int64_t after = query->after < max_seq ? query->after : max_seq;
    const bool is_unbounded = query->before <= 0 || query->before > max_seq;

    sqlite3_bind_int64(stmt, 1, entry_key(stream_id, after));
    sqlite3_bind_int64(
        stmt, 2, is_unbounded ? entry_key(stream_id + 1, 0) : entry_key(stream_id, query->before));
}

/* A stream has no gaps, so the last entry of the page decides. */
static bool has_more(const struct store_entry_query *query, const struct store_entry_page *page)
{
    if (query->descending)
        return page->last > query->after + 1;
    return page->last < page->last_seq && (query->before <= 0 || page->last + 1 < query->before);
}

static bool visit_entries(struct reader *reader, const struct store_entry_query *query,
                          int64_t stream_id, store_entry_fn visit, void *arg,
                          struct store_entry_page *page, struct error *err)
{
    sqlite3_stmt *stmt;
    int result = SQLITE_DONE;

    if (!get_statement(reader, query->descending ? READ_ENTRIES_DOWN : READ_ENTRIES_UP, &stmt, err))
        return false;
    bind_range(stmt, query, stream_id);
    for (int visited = 0; visited < query->limit; visited++) {
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
    const bool ok = check_result(reader, result, err);
    sqlite3_reset(stmt);
    return ok;
}

bool read_entries(struct reader *reader, const struct store_entry_query *query,
                  store_entry_fn visit, void *arg, struct store_entry_page *page, struct error *err)
{
    struct store_entry_page result = {0};
    int64_t stream_id = 0;

    if (!find_stream(reader, query, &result, &stream_id, err) ||
        (stream_id != 0 && !visit_entries(reader, query, stream_id, visit, arg, &result, err)))
        return false;
    if (result.last != 0)
        result.more = has_more(query, &result);
    *page = result;
    return true;
}

static struct store_stream read_stream_row(sqlite3_stmt *stmt)
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
    int visited = 0;
    int result;

    if (!get_statement(reader, READ_STREAMS, &stmt, err))
        return false;
    bind_text(stmt, 1, (struct slice){id, UUID_LENGTH});
    bind_text(stmt, 2, after);
    *more = false;
    bool found = false;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        found = true;
        if (sqlite3_column_type(stmt, 0) != SQLITE_TEXT)
            continue; /* a session without streams, or a corrupt name, which fits in no cursor */
        const struct store_stream stream = read_stream_row(stmt);
        if (visited == limit || visit(arg, &stream) == STORE_VISIT_STOP) {
            *more = true;
            break;
        }
        visited++;
    }
    const bool ok = check_result(reader, result, err);
    sqlite3_reset(stmt);
    return ok && (found || set_missing_error(id, err));
}
