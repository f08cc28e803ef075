/*
 * Prevents a second sessiond from serving the same database: an flock on `<database>.lock`, in the
 * folder of the database file with all symbolic links followed. The lock has a file of its own
 * because closing any descriptor of the database file drops SQLite's POSIX locks
 * (https://sqlite.org/howtocorrupt.html, section 2.2). The kernel releases the lock when the
 * process ends for any reason; the empty file stays. Any thread. Errors: ERROR_INTERNAL with the
 * path.
 */
#ifndef SESSIOND_DB_BASE_LOCK_FILE_H
#define SESSIOND_DB_BASE_LOCK_FILE_H

#include "db/base/error.h"

#include <limits.h>

/* Writes the path of the lock file: the path of the database with all symbolic links followed, and
 * `.lock`. The target of the last link may be missing. */
MUST_USE bool lock_file_path(const char *database_path, char name[PATH_MAX], struct error *err);

/* Acquires the exclusive lock or fails without waiting. Creates the lock file if it is missing. The
 * caller owns *descriptor; closing it releases the lock. */
MUST_USE bool lock_file_acquire(const char *database_path, int *descriptor, struct error *err);

/* Acquires a shared lock for a process that only reads the database; several may hold it. It also
 * keeps a service from starting. Creates no file: *descriptor is -1 when the lock file is missing,
 * because no sessiond has ever served this database then. The caller owns *descriptor. */
MUST_USE bool lock_file_acquire_shared(const char *database_path, int *descriptor,
                                       struct error *err);

#endif
