/*
 * Retention: deletes sessions that were over, or idle, for long enough. What is found is deleted in
 * the same transaction, so a session that is taken up again before is not found any more. Writer
 * thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_H

#include "db/sqlite/write/context.h"

/* The maintenance task: some sessions at a time, from a place that it remembers. From time to time
 * it begins anew, for those that it had to pass by. */
MUST_USE bool retention_step(struct write_operations *ops, bool *more, struct error *err);

/* The job STORE_PURGE. */
MUST_USE bool write_purge(struct write_operations *ops, struct store_job *job, struct error *err);

/* True once, after the maintenance task has deleted sessions and finds no more: writes the line for
 * the log into `text`. */
bool retention_describe(struct retention_state *purge, char *text, size_t size);

#endif
