/* Clients at work at the same time, each on a thread and a connection of its own. */
#ifndef SESSIOND_TESTS_PARALLEL_H
#define SESSIOND_TESTS_PARALLEL_H

#include "tests/support/client.h"

struct worker {
    int index; /* from 0 */
    struct tracked_connection *client;
    void *arg;         /* shared by all workers */
    char failure[512]; /* empty: none */
};

/* What a worker does. It asserts nothing, which only the test's main thread may: it says what went
 * wrong with worker_fail. */
typedef void (*parallel_work)(struct worker *worker);

struct parallel;

/* Lets `count` workers go at the same moment. */
struct parallel *parallel_start(const struct service *service, int count, parallel_work work,
                                void *arg);

/* Waits for their ends. Fails the test when one of them has failed. */
void parallel_join(struct parallel *parallel);

/* Both. */
void parallel_run(const struct service *service, int count, parallel_work work, void *arg);

/* Notes the worker's first failure. */
void worker_fail(struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the response has this status; notes a failure when not. */
bool worker_expect(struct worker *worker, const struct response *response, int status);

#endif
