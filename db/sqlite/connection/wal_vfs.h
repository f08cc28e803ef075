/*
 * A VFS (https://sqlite.org/vfs.html) that is the default one, except that what SQLite writes to a
 * write-ahead log is gathered and written at once. SQLite writes each page of a commit in two
 * calls, one for its 24-byte header; a commit of sixty sessions makes hundreds of them, right
 * before its one fsync. Gathered bytes reach the file before anything can ask for them: before a
 * sync, a read, a truncation or a look at the size. SQLite publishes a commit to other
 * connections only after the sync, so they never look at what is still gathered.
 *
 * Before a page is taken the index of the log (-shm) is made long enough for it, so that a full
 * disk is noticed before the commit is on disk.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_WAL_VFS_H
#define SESSIOND_DB_SQLITE_CONNECTION_WAL_VFS_H

#include "db/base/error.h"

#include <sqlite3.h>

#define WAL_VFS_NAME "sessiond-wal"

/* Makes the VFS known to SQLite; again is harmless. Not thread-safe: at start. */
MUST_USE bool wal_vfs_register(struct error *err);

/* Before a ROLLBACK: what the connection's transaction has gathered is not wanted any more, and a
 * full disk must not be asked for it. */
void wal_vfs_discard(sqlite3 *db);

#endif
