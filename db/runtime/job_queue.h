/*
 * A bounded queue between the threads that submit jobs and the thread that executes them. Any
 * thread reserves and pushes; one thread takes. The lock guards the members of `_shared`.
 */
#ifndef SESSIOND_DB_RUNTIME_JOB_QUEUE_H
#define SESSIOND_DB_RUNTIME_JOB_QUEUE_H

#include "db/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct job_queue {
    size_t capacity;
    atomic_size_t reserved; /* reserved places, until the job is completed */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct {
        struct store_job *first;
        struct store_job **last;
        size_t count;
        size_t wanted; /* the consumer sleeps until count reaches this; 0: it is awake */
        bool closed;
    } _shared;
};

/* How long the consumer waits for a larger batch. */
struct job_queue_gather {
    size_t answered;  /* jobs of the previous batch: their clients are expected to send again */
    int64_t limit_us; /* 0: do not wait */
};

enum job_queue_event { JOB_QUEUE_JOBS, JOB_QUEUE_IDLE, JOB_QUEUE_CLOSED };

/* Initializes an empty queue; `capacity` limits the reserved places. job_queue_release frees what
 * the queue owns, which does not include the jobs. */
void job_queue_init(struct job_queue *queue, size_t capacity);
void job_queue_release(struct job_queue *queue);

/* Reserves a place. False when all places are reserved. job_queue_complete releases places. Any
 * thread; never blocks. */
MUST_USE bool job_queue_reserve(struct job_queue *queue);
void job_queue_complete(struct job_queue *queue, size_t count);

/* Appends a job for which a place was reserved. The queue links jobs by `next` and does not own
 * them. Any thread. */
void job_queue_push(struct job_queue *queue, struct store_job *job);

/* Takes all jobs, in order, linked by `next`. Waits at most `idle_ms` for the first job (then
 * JOB_QUEUE_IDLE), and then as long as `gather` allows for further jobs. JOB_QUEUE_CLOSED: the
 * queue is closed and empty. The consumer's thread. */
enum job_queue_event job_queue_take(struct job_queue *queue, struct job_queue_gather gather,
                                    int64_t idle_ms, struct store_job **jobs, size_t *count);

/* Closes the queue: job_queue_take returns JOB_QUEUE_CLOSED after the last job. Any thread. */
void job_queue_close(struct job_queue *queue);

#endif
