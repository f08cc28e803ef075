/* Checks the database's path before SQLite uses it: SQLite accepts a file that it cannot write, and
 * does not report which file it could not open. */
#ifndef SESSIOND_DB_SQLITE_FILE_DATABASE_PATH_H
#define SESSIOND_DB_SQLITE_FILE_DATABASE_PATH_H

#include "db/base/error.h"

/* Whether a service can use the database at `path`. Its file, WAL and WAL index, if they exist,
 * must be regular files that this process may read and write. The process must be able to create
 * files in their folder. The file must be empty or have room for a header
 * (https://sqlite.org/fileformat2.html#the_database_header). Changes nothing, and does not open the
 * file. ERROR_INTERNAL with the path and the next step. Any thread. */
MUST_USE bool database_path_check(const char *path, struct error *err);

#endif
