/*
 * Migrates a database file to the schema of this version: numbered SQL files (db/sqlite/schema/),
 * each of which increases user_version. A file that cannot be migrated is left unchanged. On the
 * thread of the connection.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_MIGRATE_H
#define SESSIOND_DB_SQLITE_FILE_MIGRATE_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/open.h"

/* Checks whether a database can be migrated, without changing it. *current: it has the schema of
 * this version, and no migration is left. ERROR_INTERNAL with the reason otherwise. */
MUST_USE bool migrate_check_schema(sqlite3 *db, bool *current, struct error *err);

/* Migrates `db` and imports the rows of other programs, in one transaction. It keeps the journal
 * mode of the file: switching to WAL would change the file before it is accepted. An empty file is
 * accepted. A file is rejected and left unchanged if it is no database, if a newer sessiond or
 * another program created it, or if the import would lose data. */
MUST_USE bool migrate_run(sqlite3 *db, session_context_fix fix_context,
                          const struct store_observer *observer, struct error *err);

#endif
