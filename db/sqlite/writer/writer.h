/*
 * The writer thread. It takes all waiting jobs, executes them in one transaction, commits (one
 * fsync for all) and completes them. The next batch gathers during the fsync. The writer also makes
 * every checkpoint: when the WAL is long, and when the writer is idle. Between batches it runs
 * maintenance tasks.
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
    struct write_batch batch; /* jobs that were taken from the queue and wait for the next batch */
    struct stats *stats;
    struct store_observer observer;
    int64_t last_turn_us;       /* monotonic: when due tasks were last checked */
    int64_t last_checkpoint_us; /* monotonic */
    struct maintenance maintenance;
    struct backup backup;
    struct long_jobs long_jobs;
    bool writes_failed; /* the last transaction failed; only the first failure of a run is logged */
    bool checkpoint_failed;
    pthread_t thread;
};

/* Prepares the statements. `db` is borrowed, and only the writer uses it from now on. The caller
 * has set the other members. */
MUST_USE bool writer_init(struct writer *writer, sqlite3 *db, int64_t checkpoint_pages,
                          struct error *err);

/* Starts the thread. ERROR_INTERNAL when it cannot be created. */
MUST_USE bool writer_start(struct writer *writer, struct error *err);

/* Gives each lease its whole term again, in several transactions. Call at start, before the thread
 * runs. A failure is logged, and lease expiry continues the work. False: *err is a storage
 * error. */
MUST_USE bool writer_restart_leases(struct writer *writer, struct error *err);

/* Executes the due maintenance tasks, each in its own transaction. A failing task is logged and
 * retried later. False: *err is a storage error. */
MUST_USE bool writer_run_maintenance(struct writer *writer, struct error *err);

/* Copies the whole WAL into the file and truncates it. Call when neither the thread nor any reader
 * runs. If the WAL has to stay, the observer is notified. Never returns CHECKPOINT_PARTIAL. */
enum checkpoint_result writer_truncate_wal(struct writer *writer, struct error *err);

/* Whether the storage has failed: nothing is written from then on. Writer thread, or after
 * writer_join. */
bool writer_has_failed(const struct writer *writer);

/* Marks the storage as failed and notifies the observer with the reason. */
void writer_fail(struct writer *writer, const char *detail);

/* Joins the thread, which ends when the queue is closed and empty. */
void writer_join(struct writer *writer);

#endif
