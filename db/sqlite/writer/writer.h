/*
 * The one thread that writes. It takes all jobs that wait, runs them in one transaction, commits
 * (one fsync for all), and answers them; the next batch gathers while that fsync runs. It also
 * makes every checkpoint: when the log has grown long, and when nothing is to do. Between batches
 * it runs maintenance tasks.
 */
#ifndef SESSIOND_DB_SQLITE_WRITER_WRITER_H
#define SESSIOND_DB_SQLITE_WRITER_WRITER_H

#include "db/runtime/job_queue.h"
#include "db/runtime/write_batch.h"
#include "db/sqlite/connection/stats.h"
#include "db/sqlite/connection/transaction.h"
#include "db/sqlite/maintenance/backup.h"
#include "db/sqlite/maintenance/scheduler.h"
#include "db/sqlite/write/dispatch.h"
#include "db/sqlite/writer/long_jobs.h"
#include "db/store/open.h"

struct writer {
    sqlite3 *db;
    struct transactions transactions;
    struct checkpointer log;
    struct write_operations operations;
    struct reader_pool *readers;
    struct job_queue *queue;
    struct write_batch batch; /* jobs that have left the queue and wait for the next batch */
    struct stats *stats;
    struct store_observer observer;
    int64_t last_turn_us;       /* monotonic: when it was last looked what is due */
    int64_t last_checkpoint_us; /* monotonic */
    struct maintenance maintenance;
    struct backup backup;
    struct long_jobs long_jobs;
    bool writes_failed; /* the last transaction; only the first failure of a run is logged */
    bool checkpoint_failed;
    pthread_t thread;
};

/* Prepares the statements. `db` is borrowed and from now on used by the writer alone; what else
 * the struct names has been set by the caller. */
MUST_USE bool writer_init(struct writer *writer, sqlite3 *db, int64_t checkpoint_pages,
                          struct error *err);

MUST_USE bool writer_start(struct writer *writer, struct error *err);

/* At start, before the thread runs: gives every lease its whole term again, in several
 * transactions. A failure is logged, and lease expiry goes on with it. False when the storage has
 * failed. */
MUST_USE bool writer_start_terms(struct writer *writer, struct error *err);

/* Runs the maintenance tasks that are due, each in a transaction of its own. A task that fails is
 * logged and retried later. False when the storage has failed. */
MUST_USE bool writer_maintain(struct writer *writer, struct error *err);

/* While the thread does not run, and nobody reads: copies the whole log into the file and empties
 * it. A log that has to stay is told to the observer. Never PARTIAL. */
enum checkpoint_result writer_empty_log(struct writer *writer, struct error *err);

/* Whether the storage has failed: from then on nothing is written. Writer thread, or after
 * writer_join. */
bool writer_has_failed(const struct writer *writer);

/* The storage has failed: tells the observer why. */
void writer_fail(struct writer *writer, const char *detail);

/* Waits for the thread, which ends once the queue is closed and empty. */
void writer_join(struct writer *writer);

#endif
