#include "db/sqlite/read/retention.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/maintenance/retention_query.h"

/* Limit of the rows of a page, so that other lists do not wait long. */
#define PAGE_ROWS 10000

static void count_session(struct store_retention_of *of, const struct session *session)
{
    if (of->sessions == 0)
        of->oldest_us = session->updated_us;
    if (of->shown < STORE_RETENTION_SHOWN && session->id.len == UUID_LENGTH) {
        memcpy(of->ids[of->shown], session->id.data, UUID_LENGTH);
        of->ids[of->shown++][UUID_LENGTH] = '\0';
    }
    of->sessions++;
    of->bytes += session->context_bytes + session->entry_bytes;
}

/* Counts sessions until no row is left or *rows is 0. */
static bool read_rows(struct reader *reader, sqlite3_stmt *stmt,
                      struct retention_position *position, int64_t *rows,
                      struct store_retention_of *of, struct error *err)
{
    const int64_t cutoff_us = retention_query_cutoff_us(of->after_us);
    struct session session;
    struct error unreadable;
    int result = SQLITE_DONE;
    bool is_expired;

    retention_query_bind(stmt, position, cutoff_us);
    while (*rows > 0 && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
        (*rows)--;
        /* Retention does not delete an unreadable row either. */
        if (retention_query_read(stmt, cutoff_us, position, &session, &is_expired, &unreadable) &&
            is_expired)
            count_session(of, &session);
    }
    return result == SQLITE_ROW || result == SQLITE_DONE ||
           sqlite_error_set(reader->db, "finding expired sessions", err);
}

static bool read_reason(struct reader *reader, unsigned reason, struct retention_position *position,
                        int64_t *rows, struct store_retention_of *of, struct error *err)
{
    static const char *const queries[STORE_PURGE_REASONS] = {
        [STORE_PURGE_TERMINATED] = RETENTION_QUERY_TERMINATED,
        [STORE_PURGE_IDLE] = RETENTION_QUERY_IDLE,
    };
    sqlite3_stmt *stmt;

    if (of->after_us == 0)
        return true;
    if (!connection_prepare(reader->db, queries[reason], &stmt, err))
        return false;
    const bool ok = read_rows(reader, stmt, position, rows, of, err);
    sqlite3_finalize(stmt);
    return ok;
}

bool read_retention(struct reader *reader, const int64_t retain_us[STORE_PURGE_REASONS],
                    struct store_purge *purge, struct store_retention *out, struct error *err)
{
    struct retention_position position = {purge->from.place_us, purge->from.place_seq, 0};
    unsigned reason = purge->from.reason;
    int64_t rows = PAGE_ROWS;

    for (int i = 0; i < STORE_PURGE_REASONS; i++)
        out->of[i] = (struct store_retention_of){.after_us = retain_us[i]};
    for (;;) {
        if (!read_reason(reader, reason, &position, &rows, &out->of[reason], err))
            return false;
        if (rows == 0 || reason + 1 == STORE_PURGE_REASONS)
            break;
        reason++;
        position = (struct retention_position){0};
    }
    purge->next = retention_query_position(&purge->from, reason, &position);
    purge->more = rows == 0 && (unsigned)purge->next.reason < STORE_PURGE_REASONS;
    for (unsigned i = purge->next.reason; purge->more && i < STORE_PURGE_REASONS; i++)
        out->of[i].more = retain_us[i] > 0;
    return true;
}
