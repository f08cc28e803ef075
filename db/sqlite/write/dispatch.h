/*
 * What each write does inside the writer's open transaction. Owned by the writer thread.
 *
 * A batch that is rolled back runs again job by job: an operation never changes what came in with
 * a job.
 *
 * A job that is refused has changed nothing: what is stored is looked at before the first statement
 * that changes anything. When a statement fails, the whole transaction is rolled back, never a part
 * of it (a savepoint): after an error of the storage, what is left of a transaction is not known.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_DISPATCH_H
#define SESSIOND_DB_SQLITE_WRITE_DISPATCH_H

#include "db/sqlite/write/context.h"

/* A probe writes only when no change was committed within this time. The error of a failed probe is
 * repeated for this time. */
#define PROBE_INTERVAL_US INT64_C(1000000)

/* `db` is borrowed; its statements are finalised when it is closed. What is set up
 * to be kept, and for how long, has been set by the caller. */
MUST_USE bool write_operations_init(struct write_operations *ops, sqlite3 *db, struct error *err);

/* Call first in every transaction: saves the state. */
void write_operations_begin(struct write_operations *ops);

/* Last in every transaction: what was changed becomes what can be found. */
MUST_USE bool write_operations_finish(struct write_operations *ops, struct error *err);

/* Call after COMMIT, or between a failure and ROLLBACK. Not committed: restores the saved state. */
void write_operations_end(struct write_operations *ops, bool committed);

/* A change was committed at this time; a probe alone in its transaction failed. */
void write_operations_committed(struct write_operations *ops, int64_t now_us);
void write_operations_probe_failed(struct write_operations *ops, const struct error *err);

/* Whether the open transaction has changed anything. */
bool write_operations_changed(const struct write_operations *ops);

/* Runs one job. True: its answer is in the job, be it success or an error that concerns the job
 * alone. False: `err` is a failure of the storage, and the transaction must be rolled back. */
MUST_USE bool write_operations_apply(struct write_operations *ops, struct store_job *job,
                                     struct error *err);

/* Goes on with a fork that is deferred until about `until_us` (monotonic). *ended: it has its
 * answer, which holds once the transaction is committed. False: `err` is a failure of the storage;
 * the job cannot go on. */
MUST_USE bool write_operations_continue_fork(struct write_operations *ops, struct store_job *job,
                                             int64_t until_us, bool *ended, struct error *err);

/* Whether a job that has run needs more turns, and must not be answered yet. */
bool write_operations_is_deferred(const struct store_job *job);

#endif
