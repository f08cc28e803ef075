/* The one place where SQLite's result codes become errors (https://sqlite.org/rescode.html). */
#ifndef SESSIOND_DB_TRANSLATE_H
#define SESSIOND_DB_TRANSLATE_H

#include "db/error.h"

#include <sqlite3.h>

/* Sets *err from the failure that `db` just reported. `doing` completes "while …". Returns false.
 */
bool translate_failure(sqlite3 *db, const char *doing, struct error *err);

/* After such a result of COMMIT nothing of the transaction is on disk. After any other failure it
 * may be: SQLite enters the commit into its index of the log after the sync. */
bool translate_is_harmless(int result);

/* After such a result of a checkpoint the file may be damaged. */
bool translate_is_fatal(int result);

#endif
