#include "tests/support/parallel.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A thousand threads with the usual 8 MiB each would not fit everywhere. */
#define STACK_BYTES ((size_t)512 * 1024)

struct seat {
    struct worker worker;
    struct parallel *parallel;
    pthread_t thread;
};

struct parallel {
    parallel_work work;
    int count;
    pthread_barrier_t start;
    struct seat seats[];
};

static void *run(void *arg)
{
    struct seat *seat = arg;

    pthread_barrier_wait(&seat->parallel->start);
    seat->parallel->work(&seat->worker);
    return NULL;
}

struct parallel *parallel_start(const struct service *service, int count, parallel_work work,
                                void *arg)
{
    struct parallel *parallel = calloc(1, sizeof(*parallel) + (size_t)count * sizeof(struct seat));
    pthread_attr_t attributes;

    cr_assert_not_null(parallel);
    parallel->work = work;
    parallel->count = count;
    pthread_barrier_init(&parallel->start, NULL, (unsigned)count);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (int i = 0; i < count; i++) {
        struct seat *seat = &parallel->seats[i];
        seat->parallel = parallel;
        seat->worker = (struct worker){.index = i, .client = client_new(service), .arg = arg};
        cr_assert_eq(pthread_create(&seat->thread, &attributes, run, seat), 0);
    }
    pthread_attr_destroy(&attributes);
    return parallel;
}

void parallel_join(struct parallel *parallel)
{
    char failure[sizeof(parallel->seats[0].worker.failure)] = "";
    int failures = 0;

    for (int i = 0; i < parallel->count; i++) {
        struct seat *seat = &parallel->seats[i];
        pthread_join(seat->thread, NULL);
        client_free(seat->worker.client);
        if (seat->worker.failure[0] == '\0')
            continue;
        failures++;
        memcpy(failure, seat->worker.failure, sizeof(failure));
    }
    pthread_barrier_destroy(&parallel->start);
    free(parallel);
    cr_assert_eq(failures, 0, "%d workers failed, such as: %s", failures, failure);
}

void parallel_run(const struct service *service, int count, parallel_work work, void *arg)
{
    parallel_join(parallel_start(service, count, work, arg));
}

void worker_fail(struct worker *worker, const char *format, ...)
{
    va_list args;

    if (worker->failure[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(worker->failure, sizeof(worker->failure), format, args);
    va_end(args);
}

bool worker_expect(struct worker *worker, const struct response *response, int status)
{
    if (response->status != status)
        worker_fail(worker, "worker %d: %d, not %d: %s", worker->index, response->status, status,
                    response->body);
    return response->status == status;
}
