/*
 * Which of the waiting writes make the next batch. All of them, as long as their texts are small:
 * they share one commit. Of larger ones as many as fit, and clients take turns, so that a client
 * with many large writes delays the write of another client by one of them and not by all. Owned
 * by the writer thread.
 */
#ifndef SESSIOND_DB_RUNTIME_WRITE_BATCH_H
#define SESSIOND_DB_RUNTIME_WRITE_BATCH_H

#include "db/runtime/fair_queue.h"

/* Of the texts of a batch with more than one job. */
#define WRITE_BATCH_BYTES ((uint64_t)8 << 20)

/* All zero: nothing waits. */
struct write_batch {
    struct fair_queue waiting;
};

/* Adds the `*count` jobs that have arrived, linked by `next`, and returns the next batch, linked in
 * the same way; *count becomes the number of its jobs. The others wait for the next call. */
struct store_job *write_batch_take(struct write_batch *batch, struct store_job *arrived,
                                   size_t *count);

/* Whether jobs are left for the next batch. */
bool write_batch_is_waiting(const struct write_batch *batch);

#endif
