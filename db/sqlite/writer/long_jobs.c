#include "db/sqlite/writer/long_jobs.h"

#include "db/runtime/input_bytes.h"
#include "db/sqlite/write/dispatch.h"
#include "db/sqlite/write/fork.h"

/* If the last batch ended less than this time ago, other clients count as writing, in µs. */
#define ACTIVE_WRITERS_US INT64_C(100000)

static bool is_page(const struct store_job *job)
{
    return job->operation == STORE_RECOVER || job->operation == STORE_RELOCATE ||
           job->operation == STORE_PURGE || input_bytes(job) > LONG_JOBS_LARGE_BYTES;
}

struct store_job *long_jobs_remove_pages(struct long_jobs *jobs, struct store_job *batch,
                                         size_t *count)
{
    struct store_job **link = &batch;

    while (*link != NULL) {
        struct store_job *job = *link;
        if (!is_page(job)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        (*count)--;
        fair_queue_push(&jobs->pages, job);
    }
    return batch;
}

/* Rejects the fork when all forks, or those of its client, have reached their limit. */
static bool admit_fork(const struct long_jobs *jobs, struct store_job *job)
{
    int64_t total = jobs->fork != NULL;
    int64_t client_total = jobs->fork != NULL && jobs->fork->client == job->client;

    for (const struct store_job *other = jobs->forks.first; other != NULL; other = other->next) {
        total++;
        client_total += other->client == job->client;
    }
    if (client_total >= jobs->max_client_forks)
        return error_set(&job->error, ERROR_QUEUE_FULL, NULL,
                         "%lld forks of this client are in progress (--max-forks-per-client); "
                         "nothing was changed; send the request again",
                         (long long)client_total);
    if (total >= jobs->max_forks)
        return error_set(
            &job->error, ERROR_QUEUE_FULL, NULL,
            "%lld forks are in progress (--max-forks); nothing was changed; send the request again",
            (long long)total);
    return true;
}

struct store_job *long_jobs_take_deferred(struct long_jobs *jobs, struct store_job *batch,
                                          size_t *count)
{
    struct store_job **link = &batch;

    while (*link != NULL) {
        struct store_job *job = *link;
        const bool is_fork = write_fork_is_deferred(job);
        if (!write_operations_is_deferred(job) || (is_fork && !admit_fork(jobs, job))) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        (*count)--;
        fair_queue_push(is_fork ? &jobs->forks : &jobs->pages, job);
    }
    return batch;
}

struct store_job *long_jobs_remove_turn(struct long_jobs *jobs, size_t *count)
{
    struct store_job *first = fair_queue_pop(&jobs->pages);
    struct store_job *last = first;

    *count = first != NULL;
    if (first == NULL)
        return NULL;
    size_t bytes = input_bytes(first);
    for (bool has_room = bytes > LONG_JOBS_LARGE_BYTES; has_room;) {
        const struct store_job *next = jobs->pages.first;
        const size_t next_bytes = next == NULL ? 0 : input_bytes(next);
        bytes += next_bytes;
        has_room = next_bytes > LONG_JOBS_LARGE_BYTES && bytes <= LONG_JOBS_TURN_BYTES;
        if (has_room) {
            last->next = fair_queue_pop(&jobs->pages);
            last = last->next;
            ++*count;
        }
    }
    last->next = NULL;
    return first;
}

bool long_jobs_is_waiting(const struct long_jobs *jobs)
{
    return jobs->pages.first != NULL || jobs->forks.first != NULL || jobs->fork != NULL;
}

struct store_job *long_jobs_fork(struct long_jobs *jobs)
{
    if (jobs->fork == NULL)
        jobs->fork = fair_queue_pop(&jobs->forks);
    return jobs->fork;
}

struct store_job *long_jobs_pop_disconnected_fork(struct long_jobs *jobs)
{
    struct store_job **link = &jobs->forks.first;

    while (*link != NULL) {
        struct store_job *job = *link;
        if (job->is_client_gone != NULL && job->is_client_gone(job)) {
            *link = job->next;
            return job;
        }
        link = &job->next;
    }
    return NULL;
}

struct store_job *long_jobs_pop_fork(struct long_jobs *jobs)
{
    struct store_job *job = long_jobs_fork(jobs);

    jobs->fork = NULL;
    return job;
}

struct store_job *long_jobs_pop(struct long_jobs *jobs)
{
    struct store_job *page = fair_queue_pop(&jobs->pages);

    return page != NULL ? page : long_jobs_pop_fork(jobs);
}

void long_jobs_schedule_turn(struct long_jobs *jobs, int64_t began_us, int64_t now_us)
{
    const bool has_other_writers = began_us - jobs->batch_us < ACTIVE_WRITERS_US;

    jobs->due_us = has_other_writers ? now_us + (now_us - began_us) : now_us;
}

void long_jobs_reject_all(struct long_jobs *jobs)
{
    atomic_store(&jobs->refused, true);
}
