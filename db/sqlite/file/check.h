/*
 * Checks a database file, down to the rules that each row keeps, without changing a byte of it. For
 * a command that runs while no service serves the file; one thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_CHECK_H
#define SESSIOND_DB_SQLITE_FILE_CHECK_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/file/database_file.h"

/* `adopt` is store_options.fix_legacy_context: a context that it would replace is no JSON object.
 * What an older version or another program made is looked at as the next start of a service would
 * find it after its migration, which is tried in memory. *sessions is how many were looked at. */
enum file_verdict check_file(const char *path, session_context_fix fix_context,
                             const struct file_observer *observer, int64_t *sessions,
                             struct error *err);

/* The same for an open database that has the schema of this version. */
enum file_verdict check_database(sqlite3 *db, session_context_fix fix_context,
                                 const struct file_observer *observer, struct error *err);

/* Its structure and its schema alone: whether it is the database of a sessiond that is not newer
 * than this one, or one that can be adopted. */
enum file_verdict check_structure(const char *path, const struct file_observer *observer,
                                  struct error *err);

#endif
