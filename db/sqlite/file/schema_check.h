/*
 * Compares the schema of a database file with that of sessiond. A file from an untrusted source may
 * have triggers, views, indexes or columns that make an ordinary statement run forever or make
 * unwanted changes. So only the schema is read before this check.
 *
 * On the thread that opened the connection.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_SCHEMA_CHECK_H
#define SESSIOND_DB_SQLITE_FILE_SCHEMA_CHECK_H

#include "db/base/error.h"

#include <sqlite3.h>

/* `model` is a database with the required schema, and with all objects that sessiond may add to it:
 * the retention indexes and the search tables. ERROR_INTERNAL names the first object of `db` that
 * is foreign, changed or missing, and the next step. Plain tables with plain indexes are allowed in
 * addition: a file of the Python SessionManager may have them, and sessiond does not use them. */
MUST_USE bool schema_check(sqlite3 *db, sqlite3 *model, struct error *err);

#endif
