#include "db/sqlite/write/statements.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/maintenance/retention_query.h"
#include "db/sqlite/read/list_query.h"

#define NO_LEASE "lease_owner = NULL, lease_ttl_ms = NULL, lease_deadline_us = NULL"
#define SET_CHANGED "version = version + 1, updated_at = ?2"

/* Clamps a corrupt term, so that no deadline overflows. */
#define TERM_US "max(0, min(CAST(coalesce(lease_ttl_ms, 0) AS INTEGER), 9007199254740)) * 1000"

/* The root `/` itself is the slash with which the paths below it begin. */
#define MOVED_PATH                                                                                 \
    "coalesce(nullif(?2 || CASE project_path WHEN '/' THEN ''"                                     \
    " ELSE substr(project_path, length(?1) + 1) END, ''), '/')"

static const char *const texts[WRITE_STATEMENT_COUNT] = {
    [WRITE_INSERT] = "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at,"
                     " updated_at, version, context_bytes, recovered_at, lease_token, context)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, ?6), ?8, ?9, ?10, ?11, ?12)",
    [WRITE_FIND] = "SELECT " SESSION_COLUMNS " FROM sessions" SESSION_LOG " WHERE id = ?1",
    [WRITE_FIND_WITH_CONTEXT] =
        "SELECT " SESSION_COLUMNS_WITH_CONTEXT " FROM sessions" SESSION_LOG " WHERE id = ?1",
    [WRITE_STATUS] = "UPDATE sessions SET " SET_CHANGED ", status = ?3 WHERE seq = ?1",
    [WRITE_CONTEXT] =
        "UPDATE sessions SET " SET_CHANGED ", context_bytes = ?4, context = ?5 WHERE seq = ?1",
    [WRITE_STATUS_AND_CONTEXT] = "UPDATE sessions SET " SET_CHANGED
                                 ", status = ?3, context_bytes = ?4, context = ?5 WHERE seq = ?1",
    [WRITE_REMOVE] = "DELETE FROM sessions WHERE seq = ?1",
    [WRITE_LEASE_GRANT] = "UPDATE sessions SET " SET_CHANGED
                          ", status = 'ACTIVE', lease_owner = ?3, lease_token = ?4,"
                          " lease_ttl_ms = ?5, lease_deadline_us = ?6 WHERE seq = ?1",
    [WRITE_LEASE_RENEW] =
        "UPDATE sessions SET lease_ttl_ms = ?2, lease_deadline_us = ?3 WHERE seq = ?1",
    [WRITE_LEASE_END] =
        "UPDATE sessions SET " SET_CHANGED
        ", status = ?3, recovered_at = coalesce(?4, recovered_at), " NO_LEASE " WHERE seq = ?1",
    [WRITE_LEASE_CLEAR] = "UPDATE sessions SET " NO_LEASE " WHERE seq = ?1",
    [WRITE_LEASE_OVERDUE] =
        "SELECT seq, status, id, thread_id, project_path, version, lease_owner,"
        " lease_token, lease_deadline_us FROM sessions INDEXED BY idx_sessions_lease"
        " WHERE lease_deadline_us <= ?1 AND (lease_deadline_us, seq) > (?2, ?3)"
        " ORDER BY lease_deadline_us, seq LIMIT 1",
    [WRITE_LEASE_NEXT] = "SELECT lease_deadline_us FROM sessions INDEXED BY idx_sessions_lease"
                         " WHERE lease_deadline_us IS NOT NULL AND (lease_deadline_us, seq) >"
                         " (?1, ?2) ORDER BY lease_deadline_us, seq LIMIT 1",
    [WRITE_LEASE_NEXT_STALE] =
        "SELECT * FROM (SELECT seq, lease_deadline_us FROM sessions INDEXED BY idx_sessions_lease"
        " WHERE lease_deadline_us = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1)"
        " UNION ALL"
        " SELECT * FROM (SELECT seq, lease_deadline_us FROM sessions INDEXED BY idx_sessions_lease"
        " WHERE lease_deadline_us < ?1 ORDER BY lease_deadline_us DESC, seq DESC LIMIT 1) LIMIT 1",
    [WRITE_LEASE_REPAIR] =
        "UPDATE sessions SET lease_deadline_us = 0 WHERE seq IN (SELECT seq FROM sessions"
        " INDEXED BY idx_sessions_lease WHERE lease_deadline_us IS NOT NULL"
        " AND lease_deadline_us < -9223372036854775808 UNION ALL SELECT seq FROM sessions"
        " INDEXED BY idx_sessions_lease WHERE lease_deadline_us IS NOT NULL"
        " AND lease_deadline_us > 9223372036854775807)",
    [WRITE_LEASE_RESTART] =
        "UPDATE sessions SET lease_deadline_us = ?2 + " TERM_US " WHERE seq = ?1",
    [WRITE_LEASE_RESTART_TERM] = "INSERT OR REPLACE INTO lease_terms (session_seq, expires_us)"
                                 " SELECT seq, ?2 + " TERM_US " FROM sessions WHERE seq = ?1",
    [WRITE_LEASE_TERM] =
        "INSERT OR REPLACE INTO lease_terms (session_seq, expires_us) VALUES (?1, ?2)",
    [WRITE_LEASE_FLOOR] = "SELECT token_floor FROM sessiond_leases",
    [WRITE_ACTIVE] = "SELECT " WRITE_BULK_COLUMNS " FROM sessions INDEXED BY idx_sessions_status"
                     " WHERE status = 'ACTIVE' AND seq > ?1 ORDER BY seq",
    [WRITE_RECOVER] = "UPDATE sessions SET " SET_CHANGED
                      ", recovered_at = ?3, status = 'PAUSED', " NO_LEASE " WHERE seq = ?1",
    [WRITE_RELOCATION_GROUP] =
        "SELECT project_path, status FROM sessions INDEXED BY idx_sessions_project_path"
        " WHERE (project_path, status) > (?1, ?2) AND project_path < ?3"
        " ORDER BY project_path, status LIMIT 1",
    [WRITE_RELOCATION] = "SELECT " WRITE_BULK_COLUMNS ", " MOVED_PATH
                         " FROM sessions INDEXED BY idx_sessions_project_path"
                         " WHERE project_path = ?3 AND status = ?4 AND seq > ?5 ORDER BY seq",
    [WRITE_RELOCATE] = "UPDATE sessions SET " SET_CHANGED ", project_path = ?3 WHERE seq = ?1",
    [WRITE_KEY_FIND] = "SELECT created_us, digest, answer FROM idempotency_keys WHERE key = ?1",
    [WRITE_KEY_STORE] = "INSERT INTO idempotency_keys (created_us, key, digest, answer)"
                        " VALUES (?1, ?2, ?3, ?4)",
    [WRITE_KEY_REMOVE] = "DELETE FROM idempotency_keys WHERE key = ?1",
    [WRITE_KEY_EXPIRE] =
        "DELETE FROM idempotency_keys WHERE created_us IN (SELECT created_us"
        " FROM idempotency_keys WHERE created_us < ?1 ORDER BY created_us LIMIT ?2)",
    [WRITE_EVENT] =
        "INSERT INTO events (id, type, version, session_id, thread_id, project_path, from_value,"
        " to_value, context_changed, stream, first_seq, last_seq, lease_owner, lease_token)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [WRITE_EVENT_OLDEST] = "SELECT max(id) FROM"
                           " (SELECT id FROM events WHERE id < ?1 ORDER BY id LIMIT ?2)",
    [WRITE_EVENT_REMOVE] = "DELETE FROM events WHERE id <= ?1",
    [WRITE_EVENT_REMOVED] = "UPDATE sessiond_events SET purged_id = ?1",
    [WRITE_CONSUMER_PUT] = "INSERT OR REPLACE INTO consumers (name, after, updated_us)"
                           " VALUES (?1, ?2, ?3)",
    [WRITE_CONSUMER_FIND] = "SELECT 1 FROM consumers WHERE name = ?1",
    [WRITE_CONSUMER_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM consumers LIMIT ?1)",
    [WRITE_STREAM_COUNT] =
        "SELECT count(*) FROM (SELECT 1 FROM streams WHERE session_seq = ?1 LIMIT ?2)",
    [WRITE_CONSUMER_REMOVE] = "DELETE FROM consumers WHERE name = ?1",
    [WRITE_STREAM_FIND] =
        "SELECT number, last_seq, bytes FROM streams WHERE session_seq = ?1 AND name = ?2",
    [WRITE_STREAM_CREATE] = "INSERT INTO streams (session_seq, name, last_seq, bytes, updated_us)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)",
    [WRITE_STREAM_GROW] =
        "UPDATE streams SET last_seq = ?2, bytes = ?3, updated_us = ?4 WHERE number = ?1",
    [WRITE_LOG_GROW] =
        "INSERT INTO logs (session_seq, entry_count, entry_bytes, updated_us)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (session_seq) DO UPDATE SET entry_count ="
        " excluded.entry_count, entry_bytes = excluded.entry_bytes, updated_us = "
        "excluded.updated_us",
    [WRITE_ENTRY] = "INSERT INTO entries (key, created_us, entry) VALUES (?1, ?2, ?3)",
    [WRITE_UUID_FIND] = "SELECT entry FROM entry_uuids JOIN entries ON key = (number << 32) + seq"
                        " WHERE number = ?1 AND uuid = ?2",
    [WRITE_UUID] = "INSERT INTO entry_uuids (number, uuid, seq) VALUES (?1, ?2, ?3)",
    [WRITE_FORK_STREAMS] = "SELECT number, name, last_seq, bytes FROM streams"
                           " WHERE session_seq = ?1 ORDER BY name",
    [WRITE_FORK_TIME] = "SELECT created_us FROM entries WHERE key = ?1",
    [WRITE_FORK_SOURCE] = "SELECT 1 FROM streams WHERE number = ?1",
    [WRITE_FORK_ENTRIES] =
        "SELECT key, created_us, entry FROM entries WHERE key > ?1 AND key <= ?2 ORDER BY key",
    [WRITE_FORK_UUIDS] = "SELECT uuid, seq FROM entry_uuids WHERE number = ?1 AND uuid > ?2"
                         " ORDER BY uuid",
    [WRITE_STREAM_REMOVE] = "DELETE FROM streams WHERE number = ?1",
    [WRITE_STREAM_PUBLISH] =
        "INSERT INTO streams (session_seq, name, last_seq, bytes, updated_us, number)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [WRITE_LOG_CREATE] =
        "INSERT INTO logs (session_seq, entry_count, entry_bytes, updated_us, parent_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [WRITE_IMPORT_ENTRY] = "SELECT created_us, entry FROM entries WHERE key = ?1",
    [WRITE_IMPORT_SEQ_TAKEN] = "SELECT 1 FROM sessions WHERE seq = ?1",
    [WRITE_IMPORT_UUID] = "INSERT OR IGNORE INTO entry_uuids (number, uuid, seq)"
                          " VALUES (?1, ?2, ?3)",
    [WRITE_DISCARD] = "INSERT INTO discarded_streams (number) VALUES (?1)",
    [WRITE_DISCARDED_FIND] =
        "SELECT number FROM discarded_streams WHERE number BETWEEN 1 AND ?1 - 1"
        " ORDER BY number LIMIT 1",
    [WRITE_DISCARD_ENTRY] = "DELETE FROM entries WHERE key = (SELECT min(key) FROM entries"
                            " WHERE key > ?1 << 32 AND key < (?1 + 1) << 32)",
    [WRITE_DISCARD_ENTRY_RETURNING] =
        "DELETE FROM entries WHERE key = (SELECT min(key) FROM entries"
        " WHERE key > ?1 << 32 AND key < (?1 + 1) << 32) RETURNING key, entry",
    [WRITE_DISCARD_UUID] = "DELETE FROM entry_uuids WHERE number = ?1 AND uuid ="
                           " (SELECT min(uuid) FROM entry_uuids WHERE number = ?1)",
    [WRITE_DISCARD_STREAM] = "DELETE FROM discarded_streams WHERE number = ?1",
    [WRITE_PURGE_TERMINATED] = RETENTION_QUERY_TERMINATED " LIMIT 1 OFFSET ?4",
    [WRITE_PURGE_IDLE] = RETENTION_QUERY_IDLE " LIMIT 1 OFFSET ?4",
    [WRITE_PAGE_COUNT] = "PRAGMA page_count",
    [WRITE_FREE_PAGES] = "PRAGMA freelist_count",
    [WRITE_VACUUM] = "PRAGMA incremental_vacuum(128)",
};

/* These statements are prepared on first use, when their indexes exist. */
static bool is_prepared_on_first_use(int which)
{
    return which == WRITE_PURGE_TERMINATED || which == WRITE_PURGE_IDLE;
}

bool write_statements_init(struct write_statements *statements, sqlite3 *db, struct error *err)
{
    const struct store_list_query query = list_query_existing(SLICE_LITERAL(""), SLICE_LITERAL(""));
    char existing[LIST_QUERY_MAX_SQL];

    *statements = (struct write_statements){.db = db};
    list_query_sql(&query, existing);
    for (int i = 0; i < WRITE_STATEMENT_COUNT; i++) {
        const char *text = i == WRITE_FIND_EXISTING ? existing : texts[i];
        if (!is_prepared_on_first_use(i) &&
            !connection_prepare(db, text, &statements->prepared[i], err))
            return false;
    }
    return true;
}

bool write_prepare(struct write_statements *statements, enum write_statement which,
                   struct error *err)
{
    return statements->prepared[which] != NULL ||
           connection_prepare(statements->db, texts[which], &statements->prepared[which], err);
}

void write_reset(struct write_statements *statements, enum write_statement which)
{
    sqlite3_reset(statements->prepared[which]);
    sqlite3_clear_bindings(statements->prepared[which]);
}

bool write_next_row(struct write_statements *statements, enum write_statement which,
                    const char *doing, bool *ok, struct error *err)
{
    const int result = sqlite3_step(statements->prepared[which]);

    *ok = result == SQLITE_ROW || result == SQLITE_DONE;
    if (result == SQLITE_ROW)
        return true;
    if (!*ok)
        sqlite_error_set(statements->db, doing, err);
    write_reset(statements, which);
    return false;
}

bool write_run(struct write_statements *statements, enum write_statement which, const char *doing,
               struct error *err)
{
    bool ok;

    if (write_next_row(statements, which, doing, &ok, err))
        write_reset(statements, which);
    return ok;
}
