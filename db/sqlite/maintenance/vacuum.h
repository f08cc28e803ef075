/*
 * Free pages are given back to the disk, for which SQLite has to have kept an account of where each
 * page is used (https://sqlite.org/pragma.html#pragma_auto_vacuum): from the first page on, or from
 * a rewriting of the whole file.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_VACUUM_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_VACUUM_H

#include "db/sqlite/write/context.h"
#include "db/store/open.h"

/* For a database without a page. */
MUST_USE bool vacuum_prepare_new(sqlite3 *db, struct error *err);

/* At start, in WAL mode, before anyone reads: rewrites a file that does not keep the account, in
 * one transaction, where it is small and there is room. Otherwise it stays as it is, and the
 * observer is told. False when the storage failed. */
MUST_USE bool vacuum_convert(sqlite3 *db, const struct store_observer *observer, struct error *err);

/* The maintenance task: gives some of the free pages back while there is nothing else to do. Some
 * always stay, for what is stored next. */
MUST_USE bool vacuum_step(struct write_operations *ops, bool *more, struct error *err);

#endif
