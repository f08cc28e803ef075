/* What the files of the writer share. Writer thread. */
#ifndef SESSIOND_DB_SQLITE_WRITER_WRITER_INTERNAL_H
#define SESSIOND_DB_SQLITE_WRITER_WRITER_INTERNAL_H

#include "db/sqlite/writer/writer.h"

/* Ends the transaction in which all went well, or not; `jobs` are its jobs, for the figures. */
enum outcome writer_end(struct writer *writer, bool ok, size_t jobs, struct error *err);

/* The storage refused a transaction. Of a row of such failures the first is told; the one after
 * which nothing is written any more is told elsewhere. */
void writer_tell_failure(struct writer *writer, enum outcome outcome, const struct error *err);

/* After ROLLBACK for the reason `err`: rebuilds the search index when it was the cause. */
enum outcome writer_check_search(struct writer *writer, struct error *err);

/* After COMMIT: how large the database is now, and whether that is near its limit. */
void writer_tell_size(struct writer *writer);

/* After COMMIT: logs the rows that the transaction could not read. */
void writer_log_skipped(struct writer *writer);

/* After the maintenance tasks: logs how much retention has deleted, once it is done. */
void writer_tell_purge(struct writer *writer);

/* Gives a job of a transaction that was not committed its answer. */
void writer_fail_job(struct store_job *job, const struct error *err, enum outcome outcome);

/* How long what is done between two batches may take: no longer than a commit, so that a write
 * waits at most about twice as long as without. */
int64_t writer_turn_us(const struct writer *writer);

/* Runs jobs in one transaction, or one by one when that fails, and sets their results. */
enum outcome writer_run_batch(struct writer *writer, struct store_job *first, size_t count,
                              struct error *err);

/* Runs a turn of the long jobs when it is due. */
void writer_run_long_jobs(struct writer *writer);

/* Answers all long jobs with ERROR_STOPPING. */
void writer_abandon_long_jobs(struct writer *writer, const char *detail);

#endif
