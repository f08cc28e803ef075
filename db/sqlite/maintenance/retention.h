/*
 * Retention: deletes sessions that were terminated or idle for long enough. A session is found and
 * deleted in one transaction, so a session that becomes active before is not found. Writer thread,
 * inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_H

#include "db/sqlite/write/context.h"

/* One step of the maintenance task: deletes some sessions from a stored position on. Once an hour
 * it restarts at the beginning, for the sessions that it had to skip. *more: call again. */
MUST_USE bool retention_step(struct write_operations *ops, bool *more, struct error *err);

/* Executes STORE_PURGE. The contract is that of write_operations_apply. */
MUST_USE bool write_purge(struct write_operations *ops, struct store_job *job, struct error *err);

/* True once after the maintenance task has deleted sessions and finds no more: writes the log
 * message into `text`. */
bool retention_describe(struct retention_state *purge, char *text, size_t size);

#endif
