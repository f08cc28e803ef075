/*
 * One SQLite connection with sessiond's settings, and common calls on it. A connection belongs to
 * one thread at a time (SQLITE_OPEN_NOMUTEX).
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_CONNECTION_H
#define SESSIOND_DB_SQLITE_CONNECTION_CONNECTION_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Disables SQLite's memory statistics, which need a lock that all threads share
 * (https://sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus). Call before
 * the first use of SQLite. Further calls have no effect. */
void connection_configure_library(void);

/* Opens the connection that writes and checkpoints, in the journal mode of the file. If an error
 * occurs after the file was opened, *out is the open connection, so that the caller can read the
 * cause from it; otherwise *out is unchanged. If the connection is closed before
 * connection_make_durable, an existing WAL stays and a WAL that the connection created is
 * removed. */
MUST_USE bool connection_open_writer(const char *path, sqlite3 **out, struct error *err);

/* Enables triggers. A new connection runs no triggers and reads no views. Call it after the schema
 * was verified as sessiond's. */
MUST_USE bool connection_enable_triggers(sqlite3 *db, struct error *err);

/* Sets WAL mode and synchronous=FULL. Reads both back, since SQLite may ignore the request without
 * an error. From now on closing the connection leaves the WAL. */
MUST_USE bool connection_make_durable(sqlite3 *db, struct error *err);

/* Opens a connection that can neither write nor checkpoint. The caller closes *out. */
MUST_USE bool connection_open_reader(const char *path, sqlite3 **out, struct error *err);

/* Opens a connection to any file, with the same limits and no other settings. `flags` are those of
 * sqlite3_open_v2. The caller closes *out. */
MUST_USE bool connection_open_plain(const char *path, int flags, sqlite3 **out, struct error *err);

/* Opens a connection that writes to a file that this process created. Rejects a symbolic link in
 * its place, which any user with write permission for the folder can create. */
MUST_USE bool connection_open_created(const char *path, sqlite3 **out, struct error *err);

/* Executes SQL that returns no rows. */
MUST_USE bool connection_run(sqlite3 *db, const char *sql, struct error *err);

/* Rolls back the open transaction, if there is one. False when the transaction stays open. */
bool connection_roll_back(sqlite3 *db);

/* Prepares a statement. The connection owns it: connection_close finalizes it. */
MUST_USE bool connection_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out,
                                 struct error *err);

/* Reads the first column of the first row as a malloc'ed text that the caller frees. NULL when it
 * is NULL or there is no row. */
MUST_USE bool connection_text(sqlite3 *db, const char *sql, char **out, struct error *err);

/* Reads the first column of the first row; 0 when it is NULL or there is no row. */
MUST_USE bool connection_integer(sqlite3 *db, const char *sql, int64_t *out, struct error *err);

/* Finalizes all statements and closes the connection. `db` may be NULL. */
void connection_close(sqlite3 *db);

/* Closes the last connection, whose WAL was emptied, and removes the WAL. */
void connection_close_last(sqlite3 *db);

#endif
