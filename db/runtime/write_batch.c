#include "db/runtime/write_batch.h"

#include "db/runtime/input_bytes.h"

static bool is_within_limit(const struct store_job *jobs)
{
    uint64_t bytes = 0;

    for (const struct store_job *job = jobs; job != NULL; job = job->next)
        bytes += input_bytes(job);
    return bytes <= WRITE_BATCH_BYTES;
}

/* The first job is selected whatever its size. */
static struct store_job *pop_batch(struct fair_queue *waiting, size_t *count)
{
    struct store_job *first = NULL;
    struct store_job **last = &first;
    uint64_t bytes = 0;

    *count = 0;
    while (waiting->first != NULL) {
        bytes += input_bytes(waiting->first);
        if (*count > 0 && bytes > WRITE_BATCH_BYTES)
            break;
        *last = fair_queue_pop(waiting);
        last = &(*last)->next;
        (*count)++;
    }
    *last = NULL;
    return first;
}

struct store_job *write_batch_take(struct write_batch *batch, struct store_job *arrived,
                                   size_t *count)
{
    if (batch->waiting.first == NULL && is_within_limit(arrived))
        return arrived;
    while (arrived != NULL) {
        struct store_job *next = arrived->next;
        fair_queue_push(&batch->waiting, arrived);
        arrived = next;
    }
    return pop_batch(&batch->waiting, count);
}

bool write_batch_is_waiting(const struct write_batch *batch)
{
    return batch->waiting.first != NULL;
}
