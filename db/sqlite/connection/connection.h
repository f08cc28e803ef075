/*
 * One SQLite connection, set up the way the house uses it, and the few calls that everyone needs.
 * A connection belongs to one thread at a time (SQLITE_OPEN_NOMUTEX).
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_CONNECTION_H
#define SESSIOND_DB_SQLITE_CONNECTION_CONNECTION_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Before SQLite is used at all: it need not count its memory, under a lock that all threads share
 * (https://sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus). Again is
 * harmless. */
void connection_configure_library(void);

/* Opens the one connection that writes and checkpoints, in the journal mode that the file has.
 * Where that fails after the file was opened, *out is the connection, which knows why; else it is
 * as before. Closed before it was made durable, it leaves a log that was there and removes one that
 * it made.
 */
MUST_USE bool connection_open_writer(const char *path, sqlite3 **out, struct error *err);

/* Triggers do not run, and views cannot be read, on a connection that was just opened: call this
 * once the schema is known to be sessiond's. */
MUST_USE bool connection_enable_triggers(sqlite3 *db, struct error *err);

/* Turns the file to WAL with synchronous=FULL; both are read back, since SQLite may quietly refuse.
 * From now on closing leaves the log. */
MUST_USE bool connection_make_durable(sqlite3 *db, struct error *err);

/* Opens a connection that can neither write nor checkpoint. */
MUST_USE bool connection_open_reader(const char *path, sqlite3 **out, struct error *err);

/* Opens a connection to a file of whatever origin, with the same limits and nothing else set.
 * `flags` are those of sqlite3_open_v2. */
MUST_USE bool connection_open_plain(const char *path, int flags, sqlite3 **out, struct error *err);

/* Opens a connection to write to a file that this process has made. A symbolic link in its place,
 * which any user who may write to the folder can make, is refused. */
MUST_USE bool connection_open_made(const char *path, sqlite3 **out, struct error *err);

/* Runs SQL that returns nothing. */
MUST_USE bool connection_run(sqlite3 *db, const char *sql, struct error *err);

/* Ends the open transaction, if there is one, without its changes. False when it stays open. */
bool connection_roll_back(sqlite3 *db);

/* Prepares a statement that is kept for the connection's life. */
MUST_USE bool connection_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                                 struct error *err);

/* The first column of the first row as a malloc'ed text, NULL when it is NULL or there is no row.
 */
MUST_USE bool connection_text(sqlite3 *db, const char *sql, char **out, struct error *err);

/* The first column of the first row, 0 when it is NULL or there is no row. */
MUST_USE bool connection_integer(sqlite3 *db, const char *sql, int64_t *out, struct error *err);

/* Finalises every statement and closes. NULL is allowed. */
void connection_close(sqlite3 *db);

/* The same for the last connection, whose log has been emptied: it is removed. */
void connection_close_last(sqlite3 *db);

#endif
