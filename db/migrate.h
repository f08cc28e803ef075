/*
 * Brings a database file to the schema of this version: numbered SQL files (db/schema/), each in
 * one transaction with the step of user_version that it makes. What cannot be brought there is
 * left as it is.
 */
#ifndef SESSIOND_DB_MIGRATE_H
#define SESSIOND_DB_MIGRATE_H

#include "db/session_row.h"
#include "db/store_open.h"

/* Looks at a file without changing a byte of it: a file that is not there or empty is fine, one
 * that is no database, was made by a newer sessiond or by another program is refused. */
MUST_USE bool migrate_check(const char *path, struct error *err);

/* The same of a database that is open. *current tells whether it has the schema of this version, in
 * which nothing is left to migrate. */
MUST_USE bool migrate_check_schema(sqlite3 *db, bool *current, struct error *err);

/* Brings `db` up to date and adopts what other programs wrote. */
MUST_USE bool migrate_run(sqlite3 *db, session_adopter adopt, const struct store_observer *observer,
                          struct error *err);

#endif
