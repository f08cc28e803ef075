/*
 * A database file as a whole, while no service serves it: opening one to read, copying it, checking
 * its structure, putting it under its name. For the commands that run beside the service; one
 * thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_DATABASE_FILE_H
#define SESSIOND_DB_SQLITE_FILE_DATABASE_FILE_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Hears what a long operation is at. Any of them may be NULL. */
struct file_observer {
    void *arg;
    void (*doing)(void *arg, const char *what); /* "checking", …; static */
    void (*copied)(void *arg, int64_t bytes, int64_t of);
    void (*found)(void *arg, const char *problem);
    void (*remark)(void *arg, const char *text); /* no problem, but worth knowing */
};

enum file_verdict {
    FILE_OK,
    FILE_CORRUPT, /* damaged, or not what it should be; `found` has heard each reason */
    FILE_UNKNOWN, /* `err` says what kept it from being looked at */
};

/* A file that a service holds is refused; so nothing writes to it while *lock is open (-1 when no
 * service has ever served it). No byte of it is changed, and where it has no log, no file is made
 * beside it. The caller closes *db with connection_close, then *lock. */
MUST_USE bool database_file_open(const char *path, sqlite3 **db, int *lock, struct error *err);

/* SQLite's integrity_check and foreign_key_check. */
enum file_verdict database_file_check(sqlite3 *db, const struct file_observer *observer,
                                      struct error *err);

/* Copies all of `source` into the file `path`, which is made, private to the user. It is in
 * rollback-journal mode: one file, which can be read where nothing can be written. Not synced. */
enum file_verdict database_file_copy(sqlite3 *source, const char *path,
                                     const struct file_observer *observer, struct error *err);

/* Takes a database that nobody has open out of write-ahead-log mode; its log must be gone. */
MUST_USE bool database_file_make_plain(int descriptor, struct error *err);

/* After a call on `db` failed: whether the file is at fault, by SQLite's result code. */
bool database_file_is_damaged(sqlite3 *db);

#endif
