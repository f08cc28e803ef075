/* Maps a row of `sessions` to a struct session. All statements use the same columns in the same
 * order. On the thread of the connection. */
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

/* The FROM clause of a SELECT of these columns continues with this join. */
#define SESSION_LOG " LEFT JOIN logs ON session_seq = seq"

/* See store_options.fix_legacy_context. */
typedef char *(*session_context_fix)(struct slice text);

struct session_row {
    struct session session; /* its slices are valid until the statement is stepped or reset */
    /* malloc'ed text that replaces an invalid context of another program, or NULL */
    char *replaced;
};

/* Reads the current row of `stmt`. Its columns begin with SESSION_COLUMNS or, if fix_context is not
 * NULL, SESSION_COLUMNS_WITH_CONTEXT. ERROR_INTERNAL when the row violates an invariant. The caller
 * releases *out with session_row_release. */
MUST_USE bool session_row_read(sqlite3_stmt *stmt, session_context_fix fix_context,
                               struct session_row *out, struct error *err);

/* Frees the replaced context. */
void session_row_release(struct session_row *row);

#endif
