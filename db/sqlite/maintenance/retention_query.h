/*
 * The sessions that retention may delete, one reason at a time, the longest unchanged first, out of
 * an index that has no others. The writer, which deletes them, and a reader, which tells what would
 * go, look with the same eyes.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_QUERY_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_QUERY_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/retention.h"

/* Texts sort as times where they have the same form: a `T`, and `+00:00` at the end, which sessiond
 * and the Python SessionManager write. What has another one is not deleted before its next change.
 */
#define RETENTION_QUERY_CANDIDATES(status)                                                         \
    " WHERE status = '" status                                                                     \
    "' AND substr(updated_at, 11, 1) || substr(updated_at, -6) = 'T+00:00'"

/* Parameters: ?1 and ?2 the place behind which to look, ?3 the time before which they were last
 * changed. */
#define RETENTION_QUERY(index, status)                                                             \
    "SELECT " SESSION_COLUMNS ", updated_at, coalesce(updated_us, 0)"                              \
    " FROM sessions INDEXED BY " index SESSION_LOG                                                 \
    RETENTION_QUERY_CANDIDATES(                                                                    \
        status) " AND (updated_at, seq) > (?1, ?2) AND updated_at < ?3 ORDER BY updated_at, seq"
#define RETENTION_QUERY_TERMINATED RETENTION_QUERY("idx_sessions_terminated", "TERMINATED")
#define RETENTION_QUERY_IDLE RETENTION_QUERY("idx_sessions_paused", "PAUSED")

struct retention_position {
    int64_t updated_us;
    int64_t seq;
    int64_t skipped; /* unreadable rows behind it, which it has not passed */
};

/* Makes the index of each reason for which something is deleted, and drops the others: the changes
 * of sessions that are in an index pay for it. Without its index a query cannot be prepared. */
MUST_USE bool retention_query_index(sqlite3 *db, const int64_t retain_us[STORE_PURGE_REASONS],
                                    struct error *err);

/* Times before this one are old, when they are to be kept for so long. */
int64_t retention_query_cutoff_us(int64_t retain_us);

void retention_query_bind(sqlite3_stmt *stmt, const struct retention_position *place,
                          int64_t cutoff_us);

/* Where a page goes on that began at `from` and came to `place` of this reason. Rows that cannot be
 * read do not move the place: where a page met no others, the next one would come no further, so it
 * begins with the next reason, which may be STORE_PURGE_REASONS. */
struct store_purge_position retention_query_position(const struct store_purge_position *from,
                                                     unsigned reason,
                                                     const struct retention_position *place);

/* Reads the row on which `stmt` stands, moves *place to it, and tells whether it may go: not when
 * it is leased, or when an entry was appended since. False, and *place untouched, when the row
 * cannot be read. */
MUST_USE bool retention_query_read(sqlite3_stmt *stmt, int64_t cutoff_us,
                                   struct retention_position *place, struct session *out,
                                   bool *may_go, struct error *err);

#endif
