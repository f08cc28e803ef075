/*
 * Selects the waiting writes of the next batch, which share one commit. Small writes are all
 * selected. Of larger writes, as many are selected as the limit allows, and clients take turns: a
 * client with many large writes delays another client's write by one of them, not by all. Owned by
 * the writer thread.
 */
#ifndef SESSIOND_DB_RUNTIME_WRITE_BATCH_H
#define SESSIOND_DB_RUNTIME_WRITE_BATCH_H

#include "db/runtime/fair_queue.h"

/* Limit of the input bytes of a batch with more than one job. */
#define WRITE_BATCH_BYTES ((uint64_t)8 << 20)

/* All zero: empty. */
struct write_batch {
    struct fair_queue waiting;
};

/* Adds the `*count` arrived jobs, linked by `next`, and returns the next batch, linked in the same
 * way. *count becomes the number of its jobs. The other jobs wait for the next call. */
struct store_job *write_batch_take(struct write_batch *batch, struct store_job *arrived,
                                   size_t *count);

/* Whether jobs wait for the next batch. */
bool write_batch_is_waiting(const struct write_batch *batch);

#endif
