#include "service/http/connection_tracker_internal.h"

#include "db/base/monotonic.h"
#include "service/http/timeout_response.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* How much later than its deadline something may be ended: a part of the shortest timeout. */
#define TICKS_PER_TIMEOUT 16
#define TICK_MAX_MS 1000

/* The kernel tells when data came in steps of its own clock. */
#define DATA_CLOCK_MS 20

/* libmicrohttpd counts idle time in whole seconds. */
#define IDLE_CLOCK_MS 2000

/* Ended in one go, before the HTTP thread gets the lock again. */
#define ENDED_AT_ONCE 64

/* Whether data came since the connection rests. Where the kernel does not tell, as of a local
 * socket: without any, libmicrohttpd would have ended it. */
static bool has_moved(const struct client *client, int64_t now)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    if (getsockopt(client->descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return now - client->idle_since_ms > client->all->options.idle_timeout_ms + IDLE_CLOCK_MS;
    if (client->requests == 0)
        return info.tcpi_bytes_received > 0;
    return now - (int64_t)info.tcpi_last_data_recv > client->idle_since_ms + DATA_CLOCK_MS;
}

bool client_has_left(const struct client *client)
{
    char next;

    return recv(client->descriptor, &next, sizeof(next), MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool client_has_ended(const struct client *client)
{
    struct pollfd look = {.fd = client->descriptor, .events = POLLRDHUP};

    return poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void end(struct client *client)
{
    deadlines_set(&client->lists->deadlines, &client->deadline, DEADLINE_NONE, 0);
    client->ended = true;
    shutdown(client->descriptor, SHUT_RDWR);
}

/* No response is under way, so nobody else writes. What does not fit into an empty socket buffer is
 * not worth waiting for. */
static void answer_timeout(struct client *client)
{
    const struct clients_options *options = &client->all->options;
    struct buffer answer = {0};

    request_make_id(options->ids, client->timeout_id);
    timeout_answer(&answer, client->path, client->timeout_id, options->request_timeout_ms);
    if (send(client->descriptor, answer.data, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        client->timeout_id[0] = '\0';
    buffer_release(&answer);
}

/* What the client has not taken goes with the connection, instead of staying with the kernel. */
static void drop_unsent(const struct client *client)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(client->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void expire(struct client *client, int64_t now)
{
    struct clients *all = client->all;

    switch (client->deadline.kind) {
    case DEADLINE_IDLE:
        if (client_has_left(client))
            break;
        deadlines_set(&client->lists->deadlines, &client->deadline,
                      has_moved(client, now) ? DEADLINE_REQUEST : DEADLINE_IDLE, now);
        return;
    case DEADLINE_REQUEST:
        metrics_limit(all->options.metrics, METRICS_REQUEST_TIMEOUT);
        if (!all->options.encrypted)
            answer_timeout(client);
        break;
    case DEADLINE_RESPONSE:
        metrics_limit(all->options.metrics, METRICS_RESPONSE_TIMEOUT);
        drop_unsent(client);
        break;
    case DEADLINE_NONE:
    case DEADLINE_KINDS:
        return;
    }
    end(client);
}

/* Returns whether more may be due. */
static bool expire_some(struct client_lists *lists, int64_t now)
{
    struct deadline *due = NULL;

    pthread_mutex_lock(&lists->lock);
    for (int i = 0; i < ENDED_AT_ONCE; i++) {
        due = deadlines_due(&lists->deadlines, now);
        if (due == NULL)
            break;
        expire((struct client *)due, now);
    }
    pthread_mutex_unlock(&lists->lock);
    return due != NULL;
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct timespec next_tick(const struct clients_options *options)
{
    const int64_t timeout_ms = shorter(options->request_timeout_ms, options->response_timeout_ms);
    const int64_t tick_ms = shorter(timeout_ms / TICKS_PER_TIMEOUT + 1, TICK_MAX_MS);
    const int64_t at_us = monotonic_us() + tick_ms * 1000;

    return (struct timespec){at_us / 1000000, at_us % 1000000 * 1000};
}

static void expire_all(struct clients *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool more = true;
        while (more)
            more = expire_some(&all->lists[i], monotonic_us() / 1000);
    }
}

void *clients_watch(void *arg)
{
    struct clients *all = arg;

    pthread_mutex_lock(&all->lock);
    while (!all->stopping) {
        const struct timespec tick = next_tick(&all->options);
        const size_t count = all->list_count;
        int waited = 0;
        pthread_mutex_unlock(&all->lock);
        expire_all(all, count);
        pthread_mutex_lock(&all->lock);
        while (!all->stopping && waited == 0)
            waited = pthread_cond_timedwait(&all->stop, &all->lock, &tick);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}
