/*
 * Long jobs: jobs that would delay a batch for too long. They run between two batches, in turns,
 * each in its own transaction. While other clients write, the writer pauses after a turn for the
 * duration of the turn. Clients take turns. Owned by the writer thread, except `refused`.
 *
 * A page is a job that ends in one turn, or needs another one: recoveries, relocations, purges,
 * writes of large contexts or entries, and get-or-creates whose search has not ended. A fork takes
 * many turns. One fork is copied at a time.
 */
#ifndef SESSIOND_DB_SQLITE_WRITER_LONG_JOBS_H
#define SESSIOND_DB_SQLITE_WRITER_LONG_JOBS_H

#include "db/runtime/fair_queue.h"

#include <stdatomic.h>

/* A write is large when its contexts and entries have more bytes than this. */
#define LONG_JOBS_LARGE_BYTES (128 << 10)

/* A turn executes one large write, or several with at most this many bytes in total. */
#define LONG_JOBS_TURN_BYTES (1 << 20)

struct long_jobs {
    int64_t max_forks;        /* limit of the forks that wait or are being copied */
    int64_t max_client_forks; /* limit of these forks for one client */
    struct fair_queue pages;
    struct fair_queue forks;
    struct store_job *fork; /* the fork that is being copied; NULL: none */
    int64_t batch_us;       /* monotonic: when the last batch of other jobs ended */
    int64_t due_us;         /* monotonic: when the next turn begins */
    atomic_bool refused;
};

/* Moves the pages of a batch, which has not been executed, to the queue, and subtracts their number
 * from *count. Returns the other jobs. */
struct store_job *long_jobs_remove_pages(struct long_jobs *jobs, struct store_job *batch,
                                         size_t *count);

/* The same for the deferred jobs of a committed batch. A fork above a limit is rejected with
 * ERROR_QUEUE_FULL and stays in the batch. */
struct store_job *long_jobs_take_deferred(struct long_jobs *jobs, struct store_job *batch,
                                          size_t *count);

/* Removes the pages of the next turn, linked by `next`; they are one transaction. NULL: there are
 * none. */
struct store_job *long_jobs_remove_turn(struct long_jobs *jobs, size_t *count);

/* Whether a page or a fork waits or is in progress. */
bool long_jobs_is_waiting(const struct long_jobs *jobs);

/* Returns the fork that is being copied. If there is none, the next waiting fork becomes it. NULL:
 * no fork waits. */
struct store_job *long_jobs_fork(struct long_jobs *jobs);

/* Removes a waiting fork whose client has disconnected; NULL: there is none. */
struct store_job *long_jobs_pop_disconnected_fork(struct long_jobs *jobs);

/* Removes any job, also one in progress; NULL: none is left. */
struct store_job *long_jobs_pop(struct long_jobs *jobs);

/* The same for forks only. */
struct store_job *long_jobs_pop_fork(struct long_jobs *jobs);

/* Schedules the next turn. Call after a turn from `began_us` to `now_us`. */
void long_jobs_schedule_turn(struct long_jobs *jobs, int64_t began_us, int64_t now_us);

/* From now on all forks fail with ERROR_STOPPING, including those in progress. Any thread. */
void long_jobs_reject_all(struct long_jobs *jobs);

#endif
