/*
 * The query for the sessions that retention may delete: one reason at a time, those unchanged for
 * longest first, from an index that has no other sessions. The writer (delete) and readers (dry
 * run) share the query, so that both select the same rows.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_QUERY_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_QUERY_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/retention.h"

/* Texts sort like times if they have the same format: a `T`, and `+00:00` at the end, which
 * sessiond and the Python SessionManager write. A session with another format is not deleted before
 * its next change. */
#define RETENTION_QUERY_CANDIDATES(status)                                                         \
    " WHERE status = '" status                                                                     \
    "' AND substr(updated_at, 11, 1) || substr(updated_at, -6) = 'T+00:00'"

/* Parameters: ?1 and ?2 the position after which the query begins, ?3 the cutoff time of
 * updated_at. */
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
    int64_t skipped; /* unreadable rows after the position */
};

/* Creates the index of each enabled reason and drops the others, since each change of an indexed
 * session costs an index update. A query cannot be prepared without its index. */
MUST_USE bool retention_query_index(sqlite3 *db, const int64_t retain_us[STORE_PURGE_REASONS],
                                    struct error *err);

/* Returns the current time minus `retain_us`, in µs since 1970: sessions with an older last change
 * expire. */
int64_t retention_query_cutoff_us(int64_t retain_us);

/* Binds the parameters of the query. On the thread of the connection. */
void retention_query_bind(sqlite3_stmt *stmt, const struct retention_position *position,
                          int64_t cutoff_us);

/* The position at which the page after this one begins. The page began at `from` and reached
 * `position` of this reason. Unreadable rows do not advance the position. If a page had only such
 * rows, the next page would not advance either, so it begins with the next reason, which may be
 * STORE_PURGE_REASONS. */
struct store_purge_position retention_query_position(const struct store_purge_position *from,
                                                     unsigned reason,
                                                     const struct retention_position *position);

/* Reads the current row of `stmt` and moves *position to it. *is_expired: false if it is leased or
 * an entry was appended since the cutoff. False, with *err set and *position unchanged, when the
 * row is unreadable. */
MUST_USE bool retention_query_read(sqlite3_stmt *stmt, int64_t cutoff_us,
                                   struct retention_position *position, struct session *out,
                                   bool *is_expired, struct error *err);

#endif
