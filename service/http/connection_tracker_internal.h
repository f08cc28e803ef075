/*
 * What the clients*.c share: the clients, and the work of the thread that ends those that take too
 * long.
 */
#ifndef SESSIOND_SERVICE_HTTP_CONNECTION_TRACKER_INTERNAL_H
#define SESSIOND_SERVICE_HTTP_CONNECTION_TRACKER_INTERNAL_H

#include "service/http/connection_tracker.h"
#include "service/http/timeout_list.h"

#include <pthread.h>

#define CLIENTS_THREADS_MAX 64

/* Of one HTTP thread. */
struct client_lists {
    pthread_mutex_t lock;
    pthread_t owner;
    struct deadlines deadlines; /* with the lock */
};

struct clients {
    struct clients_options options;
    atomic_int_least64_t kept;
    pthread_t thread;
    pthread_mutex_t lock; /* of the three below, and of the lists' number and owners */
    pthread_cond_t stop;
    bool stopping;
    size_t list_count;
    struct client_lists lists[CLIENTS_THREADS_MAX];
};

struct client {
    struct deadline deadline; /* the first member; this and the next five with the lists' lock */
    int64_t idle_since_ms;
    int64_t requests; /* read by the HTTP thread without it */
    struct slice path;
    bool ended;
    char timeout_id[EXCHANGE_REQUEST_ID_MAX + 1]; /* empty: not answered with 408 */
    bool kept; /* counted among those that stay open; the HTTP thread's own */
    struct client_lists *lists;
    struct clients *all;
    int descriptor;
    struct connection_slot *slot;
};

/* The thread: `arg` is the clients. Ends when they are stopping. */
void *clients_watch(void *arg);

#endif
