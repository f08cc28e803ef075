#include "db/sqlite/writer/writer.h"

#include "db/base/monotonic.h"
#include "db/sqlite/maintenance/retention.h"
#include "db/sqlite/write/fork.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/write/quota.h"

#include <stdio.h>
#include <string.h>

/* After this time without a write, the writer checkpoints, in µs. */
#define IDLE_US INT64_C(1000000)

/* Interval of further checkpoints while writes fail, in µs. */
#define CHECKPOINT_RETRY_US INT64_C(1000000)

#define TURN_MIN_US 250
#define TURN_MAX_US 1000

/* A batch waits at most this part of the last commit's duration for the clients of the previous
 * batch. Without the wait, closed-loop clients on a slow disk settle into two alternating half-size
 * batches. */
#define GATHER_DIVISOR 5

/* The writer checks for due tasks at least once a second. A longer gap than this means that the
 * process was suspended, or that the disk blocked it. */
#define STALL_US INT64_C(3000000)

bool writer_init(struct writer *writer, sqlite3 *db, int64_t checkpoint_pages, struct error *err)
{
    writer->db = db;
    writer->last_turn_us = monotonic_us();
    return checkpointer_init(&writer->log, db, writer->readers, checkpoint_pages, err) &&
           transactions_init(&writer->transactions, db, err) &&
           write_operations_init(&writer->operations, db, err);
}

/* --- Log messages ---------------------------------------------------------------------------- */

static void log_notice(struct writer *writer, enum store_severity severity, const char *event,
                       const char *detail)
{
    writer->observer.notice(writer->observer.arg, severity, event, detail);
}

/* Logs when the database approaches its size limit, and updates the statistics. Call after
 * COMMIT. */
static void log_size(struct writer *writer)
{
    struct database_size *size = &writer->operations.state.size;
    char detail[128];

    if (write_quota_describe(size, detail, sizeof(detail))) {
        if (size->nearly_full)
            log_notice(writer, STORE_WARNING, "database_nearly_full", detail);
        else
            log_notice(writer, STORE_INFO, "database_size_ok", detail);
    }
    stats_set_size(writer->stats, size);
}

/* Logs the rows that the transaction could not read. Call after COMMIT. */
static void log_skipped_rows(struct writer *writer)
{
    const struct skipped_rows *skipped = &writer->operations.skipped;
    char detail[sizeof(skipped->first.detail) + 64];

    if (skipped->count == 0)
        return;
    if (skipped->count == 1)
        snprintf(detail, sizeof(detail), "skipped a row that cannot be read: %s",
                 skipped->first.detail);
    else
        snprintf(detail, sizeof(detail), "skipped %lld rows that cannot be read; the first: %s",
                 (long long)skipped->count, skipped->first.detail);
    log_notice(writer, STORE_WARNING, "rows_skipped", detail);
}

/* Logs how much retention has deleted, once it is done. Call after the maintenance tasks. */
static void log_purge(struct writer *writer)
{
    char detail[128];

    if (retention_describe(&writer->operations.state.purge, detail, sizeof(detail)))
        log_notice(writer, STORE_INFO, "sessions_purged", detail);
}

/* --- Transactions and checkpoints ------------------------------------------------------------- */

/* Rebuilds the search index if it caused the rollback, which `err` explains. Call after
 * ROLLBACK. */
static enum transaction_result check_search_index(struct writer *writer, struct error *err)
{
    struct search_index *search = &writer->operations.search;

    if (!search_index_is_corrupt(search))
        return TRANSACTION_ROLLED_BACK;
    if (!search_index_rebuild(search, err, err))
        return TRANSACTION_UNKNOWN;
    reader_pool_on_commit(writer->readers);
    search->rebuilt_at = atomic_load(&writer->readers->commits);
    return TRANSACTION_INDEX_REBUILT;
}

static void notify_events(struct writer *writer)
{
    const int64_t newest = writer->operations.change.newest_event;

    if (newest != 0 && writer->observer.events != NULL)
        writer->observer.events(writer->observer.arg, newest);
}

static void record_commit(struct writer *writer)
{
    const int64_t now_us = monotonic_us();

    write_operations_committed(&writer->operations, now_us);
    atomic_store(&writer->stats->committed_us, now_us);
}

static enum transaction_result commit_transaction(struct writer *writer, size_t jobs,
                                                  struct error *err)
{
    const bool has_changed = write_operations_changed(&writer->operations);
    const enum transaction_result result = transaction_commit(&writer->transactions, err);

    write_operations_end(&writer->operations, result == TRANSACTION_COMMITTED);
    if (result != TRANSACTION_COMMITTED)
        return result;
    if (has_changed)
        record_commit(writer);
    reader_pool_on_commit(writer->readers);
    if (jobs > 0)
        stats_add_commit(writer->stats, jobs, writer->transactions.last_commit_us);
    stats_add_delta(writer->stats, &writer->operations.change);
    log_size(writer);
    log_skipped_rows(writer);
    atomic_store(&writer->stats->wal_bytes, checkpointer_log_bytes(&writer->log));
    notify_events(writer);
    return TRANSACTION_COMMITTED;
}

/* Commits the transaction if `ok`, else rolls it back. `jobs` is the number of its jobs, for the
 * statistics. */
static enum transaction_result end_transaction(struct writer *writer, bool ok, size_t jobs,
                                               struct error *err)
{
    struct write_operations *ops = &writer->operations;
    enum transaction_result result;

    if (ok && write_operations_finish(ops, err) && write_quota_measure(ops, err)) {
        result = commit_transaction(writer, jobs, err);
    } else {
        write_operations_end(ops, false);
        result = transaction_roll_back(&writer->transactions);
    }
    return result == TRANSACTION_ROLLED_BACK ? check_search_index(writer, err) : result;
}

/* Logs a failed transaction. Only the first failure of a run is logged. A failure after which
 * nothing is written any more is logged by writer_fail. */
static void log_failed_transaction(struct writer *writer, enum transaction_result result,
                                   const struct error *err)
{
    const bool is_rejected = result == TRANSACTION_ROLLED_BACK || result == TRANSACTION_NOT_BEGUN;

    if (is_rejected && !writer->writes_failed)
        log_notice(writer, STORE_WARNING, "write_failed", err->detail);
    writer->writes_failed = is_rejected;
}

/* Clears the results that a rolled-back transaction has set in its jobs. Appends, imports and
 * purges overwrite theirs. */
static void reset_jobs(struct store_job *first, size_t count)
{
    struct store_job *job = first;

    for (size_t i = 0; i < count; i++, job = job->next) {
        store_job_release(job);
        job->error = (struct error){0};
        job->session = (struct session){0};
        job->created = false;
        job->bulk.changed = NULL;
        job->bulk.changed_count = 0;
        job->existing = (struct store_existing){0};
        job->idempotency.replayed = false;
        job->idempotency.kept = (struct slice){0};
    }
}

static enum transaction_result try_transaction(struct writer *writer, struct store_job *first,
                                               size_t count, struct error *err)
{
    struct store_job *job = first;

    if (!transaction_begin(&writer->transactions, err))
        return TRANSACTION_NOT_BEGUN;
    bool ok = true;
    write_operations_begin(&writer->operations);
    for (size_t i = 0; i < count && ok; i++, job = job->next)
        ok = write_operations_apply(&writer->operations, job, err);
    return end_transaction(writer, ok, count, err);
}

/* Executes `count` jobs in one transaction. Retries it after a corrupt search index was rebuilt. */
static enum transaction_result run_transaction(struct writer *writer, struct store_job *first,
                                               size_t count, struct error *err)
{
    enum transaction_result result;

    while ((result = try_transaction(writer, first, count, err)) == TRANSACTION_INDEX_REBUILT)
        reset_jobs(first, count);
    log_failed_transaction(writer, result, err);
    /* In a batch, another job may have been the cause. */
    if (result == TRANSACTION_ROLLED_BACK && count == 1 && first->operation == STORE_PROBE)
        write_operations_probe_failed(&writer->operations, err);
    return result;
}

/* Sets the error of a job whose transaction was not committed. */
static void fail_job(struct store_job *job, const struct error *err, enum transaction_result result)
{
    job->error = *err;
    job->idempotency.replayed =
        false; /* the replayed response may have been written by this transaction */
    if (result == TRANSACTION_UNKNOWN)
        job->error.kind = ERROR_OUTCOME_UNKNOWN;
}

/* Executes jobs in transactions of their own: the job that made the batch fail fails alone. */
static enum transaction_result run_each_job(struct writer *writer, struct store_job *first,
                                            size_t count, struct error *err)
{
    struct store_job *job = first;
    enum transaction_result result = TRANSACTION_COMMITTED;

    for (size_t i = 0; i < count; i++, job = job->next) {
        if (result == TRANSACTION_COMMITTED || result == TRANSACTION_ROLLED_BACK)
            result = run_transaction(writer, job, 1, err);
        if (result != TRANSACTION_COMMITTED)
            fail_job(job, err, result);
    }
    return result;
}

/* Executes jobs in one transaction, or one by one if it fails, and sets their results. */
static enum transaction_result run_batch(struct writer *writer, struct store_job *first,
                                         size_t count, struct error *err)
{
    struct store_job *job = first;
    const enum transaction_result result = run_transaction(writer, first, count, err);

    /* Writes take precedence over the backup, and SQLite would restart the copy after each
     * rolled-back write. */
    if (result == TRANSACTION_ROLLED_BACK && err->kind == ERROR_STORAGE_FULL)
        backup_cancel(&writer->backup, ERROR_NO_ROOM, "the disk became full during the backup");
    if (result == TRANSACTION_ROLLED_BACK && count > 1) {
        reset_jobs(first, count);
        return run_each_job(writer, first, count, err);
    }
    if (result != TRANSACTION_COMMITTED) {
        for (size_t i = 0; i < count; i++, job = job->next)
            fail_job(job, err, result);
    }
    return result;
}

static void complete_jobs(struct writer *writer, struct store_job *first, size_t count)
{
    job_queue_complete(writer->queue, count);
    while (first != NULL) {
        struct store_job *next = first->next;
        first->done(first);
        first = next;
    }
}

bool writer_has_failed(const struct writer *writer)
{
    return writer->transactions.has_failed;
}

void writer_fail(struct writer *writer, const char *detail)
{
    writer->transactions.has_failed = true;
    log_notice(writer, STORE_ERROR, "storage_failed", detail);
    writer->observer.failed(writer->observer.arg);
}

static void count_checkpoint(struct writer *writer, enum checkpoint_result result,
                             const struct error *err)
{
    atomic_fetch_add(&writer->stats->checkpoints[result], 1);
    if (result == CHECKPOINT_COMPLETE)
        atomic_store(&writer->stats->wal_bytes, 0);
    if (result == CHECKPOINT_FAILED && !writer->checkpoint_failed)
        log_notice(writer, STORE_WARNING, "checkpoint_failed", err->detail);
    writer->checkpoint_failed = result == CHECKPOINT_FAILED;
}

static void run_checkpoint(struct writer *writer)
{
    struct error err;
    const enum checkpoint_result result = checkpointer_run(&writer->log, &err);

    count_checkpoint(writer, result, &err);
    writer->last_checkpoint_us = monotonic_us();
    if (result == CHECKPOINT_FATAL)
        writer_fail(writer, err.detail);
}

enum checkpoint_result writer_truncate_wal(struct writer *writer, struct error *err)
{
    const enum checkpoint_result result = checkpointer_truncate(&writer->log, err);

    count_checkpoint(writer, result, err);
    return result;
}

/* --- Maintenance tasks ------------------------------------------------------------------------ */

/* Whether the writer did not run for so long that owners may have failed to renew leases. */
static bool has_stalled(struct writer *writer, int64_t now_us)
{
    const int64_t gap_us = now_us - writer->last_turn_us;
    char detail[96];

    writer->last_turn_us = now_us;
    if (gap_us <= STALL_US)
        return false;
    snprintf(detail, sizeof(detail), "the writer stalled for %.1f s; each lease begins a new term",
             (double)gap_us / 1e6);
    log_notice(writer, STORE_WARNING, "writer_stalled", detail);
    return true;
}

/* Only the first failure of a run is logged. */
static void log_failed_task(struct writer *writer, enum store_task task, const struct error *err)
{
    const struct task_schedule *schedule = &writer->maintenance.tasks[task];
    char detail[sizeof(err->detail) + 64];

    atomic_fetch_add(&writer->stats->task_failures[task], 1);
    if (schedule->failures > 1)
        return;
    snprintf(detail, sizeof(detail), "%s: %s; the next attempt is in %lld s", store_task_name(task),
             err->detail, (long long)(schedule->retry_us / 1000000));
    log_notice(writer, STORE_WARNING, "maintenance_failed", detail);
}

static void log_recovered_task(struct writer *writer, enum store_task task, int64_t failures)
{
    char detail[96];

    if (failures == 0)
        return;
    snprintf(detail, sizeof(detail), "%s: succeeded after %lld failed attempts",
             store_task_name(task), (long long)failures);
    log_notice(writer, STORE_INFO, "maintenance_recovered", detail);
}

/* Executes one step of the task in its own transaction. */
static enum transaction_result run_task(struct writer *writer, enum store_task task,
                                        struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t failures = writer->maintenance.tasks[task].failures;
    const int64_t began_us = monotonic_us();
    enum transaction_result result = TRANSACTION_NOT_BEGUN;
    bool more = false;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = maintenance_step(task, ops, &more, err);
        result = end_transaction(writer, ok, 0, err);
    }
    if (result == TRANSACTION_COMMITTED || result == TRANSACTION_INDEX_REBUILT) {
        more = more || result == TRANSACTION_INDEX_REBUILT; /* the step runs again soon */
        maintenance_succeeded(&writer->maintenance, task, began_us, more);
        log_recovered_task(writer, task, failures);
    } else if (result != TRANSACTION_UNKNOWN) {
        maintenance_failed(&writer->maintenance, task);
        log_failed_task(writer, task, err);
    }
    return result;
}

bool writer_restart_leases(struct writer *writer, struct error *err)
{
    enum transaction_result result = TRANSACTION_COMMITTED;

    while (writer->operations.state.leases_stale && result == TRANSACTION_COMMITTED)
        result = run_task(writer, STORE_TASK_LEASE_EXPIRY, err);
    return result != TRANSACTION_UNKNOWN;
}

bool writer_run_maintenance(struct writer *writer, struct error *err)
{
    const struct write_operations *ops = &writer->operations;
    const int64_t now_us = monotonic_us();
    enum store_task task;

    if (has_stalled(writer, now_us))
        write_lease_invalidate(&writer->operations);
    while ((task = maintenance_next(&writer->maintenance, ops, now_us)) != STORE_TASKS) {
        if (run_task(writer, task, err) == TRANSACTION_UNKNOWN)
            return false;
    }
    log_purge(writer);
    return true;
}

/* --- Long jobs -------------------------------------------------------------------------------- */

/* Time limit of the work between two batches: at most the duration of a commit, so that a write
 * waits at most about twice as long. */
static int64_t get_turn_us(const struct writer *writer)
{
    const int64_t commit_us = writer->transactions.last_commit_us;

    if (commit_us < TURN_MIN_US)
        return TURN_MIN_US;
    return commit_us > TURN_MAX_US ? TURN_MAX_US : commit_us;
}

static void complete_job(struct writer *writer, struct store_job *job)
{
    job_queue_complete(writer->queue, 1);
    job->done(job);
}

static void run_pages(struct writer *writer)
{
    struct long_jobs *jobs = &writer->long_jobs;
    size_t count;
    struct store_job *job = long_jobs_remove_turn(jobs, &count);
    struct error err;

    if (job == NULL)
        return;
    const enum transaction_result result = run_batch(writer, job, count, &err);
    while (job != NULL) {
        struct store_job *next = job->next;
        if (write_operations_is_deferred(job))
            fair_queue_push(&jobs->pages, job);
        else
            complete_job(writer, job);
        job = next;
    }
    writer->operations.state.size.last_jobs_us = monotonic_us();
    if (result == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void end_fork(struct writer *writer)
{
    write_fork_end(&writer->operations);
    complete_job(writer, long_jobs_pop_fork(&writer->long_jobs));
}

/* *ended: the job has its result. */
static enum transaction_result copy_fork_part(struct writer *writer, struct store_job *job,
                                              bool *is_ended, struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t until_us = monotonic_us() + get_turn_us(writer);
    enum transaction_result result = TRANSACTION_NOT_BEGUN;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = write_operations_continue_fork(ops, job, until_us, is_ended, err);
        result = end_transaction(writer, ok, ok && *is_ended ? 1 : 0, err);
    }
    if (result == TRANSACTION_INDEX_REBUILT)
        error_set_public(err, ERROR_STORAGE_BUSY, NULL,
                         "the search index was rebuilt during the fork; nothing was changed; send "
                         "the request again");
    log_failed_transaction(writer, result, err);
    return result;
}

static void set_client_left_error(struct store_job *job)
{
    error_set(
        &job->error, ERROR_CLIENT_LEFT, NULL,
        "the client closed its side of the connection before the fork was complete; nothing was "
        "changed; send the request again and keep the connection open");
}

static void drop_disconnected_forks(struct writer *writer)
{
    struct store_job *job;

    while ((job = long_jobs_pop_disconnected_fork(&writer->long_jobs)) != NULL) {
        set_client_left_error(job);
        complete_job(writer, job);
    }
}

static void run_fork(struct writer *writer)
{
    struct store_job *job;
    struct error err;
    bool is_ended = false;

    drop_disconnected_forks(writer);
    job = long_jobs_fork(&writer->long_jobs);
    if (job == NULL)
        return;
    if (job->is_client_gone != NULL && job->is_client_gone(job)) {
        set_client_left_error(job);
        end_fork(writer);
        return;
    }
    const enum transaction_result result = copy_fork_part(writer, job, &is_ended, &err);
    if (result != TRANSACTION_COMMITTED)
        fail_job(job, &err, result);
    if (is_ended || result != TRANSACTION_COMMITTED)
        end_fork(writer);
    if (result == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void abandon_job(struct writer *writer, struct store_job *job, const char *detail)
{
    error_set(&job->error, ERROR_STOPPING, NULL, "%s", detail);
    complete_job(writer, job);
}

static void abandon_forks(struct writer *writer, const char *detail)
{
    struct store_job *job;

    while ((job = long_jobs_pop_fork(&writer->long_jobs)) != NULL)
        abandon_job(writer, job, detail);
    write_fork_end(&writer->operations);
}

/* Executes a turn of the long jobs when it is due. */
static void run_long_jobs(struct writer *writer)
{
    struct long_jobs *jobs = &writer->long_jobs;
    const int64_t began_us = monotonic_us();

    if (atomic_load(&jobs->refused))
        abandon_forks(writer, "the service is shutting down");
    if (!long_jobs_is_waiting(jobs) || began_us < jobs->due_us)
        return;
    run_pages(writer);
    if (!writer_has_failed(writer))
        run_fork(writer);
    long_jobs_schedule_turn(jobs, began_us, monotonic_us());
}

/* Completes all long jobs with ERROR_STOPPING. */
static void abandon_long_jobs(struct writer *writer, const char *detail)
{
    struct store_job *job;

    abandon_forks(writer, detail);
    while ((job = long_jobs_pop(&writer->long_jobs)) != NULL)
        abandon_job(writer, job, detail);
}

/* --- The thread ------------------------------------------------------------------------------- */

/* Removes the backups from a batch: they are not part of its transaction. */
static struct store_job *begin_backups(struct writer *writer, struct store_job *first,
                                       size_t *count)
{
    struct store_job **link = &first;

    while (*link != NULL) {
        struct store_job *job = *link;
        if (job->operation != STORE_BACKUP) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        (*count)--;
        job_queue_complete(writer->queue, 1);
        backup_begin(&writer->backup, job);
    }
    return first;
}

static void continue_backup(struct writer *writer)
{
    if (backup_is_running(&writer->backup)) {
        backup_turn(&writer->backup, get_turn_us(writer));
        writer->operations.state.size.last_jobs_us = monotonic_us();
    }
}

static void write_jobs(struct writer *writer, struct store_job *first, size_t count)
{
    enum transaction_result result = TRANSACTION_NOT_BEGUN;
    struct error err;

    if (writer_has_failed(writer)) {
        error_set(&err, ERROR_STOPPING, NULL, "the storage failed; the service is shutting down");
        for (struct store_job *job = first; job != NULL; job = job->next)
            job->error = err;
    } else {
        result = run_batch(writer, first, count, &err);
    }
    first = long_jobs_take_deferred(&writer->long_jobs, first, &count);
    complete_jobs(writer, first, count);
    if (result == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void run_maintenance(struct writer *writer)
{
    struct error err;

    if (!writer_has_failed(writer) && !writer_run_maintenance(writer, &err))
        writer_fail(writer, err.detail);
}

/* Time until the writer has work without a job. */
static int64_t get_idle_ms(const struct writer *writer)
{
    int64_t due_us = maintenance_due_us(&writer->maintenance, &writer->operations);

    if (long_jobs_is_waiting(&writer->long_jobs) && writer->long_jobs.due_us < due_us)
        due_us = writer->long_jobs.due_us;
    const int64_t left_us = due_us - monotonic_us();
    if (left_us <= 0 || backup_is_running(&writer->backup) ||
        write_batch_is_waiting(&writer->batch))
        return 0;
    return (left_us < IDLE_US ? left_us : IDLE_US) / 1000 + 1;
}

static bool is_idle(const struct writer *writer)
{
    return monotonic_us() - writer->operations.state.size.last_jobs_us >= IDLE_US &&
           !backup_is_running(&writer->backup) && !maintenance_has_more(&writer->maintenance) &&
           writer->log.has_more;
}

/* Writes that failed for lack of space can continue when the WAL restarts, which needs no space. */
static bool should_checkpoint_for_space(const struct writer *writer)
{
    return writer->writes_failed && writer->log.pages > 0 &&
           monotonic_us() - writer->last_checkpoint_us >= CHECKPOINT_RETRY_US;
}

/* Waits for jobs and takes the next batch. False when no further jobs will come. */
static bool take_batch(struct writer *writer, struct job_queue_gather gather,
                       struct store_job **jobs, size_t *count)
{
    const bool is_closed =
        job_queue_take(writer->queue, gather, get_idle_ms(writer), jobs, count) == JOB_QUEUE_CLOSED;

    *jobs = write_batch_take(&writer->batch, *jobs, count);
    return !is_closed || *count > 0;
}

static void *writer_run(void *arg)
{
    struct writer *writer = arg;
    struct job_queue_gather gather = {0};
    struct store_job *jobs;
    size_t count;

    writer->last_turn_us = monotonic_us();
    while (take_batch(writer, gather, &jobs, &count)) {
        run_maintenance(writer);
        jobs = begin_backups(writer, jobs, &count);
        jobs = long_jobs_remove_pages(&writer->long_jobs, jobs, &count);
        if (count > 0) {
            write_jobs(writer, jobs, count);
            writer->operations.state.size.last_jobs_us = monotonic_us();
            writer->long_jobs.batch_us = monotonic_us();
        }
        gather.answered = count;
        gather.limit_us = writer->transactions.last_commit_us / GATHER_DIVISOR;
        if (writer_has_failed(writer)) {
            backup_cancel(&writer->backup, ERROR_STOPPING, "the storage failed");
            abandon_long_jobs(writer, "the storage failed");
            continue;
        }
        if (checkpointer_is_due(&writer->log) || is_idle(writer) ||
            should_checkpoint_for_space(writer))
            run_checkpoint(writer);
        if (!writer_has_failed(writer)) {
            continue_backup(writer);
            run_long_jobs(writer);
        }
    }
    backup_cancel(&writer->backup, ERROR_STOPPING, "the service is shutting down");
    abandon_long_jobs(writer, "the service is shutting down");
    return NULL;
}

bool writer_start(struct writer *writer, struct error *err)
{
    if (pthread_create(&writer->thread, NULL, writer_run, writer) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the writer thread");
    return true;
}

void writer_join(struct writer *writer)
{
    pthread_join(writer->thread, NULL);
}
