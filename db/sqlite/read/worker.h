/*
 * Runs lists that may take long on a thread of their own, so that an HTTP thread's other
 * connections do not wait for them. The clients take turns. A list that has run for a slice pauses
 * while one job of another client runs on another reader. That job does not pause.
 */
#ifndef SESSIOND_DB_SQLITE_READ_WORKER_H
#define SESSIOND_DB_SQLITE_READ_WORKER_H

#include "db/runtime/fair_queue.h"
#include "db/runtime/job_queue.h"
#include "db/sqlite/connection/reader_pool.h"

/* How long a list runs before it pauses for another client. */
#define READ_WORKER_SLICE_US 10000

/* One for a list, and one for the job that runs while that list pauses. */
#define READ_WORKER_READERS 2

struct read_worker {
    int64_t slice_us;         /* set by the owner: READ_WORKER_SLICE_US */
    const int64_t *retain_us; /* set by the owner: an age for each reason of retention */
    struct job_queue queue;
    struct fair_queue waiting; /* taken out of `queue` by the thread, and not run yet */
    struct reader_pool *readers;
    store_extract_fn text_of; /* set by the caller; NULL: searches are refused */
    struct store_job *running;
    int64_t slice_end_us; /* monotonic: `running` does not pause before it */
    pthread_t thread;
};

MUST_USE bool read_worker_start(struct read_worker *worker, struct reader_pool *readers,
                                size_t max_queue, struct error *err);

/* Finishes what was pushed, then ends the thread. */
void read_worker_stop(struct read_worker *worker);

#endif
