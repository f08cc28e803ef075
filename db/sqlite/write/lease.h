/*
 * Leases. The owner of a lease proves with a fencing token that it may write the session; tokens
 * only increase. The monotonic clock measures the deadline, so setting the wall clock neither
 * expires nor extends a lease. Writer thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_LEASE_H
#define SESSIOND_DB_SQLITE_WRITE_LEASE_H

#include "db/sqlite/write/context.h"

/* Marks all deadlines as stale. Call at start, and after a time in which the writer did not run,
 * since no owner could renew its lease then. No lease expires until write_lease_expire has given
 * each lease its whole term again. Call between two transactions. */
void write_lease_invalidate(struct write_operations *ops);

/* Whether the job's fencing token allows it to write job->session. Rejects the job if not. */
bool write_lease_check_fence(struct write_operations *ops, struct store_job *job);

/* Ends the lease of a session that is terminated, if it has one. */
MUST_USE bool write_lease_clear(struct write_operations *ops, struct session *session,
                                struct error *err);

/* Expires some of the overdue leases: ACTIVE becomes PAUSED, and recovered_at is set, also when the
 * owner had paused the session. Advances ops->state.lease_due_us. While deadlines are stale, it
 * gives some of the leases a new term instead. */
MUST_USE bool write_lease_expire(struct write_operations *ops, struct error *err);

#endif
