#include "service/http/lingering_close.h"

#include "db/base/monotonic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_MS 10000
#define IDLE_MS 2000 /* without a byte */
#define STOP_MS 250
#define BYTES_MAX (INT64_C(64) << 20)
#define CHUNK_BYTES 65536

struct place {
    int socket;
    int64_t ends_us;
    int64_t idle_us; /* when it has been silent for too long */
    int64_t left_bytes;
};

struct lingering_close {
    pthread_t thread;
    int wake; /* an eventfd: something in `shared` has changed */
    struct place places[LINGERING_CLOSE_MAX];
    size_t count;
    bool stopping;

    pthread_mutex_t mutex;
    struct {
        int arrived[LINGERING_CLOSE_MAX];
        size_t arrived_count;
        size_t held; /* arrived or in a place */
        bool stopping;
    } shared;
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void place_arrived_locked(struct lingering_close *lingering, int64_t now_us)
{
    for (size_t i = 0; i < lingering->shared.arrived_count; i++)
        lingering->places[lingering->count++] = (struct place){
            .socket = lingering->shared.arrived[i],
            .ends_us = now_us + LINGER_MS * INT64_C(1000),
            .idle_us = now_us + IDLE_MS * INT64_C(1000),
            .left_bytes = BYTES_MAX,
        };
    lingering->shared.arrived_count = 0;
}

/* Takes over what the other threads have left. */
static void receive(struct lingering_close *lingering, int64_t now_us)
{
    pthread_mutex_lock(&lingering->mutex);
    place_arrived_locked(lingering, now_us);
    const bool stops_now = lingering->shared.stopping && !lingering->stopping;
    lingering->stopping = lingering->shared.stopping;
    pthread_mutex_unlock(&lingering->mutex);
    for (size_t i = 0; stops_now && i < lingering->count; i++)
        lingering->places[i].ends_us =
            earlier(lingering->places[i].ends_us, now_us + STOP_MS * INT64_C(1000));
}

static void close_place(struct lingering_close *lingering, size_t i)
{
    close(lingering->places[i].socket);
    lingering->places[i] = lingering->places[--lingering->count];
    pthread_mutex_lock(&lingering->mutex);
    lingering->shared.held--;
    pthread_mutex_unlock(&lingering->mutex);
}

/* False when the client has ended its side, or has had its share. */
static bool drop_bytes(struct place *place, int64_t now_us)
{
    char chunk[CHUNK_BYTES];
    const ssize_t len = recv(place->socket, chunk, sizeof(chunk), MSG_DONTWAIT);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR;
    place->left_bytes -= len;
    place->idle_us = now_us + IDLE_MS * INT64_C(1000);
    return len > 0 && place->left_bytes > 0;
}

/* Milliseconds until the next place has to be given up, -1 when there is none. */
static int next_timeout_ms(const struct lingering_close *lingering, int64_t now_us)
{
    int64_t next_us = INT64_MAX;

    for (size_t i = 0; i < lingering->count; i++)
        next_us =
            earlier(next_us, earlier(lingering->places[i].ends_us, lingering->places[i].idle_us));
    if (next_us == INT64_MAX)
        return -1;
    return next_us <= now_us ? 0 : (int)((next_us - now_us) / 1000 + 1);
}

static void await(struct lingering_close *lingering, struct pollfd *polled)
{
    uint64_t ignored;

    for (size_t i = 0; i < lingering->count; i++)
        polled[i] = (struct pollfd){.fd = lingering->places[i].socket, .events = POLLIN};
    polled[lingering->count] = (struct pollfd){.fd = lingering->wake, .events = POLLIN};
    poll(polled, lingering->count + 1, next_timeout_ms(lingering, monotonic_us()));
    if (polled[lingering->count].revents != 0 &&
        read(lingering->wake, &ignored, sizeof(ignored)) != sizeof(ignored))
        abort();
}

static void *run(void *arg)
{
    struct lingering_close *lingering = arg;
    struct pollfd polled[LINGERING_CLOSE_MAX + 1];

    while (!lingering->stopping || lingering->count > 0) {
        await(lingering, polled);
        const int64_t now_us = monotonic_us();
        /* From behind: the last place fills the one that is given up. */
        for (size_t i = lingering->count; i-- > 0;) {
            struct place *place = &lingering->places[i];
            const bool goes_on = polled[i].revents == 0 || drop_bytes(place, now_us);
            if (!goes_on || now_us >= earlier(place->ends_us, place->idle_us))
                close_place(lingering, i);
        }
        receive(lingering, now_us);
    }
    return NULL;
}

bool lingering_close_start(struct lingering_close **out, struct error *err)
{
    struct lingering_close *lingering = calloc(1, sizeof(*lingering));

    if (lingering == NULL)
        abort();
    pthread_mutex_init(&lingering->mutex, NULL);
    lingering->wake = eventfd(0, EFD_CLOEXEC);
    if (lingering->wake < 0)
        goto failed;
    if (pthread_create(&lingering->thread, NULL, run, lingering) != 0)
        goto failed;
    *out = lingering;
    return true;
failed:
    if (lingering->wake >= 0)
        close(lingering->wake);
    pthread_mutex_destroy(&lingering->mutex);
    free(lingering);
    return error_set(err, ERROR_INTERNAL, NULL, "cannot start the thread that ends connections");
}

static void wake(const struct lingering_close *lingering)
{
    const uint64_t one = 1;

    if (write(lingering->wake, &one, sizeof(one)) != sizeof(one))
        abort();
}

/* False when there is no room. */
static bool hand_over(struct lingering_close *lingering, int socket)
{
    pthread_mutex_lock(&lingering->mutex);
    const bool room = lingering->shared.held < LINGERING_CLOSE_MAX && !lingering->shared.stopping;
    if (room) {
        lingering->shared.arrived[lingering->shared.arrived_count++] = socket;
        lingering->shared.held++;
    }
    pthread_mutex_unlock(&lingering->mutex);
    if (room)
        wake(lingering);
    return room;
}

void lingering_close_add(struct lingering_close *lingering, int socket)
{
    char next;
    const ssize_t len = recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT);

    if (len == 0 || (len < 0 && errno != EAGAIN))
        return;
    const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return;
    shutdown(copy, SHUT_WR);
    if (!hand_over(lingering, copy))
        close(copy);
}

void lingering_close_stop(struct lingering_close *lingering)
{
    pthread_mutex_lock(&lingering->mutex);
    lingering->shared.stopping = true;
    pthread_mutex_unlock(&lingering->mutex);
    wake(lingering);
    pthread_join(lingering->thread, NULL);
    close(lingering->wake);
    pthread_mutex_destroy(&lingering->mutex);
    free(lingering);
}
