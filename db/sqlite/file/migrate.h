/*
 * Brings a database file to the schema of this version: numbered SQL files (db/schema/), each in
 * one transaction with the step of user_version that it makes. What cannot be brought there is
 * left as it is.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_MIGRATE_H
#define SESSIOND_DB_SQLITE_FILE_MIGRATE_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/open.h"

/* Whether a database can be brought up to date, before anything is changed. *current tells whether
 * it has the schema of this version, in which nothing is left to migrate. */
MUST_USE bool migrate_check_schema(sqlite3 *db, bool *current, struct error *err);

/* Brings `db` up to date and adopts what other programs wrote, in one transaction, so in whatever
 * journal mode the file has: turning it to WAL would change it before it is known to be taken. An
 * empty file is fine; one that is no database, that a newer sessiond or another program made, or
 * that holds what adoption would lose, is refused and stays as it is. */
MUST_USE bool migrate_run(sqlite3 *db, session_context_fix fix_context,
                          const struct store_observer *observer, struct error *err);

#endif
