#include "db/runtime/job_arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

struct store_memory {
    struct store_memory *next;
    max_align_t bytes[];
};

void *job_arena_alloc(struct store_job *job, size_t size)
{
    struct store_memory *memory = malloc(sizeof(*memory) + size);

    if (memory == NULL)
        abort();
    memory->next = job->memory;
    job->memory = memory;
    return memory->bytes;
}

bool job_arena_admit(struct store_job *job, size_t bytes)
{
    return job->admit == NULL || job->admit(job, bytes) ||
           error_set(
               &job->error, ERROR_OVERLOADED, NULL,
               "the memory for bodies (--body-memory-limit) is in use, and the stored data is "
               "large; nothing was changed; send the request again");
}

struct slice job_arena_copy(struct store_job *job, struct slice text)
{
    if (text.data == NULL)
        return text;
    char *copy = job_arena_alloc(job, text.len);
    memcpy(copy, text.data, text.len);
    return (struct slice){copy, text.len};
}

void store_job_release(struct store_job *job)
{
    while (job->memory != NULL) {
        struct store_memory *next = job->memory->next;
        free(job->memory);
        job->memory = next;
    }
    job->fork.plan = NULL;
    free(job->edited);
    job->edited = NULL;
    if (job->snapshot.open)
        close(job->snapshot.descriptor);
    job->snapshot.open = false;
}
