/*
 * A VFS (https://sqlite.org/vfs.html) that wraps the default VFS and buffers SQLite's writes to a
 * WAL. SQLite writes each page of a commit in two calls, one of them for its 24-byte header; a
 * commit of sixty sessions makes hundreds of calls before its one fsync. The VFS flushes the buffer
 * before a sync, a read, a truncation or a size query. SQLite publishes a commit to other
 * connections after the sync, so they never read bytes that are still buffered.
 *
 * Before it accepts a page, the VFS extends the WAL index (-shm) far enough for it, so that a full
 * disk is detected before the commit is on disk.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_WAL_VFS_H
#define SESSIOND_DB_SQLITE_CONNECTION_WAL_VFS_H

#include "db/base/error.h"

#include <sqlite3.h>

#define WAL_VFS_NAME "sessiond-wal"

/* Registers the VFS with SQLite. Further calls have no effect. Not thread-safe: call at start. */
MUST_USE bool wal_vfs_register(struct error *err);

/* Discards the buffered bytes of the connection's transaction. Call before ROLLBACK: the bytes are
 * not needed, and writing them could fail on a full disk. The thread of the connection. */
void wal_vfs_discard(sqlite3 *db);

#endif
