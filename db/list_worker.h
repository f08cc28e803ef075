/*
 * Runs lists that may take long on a thread of their own, so that an HTTP thread's other
 * connections do not wait for them. The clients take turns.
 */
#ifndef SESSIOND_DB_LIST_WORKER_H
#define SESSIOND_DB_LIST_WORKER_H

#include "db/fair_queue.h"
#include "db/job_queue.h"
#include "db/reader_pool.h"

struct list_worker {
    const int64_t *retain_us; /* set by the owner: an age for each reason of retention */
    struct job_queue queue;
    struct fair_queue waiting; /* taken out of `queue` by the thread, and not run yet */
    struct reader_pool *readers;
    store_searchable text_of; /* set by the caller; NULL: searches are refused */
    pthread_t thread;
};

MUST_USE bool list_worker_start(struct list_worker *worker, struct reader_pool *readers,
                                size_t max_queue, struct error *err);

/* Finishes what was pushed, then ends the thread. */
void list_worker_stop(struct list_worker *worker);

#endif
