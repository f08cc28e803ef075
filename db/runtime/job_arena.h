/* Memory that lives with a job: what the store hands out in it. One thread at a time. */
#ifndef SESSIOND_DB_RUNTIME_JOB_ARENA_H
#define SESSIOND_DB_RUNTIME_JOB_ARENA_H

#include "db/store/job.h"

/* `size` bytes, freed by store_job_release. Never NULL. */
void *job_arena_alloc(struct store_job *job, size_t size);

/* False, with the job's error, when the submitter has no room for so many bytes. */
MUST_USE bool job_arena_admit(struct store_job *job, size_t bytes);

/* A copy of the text; the empty slice for one without data. */
struct slice job_arena_copy(struct store_job *job, struct slice text);

#endif
