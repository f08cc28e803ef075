#include "db/sqlite/read/worker.h"

#include "db/base/monotonic.h"
#include "db/runtime/job_arena.h"
#include "db/sqlite/read/entries.h"
#include "db/sqlite/read/events.h"
#include "db/sqlite/read/retention.h"
#include "db/sqlite/read/session.h"
#include "db/sqlite/search/execute.h"

#define IDLE_MS 60000

static bool read_job(struct read_worker *worker, struct reader *reader, struct store_job *job)
{
    struct store_events_job *events = &job->events;
    struct store_entry_read *entries = &job->entry_read;

    switch (job->operation) {
    case STORE_EVENTS:
        return read_events(reader, &events->query, events->visit, job->visit_arg, &events->page,
                           &job->error);
    case STORE_ENTRIES:
        return read_entries(reader, &entries->query, entries->visit, entries->arg, &entries->page,
                            &job->error);
    case STORE_RETENTION:
        job->retention = job_arena_alloc(job, sizeof(*job->retention));
        return read_retention(reader, worker->retain_us, &job->purge, job->retention, &job->error);
    case STORE_SEARCH:
        return search_read(reader, worker->text_of, &job->search, job->visit_arg, &job->error);
    default:
        return read_list(reader, &job->query, job->visit, job->visit_arg, &job->page, &job->error);
    }
}

static void run_on_reader(struct read_worker *worker, struct reader *reader, struct store_job *job)
{
    if (!read_job(worker, reader, job) && job->error.kind == ERROR_NONE)
        error_set(&job->error, ERROR_INTERNAL, NULL, "the list failed");
    reader_pool_return(worker->readers, reader);
}

static void complete_job(struct read_worker *worker, struct store_job *job)
{
    job_queue_complete(&worker->queue, 1);
    job->done(job);
}

/* Moves the arrived jobs to `waiting`. False when the queue is closed and empty. */
static bool receive_jobs(struct read_worker *worker, int64_t idle_ms)
{
    const struct job_queue_gather no_wait = {0};
    struct store_job *job;
    size_t count;
    const enum job_queue_event event =
        job_queue_take(&worker->queue, no_wait, idle_ms, &job, &count);

    while (job != NULL) {
        struct store_job *next = job->next;
        fair_queue_push(&worker->waiting, job);
        job = next;
    }
    return event != JOB_QUEUE_CLOSED;
}

/* Called during the running job: executes one job of another client. While the writer blocks lists,
 * no other list may begin, since the writer waits for the reader of the running one. */
static void serve_others(void *arg)
{
    struct read_worker *worker = arg;

    if (monotonic_us() < worker->slice_end_us || reader_pool_blocks_lists(worker->readers))
        return;
    receive_jobs(worker, 0);
    struct store_job *job = fair_queue_pop_other(&worker->waiting, worker->running->client);
    if (job != NULL) {
        struct reader *reader = reader_pool_lease(worker->readers, &job->error);
        if (reader != NULL)
            run_on_reader(worker, reader, job);
        complete_job(worker, job);
    }
    worker->slice_end_us = monotonic_us() + worker->slice_us;
}

static void run_list(struct read_worker *worker, struct store_job *job)
{
    struct reader *reader = reader_pool_lease_for_list(worker->readers, &job->error);

    if (reader != NULL) {
        worker->running = job;
        worker->slice_end_us = monotonic_us() + worker->slice_us;
        reader->serve_others = serve_others;
        reader->serve_arg = worker;
        run_on_reader(worker, reader, job);
    }
    complete_job(worker, job);
}

static void *read_worker_run(void *arg)
{
    struct read_worker *worker = arg;
    bool is_open = true;

    while (is_open || worker->waiting.first != NULL) {
        is_open = receive_jobs(worker, worker->waiting.first == NULL ? IDLE_MS : 0);
        struct store_job *job = fair_queue_pop(&worker->waiting);
        if (job != NULL)
            run_list(worker, job);
    }
    return NULL;
}

bool read_worker_start(struct read_worker *worker, struct reader_pool *readers, size_t max_queue,
                       struct error *err)
{
    worker->readers = readers;
    job_queue_init(&worker->queue, max_queue);
    if (pthread_create(&worker->thread, NULL, read_worker_run, worker) != 0) {
        job_queue_release(&worker->queue);
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the list thread");
    }
    return true;
}

void read_worker_stop(struct read_worker *worker)
{
    job_queue_close(&worker->queue);
    pthread_join(worker->thread, NULL);
    job_queue_release(&worker->queue);
}
