#include "db/sqlite/maintenance/retention_query.h"

#include "db/base/timestamp.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"

/* The last two columns, after those of the session. */
static int column_updated_text(sqlite3_stmt *stmt)
{
    return sqlite3_column_count(stmt) - 2;
}

static int column_appended_us(sqlite3_stmt *stmt)
{
    return sqlite3_column_count(stmt) - 1;
}

bool retention_query_index(sqlite3 *db, const int64_t retain_us[STORE_PURGE_REASONS],
                           struct error *err)
{
#define CREATE_INDEX(name, status)                                                                 \
    "CREATE INDEX IF NOT EXISTS " name                                                             \
    " ON sessions (updated_at, seq)" RETENTION_QUERY_CANDIDATES(status)
    static const struct {
        const char *create;
        const char *drop;
    } indexes[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = {CREATE_INDEX("idx_sessions_terminated", "TERMINATED"),
                                    "DROP INDEX IF EXISTS idx_sessions_terminated"},
        [STORE_PURGE_IDLE] = {CREATE_INDEX("idx_sessions_paused", "PAUSED"),
                              "DROP INDEX IF EXISTS idx_sessions_paused"},
    };
#undef CREATE_INDEX

    for (int i = 0; i < STORE_PURGE_REASONS; i++) {
        if (!connection_run(db, retain_us[i] > 0 ? indexes[i].create : indexes[i].drop, err))
            return false;
    }
    return true;
}

int64_t retention_query_cutoff_us(int64_t retain_us)
{
    const int64_t now_us = timestamp_now_us();

    return retain_us < now_us ? now_us - retain_us : 0;
}

void retention_query_bind(sqlite3_stmt *stmt, const struct retention_position *position,
                          int64_t cutoff_us)
{
    column_bind_time(stmt, 1, position->updated_us);
    sqlite3_bind_int64(stmt, 2, position->seq);
    column_bind_time(stmt, 3, cutoff_us);
}

/* Another program may write a time that sorts before sessiond's format. The position is then the
 * next microsecond, so that the row is not found again. */
static struct retention_position make_position(sqlite3_stmt *stmt, const struct session *session)
{
    const struct slice text = column_text(stmt, column_updated_text(stmt));
    char written[TIMESTAMP_LENGTH];

    timestamp_format(session->updated_us, written);
    if (text.len == TIMESTAMP_LENGTH + 6 && memcmp(text.data, written, TIMESTAMP_LENGTH) == 0)
        return (struct retention_position){session->updated_us, session->seq, 0};
    return (struct retention_position){session->updated_us + 1, 0, 0};
}

struct store_purge_position retention_query_position(const struct store_purge_position *from,
                                                     unsigned reason,
                                                     const struct retention_position *position)
{
    const bool has_advanced = reason != (unsigned)from->reason ||
                              position->updated_us != from->place_us ||
                              position->seq != from->place_seq;

    if (!has_advanced)
        return (struct store_purge_position){.reason = (enum store_purge_reason)(reason + 1)};
    return (struct store_purge_position){(enum store_purge_reason)reason, position->updated_us,
                                         position->seq};
}

bool retention_query_read(sqlite3_stmt *stmt, int64_t cutoff_us,
                          struct retention_position *position, struct session *out,
                          bool *is_expired, struct error *err)
{
    struct session_row row;

    if (!session_row_read(stmt, NULL, &row, err))
        return false;
    *out = row.session;
    *position = make_position(stmt, out);
    *is_expired = out->updated_us < cutoff_us && out->lease.owner.data == NULL &&
                  sqlite3_column_int64(stmt, column_appended_us(stmt)) < cutoff_us;
    return true;
}
