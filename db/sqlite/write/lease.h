/*
 * Leases: who may write a session, proved by a token that only grows. A lease's deadline is
 * measured by the monotonic clock, so setting the wall clock neither ends nor prolongs it. Writer
 * thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_LEASE_H
#define SESSIOND_DB_SQLITE_WRITE_LEASE_H

#include "db/sqlite/write/context.h"

/* At start, and after a time in which the writer did not run: no holder could renew its lease. No
 * lease expires until write_lease_expire has given each of them its whole term again. Between two
 * transactions. */
void write_lease_invalidate(struct write_operations *ops);

/* Whether the job may write its session, which job->session shows. Refuses the job when not. */
bool write_lease_check_fence(struct write_operations *ops, struct store_job *job);

/* Ends the lease of a session that is over, if it has one. */
MUST_USE bool write_lease_clear(struct write_operations *ops, struct session *session,
                                struct error *err);

/* Ends some of the leases whose time is over: ACTIVE becomes PAUSED, and recovered_at is set, also
 * where the owner had paused the session before it was gone. Moves ops->state.lease_due_us on.
 * While the leases are in doubt: gives some of them a new term instead. */
MUST_USE bool write_lease_expire(struct write_operations *ops, struct error *err);

#endif
