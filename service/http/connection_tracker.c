#include "service/http/connection_tracker_internal.h"

#include "db/base/monotonic.h"

#include <stdlib.h>
#include <sys/socket.h>

/* How often a connection without a request is looked at. */
#define LOOKS_PER_TIMEOUT 16

/* A client that holds at most this part of max_kept may keep its connections beyond max_kept. */
#define KEPT_SHARE_DIVISOR 4

static int64_t now_ms(void)
{
    return monotonic_us() / 1000;
}

bool clients_start(const struct clients_options *options, struct clients **out, struct error *err)
{
    struct clients *all = calloc(1, sizeof(*all));
    pthread_condattr_t monotonic;

    if (all == NULL)
        abort();
    all->options = *options;
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&all->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    const int failure = pthread_create(&all->thread, NULL, clients_watch, all);
    if (failure != 0) {
        free(all);
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the thread of the deadlines: %d",
                         failure);
    }
    *out = all;
    return true;
}

void clients_stop(struct clients *all)
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

static void init_lists(struct client_lists *lists, const struct clients_options *options)
{
    const int64_t look_ms = options->request_timeout_ms / LOOKS_PER_TIMEOUT;

    pthread_mutex_init(&lists->lock, NULL);
    lists->owner = pthread_self();
    lists->deadlines =
        (struct deadlines){.term_ms = {[DEADLINE_IDLE] = look_ms,
                                       [DEADLINE_REQUEST] = options->request_timeout_ms,
                                       [DEADLINE_RESPONSE] = options->response_timeout_ms}};
}

/* The lists of this thread; made when it first asks. */
static struct client_lists *own_lists(struct clients *all)
{
    struct client_lists *lists = NULL;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->list_count && lists == NULL; i++) {
        if (pthread_equal(all->lists[i].owner, pthread_self()))
            lists = &all->lists[i];
    }
    if (lists == NULL && all->list_count < CLIENTS_THREADS_MAX) {
        lists = &all->lists[all->list_count];
        init_lists(lists, &all->options);
        all->list_count++;
    }
    pthread_mutex_unlock(&all->lock);
    if (lists == NULL)
        abort(); /* there are no more HTTP threads */
    return lists;
}

/* With the lists' lock. */
static void rest(struct client *client, int64_t now)
{
    client->idle_since_ms = now;
    client->path = (struct slice){0};
    deadlines_set(&client->lists->deadlines, &client->deadline, DEADLINE_IDLE, now);
}

struct client *client_open(struct clients *all, int descriptor, struct connection_slot *slot)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        abort();
    client->all = all;
    client->lists = own_lists(all);
    client->descriptor = descriptor;
    client->slot = slot;
    metrics_change(all->options.metrics, METRICS_CONNECTIONS, 1);
    pthread_mutex_lock(&client->lists->lock);
    rest(client, now_ms());
    pthread_mutex_unlock(&client->lists->lock);
    return client;
}

static void count_kept(struct client *client, bool kept)
{
    if (client->kept == kept)
        return;
    client->kept = kept;
    atomic_fetch_add_explicit(&client->all->kept, kept ? 1 : -1, memory_order_relaxed);
}

void client_close(struct client *client)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    deadlines_set(&lists->deadlines, &client->deadline, DEADLINE_NONE, 0);
    pthread_mutex_unlock(&lists->lock);
    metrics_change(client->all->options.metrics, METRICS_CONNECTIONS, -1);
    count_kept(client, false);
    free(client);
}

struct connection_slot *client_slot(const struct client *client)
{
    return client->slot;
}

void client_receives(struct client *client, struct slice path, int64_t now_us)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    client->requests++;
    client->path = path;
    /* One whose first bytes were seen to come slowly has had a part of its time. */
    if (!client->ended && client->deadline.kind != DEADLINE_REQUEST)
        deadlines_set(&lists->deadlines, &client->deadline, DEADLINE_REQUEST, now_us / 1000);
    pthread_mutex_unlock(&lists->lock);
}

/* False when the connection was ended. */
static bool set_deadline(struct client *client, enum deadline_kind kind, int64_t now)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    const bool lives = !client->ended;
    if (lives)
        deadlines_set(&lists->deadlines, &client->deadline, kind, now);
    pthread_mutex_unlock(&lists->lock);
    return lives;
}

bool client_works(struct client *client)
{
    return set_deadline(client, DEADLINE_NONE, 0);
}

void client_keeps(struct client *client)
{
    count_kept(client, true);
}

void client_follows(struct client *client)
{
    count_kept(client, false);
}

bool client_answers(struct client *client, bool limited)
{
    return set_deadline(client, limited ? DEADLINE_RESPONSE : DEADLINE_NONE, now_ms());
}

void client_cut(const struct client *client)
{
    shutdown(client->descriptor, SHUT_RDWR);
}

bool client_rests(struct client *client, int64_t now_us, char *request_id)
{
    struct client_lists *lists = client->lists;

    pthread_mutex_lock(&lists->lock);
    if (!client->ended)
        rest(client, now_us / 1000);
    client->path = (struct slice){0};
    const bool timed_out = client->timeout_id[0] != '\0';
    if (timed_out)
        memcpy(request_id, client->timeout_id, sizeof(client->timeout_id));
    pthread_mutex_unlock(&lists->lock);
    return timed_out;
}

bool client_may_stay(const struct client *client, uint64_t held)
{
    const struct clients *all = client->all;
    const int64_t max_requests = all->options.max_requests;
    const int64_t max_kept = all->options.max_kept;
    const int64_t kept = atomic_load_explicit(&all->kept, memory_order_relaxed);

    if (max_requests > 0 && client->requests >= max_requests)
        return false;
    return kept <= max_kept ||
           (kept <= 2 * max_kept && held <= (uint64_t)max_kept / KEPT_SHARE_DIVISOR);
}
