/* The one place where SQLite's result codes become errors (https://sqlite.org/rescode.html). */
#ifndef SESSIOND_DB_TRANSLATE_H
#define SESSIOND_DB_TRANSLATE_H

#include "db/error.h"

#include <sqlite3.h>

/* Sets *err from the failure that `db` just reported. `doing` completes "while …". Returns false.
 */
bool translate_failure(sqlite3 *db, const char *doing, struct error *err);

/* After such a result of COMMIT or of a checkpoint, only a restart tells what is on disk. */
bool translate_is_fatal(int result);

#endif
