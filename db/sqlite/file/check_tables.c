/* The rules of all tables except those of the entries (db/sqlite/file/check_entries.c). Further
 * rules for sessions are in db/sqlite/file/check.c. */

#include "db/sqlite/file/check_context.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"

#define IS_INVALID_TIME(column)                                                                    \
    "(typeof(" column ") <> 'integer' OR " column " NOT BETWEEN 0 AND 253402300799999999)"
#define IS_INVALID_COUNT(column, least)                                                            \
    "(typeof(" column ") <> 'integer' OR " column " NOT BETWEEN " least " AND 9007199254740992)"

/* Each statement selects one sentence for every row that violates a rule. */
static const char *const rules[] = {
    "SELECT printf('session %.36s: the lease is invalid', id) FROM sessions"
    " WHERE (lease_token IS NOT NULL AND " IS_INVALID_COUNT(
        "lease_token", "1") ")"
                            " OR (lease_owner IS NULL) <> (lease_deadline_us IS NULL)"
                            " OR (lease_owner IS NOT NULL AND (typeof(lease_owner) <> 'text' OR "
                            "lease_token IS NULL"
                            " OR typeof(lease_ttl_ms) <> 'integer' OR lease_ttl_ms NOT BETWEEN 1 "
                            "AND 9007199254740992"
                            " OR " IS_INVALID_TIME("lease_deadline_us") ")) LIMIT 100",

    "SELECT 'the clock is invalid' FROM sessiond_clock WHERE " IS_INVALID_TIME("reserved_us"),

    "SELECT printf('idempotency key %s: the row is invalid', quote(key)) FROM idempotency_keys"
    " WHERE typeof(key) <> 'text' OR length(key) NOT BETWEEN 1 AND 255"
    " OR typeof(digest) <> 'blob' OR length(digest) <> 32 OR typeof(answer) <> 'blob'"
    " OR " IS_INVALID_TIME("created_us") " LIMIT 100",

    "SELECT 'the table sessiond_events has ' || count(*) || ' rows instead of one' FROM "
    "sessiond_events"
    " HAVING count(*) <> 1",

    "SELECT 'the table sessiond_leases has ' || count(*) || ' rows instead of one' FROM "
    "sessiond_leases"
    " HAVING count(*) <> 1",

    "SELECT 'the id of the newest deleted event is invalid' FROM sessiond_events"
    " WHERE " IS_INVALID_TIME("purged_id"),

    "SELECT 'the highest fencing token of deleted sessions is invalid' FROM sessiond_leases"
    " WHERE " IS_INVALID_COUNT("token_floor", "0"),

    "SELECT 'the session with seq ' || session_seq || ': it has a lease term but no lease'"
    " FROM lease_terms WHERE session_seq NOT IN"
    " (SELECT seq FROM sessions WHERE lease_owner IS NOT NULL) LIMIT 100",

    "SELECT 'event ' || id || ': ' || problem FROM (SELECT id, CASE"
    " WHEN id < 1 OR id > (SELECT reserved_us FROM sessiond_clock)"
    " THEN 'the id is not a time of the clock'"
    " WHEN id <= (SELECT purged_id FROM sessiond_events)"
    " THEN 'it is older than the newest deleted event'"
    " WHEN type NOT BETWEEN 1 AND 11 THEN 'the type ' || type || ' is unknown'"
    " WHEN version < 1 THEN 'the version ' || version || ' is invalid'"
    " WHEN typeof(session_id) || typeof(thread_id) || typeof(project_path) <> 'texttexttext'"
    " THEN 'a column is not text'"
    " WHEN (type = 3 AND (from_value IS NULL OR to_value IS NULL))"
    " OR (type = 6 AND from_value IS NULL)"
    " OR (type = 7 AND (stream IS NULL OR coalesce(last_seq >= first_seq, 0) = 0))"
    " OR (type >= 8 AND (lease_owner IS NULL OR lease_token IS NULL))"
    " THEN 'the changed values are missing' END AS problem FROM events)"
    " WHERE problem IS NOT NULL LIMIT 100",

    "SELECT 'event ' || e.id || ': the session has not reached version ' || e.version"
    " FROM events AS e JOIN sessions AS s ON s.id = e.session_id"
    " WHERE e.version > s.version AND e.id >= s.seq LIMIT 100",

    "SELECT 'consumer ' || name || ': the name is invalid' FROM consumers"
    " WHERE length(name) NOT BETWEEN 1 AND 128 OR name NOT GLOB '[A-Za-z0-9]*'"
    " OR name GLOB '*[^-A-Za-z0-9._~:@]*' LIMIT 100",

    "SELECT 'consumer ' || name || ': the offset ' || quote(after) || ' is invalid' FROM consumers"
    " WHERE typeof(after) <> 'integer' OR after < 0 LIMIT 100",

    "SELECT 'consumer ' || name || ': the time ' || quote(updated_us) || ' is invalid' FROM "
    "consumers"
    " WHERE " IS_INVALID_TIME("updated_us") " LIMIT 100",
};

bool check_rule(struct check *check, const char *sql, struct error *err)
{
    sqlite3_stmt *stmt;
    int result;

    if (!connection_prepare(check->db, sql, &stmt, err)) {
        check_set_failure(check, err);
        return false;
    }
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW)
        check_report_problem(check, "%s", column_text(stmt, 0).data);
    if (result != SQLITE_DONE)
        check_set_failure(check, err);
    sqlite3_finalize(stmt);
    return result == SQLITE_DONE;
}

bool check_tables(struct check *check, struct error *err)
{
    if (check->observer->doing != NULL)
        check->observer->doing(check->observer->arg, "checking the tables");
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!check_rule(check, rules[i], err))
            return false;
    }
    return true;
}
