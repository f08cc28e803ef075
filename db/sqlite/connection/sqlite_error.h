/* The one place where SQLite's result codes become errors (https://sqlite.org/rescode.html). */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_SQLITE_ERROR_H
#define SESSIOND_DB_SQLITE_CONNECTION_SQLITE_ERROR_H

#include "db/base/error.h"

#include <sqlite3.h>

/* Sets *err from the failure that `db` just reported. `doing` completes "while …". Returns false.
 */
bool sqlite_error_set(sqlite3 *db, const char *doing, struct error *err);

/* The result code that sqlite_error_set() put into the detail, which a rollback makes SQLite
 * forget; SQLITE_OK when there is none. *why is what follows it, or the whole detail. */
int sqlite_error_result_of(const struct error *err, const char **why);

/* Whether the error is a failure of the disk, the memory or a lock, and says nothing about what is
 * stored. */
bool sqlite_error_is_about_system(const struct error *err);

/* After such a result of COMMIT nothing of the transaction is on disk. After any other failure it
 * may be: SQLite enters the commit into its index of the log after the sync. */
bool sqlite_error_is_harmless(int result);

/* After such a result of a checkpoint the file may be damaged. */
bool sqlite_error_is_fatal(int result);

#endif
