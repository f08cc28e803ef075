#include "db/fair_queue.h"

/* The first round in which the client has no job yet. */
static uint64_t free_round(const struct fair_queue *queue, uint64_t client)
{
    uint64_t round = queue->client == client ? queue->round + 1 : queue->round;

    for (const struct store_job *job = queue->first; job != NULL; job = job->next) {
        if (job->client == client)
            round = job->round + 1;
    }
    return round;
}

void fair_queue_push(struct fair_queue *queue, struct store_job *job)
{
    struct store_job **link = &queue->first;

    job->round = free_round(queue, job->client);
    while (*link != NULL && (*link)->round <= job->round)
        link = &(*link)->next;
    job->next = *link;
    *link = job;
}

struct store_job *fair_queue_pop(struct fair_queue *queue)
{
    struct store_job *job = queue->first;

    if (job == NULL)
        return NULL;
    queue->first = job->next;
    queue->round = job->round;
    queue->client = job->client;
    return job;
}
