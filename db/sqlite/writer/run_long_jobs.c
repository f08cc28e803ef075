#include "db/base/monotonic.h"
#include "db/sqlite/write/fork.h"
#include "db/sqlite/writer/writer_internal.h"

static void answer(struct writer *writer, struct store_job *job)
{
    job_queue_answered(writer->queue, 1);
    job->done(job);
}

/* --- Pages ----------------------------------------------------------------------------------- */

static void run_pages(struct writer *writer)
{
    struct long_jobs *jobs = &writer->long_jobs;
    size_t count;
    struct store_job *job = long_jobs_take_turn(jobs, &count);
    struct error err;

    if (job == NULL)
        return;
    const enum outcome outcome = writer_run_batch(writer, job, count, &err);
    while (job != NULL) {
        struct store_job *next = job->next;
        if (write_operations_is_deferred(job))
            fair_queue_push(&jobs->pages, job);
        else
            answer(writer, job);
        job = next;
    }
    writer->operations.state.size.last_jobs_us = monotonic_us();
    if (outcome == OUTCOME_UNKNOWN)
        writer_fail(writer, err.detail);
}

/* --- Forks ----------------------------------------------------------------------------------- */

static void end_fork(struct writer *writer)
{
    write_fork_end(&writer->operations);
    answer(writer, long_jobs_pop_fork(&writer->long_jobs));
}

/* *ended: the job has its answer. */
static enum outcome copy(struct writer *writer, struct store_job *job, bool *ended,
                         struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t until_us = monotonic_us() + writer_turn_us(writer);
    enum outcome outcome = OUTCOME_NOT_BEGUN;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = write_operations_continue_fork(ops, job, until_us, ended, err);
        outcome = writer_end(writer, ok, ok && *ended ? 1 : 0, err);
    }
    if (outcome == OUTCOME_INDEX_REBUILT)
        error_set(err, ERROR_STORAGE_BUSY, NULL,
                  "the search index was rebuilt during the fork; send the request again");
    writer_tell_failure(writer, outcome, err);
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
        answer(writer, job);
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
    const enum outcome outcome = copy(writer, job, &ended, &err);
    if (outcome != OUTCOME_COMMITTED)
        writer_fail_job(job, &err, outcome);
    if (ended || outcome != OUTCOME_COMMITTED)
        end_fork(writer);
    if (outcome == OUTCOME_UNKNOWN)
        writer_fail(writer, err.detail);
}

static void abandon(struct writer *writer, struct store_job *job, const char *detail)
{
    error_set(&job->error, ERROR_STOPPING, NULL, "%s", detail);
    answer(writer, job);
}

static void abandon_forks(struct writer *writer, const char *detail)
{
    struct store_job *job;

    while ((job = long_jobs_pop_fork(&writer->long_jobs)) != NULL)
        abandon(writer, job, detail);
    write_fork_end(&writer->operations);
}

/* --- Turns ----------------------------------------------------------------------------------- */

void writer_run_long_jobs(struct writer *writer)
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

void writer_abandon_long_jobs(struct writer *writer, const char *detail)
{
    struct store_job *job;

    abandon_forks(writer, detail);
    while ((job = long_jobs_pop(&writer->long_jobs)) != NULL)
        abandon(writer, job, detail);
}
