#include "service/http/connection_tracker.h"

#include "db/base/monotonic.h"
#include "service/http/timeout_list.h"
#include "service/http/timeout_response.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#define HTTP_THREADS_MAX 64

/* Timeouts of the connections of one HTTP thread. */
struct client_lists {
    pthread_mutex_t lock;
    pthread_t owner;
    struct deadlines deadlines; /* with the lock */
};

struct connection_tracker {
    struct connection_tracker_options options;
    atomic_int_least64_t kept;
    pthread_t thread;
    /* protects the members below, except the deadlines of `lists` */
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    size_t list_count;
    struct client_lists lists[HTTP_THREADS_MAX];
};

struct tracked_connection {
    /* first member; it and the five members below are protected by the lock of `lists` */
    struct deadline deadline;
    int64_t idle_since_ms;
    int64_t requests; /* the HTTP thread reads it without the lock */
    struct slice path;
    bool ended;
    /* request id of the 408 response; empty: none was sent */
    char timeout_id[EXCHANGE_REQUEST_ID_MAX + 1];
    bool kept; /* counted in `all->kept`; HTTP thread only */
    struct client_lists *lists;
    struct connection_tracker *all;
    int descriptor;
    struct connection_slot *slot;
};

/* A connection without a request is checked this many times per request timeout. */
#define IDLE_CHECKS_PER_TIMEOUT 16

/* Beyond max_kept, clients with at most max_kept divided by this may keep connections alive. */
#define KEPT_SHARE_DIVISOR 4

static int64_t now_ms(void)
{
    return monotonic_us() / 1000;
}

/* --- The timeout thread ---------------------------------------------------------------------- */

/* Timeouts are late by at most one tick: the shortest timeout divided by TICKS_PER_TIMEOUT, at most
 * TICK_MAX_MS. */
#define TICKS_PER_TIMEOUT 16
#define TICK_MAX_MS 1000

/* Granularity of tcpi_last_data_recv in the kernel. */
#define DATA_CLOCK_MS 20

/* libmicrohttpd counts idle time in whole seconds. */
#define IDLE_CLOCK_MS 2000

/* Maximum number of timeouts that are handled before the HTTP thread can get the lock again. */
#define EXPIRE_BATCH 64

/* Whether data has arrived since the connection became idle. For sockets without TCP_INFO, such as
 * Unix domain sockets: whether the idle timeout has passed; without data libmicrohttpd would have
 * closed the connection by then. */
static bool has_received_data(const struct tracked_connection *client, int64_t now)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    if (getsockopt(client->descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return now - client->idle_since_ms > client->all->options.idle_timeout_ms + IDLE_CLOCK_MS;
    if (client->requests == 0)
        return info.tcpi_bytes_received > 0;
    return now - (int64_t)info.tcpi_last_data_recv > client->idle_since_ms + DATA_CLOCK_MS;
}

bool tracked_is_at_eof(const struct tracked_connection *client)
{
    char next;

    return recv(client->descriptor, &next, sizeof(next), MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool tracked_has_peer_closed(const struct tracked_connection *client)
{
    struct pollfd poll_fd = {.fd = client->descriptor, .events = POLLRDHUP};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void shut_down(struct tracked_connection *client)
{
    deadlines_set(&client->lists->deadlines, &client->deadline, DEADLINE_NONE, 0);
    client->ended = true;
    shutdown(client->descriptor, SHUT_RDWR);
}

/* No response is being sent, so no other thread writes to the socket. Data that does not fit into
 * an empty socket buffer is dropped. */
static void send_timeout_response(struct tracked_connection *client)
{
    const struct connection_tracker_options *options = &client->all->options;
    struct buffer answer = {0};

    request_make_id(options->ids, client->timeout_id);
    timeout_response(&answer, client->path, client->timeout_id, options->request_timeout_ms);
    if (send(client->descriptor, answer.data, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        client->timeout_id[0] = '\0';
    buffer_release(&answer);
}

/* Discards unsent data when the socket is closed, instead of leaving it to the kernel. */
static void discard_unsent(const struct tracked_connection *client)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(client->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void on_deadline(struct tracked_connection *client, int64_t now)
{
    struct connection_tracker *all = client->all;

    switch (client->deadline.kind) {
    case DEADLINE_IDLE:
        if (tracked_is_at_eof(client))
            break;
        deadlines_set(&client->lists->deadlines, &client->deadline,
                      has_received_data(client, now) ? DEADLINE_REQUEST : DEADLINE_IDLE, now);
        return;
    case DEADLINE_REQUEST:
        metrics_count_limit_rejection(all->options.metrics, METRICS_REQUEST_TIMEOUT);
        if (!all->options.encrypted)
            send_timeout_response(client);
        break;
    case DEADLINE_RESPONSE:
        metrics_count_limit_rejection(all->options.metrics, METRICS_RESPONSE_TIMEOUT);
        discard_unsent(client);
        break;
    case DEADLINE_NONE:
    case DEADLINE_KINDS:
        return;
    }
    shut_down(client);
}

/* Returns whether more timeouts may be due. */
static bool expire_batch(struct client_lists *lists, int64_t now)
{
    struct deadline *due = NULL;

    pthread_mutex_lock(&lists->lock);
    for (int i = 0; i < EXPIRE_BATCH; i++) {
        due = deadlines_due(&lists->deadlines, now);
        if (due == NULL)
            break;
        on_deadline((struct tracked_connection *)due, now);
    }
    pthread_mutex_unlock(&lists->lock);
    return due != NULL;
}

static int64_t min_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct timespec next_tick(const struct connection_tracker_options *options)
{
    const int64_t timeout_ms = min_ms(options->request_timeout_ms, options->response_timeout_ms);
    const int64_t tick_ms = min_ms(timeout_ms / TICKS_PER_TIMEOUT + 1, TICK_MAX_MS);
    const int64_t at_us = monotonic_us() + tick_ms * 1000;

    return (struct timespec){at_us / 1000000, at_us % 1000000 * 1000};
}

static void expire_all(struct connection_tracker *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool may_have_more = true;
        while (may_have_more)
            may_have_more = expire_batch(&all->lists[i], monotonic_us() / 1000);
    }
}

/* The timeout thread. `arg` is the connection tracker. Ends when `stopping` is set. */
static void *run_timeouts(void *arg)
{
    struct connection_tracker *all = arg;

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

/* --- Connections ----------------------------------------------------------------------------- */

bool connection_tracker_start(const struct connection_tracker_options *options,
                              struct connection_tracker **out, struct error *err)
{
    struct connection_tracker *all = calloc(1, sizeof(*all));
    pthread_condattr_t monotonic;

    if (all == NULL)
        abort();
    all->options = *options;
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&all->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    const int failure = pthread_create(&all->thread, NULL, run_timeouts, all);
    if (failure != 0) {
        free(all);
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the timeout thread: error %d",
                         failure);
    }
    *out = all;
    return true;
}

void connection_tracker_stop(struct connection_tracker *all)
{
    if (all == NULL)
        return;
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    pthread_cond_signal(&all->stop);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->thread, NULL);
    for (size_t i = 0; i < all->list_count; i++)
        pthread_mutex_destroy(&all->lists[i].lock);
    pthread_cond_destroy(&all->stop);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static void init_lists(struct client_lists *lists, const struct connection_tracker_options *options)
{
    const int64_t idle_check_ms = options->request_timeout_ms / IDLE_CHECKS_PER_TIMEOUT;

    pthread_mutex_init(&lists->lock, NULL);
    lists->owner = pthread_self();
    lists->deadlines =
        (struct deadlines){.term_ms = {[DEADLINE_IDLE] = idle_check_ms,
                                       [DEADLINE_REQUEST] = options->request_timeout_ms,
                                       [DEADLINE_RESPONSE] = options->response_timeout_ms}};
}

/* Returns the lists of the calling thread; creates them at its first call. */
static struct client_lists *find_thread_lists(struct connection_tracker *all)
{
    struct client_lists *lists = NULL;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->list_count && lists == NULL; i++) {
        if (pthread_equal(all->lists[i].owner, pthread_self()))
            lists = &all->lists[i];
    }
    if (lists == NULL && all->list_count < HTTP_THREADS_MAX) {
        lists = &all->lists[all->list_count];
        init_lists(lists, &all->options);
        all->list_count++;
    }
    pthread_mutex_unlock(&all->lock);
    if (lists == NULL)
        abort(); /* there are at most HTTP_THREADS_MAX HTTP threads */
    return lists;
}

/* The caller holds the lock of the lists. */
static void set_idle_locked(struct tracked_connection *client, int64_t now)
{
    client->idle_since_ms = now;
    client->path = (struct slice){0};
    deadlines_set(&client->lists->deadlines, &client->deadline, DEADLINE_IDLE, now);
}

struct tracked_connection *tracked_open(struct connection_tracker *all, int descriptor,
                                        struct connection_slot *slot)
{
    struct tracked_connection *client = calloc(1, sizeof(*client));

    if (client == NULL)
        abort();
    client->all = all;
    client->lists = find_thread_lists(all);
    client->descriptor = descriptor;
    client->slot = slot;
    metrics_add_to_gauge(all->options.metrics, METRICS_CONNECTIONS, 1);
    pthread_mutex_lock(&client->lists->lock);
    set_idle_locked(client, now_ms());
    pthread_mutex_unlock(&client->lists->lock);
    return client;
}

static void set_kept(struct tracked_connection *client, bool kept)
{
    if (client->kept == kept)
        return;
    client->kept = kept;
    atomic_fetch_add_explicit(&client->all->kept, kept ? 1 : -1, memory_order_relaxed);
}

void tracked_close(struct tracked_connection *client)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    deadlines_set(&lists->deadlines, &client->deadline, DEADLINE_NONE, 0);
    pthread_mutex_unlock(&lists->lock);
    metrics_add_to_gauge(client->all->options.metrics, METRICS_CONNECTIONS, -1);
    set_kept(client, false);
    free(client);
}

struct connection_slot *tracked_slot(const struct tracked_connection *client)
{
    return client->slot;
}

void tracked_on_request(struct tracked_connection *client, struct slice path, int64_t now_us)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    client->requests++;
    client->path = path;
    /* A request whose first bytes arrived slowly has a deadline already. */
    if (!client->ended && client->deadline.kind != DEADLINE_REQUEST)
        deadlines_set(&lists->deadlines, &client->deadline, DEADLINE_REQUEST, now_us / 1000);
    pthread_mutex_unlock(&lists->lock);
}

/* Returns false when the connection was shut down. */
static bool set_deadline(struct tracked_connection *client, enum deadline_kind kind, int64_t now)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    const bool is_open = !client->ended;
    if (is_open)
        deadlines_set(&lists->deadlines, &client->deadline, kind, now);
    pthread_mutex_unlock(&lists->lock);
    return is_open;
}

bool tracked_on_request_complete(struct tracked_connection *client)
{
    return set_deadline(client, DEADLINE_NONE, 0);
}

void tracked_mark_kept(struct tracked_connection *client)
{
    set_kept(client, true);
}

void tracked_mark_streaming(struct tracked_connection *client)
{
    set_kept(client, false);
}

bool tracked_on_response(struct tracked_connection *client, bool limited)
{
    return set_deadline(client, limited ? DEADLINE_RESPONSE : DEADLINE_NONE, now_ms());
}

void tracked_shut_down(const struct tracked_connection *client)
{
    shutdown(client->descriptor, SHUT_RDWR);
}

bool tracked_on_idle(struct tracked_connection *client, int64_t now_us, char *request_id)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    if (!client->ended)
        set_idle_locked(client, now_us / 1000);
    client->path = (struct slice){0};
    const bool timed_out = client->timeout_id[0] != '\0';
    if (timed_out)
        memcpy(request_id, client->timeout_id, sizeof(client->timeout_id));
    pthread_mutex_unlock(&lists->lock);
    return timed_out;
}

bool tracked_may_keep_alive(const struct tracked_connection *client, uint64_t held)
{
    const struct connection_tracker *all = client->all;
    const int64_t max_requests = all->options.max_requests;
    const int64_t max_kept = all->options.max_kept;
    const int64_t kept = atomic_load_explicit(&all->kept, memory_order_relaxed);

    if (max_requests > 0 && client->requests >= max_requests)
        return false;
    return kept <= max_kept ||
           (kept <= 2 * max_kept && held <= (uint64_t)max_kept / KEPT_SHARE_DIVISOR);
}
