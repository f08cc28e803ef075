/* What stands under the database's name and beside it, looked at before SQLite touches any of it:
 * SQLite serves a file that it cannot write, and does not say which file it could not open. */
#ifndef SESSIOND_DB_SQLITE_FILE_DATABASE_PATH_H
#define SESSIOND_DB_SQLITE_FILE_DATABASE_PATH_H

#include "db/base/error.h"

/* Whether a database can be served there: its file, log and index, as far as they are there, are
 * regular and this process may read and write them, it may make files in their folder, and the file
 * is empty or has room for a header (https://sqlite.org/fileformat2.html#the_database_header).
 * Changes nothing, and does not open the file. Any thread. */
MUST_USE bool database_path_check(const char *path, struct error *err);

#endif
