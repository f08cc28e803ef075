#include "db/runtime/job_queue.h"

#include <errno.h>
#include <time.h>

void job_queue_init(struct job_queue *queue, size_t capacity)
{
    pthread_condattr_t attributes;

    *queue = (struct job_queue){.capacity = capacity};
    queue->_shared.last = &queue->_shared.first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->arrived, &attributes);
    pthread_condattr_destroy(&attributes);
}

void job_queue_release(struct job_queue *queue)
{
    pthread_cond_destroy(&queue->arrived);
    pthread_mutex_destroy(&queue->lock);
}

bool job_queue_reserve(struct job_queue *queue)
{
    if (atomic_fetch_add(&queue->reserved, 1) < queue->capacity)
        return true;
    atomic_fetch_sub(&queue->reserved, 1);
    return false;
}

void job_queue_complete(struct job_queue *queue, size_t count)
{
    atomic_fetch_sub(&queue->reserved, count);
}

void job_queue_push(struct job_queue *queue, struct store_job *job)
{
    bool wake;

    job->next = NULL;
    pthread_mutex_lock(&queue->lock);
    *queue->_shared.last = job;
    queue->_shared.last = &job->next;
    queue->_shared.count++;
    wake = queue->_shared.wanted != 0 && queue->_shared.count >= queue->_shared.wanted;
    pthread_mutex_unlock(&queue->lock);
    if (wake)
        pthread_cond_signal(&queue->arrived);
}

static struct timespec deadline_after_us(int64_t us)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += us / 1000000;
    deadline.tv_nsec += us % 1000000 * 1000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

/* Sleeps until `wanted` jobs are queued, the queue is closed, or the time limit is reached. */
static void wait_for_jobs_locked(struct job_queue *queue, size_t wanted, int64_t limit_us)
{
    const struct timespec deadline = deadline_after_us(limit_us);

    queue->_shared.wanted = wanted;
    while (queue->_shared.count < wanted && !queue->_shared.closed) {
        if (pthread_cond_timedwait(&queue->arrived, &queue->lock, &deadline) == ETIMEDOUT)
            break;
    }
    queue->_shared.wanted = 0;
}

enum job_queue_event job_queue_take(struct job_queue *queue, struct job_queue_gather gather,
                                    int64_t idle_ms, struct store_job **jobs, size_t *count)
{
    enum job_queue_event event = JOB_QUEUE_JOBS;

    pthread_mutex_lock(&queue->lock);
    const size_t expected = gather.answered + queue->_shared.count;
    wait_for_jobs_locked(queue, 1, idle_ms * 1000);
    if (queue->_shared.count > 0 && queue->_shared.count < expected && gather.limit_us > 0)
        wait_for_jobs_locked(queue, expected, gather.limit_us);

    if (queue->_shared.count == 0)
        event = queue->_shared.closed ? JOB_QUEUE_CLOSED : JOB_QUEUE_IDLE;
    *jobs = queue->_shared.first;
    *count = queue->_shared.count;
    queue->_shared.first = NULL;
    queue->_shared.last = &queue->_shared.first;
    queue->_shared.count = 0;
    pthread_mutex_unlock(&queue->lock);
    return event;
}

void job_queue_close(struct job_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->_shared.closed = true;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_broadcast(&queue->arrived);
}
