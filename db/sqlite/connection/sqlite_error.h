/* Maps SQLite's result codes to errors (https://sqlite.org/rescode.html). No other file does. On
 * the thread of the connection. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_SQLITE_ERROR_H
#define SESSIOND_DB_SQLITE_CONNECTION_SQLITE_ERROR_H

#include "db/base/error.h"

#include <sqlite3.h>

/* Sets *err from the last failure of `db`. `doing` completes the phrase "while …". Returns
 * false. */
bool sqlite_error_set(sqlite3 *db, const char *doing, struct error *err);

/* Parses the result code that sqlite_error_set() wrote into the detail; SQLite forgets the code in
 * a rollback. SQLITE_OK when there is none. *why is the text after the code, or the whole
 * detail. */
int sqlite_error_result_of(const struct error *err, const char **why);

/* Whether the error is a failure of the disk, the memory or a lock, which says nothing about the
 * stored data. */
bool sqlite_error_is_system_failure(const struct error *err);

/* Whether, after this result of COMMIT, nothing of the transaction is on disk. After any other
 * failure the transaction may be on disk: SQLite updates the WAL index after the sync. */
bool sqlite_error_is_harmless(int result);

/* Whether the file may be damaged after this result of a checkpoint. */
bool sqlite_error_is_fatal(int result);

#endif
