#include "db/sqlite/file/legacy_import.h"

#include "db/base/timestamp.h"
#include "db/sqlite/connection/commit_clock.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#include <stdio.h>
#include <stdlib.h>

/* session_time(text): the time in µs, NULL for an invalid one. Times of different precision or
 * offset do not sort as texts. */
static void session_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    const bool is_null = sqlite3_value_type(values[0]) == SQLITE_NULL;
    const struct slice text = {(const char *)sqlite3_value_text(values[0]),
                               (size_t)sqlite3_value_bytes(values[0])};
    int64_t us;

    (void)count;
    if (text.data == NULL && !is_null)
        abort();
    if (text.data != NULL && timestamp_parse(text, &us))
        sqlite3_result_int64(context, us);
}

/* Objects without a root page are views, triggers and virtual tables. */
static const char unsupported[] =
    "SELECT group_concat(what, ', ') FROM ("
    "SELECT 'column ' || name AS what FROM pragma_table_xinfo('sessions') WHERE hidden <> 0 OR "
    "name NOT IN"
    " ('id', 'project_path', 'thread_id', 'status', 'context', 'created_at', 'updated_at')"
    " UNION ALL SELECT type || ' ' || name FROM sqlite_schema WHERE rootpage = 0"
    " UNION ALL SELECT DISTINCT 'table ' || s.name FROM sqlite_schema AS s,"
    " pragma_foreign_key_list(s.name) AS f"
    " WHERE s.type = 'table' AND lower(f.\"table\") = 'sessions')";

bool legacy_check(sqlite3 *db, struct error *err)
{
    char *found;

    if (!connection_text(db, unsupported, &found, err))
        return false;
    const bool is_supported = found == NULL;
    if (!is_supported)
        error_set(
            err, ERROR_INTERNAL, NULL,
            "the legacy import does not support the %s of this database; drop it, or point --db at "
            "another file",
            found);
    free(found);
    return is_supported;
}

/* Index names are unique in a file, and the new table may use the same names. */
static bool drop_indexes(sqlite3 *db, struct error *err)
{
    char *drops;

    if (!connection_text(db,
                         "SELECT group_concat(printf('DROP INDEX \"%w\"', name), ';')"
                         " FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
                         " AND lower(tbl_name) = 'sessions'",
                         &drops, err))
        return false;
    const bool dropped = drops == NULL || connection_run(db, drops, err);
    free(drops);
    return dropped;
}

bool legacy_rename_table(sqlite3 *db, struct error *err)
{
    return drop_indexes(db, err) &&
           connection_run(db, "ALTER TABLE sessions RENAME TO sessions_adopted", err);
}

bool legacy_drop_recreated_index(sqlite3 *db, struct error *err)
{
    return connection_run(db, "DROP INDEX IF EXISTS idx_sessions_created_at", err);
}

bool legacy_copy_rows(sqlite3 *db, struct error *err)
{
    if (sqlite3_create_function(db, "session_time", 1,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                session_time, NULL, NULL) != SQLITE_OK)
        return sqlite_error_set(db, "preparing the legacy import", err);
    return connection_run(
        db,
        "INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, "
        "context)"
        " SELECT id, project_path, thread_id, status, created_at, updated_at, context"
        " FROM sessions_adopted ORDER BY session_time(created_at), rowid;"
        "DROP TABLE sessions_adopted",
        err);
}

static bool set_import_error(struct error *err)
{
    const struct error found = *err;

    return error_set(err, ERROR_INTERNAL, NULL,
                     "cannot import a session: %s; correct it and start the service again",
                     found.detail);
}

static int64_t newest_us(const struct session *session)
{
    return session->created_us > session->updated_us ? session->created_us : session->updated_us;
}

static bool check_time(const struct session *session, struct error *err)
{
    return newest_us(session) <= CLOCK_LATEST_US ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "session %.36s: a time in the year 9999 leaves no later time",
                     session->id.data);
}

struct legacy_import {
    sqlite3 *db;
    sqlite3_stmt *select;
    sqlite3_stmt *update;
    session_context_fix fix_context;
    struct legacy_replaced *replaced;
    int64_t newest_us;
};

static bool import_row(struct legacy_import *legacy_import, const struct session_row *row,
                       struct error *err)
{
    const struct session *session = &row->session;
    sqlite3_stmt *update = legacy_import->update;

    if (!check_time(session, err))
        return set_import_error(err);
    if (row->replaced != NULL)
        legacy_add_replaced(legacy_import->replaced, session->id);
    if (newest_us(session) > legacy_import->newest_us)
        legacy_import->newest_us = newest_us(session);
    sqlite3_bind_int64(update, 1, session->seq);
    sqlite3_bind_int64(update, 2, session->context_bytes);
    const bool done = sqlite3_bind_text64(update, 3, session->context.data, session->context.len,
                                          SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
                      sqlite3_step(update) == SQLITE_DONE;
    if (!done)
        sqlite_error_set(legacy_import->db, "importing a session", err);
    sqlite3_reset(update);
    return done;
}

static bool import_each_row(struct legacy_import *legacy_import, struct error *err)
{
    struct session_row row;
    int result;

    while ((result = sqlite3_step(legacy_import->select)) == SQLITE_ROW) {
        if (!session_row_read(legacy_import->select, legacy_import->fix_context, &row, err))
            return set_import_error(err);
        const bool is_imported = import_row(legacy_import, &row, err);
        session_row_release(&row);
        if (!is_imported)
            return false;
        /* The row has left the index that the statement reads, so search for the next one from the
         * beginning. */
        sqlite3_reset(legacy_import->select);
    }
    return result == SQLITE_DONE ||
           sqlite_error_set(legacy_import->db, "reading imported sessions", err);
}

static bool set_clock(sqlite3 *db, int64_t newest_us, struct error *err)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "UPDATE sessiond_clock SET reserved_us = max(reserved_us, %lld)",
             (long long)newest_us);
    return newest_us == 0 || connection_run(db, sql, err);
}

bool legacy_import_rows(sqlite3 *db, session_context_fix fix_context,
                        struct legacy_replaced *replaced, struct error *err)
{
    struct legacy_import legacy_import = {
        .db = db, .fix_context = fix_context, .replaced = replaced};
    bool ok = false;

    if (connection_prepare(db,
                           "SELECT " SESSION_COLUMNS_WITH_CONTEXT
                           " FROM sessions INDEXED BY idx_sessions_unadopted" SESSION_LOG
                           " WHERE context_bytes IS NULL ORDER BY seq LIMIT 1",
                           &legacy_import.select, err) &&
        connection_prepare(db,
                           "UPDATE sessions SET context_bytes = ?2, context = ?3 WHERE seq = ?1",
                           &legacy_import.update, err))
        ok = import_each_row(&legacy_import, err) && set_clock(db, legacy_import.newest_us, err);
    sqlite3_finalize(legacy_import.update);
    sqlite3_finalize(legacy_import.select);
    return ok;
}
