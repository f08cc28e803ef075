/* The arena of a job: memory that store_job_release frees. One thread at a time. */
#ifndef SESSIOND_DB_RUNTIME_JOB_ARENA_H
#define SESSIOND_DB_RUNTIME_JOB_ARENA_H

#include "db/store/job.h"

/* Allocates `size` bytes, which store_job_release frees. Never NULL: aborts when memory runs
 * out. */
void *job_arena_alloc(struct store_job *job, size_t size);

/* Asks the submitter for permission to use that many bytes (store_admit_fn). False sets the job's
 * error ERROR_OVERLOADED. */
MUST_USE bool job_arena_admit(struct store_job *job, size_t bytes);

/* Copies the text into the arena. A slice without data is returned as it is. */
struct slice job_arena_copy(struct store_job *job, struct slice text);

#endif
