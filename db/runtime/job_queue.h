/*
 * A bounded queue between the threads that submit jobs and the one that runs them. Any thread
 * reserves and pushes; one thread takes. What a lock guards stands in `_shared`.
 */
#ifndef SESSIOND_DB_RUNTIME_JOB_QUEUE_H
#define SESSIOND_DB_RUNTIME_JOB_QUEUE_H

#include "db/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct job_queue {
    size_t capacity;
    atomic_size_t reserved; /* places taken, until the job is answered */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct {
        struct store_job *first;
        struct store_job **last;
        size_t count;
        size_t wanted; /* the taker sleeps until count reaches this; 0: it is awake */
        bool closed;
    } _shared;
};

/* How long the taker is willing to wait for a fuller batch. */
struct job_queue_gather {
    size_t answered;  /* jobs of the batch before: their senders will be back */
    int64_t limit_us; /* 0: take what is there */
};

enum job_queue_event { JOB_QUEUE_JOBS, JOB_QUEUE_IDLE, JOB_QUEUE_CLOSED };

void job_queue_init(struct job_queue *queue, size_t capacity);
void job_queue_release(struct job_queue *queue);

/* False when all places are taken. A place is given back by job_queue_answered. */
MUST_USE bool job_queue_reserve(struct job_queue *queue);
void job_queue_answered(struct job_queue *queue, size_t count);

void job_queue_push(struct job_queue *queue, struct store_job *job);

/* Takes all jobs, in order, linked by `next`. Waits for the first one, at most `idle_ms` (then
 * IDLE), and then for as many as `gather` lets expect. CLOSED only when nothing is left. */
enum job_queue_event job_queue_take(struct job_queue *queue, struct job_queue_gather gather,
                                    int64_t idle_ms, struct store_job **jobs, size_t *count);

/* Lets the taker see CLOSED once it has taken everything. */
void job_queue_close(struct job_queue *queue);

#endif
