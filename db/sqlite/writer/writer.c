#include "db/sqlite/writer/writer.h"

#include "db/base/monotonic.h"
#include "db/sqlite/maintenance/retention.h"
#include "db/sqlite/write/fork.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/write/quota.h"

#include <stdio.h>
#include <string.h>

/* After so long without a write the log is copied into the database file. */
#define IDLE_US INT64_C(1000000)

/* When a checkpoint is tried again while writes are refused. */
#define RETRY_US INT64_C(1000000)

#define TURN_MIN_US 250
#define TURN_MAX_US 1000

/* A batch waits for at most this part of the last commit's time for the senders of the batch
 * before it. On a slow disk this keeps clients from splitting into halves that take turns. */
#define GATHER_DIVISOR 5

/* The writer looks for due tasks once a second at least. After a longer gap than this the process
 * was suspended, or the disk blocked it. */
#define STALL_US INT64_C(3000000)

bool writer_init(struct writer *writer, sqlite3 *db, int64_t checkpoint_pages, struct error *err)
{
    writer->db = db;
    writer->last_turn_us = monotonic_us();
    return checkpointer_init(&writer->log, db, writer->readers, checkpoint_pages, err) &&
           transactions_init(&writer->transactions, db, err) &&
           write_operations_init(&writer->operations, db, err);
}

/* --- The log of the service ------------------------------------------------------------------- */

static void notice(struct writer *writer, enum store_severity severity, const char *event,
                   const char *detail)
{
    writer->observer.notice(writer->observer.arg, severity, event, detail);
}

/* After COMMIT: how large the database is now, and whether that is near its limit. */
static void log_size(struct writer *writer)
{
    struct database_size *size = &writer->operations.state.size;
    char detail[128];

    if (write_quota_describe(size, detail, sizeof(detail))) {
        if (size->nearly_full)
            notice(writer, STORE_WARNING, "database_nearly_full", detail);
        else
            notice(writer, STORE_INFO, "database_size_ok", detail);
    }
    stats_set_size(writer->stats, size);
}

/* After COMMIT: logs the rows that the transaction could not read. */
static void log_skipped_rows(struct writer *writer)
{
    const struct skipped_rows *skipped = &writer->operations.skipped;
    char detail[sizeof(skipped->first.detail) + 64];

    if (skipped->count == 0)
        return;
    if (skipped->count == 1)
        snprintf(detail, sizeof(detail), "a row cannot be read: %s", skipped->first.detail);
    else
        snprintf(detail, sizeof(detail), "%lld rows cannot be read, the first: %s",
                 (long long)skipped->count, skipped->first.detail);
    notice(writer, STORE_WARNING, "rows_skipped", detail);
}

/* After the maintenance tasks: logs how much retention has deleted, once it is done. */
static void log_purge(struct writer *writer)
{
    char detail[128];

    if (retention_describe(&writer->operations.state.purge, detail, sizeof(detail)))
        notice(writer, STORE_INFO, "sessions_purged", detail);
}

/* --- Transactions and checkpoints ------------------------------------------------------------- */

/* After ROLLBACK for the reason `err`: rebuilds the search index when it was the cause. */
static enum transaction_result check_search_index(struct writer *writer, struct error *err)
{
    struct search_index *search = &writer->operations.search;

    if (!search_index_is_corrupt(search))
        return TRANSACTION_ROLLED_BACK;
    if (!search_index_rebuild(search, err, err))
        return TRANSACTION_UNKNOWN;
    reader_pool_committed(writer->readers);
    search->rebuilt_at = atomic_load(&writer->readers->commits);
    return TRANSACTION_INDEX_REBUILT;
}

static void announce_events(struct writer *writer)
{
    const int64_t newest = writer->operations.change.newest_event;

    if (newest != 0 && writer->observer.events != NULL)
        writer->observer.events(writer->observer.arg, newest);
}

static void note_commit(struct writer *writer)
{
    const int64_t now_us = monotonic_us();

    write_operations_committed(&writer->operations, now_us);
    atomic_store(&writer->stats->committed_us, now_us);
}

static enum transaction_result commit(struct writer *writer, size_t jobs, struct error *err)
{
    const bool changed = write_operations_changed(&writer->operations);
    const enum transaction_result outcome = transaction_commit(&writer->transactions, err);

    write_operations_end(&writer->operations, outcome == TRANSACTION_COMMITTED);
    if (outcome != TRANSACTION_COMMITTED)
        return outcome;
    if (changed)
        note_commit(writer);
    reader_pool_committed(writer->readers);
    if (jobs > 0)
        stats_add_commit(writer->stats, jobs, writer->transactions.last_commit_us);
    stats_add_delta(writer->stats, &writer->operations.change);
    log_size(writer);
    log_skipped_rows(writer);
    atomic_store(&writer->stats->wal_bytes, checkpointer_log_bytes(&writer->log));
    announce_events(writer);
    return TRANSACTION_COMMITTED;
}

/* Ends the transaction in which all went well, or not; `jobs` are its jobs, for the figures. */
static enum transaction_result end_transaction(struct writer *writer, bool ok, size_t jobs,
                                               struct error *err)
{
    struct write_operations *ops = &writer->operations;
    enum transaction_result outcome;

    if (ok && write_operations_finish(ops, err) && write_quota_measure(ops, err)) {
        outcome = commit(writer, jobs, err);
    } else {
        write_operations_end(ops, false);
        outcome = transaction_roll_back(&writer->transactions);
    }
    return outcome == TRANSACTION_ROLLED_BACK ? check_search_index(writer, err) : outcome;
}

/* The storage refused a transaction. Of a row of such failures the first is told; the one after
 * which nothing is written any more is told elsewhere. */
static void log_failed_transaction(struct writer *writer, enum transaction_result outcome,
                                   const struct error *err)
{
    const bool refused = outcome == TRANSACTION_ROLLED_BACK || outcome == TRANSACTION_NOT_BEGUN;

    if (refused && !writer->writes_failed)
        notice(writer, STORE_WARNING, "write_failed", err->detail);
    writer->writes_failed = refused;
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

/* Runs `count` jobs in one transaction, and again after a corrupt search index was rebuilt. */
static enum transaction_result run_transaction(struct writer *writer, struct store_job *first,
                                               size_t count, struct error *err)
{
    enum transaction_result outcome;

    while ((outcome = try_transaction(writer, first, count, err)) == TRANSACTION_INDEX_REBUILT)
        reset_jobs(first, count);
    log_failed_transaction(writer, outcome, err);
    /* In a batch another job may have been the cause. */
    if (outcome == TRANSACTION_ROLLED_BACK && count == 1 && first->operation == STORE_PROBE)
        write_operations_probe_failed(&writer->operations, err);
    return outcome;
}

/* Gives a job of a transaction that was not committed its answer. */
static void fail_job(struct store_job *job, const struct error *err,
                     enum transaction_result outcome)
{
    job->error = *err;
    job->idempotency.replayed =
        false; /* what it found may have been written by this very transaction */
    if (outcome == TRANSACTION_UNKNOWN)
        job->error.kind = ERROR_OUTCOME_UNKNOWN;
}

/* Alone, a job that made its batch fail fails alone, and the others succeed. */
static enum transaction_result run_one_by_one(struct writer *writer, struct store_job *first,
                                              size_t count, struct error *err)
{
    struct store_job *job = first;
    enum transaction_result outcome = TRANSACTION_COMMITTED;

    for (size_t i = 0; i < count; i++, job = job->next) {
        if (outcome == TRANSACTION_COMMITTED || outcome == TRANSACTION_ROLLED_BACK)
            outcome = run_transaction(writer, job, 1, err);
        if (outcome != TRANSACTION_COMMITTED)
            fail_job(job, err, outcome);
    }
    return outcome;
}

/* Runs jobs in one transaction, or one by one when that fails, and sets their results. */
static enum transaction_result run_batch(struct writer *writer, struct store_job *first,
                                         size_t count, struct error *err)
{
    struct store_job *job = first;
    const enum transaction_result outcome = run_transaction(writer, first, count, err);

    /* Writes come first; and SQLite would begin the copy anew after each one that is rolled back.
     */
    if (outcome == TRANSACTION_ROLLED_BACK && err->kind == ERROR_STORAGE_FULL)
        backup_abandon(&writer->backup, ERROR_NO_ROOM, "the disk became full during the backup");
    if (outcome == TRANSACTION_ROLLED_BACK && count > 1) {
        reset_jobs(first, count);
        return run_one_by_one(writer, first, count, err);
    }
    if (outcome != TRANSACTION_COMMITTED) {
        for (size_t i = 0; i < count; i++, job = job->next)
            fail_job(job, err, outcome);
    }
    return outcome;
}

static void answer(struct writer *writer, struct store_job *first, size_t count)
{
    job_queue_answered(writer->queue, count);
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
    notice(writer, STORE_ERROR, "storage_failed", detail);
    writer->observer.failed(writer->observer.arg);
}

static void count_checkpoint(struct writer *writer, enum checkpoint_result result,
                             const struct error *err)
{
    atomic_fetch_add(&writer->stats->checkpoints[result], 1);
    if (result == CHECKPOINT_COMPLETE)
        atomic_store(&writer->stats->wal_bytes, 0);
    if (result == CHECKPOINT_FAILED && !writer->checkpoint_failed)
        notice(writer, STORE_WARNING, "checkpoint_failed", err->detail);
    writer->checkpoint_failed = result == CHECKPOINT_FAILED;
}

static void checkpoint(struct writer *writer)
{
    struct error err;
    const enum checkpoint_result result = checkpointer_run(&writer->log, &err);

    count_checkpoint(writer, result, &err);
    writer->last_checkpoint_us = monotonic_us();
    if (result == CHECKPOINT_FATAL)
        writer_fail(writer, err.detail);
}

enum checkpoint_result writer_empty_log(struct writer *writer, struct error *err)
{
    const enum checkpoint_result result = checkpointer_empty(&writer->log, err);

    count_checkpoint(writer, result, err);
    return result;
}

/* --- Maintenance tasks ------------------------------------------------------------------------ */

/* Whether the writer did not run for so long that owners may have failed to renew leases. */
static bool has_stalled(struct writer *writer, int64_t now_us)
{
    const int64_t away_us = now_us - writer->last_turn_us;
    char detail[96];

    writer->last_turn_us = now_us;
    if (away_us <= STALL_US)
        return false;
    snprintf(detail, sizeof(detail),
             "the writer did not run for %.1f s: each lease begins a new term",
             (double)away_us / 1e6);
    notice(writer, STORE_WARNING, "writer_stalled", detail);
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
    notice(writer, STORE_WARNING, "maintenance_failed", detail);
}

static void log_recovered_task(struct writer *writer, enum store_task task, int64_t failures)
{
    char detail[96];

    if (failures == 0)
        return;
    snprintf(detail, sizeof(detail), "%s: succeeded; failed attempts before: %lld",
             store_task_name(task), (long long)failures);
    notice(writer, STORE_INFO, "maintenance_recovered", detail);
}

/* Runs one step of the task in a transaction of its own. */
static enum transaction_result run_task(struct writer *writer, enum store_task task,
                                        struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t failures = writer->maintenance.tasks[task].failures;
    const int64_t began_us = monotonic_us();
    enum transaction_result outcome = TRANSACTION_NOT_BEGUN;
    bool more = false;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = maintenance_step(task, ops, &more, err);
        outcome = end_transaction(writer, ok, 0, err);
    }
    if (outcome == TRANSACTION_COMMITTED || outcome == TRANSACTION_INDEX_REBUILT) {
        more = more || outcome == TRANSACTION_INDEX_REBUILT; /* the step is run again soon */
        maintenance_succeeded(&writer->maintenance, task, began_us, more);
        log_recovered_task(writer, task, failures);
    } else if (outcome != TRANSACTION_UNKNOWN) {
        maintenance_failed(&writer->maintenance, task);
        log_failed_task(writer, task, err);
    }
    return outcome;
}

bool writer_start_terms(struct writer *writer, struct error *err)
{
    enum transaction_result outcome = TRANSACTION_COMMITTED;

    while (writer->operations.state.leases_stale && outcome == TRANSACTION_COMMITTED)
        outcome = run_task(writer, STORE_TASK_LEASE_EXPIRY, err);
    return outcome != TRANSACTION_UNKNOWN;
}

bool writer_maintain(struct writer *writer, struct error *err)
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

/* How long what is done between two batches may take: no longer than a commit, so that a write
 * waits at most about twice as long as without. */
static int64_t turn_us(const struct writer *writer)
{
    const int64_t commit_us = writer->transactions.last_commit_us;

    if (commit_us < TURN_MIN_US)
        return TURN_MIN_US;
    return commit_us > TURN_MAX_US ? TURN_MAX_US : commit_us;
}

static void answer_one(struct writer *writer, struct store_job *job)
{
    job_queue_answered(writer->queue, 1);
    job->done(job);
}

static void run_pages(struct writer *writer)
{
    struct long_jobs *jobs = &writer->long_jobs;
    size_t count;
    struct store_job *job = long_jobs_take_turn(jobs, &count);
    struct error err;

    if (job == NULL)
        return;
    const enum transaction_result outcome = run_batch(writer, job, count, &err);
    while (job != NULL) {
        struct store_job *next = job->next;
        if (write_operations_is_deferred(job))
            fair_queue_push(&jobs->pages, job);
        else
            answer_one(writer, job);
        job = next;
    }
    writer->operations.state.size.last_jobs_us = monotonic_us();
    if (outcome == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void end_fork(struct writer *writer)
{
    write_fork_end(&writer->operations);
    answer_one(writer, long_jobs_pop_fork(&writer->long_jobs));
}

/* *ended: the job has its answer. */
static enum transaction_result copy(struct writer *writer, struct store_job *job, bool *ended,
                                    struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t until_us = monotonic_us() + turn_us(writer);
    enum transaction_result outcome = TRANSACTION_NOT_BEGUN;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = write_operations_continue_fork(ops, job, until_us, ended, err);
        outcome = end_transaction(writer, ok, ok && *ended ? 1 : 0, err);
    }
    if (outcome == TRANSACTION_INDEX_REBUILT)
        error_set(err, ERROR_STORAGE_BUSY, NULL,
                  "the search index was rebuilt during the fork; send the request again");
    log_failed_transaction(writer, outcome, err);
    return outcome;
}

static void refuse_left(struct store_job *job)
{
    error_set(&job->error, ERROR_CLIENT_LEFT, NULL,
              "the client ended its side of the connection before the fork was made; nothing was "
              "changed; send it again and keep the connection open");
}

static void drop_left_forks(struct writer *writer)
{
    struct store_job *job;

    while ((job = long_jobs_pop_left_fork(&writer->long_jobs)) != NULL) {
        refuse_left(job);
        answer_one(writer, job);
    }
}

static void copy_fork(struct writer *writer)
{
    struct store_job *job;
    struct error err;
    bool ended = false;

    drop_left_forks(writer);
    job = long_jobs_fork(&writer->long_jobs);
    if (job == NULL)
        return;
    if (job->has_left != NULL && job->has_left(job)) {
        refuse_left(job);
        end_fork(writer);
        return;
    }
    const enum transaction_result outcome = copy(writer, job, &ended, &err);
    if (outcome != TRANSACTION_COMMITTED)
        fail_job(job, &err, outcome);
    if (ended || outcome != TRANSACTION_COMMITTED)
        end_fork(writer);
    if (outcome == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void abandon(struct writer *writer, struct store_job *job, const char *detail)
{
    error_set(&job->error, ERROR_STOPPING, NULL, "%s", detail);
    answer_one(writer, job);
}

static void abandon_forks(struct writer *writer, const char *detail)
{
    struct store_job *job;

    while ((job = long_jobs_pop_fork(&writer->long_jobs)) != NULL)
        abandon(writer, job, detail);
    write_fork_end(&writer->operations);
}

/* Runs a turn of the long jobs when it is due. */
static void run_long_jobs(struct writer *writer)
{
    struct long_jobs *jobs = &writer->long_jobs;
    const int64_t began_us = monotonic_us();

    if (atomic_load(&jobs->refused))
        abandon_forks(writer, "the service is stopping");
    if (!long_jobs_is_waiting(jobs) || began_us < jobs->due_us)
        return;
    run_pages(writer);
    if (!writer_has_failed(writer))
        copy_fork(writer);
    long_jobs_rest(jobs, began_us, monotonic_us());
}

/* Answers all long jobs with ERROR_STOPPING. */
static void abandon_long_jobs(struct writer *writer, const char *detail)
{
    struct store_job *job;

    abandon_forks(writer, detail);
    while ((job = long_jobs_pop(&writer->long_jobs)) != NULL)
        abandon(writer, job, detail);
}

/* --- The thread ------------------------------------------------------------------------------- */

/* Takes the backups out of a batch: they are no part of its transaction. */
static struct store_job *take_out_backups(struct writer *writer, struct store_job *first,
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
        job_queue_answered(writer->queue, 1);
        backup_begin(&writer->backup, job);
    }
    return first;
}

static void back_up(struct writer *writer)
{
    if (backup_is_running(&writer->backup)) {
        backup_turn(&writer->backup, turn_us(writer));
        writer->operations.state.size.last_jobs_us = monotonic_us();
    }
}

static void write_jobs(struct writer *writer, struct store_job *first, size_t count)
{
    enum transaction_result outcome = TRANSACTION_NOT_BEGUN;
    struct error err;

    if (writer_has_failed(writer)) {
        error_set(&err, ERROR_STOPPING, NULL, "the storage has failed; the service is ending");
        for (struct store_job *job = first; job != NULL; job = job->next)
            job->error = err;
    } else {
        outcome = run_batch(writer, first, count, &err);
    }
    first = long_jobs_take_deferred(&writer->long_jobs, first, &count);
    answer(writer, first, count);
    if (outcome == TRANSACTION_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void maintain(struct writer *writer)
{
    struct error err;

    if (!writer_has_failed(writer) && !writer_maintain(writer, &err))
        writer_fail(writer, err.detail);
}

/* Until something is to be done without a job. */
static int64_t idle_ms(const struct writer *writer)
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

/* Writes that find no room go on once the log begins anew, which takes no room. */
static bool should_checkpoint_for_space(const struct writer *writer)
{
    return writer->writes_failed && writer->log.pages > 0 &&
           monotonic_us() - writer->last_checkpoint_us >= RETRY_US;
}

/* Waits for jobs and takes the next batch of them. False when there will be no more. */
static bool take_batch(struct writer *writer, struct job_queue_gather gather,
                       struct store_job **jobs, size_t *count)
{
    const bool closed =
        job_queue_take(writer->queue, gather, idle_ms(writer), jobs, count) == JOB_QUEUE_CLOSED;

    *jobs = write_batch_take(&writer->batch, *jobs, count);
    return !closed || *count > 0;
}

static void *writer_run(void *arg)
{
    struct writer *writer = arg;
    struct job_queue_gather gather = {0};
    struct store_job *jobs;
    size_t count;

    writer->last_turn_us = monotonic_us();
    while (take_batch(writer, gather, &jobs, &count)) {
        maintain(writer);
        jobs = take_out_backups(writer, jobs, &count);
        jobs = long_jobs_take_pages(&writer->long_jobs, jobs, &count);
        if (count > 0) {
            write_jobs(writer, jobs, count);
            writer->operations.state.size.last_jobs_us = monotonic_us();
            writer->long_jobs.batch_us = monotonic_us();
        }
        gather.answered = count;
        gather.limit_us = writer->transactions.last_commit_us / GATHER_DIVISOR;
        if (writer_has_failed(writer)) {
            backup_abandon(&writer->backup, ERROR_STOPPING, "the storage has failed");
            abandon_long_jobs(writer, "the storage has failed");
            continue;
        }
        if (checkpointer_is_due(&writer->log) || is_idle(writer) ||
            should_checkpoint_for_space(writer))
            checkpoint(writer);
        if (!writer_has_failed(writer)) {
            back_up(writer);
            run_long_jobs(writer);
        }
    }
    backup_abandon(&writer->backup, ERROR_STOPPING, "the service is stopping");
    abandon_long_jobs(writer, "the service is stopping");
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
