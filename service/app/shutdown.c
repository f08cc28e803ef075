#include "service/app/lifecycle.h"

#include "db/base/monotonic.h"
#include "db/store/open.h"
#include "service/app/sd_notify.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXIT_IO_ERROR 74 /* EX_IOERR of sysexits.h */

/* The drain is complete when no request was in flight for this time. */
#define IDLE_MS 200
#define POLL_MS 5

/* How long a shutdown waits for the rest of a request that has begun to arrive. */
#define RECEIVE_GRACE_MS 2000

/* How long pending responses may take to be sent after the storage has failed. */
#define FAILURE_DRAIN_MS 1000

static void sleep_ms(int64_t ms)
{
    const struct timespec duration = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&duration, NULL);
}

/* A second SIGTERM or SIGINT ends the drain. */
static bool has_second_signal(void)
{
    const struct timespec now = {0};
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return sigtimedwait(&signals, NULL, &now) > 0;
}

/* Returns the number of requests that the drain waits for. After RECEIVE_GRACE_MS, requests that
 * have not fully arrived and event streams whose client does not read no longer count. */
static int64_t count_pending_requests(const struct service *service, int64_t waited_ms)
{
    const int64_t in_flight = http_server_count_in_flight(service->server);

    if (waited_ms < RECEIVE_GRACE_MS)
        return in_flight;
    return in_flight - http_server_count_receiving(service->server) -
           http_server_count_endless(service->server);
}

/* Waits until no request is in flight, for at most `limit_ms`. */
static void drain_requests(struct service *service, int64_t limit_ms)
{
    const int64_t began_us = monotonic_us();
    int64_t waited_ms = 0;
    int64_t busy_ms = 0; /* when a request was last in flight */

    while (waited_ms < limit_ms && waited_ms - busy_ms < IDLE_MS && !has_second_signal()) {
        sleep_ms(POLL_MS);
        waited_ms = (monotonic_us() - began_us) / 1000;
        if (count_pending_requests(service, waited_ms) > 0)
            busy_ms = waited_ms;
    }
}

void service_exit_if_failed(struct service *service)
{
    if (!atomic_load(&service->storage_failed))
        return;
    log_event(service->log, LOG_ERROR, "exiting",
              "the storage failed; restart the service to recover");
    if (service->server != NULL)
        drain_requests(service, FAILURE_DRAIN_MS);
    log_flush(service->log, FAILURE_DRAIN_MS);
    _exit(EXIT_IO_ERROR);
}

/* Retries because the store may still complete its last jobs while no request is in flight. */
static bool stop_server(struct service *service)
{
    for (int waited = 0; waited < IDLE_MS; waited += POLL_MS) {
        if (http_server_stop(service->server)) {
            service->server = NULL;
            return true;
        }
        sleep_ms(POLL_MS);
    }
    return false;
}

int service_stop(struct service *service)
{
    sd_notify_send(service->manager, "STOPPING=1");
    listener_unlink_socket(&service->listener);
    http_server_drain(service->server);
    store_reject_long_jobs(service->store);
    /* Requests that arrive after this line are rejected. */
    log_event(service->log, LOG_INFO, "stopping", NULL);
    drain_requests(service, service->config.shutdown_timeout_ms);
    service_exit_if_failed(service);
    if (!stop_server(service)) {
        log_event(service->log, LOG_ERROR, "stop_timed_out",
                  "requests were still in progress after --shutdown-timeout; their writes may be "
                  "on disk or not");
        log_flush(service->log, FAILURE_DRAIN_MS);
        _exit(EXIT_FAILURE);
    }
    notifier_stop(service->notifier);
    store_close(service->store);
    service_exit_if_failed(service);
    notifier_free(service->notifier);
    sse_buffer_free(service->ring);
    metrics_free(service->routes.metrics);
    authorizer_free(service->access);
    tls_close(service->tls);
    log_event(service->log, LOG_INFO, "stopped", NULL);
    log_free(service->log);
    return EXIT_SUCCESS;
}
