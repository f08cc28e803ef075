#include "db/base/monotonic.h"
#include "db/sqlite/write/quota.h"
#include "db/sqlite/writer/writer_internal.h"

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

bool writer_init(struct writer *writer, sqlite3 *db, int64_t checkpoint_pages, struct error *err)
{
    writer->db = db;
    writer->last_turn_us = monotonic_us();
    return checkpointer_init(&writer->log, db, writer->readers, checkpoint_pages, err) &&
           transactions_init(&writer->transactions, db, err) &&
           write_operations_init(&writer->operations, db, err);
}

static void tell_events(struct writer *writer)
{
    const int64_t newest = writer->operations.change.newest_event;

    if (newest != 0 && writer->observer.events != NULL)
        writer->observer.events(writer->observer.arg, newest);
}

static void note_commit(struct writer *writer)
{
    const int64_t now_us = monotonic_us();

    write_operations_committed(&writer->operations, now_us);
    atomic_store(&writer->figures->committed_us, now_us);
}

static enum outcome commit(struct writer *writer, size_t jobs, struct error *err)
{
    const bool changed = write_operations_changed(&writer->operations);
    const enum outcome outcome = transaction_commit(&writer->transactions, err);

    write_operations_settle(&writer->operations, outcome == OUTCOME_COMMITTED);
    if (outcome != OUTCOME_COMMITTED)
        return outcome;
    if (changed)
        note_commit(writer);
    reader_pool_committed(writer->readers);
    if (jobs > 0)
        figures_committed(writer->figures, jobs, writer->transactions.last_commit_us);
    figures_changed(writer->figures, &writer->operations.change);
    writer_tell_size(writer);
    writer_log_skipped(writer);
    atomic_store(&writer->figures->wal_bytes, checkpointer_log_bytes(&writer->log));
    tell_events(writer);
    return OUTCOME_COMMITTED;
}

enum outcome writer_end(struct writer *writer, bool ok, size_t jobs, struct error *err)
{
    struct write_operations *ops = &writer->operations;
    enum outcome outcome;

    if (ok && write_operations_finish(ops, err) && write_size_measure(ops, err)) {
        outcome = commit(writer, jobs, err);
    } else {
        write_operations_settle(ops, false);
        outcome = transaction_roll_back(&writer->transactions);
    }
    return outcome == OUTCOME_ROLLED_BACK ? writer_check_search(writer, err) : outcome;
}

static void notice(struct writer *writer, enum store_severity severity, const char *event,
                   const char *detail)
{
    writer->observer.notice(writer->observer.arg, severity, event, detail);
}

void writer_tell_failure(struct writer *writer, enum outcome outcome, const struct error *err)
{
    const bool refused = outcome == OUTCOME_ROLLED_BACK || outcome == OUTCOME_NOT_BEGUN;

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
        job->many.changed = NULL;
        job->many.changed_count = 0;
        job->existing = (struct store_existing){0};
        job->once.replayed = false;
        job->once.kept = (struct slice){0};
    }
}

static enum outcome try_transaction(struct writer *writer, struct store_job *first, size_t count,
                                    struct error *err)
{
    struct store_job *job = first;

    if (!transaction_begin(&writer->transactions, err))
        return OUTCOME_NOT_BEGUN;
    bool ok = true;
    write_operations_begin(&writer->operations);
    for (size_t i = 0; i < count && ok; i++, job = job->next)
        ok = write_operations_apply(&writer->operations, job, err);
    return writer_end(writer, ok, count, err);
}

/* Runs `count` jobs in one transaction, and again after a corrupt search index was rebuilt. */
static enum outcome run_transaction(struct writer *writer, struct store_job *first, size_t count,
                                    struct error *err)
{
    enum outcome outcome;

    while ((outcome = try_transaction(writer, first, count, err)) == OUTCOME_INDEX_REBUILT)
        reset_jobs(first, count);
    writer_tell_failure(writer, outcome, err);
    /* In a batch another job may have been the cause. */
    if (outcome == OUTCOME_ROLLED_BACK && count == 1 && first->operation == STORE_PROBE)
        write_operations_probe_failed(&writer->operations, err);
    return outcome;
}

void writer_fail_job(struct store_job *job, const struct error *err, enum outcome outcome)
{
    job->error = *err;
    job->once.replayed = false; /* what it found may have been written by this very transaction */
    if (outcome == OUTCOME_UNKNOWN)
        job->error.kind = ERROR_OUTCOME_UNKNOWN;
}

/* Alone, a job that made its batch fail fails alone, and the others succeed. */
static enum outcome run_one_by_one(struct writer *writer, struct store_job *first, size_t count,
                                   struct error *err)
{
    struct store_job *job = first;
    enum outcome outcome = OUTCOME_COMMITTED;

    for (size_t i = 0; i < count; i++, job = job->next) {
        if (outcome == OUTCOME_COMMITTED || outcome == OUTCOME_ROLLED_BACK)
            outcome = run_transaction(writer, job, 1, err);
        if (outcome != OUTCOME_COMMITTED)
            writer_fail_job(job, err, outcome);
    }
    return outcome;
}

enum outcome writer_run_batch(struct writer *writer, struct store_job *first, size_t count,
                              struct error *err)
{
    struct store_job *job = first;
    const enum outcome outcome = run_transaction(writer, first, count, err);

    /* Writes come first; and SQLite would begin the copy anew after each one that is rolled back.
     */
    if (outcome == OUTCOME_ROLLED_BACK && err->kind == ERROR_STORAGE_FULL)
        backup_abandon(&writer->backup, ERROR_NO_ROOM, "the disk became full during the backup");
    if (outcome == OUTCOME_ROLLED_BACK && count > 1) {
        reset_jobs(first, count);
        return run_one_by_one(writer, first, count, err);
    }
    if (outcome != OUTCOME_COMMITTED) {
        for (size_t i = 0; i < count; i++, job = job->next)
            writer_fail_job(job, err, outcome);
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
    atomic_fetch_add(&writer->figures->checkpoints[result], 1);
    if (result == CHECKPOINT_COMPLETE)
        atomic_store(&writer->figures->wal_bytes, 0);
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

int64_t writer_turn_us(const struct writer *writer)
{
    const int64_t commit_us = writer->transactions.last_commit_us;

    if (commit_us < TURN_MIN_US)
        return TURN_MIN_US;
    return commit_us > TURN_MAX_US ? TURN_MAX_US : commit_us;
}

static void back_up(struct writer *writer)
{
    if (backup_is_running(&writer->backup)) {
        backup_turn(&writer->backup, writer_turn_us(writer));
        writer->operations.state.size.last_jobs_us = monotonic_us();
    }
}

static void write_jobs(struct writer *writer, struct store_job *first, size_t count)
{
    enum outcome outcome = OUTCOME_NOT_BEGUN;
    struct error err;

    if (writer_has_failed(writer)) {
        error_set(&err, ERROR_STOPPING, NULL, "the storage has failed; the service is ending");
        for (struct store_job *job = first; job != NULL; job = job->next)
            job->error = err;
    } else {
        outcome = writer_run_batch(writer, first, count, &err);
    }
    first = long_jobs_take_deferred(&writer->long_jobs, first, &count);
    answer(writer, first, count);
    if (outcome == OUTCOME_UNKNOWN)
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
    int64_t due_us = housekeeping_due_us(&writer->house, &writer->operations);

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
           !backup_is_running(&writer->backup) && !housekeeping_has_more(&writer->house) &&
           writer->log.has_more;
}

/* Writes that find no room go on once the log begins anew, which takes no room. */
static bool needs_room(const struct writer *writer)
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
            writer_abandon_long_jobs(writer, "the storage has failed");
            continue;
        }
        if (checkpointer_is_due(&writer->log) || is_idle(writer) || needs_room(writer))
            checkpoint(writer);
        if (!writer_has_failed(writer)) {
            back_up(writer);
            writer_run_long_jobs(writer);
        }
    }
    backup_abandon(&writer->backup, ERROR_STOPPING, "the service is stopping");
    writer_abandon_long_jobs(writer, "the service is stopping");
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
