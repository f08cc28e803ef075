/*
 * The jobs that would hold up a batch for too long. They run between two batches, in turns, each in
 * a transaction of its own. While others write, a turn is followed by as long a rest, and clients
 * take turns. Owned by the writer thread, except `refused`.
 *
 * A page is a job that ends in one turn, or asks for another one: recoveries, relocations, purges,
 * writes of large contexts or entries, and get-or-creates that have not found their session yet. A
 * fork takes many turns; one is copied at a time.
 */
#ifndef SESSIOND_DB_LONG_JOBS_H
#define SESSIOND_DB_LONG_JOBS_H

#include "db/fair_queue.h"

#include <stdatomic.h>

/* A write of more contexts and entries is large. */
#define LONG_JOBS_LARGE_BYTES (128 << 10)

/* A turn has one large write, or several that have no more in all. */
#define LONG_JOBS_TURN_BYTES (1 << 20)

struct long_jobs {
    int64_t max_forks;        /* that wait or are copied at once */
    int64_t max_client_forks; /* of these, of one client */
    struct fair_queue pages;
    struct fair_queue forks;
    struct store_job *fork; /* that is being copied; NULL: none */
    int64_t batch_us;       /* monotonic: when the last batch of other jobs ended */
    int64_t due_us;         /* monotonic: when the next turn begins */
    atomic_bool refused;
};

/* Takes the pages out of a batch that has not run yet: *count becomes less. Returns the others. */
struct store_job *long_jobs_take_pages(struct long_jobs *jobs, struct store_job *batch,
                                       size_t *count);

/* Takes what is deferred out of a batch that was committed. Forks beyond a limit are refused with
 * ERROR_QUEUE_FULL and stay in it. */
struct store_job *long_jobs_take_deferred(struct long_jobs *jobs, struct store_job *batch,
                                          size_t *count);

/* Removes the pages of the next turn, which are one transaction, linked by `next`; NULL: there are
 * none. */
struct store_job *long_jobs_take_turn(struct long_jobs *jobs, size_t *count);

bool long_jobs_is_waiting(const struct long_jobs *jobs);

/* The fork that is being copied, or the next one, which it then is; NULL: none. */
struct store_job *long_jobs_fork(struct long_jobs *jobs);

/* Removes a waiting fork that its client does not wait for any more; NULL: there is none. */
struct store_job *long_jobs_pop_left_fork(struct long_jobs *jobs);

/* Removes any job, whether it has begun or not; NULL: none is left. */
struct store_job *long_jobs_pop(struct long_jobs *jobs);

/* Only forks: the same. */
struct store_job *long_jobs_pop_fork(struct long_jobs *jobs);

/* After a turn from `began_us` to `now_us`. */
void long_jobs_rest(struct long_jobs *jobs, int64_t began_us, int64_t now_us);

/* Any thread: from now on forks are answered ERROR_STOPPING, those under way included. */
void long_jobs_refuse(struct long_jobs *jobs);

#endif
