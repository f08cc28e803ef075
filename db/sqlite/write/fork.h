/* Forks: what is planned in one transaction, copied in this one or others, and made a session in
 * the last. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_FORK_H
#define SESSIOND_DB_SQLITE_WRITE_FORK_H

#include "db/sqlite/write/context.h"

/* Whether the job, which write_fork has run, is a fork that takes longer: it is not to be answered
 * until write_operations_continue_fork has ended it. */
bool write_fork_is_deferred(const struct store_job *job);

/* Whether such a job has copied all that it planned: write_fork then makes the session. */
bool write_fork_is_copied(const struct store_job *job);

/* Copies until all is copied, the job is refused, or it is about `until_us` (monotonic). False:
 * `err` is a failure of the storage; the job cannot go on. */
MUST_USE bool write_fork_copy(struct write_operations *ops, struct store_job *job, int64_t until_us,
                              struct error *err);

/* The job has its answer, or gets none any more: what it made and did not publish is discarded. */
void write_fork_end(struct write_operations *ops);

#endif
