/*
 * Keeps a second sessiond away from the same database: an flock on `<database>.lock`, beside the
 * file that the path leads to, symbolic links followed. It is a file of its own because closing any
 * descriptor of the database file drops SQLite's POSIX locks
 * (https://sqlite.org/howtocorrupt.html, section 2.2). The kernel releases it when the process
 * ends, however it ends; the empty file stays.
 */
#ifndef SESSIOND_DB_BASE_LOCK_FILE_H
#define SESSIOND_DB_BASE_LOCK_FILE_H

#include "db/base/error.h"

#include <limits.h>

/* The path of the lock: `.lock` behind that of the database with all symbolic links followed, also
 * where the last one leads to nothing yet. */
MUST_USE bool lock_file_name(const char *database_path, char name[PATH_MAX], struct error *err);

/* Takes the lock or fails at once. A database that is not there yet is made, empty. *descriptor is
 * closed to release it. */
MUST_USE bool lock_file_take(const char *database_path, int *descriptor, struct error *err);

/* For those who only read, and who may be several: keeps a service away all the same. Makes no
 * file: *descriptor is -1 when there is none, since then no sessiond has ever served this one. */
MUST_USE bool lock_file_share(const char *database_path, int *descriptor, struct error *err);

#endif
