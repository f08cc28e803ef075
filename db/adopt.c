#include "db/adopt.h"

#include "db/connection.h"
#include "db/id.h"
#include "db/timestamp.h"
#include "db/translate.h"

#include <stdio.h>

/* session_time(text): the time in µs, NULL when it is none. Times of different precision or offset
 * do not sort as texts. */
static void session_time(sqlite3_context *context, int count, sqlite3_value **values)
{
    int64_t us;
    const struct slice text = {(const char *)sqlite3_value_text(values[0]),
                               (size_t)sqlite3_value_bytes(values[0])};

    (void)count;
    if (text.data != NULL && timestamp_parse(text, &us))
        sqlite3_result_int64(context, us);
}

bool adopt_set_aside(sqlite3 *db, struct error *err)
{
    /* Their names are known, the program's: it makes them again at its own start. */
    return connection_run(db,
                          "DROP INDEX IF EXISTS idx_sessions_created_at;"
                          "DROP INDEX IF EXISTS idx_sessions_thread_id;"
                          "ALTER TABLE sessions RENAME TO sessions_adopted",
                          err);
}

bool adopt_take_over(sqlite3 *db, struct error *err)
{
    if (sqlite3_create_function(db, "session_time", 1,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                session_time, NULL, NULL) != SQLITE_OK)
        return translate_failure(db, "preparing the adoption", err);
    return connection_run(
        db,
        "INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, "
        "context)"
        " SELECT id, project_path, thread_id, status, created_at, updated_at, context"
        " FROM sessions_adopted ORDER BY session_time(created_at), rowid;"
        "DROP TABLE sessions_adopted",
        err);
}

static bool refuse(const struct session *session, const char *why, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, NULL,
                     "the session %.40s cannot be adopted: %s; correct it and start again",
                     session->id.data, why);
}

static bool check(const struct session *session, struct error *err)
{
    char id[ID_SIZE];

    if (!id_parse(session->id, id) || !slice_is(session->id, id))
        return refuse(session, "its id is no lower-case UUID", err);
    if (session->project_path.len == 0)
        return refuse(session, "its project_path is empty", err);
    if (session->thread_id.len == 0)
        return refuse(session, "its thread_id is empty", err);
    return true;
}

static bool adopt_row(sqlite3 *db, sqlite3_stmt *update, const struct session_row *row,
                      const struct store_observer *observer, struct error *err)
{
    const struct session *session = &row->session;

    if (!check(session, err))
        return false;
    if (row->replaced != NULL) {
        char detail[128];
        snprintf(detail, sizeof(detail),
                 "the context of session %.36s is no JSON object: kept as its member _adopted_text",
                 session->id.data);
        observer->notice(observer->arg, STORE_WARNING, "context_kept_as_text", detail);
    }
    sqlite3_bind_int64(update, 1, session->seq);
    sqlite3_bind_int64(update, 2, session->context_bytes);
    const bool done = sqlite3_bind_text64(update, 3, session->context.data, session->context.len,
                                          SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
                      sqlite3_step(update) == SQLITE_DONE;
    if (!done)
        translate_failure(db, "adopting a session", err);
    sqlite3_reset(update);
    return done;
}

static bool adopt_each(sqlite3 *db, sqlite3_stmt *select, sqlite3_stmt *update,
                       session_adopter adopter, const struct store_observer *observer,
                       struct error *err)
{
    struct session_row row;
    int result;

    while ((result = sqlite3_step(select)) == SQLITE_ROW) {
        if (!session_row_read(select, adopter, &row, err))
            return false;
        const bool adopted = adopt_row(db, update, &row, observer, err);
        session_row_release(&row);
        if (!adopted)
            return false;
        /* The row has left the index that is read from: look for the next one anew. */
        sqlite3_reset(select);
    }
    return result == SQLITE_DONE || translate_failure(db, "reading what was adopted", err);
}

bool adopt_rows(sqlite3 *db, session_adopter adopter, const struct store_observer *observer,
                struct error *err)
{
    sqlite3_stmt *select = NULL;
    sqlite3_stmt *update = NULL;
    bool ok = false;

    if (connection_prepare(db,
                           "SELECT " SESSION_COLUMNS_WITH_CONTEXT
                           " FROM sessions INDEXED BY idx_sessions_unadopted"
                           " WHERE context_bytes IS NULL ORDER BY seq LIMIT 1",
                           &select, err) &&
        connection_prepare(db,
                           "UPDATE sessions SET context_bytes = ?2, context = ?3 WHERE seq = ?1",
                           &update, err))
        ok = adopt_each(db, select, update, adopter, observer, err);
    sqlite3_finalize(update);
    sqlite3_finalize(select);
    return ok;
}
