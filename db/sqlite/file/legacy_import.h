/*
 * Legacy import: the whole file of the Python SessionManager at the first start, and single rows
 * that it writes later. All functions run in the caller's transaction, at start, on the thread of
 * the connection.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_LEGACY_IMPORT_H
#define SESSIOND_DB_SQLITE_FILE_LEGACY_IMPORT_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/open.h"

/* The ids of the sessions whose contexts were replaced. All zero: none. */
struct legacy_replaced {
    char (*ids)[UUID_LENGTH];
    size_t count;
    size_t capacity;
};

/* Rejects a file in which the import would lose or break something, and names it: columns that
 * sessiond does not know; views, triggers and virtual tables, which may depend on the table; tables
 * with a foreign key to it. Other tables are left unchanged. */
MUST_USE bool legacy_check(sqlite3 *db, struct error *err);

/* Renames the legacy table and drops its indexes, so that the schema can be created. */
MUST_USE bool legacy_rename_table(sqlite3 *db, struct error *err);

/* Drops an index that the Python program creates at its own start if it is missing. sessiond does
 * not use it, and it would cost time with every write. */
MUST_USE bool legacy_drop_recreated_index(sqlite3 *db, struct error *err);

/* Moves the rows to the new table in the order of (created_at, rowid); their times are kept. */
MUST_USE bool legacy_copy_rows(sqlite3 *db, struct error *err);

/* Imports each row that is not imported yet. An invalid row (an id that is no UUID, an invalid
 * status or time) fails the whole import; the error names it. Records in *replaced the contexts
 * that `fix_context` has replaced. Advances the writer's clock to the newest time. */
MUST_USE bool legacy_import_rows(sqlite3 *db, session_context_fix fix_context,
                                 struct legacy_replaced *replaced, struct error *err);

/* Adds an id of UUID_LENGTH bytes. */
void legacy_add_replaced(struct legacy_replaced *replaced, struct slice id);

/* Logs each replaced context. Call after COMMIT. */
void legacy_log_replaced(const struct legacy_replaced *replaced,
                         const struct store_observer *observer);

/* Frees the list and empties it. */
void legacy_release(struct legacy_replaced *replaced);

#endif
