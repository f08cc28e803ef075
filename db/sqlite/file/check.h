/*
 * Checks a database file without changing it: its structure, its schema, and the invariants of each
 * row. For a command that runs while no service uses the file. One thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_CHECK_H
#define SESSIOND_DB_SQLITE_FILE_CHECK_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/file/database_file.h"

/* `fix_context` is store_options.fix_legacy_context: a context that it would replace is no JSON
 * object. A file of an older version or of another program is checked in its state after the
 * migration, which is executed in memory. *sessions is the number of checked sessions.
 * FILE_UNKNOWN: *err is set. */
enum file_verdict check_file(const char *path, session_context_fix fix_context,
                             const struct file_observer *observer, int64_t *sessions,
                             struct error *err);

/* The same for an open database with the schema of this version. `db` is borrowed. */
enum file_verdict check_database(sqlite3 *db, session_context_fix fix_context,
                                 const struct file_observer *observer, struct error *err);

/* Checks only the structure and the schema: whether the file is a database of this or an older
 * sessiond, or one that can be imported. */
enum file_verdict check_structure(const char *path, const struct file_observer *observer,
                                  struct error *err);

#endif
