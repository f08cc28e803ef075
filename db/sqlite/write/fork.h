/* Forks: what is planned in one transaction, copied in this one or others, and made a session in
 * the last. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_FORK_H
#define SESSIOND_DB_SQLITE_WRITE_FORK_H

#include "db/sqlite/write/dispatch.h"

/* Whether the job, which write_fork has run, is a fork that takes longer: it is not to be answered
 * until write_fork_step has gone on with it and ended it. */
bool write_fork_is_deferred(const struct store_job *job);

/* Goes on with such a job until about `until_us` (monotonic). *ended: it has its answer, which
 * holds once the transaction is committed. False: `err` is a failure of the storage; the job cannot
 * go on. */
MUST_USE bool write_fork_step(struct write_operations *ops, struct store_job *job, int64_t until_us,
                              bool *ended, struct error *err);

/* The job has its answer, or gets none any more: what it made and did not publish is discarded. */
void write_fork_end(struct write_operations *ops);

#endif
