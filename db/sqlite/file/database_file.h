/*
 * Operations on a whole database file that no service uses: open for reading, copy, check the
 * structure, rename. For the commands that run beside the service. One thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_DATABASE_FILE_H
#define SESSIOND_DB_SQLITE_FILE_DATABASE_FILE_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Callbacks for the progress of a long operation. Each may be NULL. */
struct file_observer {
    void *arg;
    void (*doing)(void *arg, const char *what); /* "checking", …; static string */
    void (*copied)(void *arg, int64_t bytes, int64_t of);
    void (*found)(void *arg, const char *problem);
    void (*remark)(void *arg, const char *text); /* no problem, but relevant to the user */
};

enum file_verdict {
    FILE_OK,
    FILE_CORRUPT, /* damaged or invalid; `found` was called for each reason */
    FILE_UNKNOWN, /* the check was not possible; see `err` */
};

/* Opens the file for reading with a shared lock. Rejects a file that a service uses; while *lock is
 * open, no service writes to it. *lock is -1 when no service has ever used the file. The file is
 * not changed, and without a WAL no other file is created. The caller closes *db with
 * connection_close, then *lock. */
MUST_USE bool database_file_open(const char *path, sqlite3 **db, int *lock, struct error *err);

/* Executes SQLite's integrity_check and foreign_key_check. Calls `found` for each problem. */
enum file_verdict database_file_check(sqlite3 *db, const struct file_observer *observer,
                                      struct error *err);

/* Copies all of `source` into a new file `path` with mode 0600. The copy is in rollback-journal
 * mode: a single file that is readable in a read-only folder. Not synced. */
enum file_verdict database_file_copy(sqlite3 *source, const char *path,
                                     const struct file_observer *observer, struct error *err);

/* Switches a database that is not open from WAL mode to rollback-journal mode; its WAL must not
 * exist. */
MUST_USE bool database_file_disable_wal(int descriptor, struct error *err);

/* Whether the result code of the last failed call on `db` means that the file is damaged. */
bool database_file_is_damaged(sqlite3 *db);

#endif
