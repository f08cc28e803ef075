/*
 * The waiting jobs of several clients, served in rounds: a client has at most one job in a round.
 * So a client with many jobs delays the job of another client by at most one of them (fair
 * queueing). A round that has served FAIR_QUEUE_ROUND_CLIENTS clients accepts no further job, so
 * that clients that keep coming do not delay the next round forever. Owned by one thread.
 */
#ifndef SESSIOND_DB_RUNTIME_FAIR_QUEUE_H
#define SESSIOND_DB_RUNTIME_FAIR_QUEUE_H

#include "db/store/job.h"

#define FAIR_QUEUE_ROUND_CLIENTS 64

struct fair_queue {
    struct store_job *first;                   /* linked by `next`, in service order */
    uint64_t round;                            /* of the job that was popped last */
    uint64_t served[FAIR_QUEUE_ROUND_CLIENTS]; /* the clients that were served in this round */
    size_t served_count;
};

/* Adds a job after the other jobs of its round. O(length of the queue). The job is borrowed until
 * it is popped. */
void fair_queue_push(struct fair_queue *queue, struct store_job *job);

/* Removes the next job; NULL when the queue is empty. */
struct store_job *fair_queue_pop(struct fair_queue *queue);

/* Removes the next job of another client than `client`, whose jobs keep their positions. NULL when
 * there is none. */
struct store_job *fair_queue_pop_other(struct fair_queue *queue, uint64_t client);

#endif
