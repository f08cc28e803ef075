/*
 * Compares the schema of a database file with the one that sessiond makes. A file from an
 * untrusted source may hold triggers, views, indexes or columns that make an ordinary statement run
 * forever or change what it should not. So nothing but the schema is read before this check.
 *
 * On the thread that opened the connection.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_SCHEMA_CHECK_H
#define SESSIOND_DB_SQLITE_FILE_SCHEMA_CHECK_H

#include "db/base/error.h"

#include <sqlite3.h>

/* `model` is a database with the schema that `db` should have, and with all that sessiond may add
 * to it: the retention indexes and the search tables. ERROR_INTERNAL names the first object of `db`
 * that is foreign, changed or missing, and what to do. Allowed beside the model are plain tables
 * with plain indexes, which a file of the Python SessionManager may have, and which sessiond does
 * not touch. */
MUST_USE bool schema_check(sqlite3 *db, sqlite3 *model, struct error *err);

#endif
