/*
 * Incremental vacuum: returns free pages to the file system. It requires pointer-map pages
 * (https://sqlite.org/pragma.html#pragma_auto_vacuum), which SQLite sets up in a new file or when
 * VACUUM rewrites the whole file. Writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_VACUUM_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_VACUUM_H

#include "db/sqlite/write/context.h"
#include "db/store/open.h"

/* Enables incremental vacuum in a database without any page. */
MUST_USE bool vacuum_prepare_new(sqlite3 *db, struct error *err);

/* Enables incremental vacuum in an existing file. Call at start, in WAL mode, before any reader
 * opens the file. Rewrites the file in one transaction if it is small and the disk has enough
 * space. Otherwise leaves it unchanged and notifies the observer. False: *err is a storage
 * error. */
MUST_USE bool vacuum_convert(sqlite3 *db, const struct store_observer *observer, struct error *err);

/* The maintenance task: returns some of the free pages while the writer has nothing else to do.
 * Some free pages are always kept for later writes. *more: call again. */
MUST_USE bool vacuum_step(struct write_operations *ops, bool *more, struct error *err);

#endif
