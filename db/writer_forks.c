#include "db/monotonic.h"
#include "db/write_fork.h"
#include "db/writer_internal.h"

/* Who wrote so lately may write again. */
#define OTHERS_US INT64_C(100000)

static void answer(struct writer *writer)
{
    struct store_job *job = forks_pop(&writer->forks);

    write_fork_end(&writer->operations);
    job_queue_answered(writer->queue, 1);
    job->done(job);
}

/* *ended: the job has its answer. */
static enum outcome run_turn(struct writer *writer, struct store_job *job, bool *ended,
                             struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t until_us = monotonic_us() + writer_turn_us(writer);
    enum outcome outcome = OUTCOME_NOT_BEGUN;

    if (transaction_begin(&writer->transactions, err)) {
        const bool ok =
            write_operations_begin(ops, err) && write_fork_step(ops, job, until_us, ended, err);
        outcome = writer_end(writer, ok, ok && *ended ? 1 : 0, err);
    }
    if (outcome == OUTCOME_INDEX_REBUILT)
        error_set(err, ERROR_STORAGE_BUSY, NULL,
                  "the search index was rebuilt during the fork; send the request again");
    writer_tell_failure(writer, outcome, err);
    return outcome;
}

void writer_copy_forks(struct writer *writer)
{
    struct forks *forks = &writer->forks;
    const int64_t began_us = monotonic_us();
    struct error err;
    bool ended = false;

    if (atomic_load(&forks->refused))
        writer_abandon_forks(writer, "the service is stopping");
    if (forks->first == NULL || began_us < forks->due_us)
        return;
    const enum outcome outcome = run_turn(writer, forks->first, &ended, &err);
    forks_rest(forks, began_us, monotonic_us(),
               began_us - writer->operations.state.size.last_jobs_us < OTHERS_US);
    if (outcome != OUTCOME_COMMITTED)
        writer_fail_job(forks->first, &err, outcome);
    if (ended || outcome != OUTCOME_COMMITTED)
        answer(writer);
    if (outcome == OUTCOME_UNKNOWN)
        writer_fail(writer, err.detail);
}

void writer_abandon_forks(struct writer *writer, const char *detail)
{
    while (writer->forks.first != NULL) {
        error_set(&writer->forks.first->error, ERROR_STOPPING, NULL, "%s", detail);
        answer(writer);
    }
}
