#include "db/forks.h"

#include "db/write_fork.h"

static void push(struct forks *forks, struct store_job *job)
{
    job->next = NULL;
    if (forks->first == NULL)
        forks->first = job;
    else
        forks->last->next = job;
    forks->last = job;
}

struct store_job *forks_take(struct forks *forks, struct store_job *jobs, size_t *count)
{
    struct store_job **link = &jobs;

    while (*link != NULL) {
        struct store_job *job = *link;
        if (!write_fork_is_deferred(job)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        (*count)--;
        push(forks, job);
    }
    return jobs;
}

struct store_job *forks_pop(struct forks *forks)
{
    struct store_job *job = forks->first;

    forks->first = job->next;
    return job;
}

void forks_rest(struct forks *forks, int64_t began_us, int64_t now_us, bool others_write)
{
    forks->due_us = others_write ? now_us + (now_us - began_us) : now_us;
}

void forks_refuse(struct forks *forks)
{
    atomic_store(&forks->refused, true);
}
