/* How a row of `sessions` becomes a struct session: the columns, in one order, everywhere. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_SESSION_ROW_H
#define SESSIOND_DB_SQLITE_CONNECTION_SESSION_ROW_H

#include "db/store/session.h"

#include <sqlite3.h>

#define SESSION_COLUMNS                                                                            \
    "seq, id, project_path, thread_id, status, version, created_at, updated_at, recovered_at, "    \
    "lease_owner, lease_token, lease_ttl_ms, lease_deadline_us, "                                  \
    "CASE WHEN lease_owner IS NOT NULL THEN (SELECT expires_us FROM lease_terms"                   \
    " WHERE lease_terms.session_seq = sessions.seq) END, "                                         \
    "coalesce(context_bytes, length(CAST(context AS BLOB)), 2), entry_count, entry_bytes, "        \
    "parent_id"
#define SESSION_COLUMNS_WITH_CONTEXT SESSION_COLUMNS ", context_bytes, context"

/* They are selected FROM sessions, INDEXED BY or not, and this. */
#define SESSION_LOG " LEFT JOIN logs ON session_seq = seq"

/* See store_options.fix_legacy_context. */
typedef char *(*session_context_fix)(struct slice text);

struct session_row {
    struct session session; /* slices live until the statement moves on or is reset */
    char *replaced;         /* the text that took the place of a foreign context, or NULL */
};

/* Reads the row on which `stmt` stands; its columns begin with SESSION_COLUMNS or, with `adopt`
 * given, SESSION_COLUMNS_WITH_CONTEXT. Fails when the row breaks an invariant. */
MUST_USE bool session_row_read(sqlite3_stmt *stmt, session_context_fix fix_context,
                               struct session_row *out, struct error *err);

/* Frees what session_row_read had to make. */
void session_row_release(struct session_row *row);

#endif
