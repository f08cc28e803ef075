/*
 * Executes long reads on a thread of its own, so that they do not block the other connections of an
 * HTTP thread. Clients take turns. A read that has used its time slice pauses while one job of
 * another client runs on another reader. That job does not pause.
 */
#ifndef SESSIOND_DB_SQLITE_READ_WORKER_H
#define SESSIOND_DB_SQLITE_READ_WORKER_H

#include "db/runtime/fair_queue.h"
#include "db/runtime/job_queue.h"
#include "db/sqlite/connection/reader_pool.h"

/* How long a read runs before it pauses for another client, in µs. */
#define READ_WORKER_SLICE_US 10000

/* One reader for the running job, and one for the job that runs during its pause. */
#define READ_WORKER_READERS 2

struct read_worker {
    int64_t slice_us;         /* set by the owner: READ_WORKER_SLICE_US */
    const int64_t *retain_us; /* set by the owner: an age for each reason of retention */
    struct job_queue queue;
    struct fair_queue waiting; /* jobs that the thread took from `queue` and has not started */
    struct reader_pool *readers;
    store_extract_fn text_of; /* set by the caller; NULL: searches are rejected */
    struct store_job *running;
    int64_t slice_end_us; /* monotonic: `running` does not pause earlier */
    pthread_t thread;
};

/* Starts the thread. `readers` is borrowed and lends READ_WORKER_READERS readers at once.
 * `max_queue` limits the reserved jobs. ERROR_INTERNAL when the thread cannot be created. */
MUST_USE bool read_worker_start(struct read_worker *worker, struct reader_pool *readers,
                                size_t max_queue, struct error *err);

/* Completes all pushed jobs, then joins the thread. Not thread-safe. */
void read_worker_stop(struct read_worker *worker);

#endif
