#include "db/runtime/fair_queue.h"

/* Whether the current round accepts a job of the client, without regard to the waiting jobs. */
static bool is_round_open(const struct fair_queue *queue, uint64_t client)
{
    for (size_t i = 0; i < queue->served_count; i++) {
        if (queue->served[i] == client)
            return false;
    }
    return queue->served_count < FAIR_QUEUE_ROUND_CLIENTS;
}

static void record_served(struct fair_queue *queue, const struct store_job *job)
{
    if (job->round != queue->round)
        queue->served_count = 0;
    queue->round = job->round;
    if (queue->served_count < FAIR_QUEUE_ROUND_CLIENTS)
        queue->served[queue->served_count++] = job->client;
}

/* The first round in which the client has no job yet. */
static uint64_t find_free_round(const struct fair_queue *queue, uint64_t client)
{
    uint64_t round = is_round_open(queue, client) ? queue->round : queue->round + 1;

    for (const struct store_job *job = queue->first; job != NULL; job = job->next) {
        if (job->client == client)
            round = job->round + 1;
    }
    return round;
}

void fair_queue_push(struct fair_queue *queue, struct store_job *job)
{
    struct store_job **link = &queue->first;

    job->round = find_free_round(queue, job->client);
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
    record_served(queue, job);
    return job;
}

struct store_job *fair_queue_pop_other(struct fair_queue *queue, uint64_t client)
{
    struct store_job **link = &queue->first;

    while (*link != NULL && (*link)->client == client)
        link = &(*link)->next;
    struct store_job *job = *link;
    if (job == NULL)
        return NULL;
    /* A job of a later round does not end the current round, whose jobs still wait. */
    if (job == queue->first || job->round == queue->round)
        record_served(queue, job);
    *link = job->next;
    return job;
}
