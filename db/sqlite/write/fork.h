/* Forks. The first transaction plans a fork, this one and further ones copy the entries, and the
 * last one publishes the session. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_FORK_H
#define SESSIOND_DB_SQLITE_WRITE_FORK_H

#include "db/sqlite/write/context.h"

/* Whether write_fork has deferred the job: the job is not completed until
 * write_operations_continue_fork has ended it. */
bool write_fork_is_deferred(const struct store_job *job);

/* Whether a deferred job has copied everything: write_fork then publishes the session. */
bool write_fork_is_copied(const struct store_job *job);

/* Copies until the copy is complete, the job is rejected, or `until_us` (monotonic) is reached.
 * False: *err is a storage error, and the job cannot continue. */
MUST_USE bool write_fork_copy(struct write_operations *ops, struct store_job *job, int64_t until_us,
                              struct error *err);

/* Call when the job has its result or is abandoned: unpublished copies are left to garbage
 * collection. */
void write_fork_end(struct write_operations *ops);

#endif
