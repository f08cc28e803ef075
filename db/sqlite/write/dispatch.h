/*
 * Executes write jobs inside the writer's open transaction. Owned by the writer thread.
 *
 * After a rollback the writer executes the jobs of a batch again one by one, so an operation never
 * changes the input of a job.
 *
 * A rejected job has changed nothing: an operation checks the stored state before its first
 * statement that changes anything. If a statement fails, the writer rolls back the whole
 * transaction and never a part of it (a savepoint): after a storage error the rest of the
 * transaction is in an unknown state.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_DISPATCH_H
#define SESSIOND_DB_SQLITE_WRITE_DISPATCH_H

#include "db/sqlite/write/context.h"

/* A probe writes only when no change was committed within this time, in µs. A failed probe's error
 * is returned again during this time. */
#define PROBE_INTERVAL_US INT64_C(1000000)

/* `db` is borrowed; closing it finalizes the statements. The caller has set the limits and
 * retention times of *ops. Call before the first transaction. */
MUST_USE bool write_operations_init(struct write_operations *ops, sqlite3 *db, struct error *err);

/* Saves the state. Call first in every transaction. */
void write_operations_begin(struct write_operations *ops);

/* Writes the collected search index changes and reserves time. Call last in every transaction,
 * before COMMIT. False: a storage error; roll back. */
MUST_USE bool write_operations_finish(struct write_operations *ops, struct error *err);

/* Call after COMMIT, or between a failure and ROLLBACK. If not committed, it restores the saved
 * state. */
void write_operations_end(struct write_operations *ops, bool committed);

/* Records the time of a committed change (monotonic µs), and the error of a failed probe that was
 * alone in its transaction. */
void write_operations_committed(struct write_operations *ops, int64_t now_us);
void write_operations_probe_failed(struct write_operations *ops, const struct error *err);

/* Whether the open transaction has changed any row. */
bool write_operations_changed(const struct write_operations *ops);

/* Executes one job. True: the job has a result, or an error that concerns only the job. False: *err
 * is a storage error, and the transaction must be rolled back. */
MUST_USE bool write_operations_apply(struct write_operations *ops, struct store_job *job,
                                     struct error *err);

/* Continues a deferred fork until about `until_us` (monotonic). *ended: the job has its result,
 * which is final after the commit. False: *err is a storage error, and the job cannot continue. */
MUST_USE bool write_operations_continue_fork(struct write_operations *ops, struct store_job *job,
                                             int64_t until_us, bool *ended, struct error *err);

/* Whether an executed job needs further turns and must not be completed yet. */
bool write_operations_is_deferred(const struct store_job *job);

#endif
