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
#define IDLE_MS 2000 /* maximum time without a byte */
#define STOP_MS 250
#define BYTES_MAX (INT64_C(64) << 20)
#define CHUNK_BYTES 65536

struct slot {
    int socket;
    int64_t deadline_us;
    int64_t idle_deadline_us; /* when the socket has been silent for IDLE_MS */
    int64_t remaining_bytes;
};

struct lingering_close {
    pthread_t thread;
    int wake_fd; /* eventfd that signals a change of `shared` */
    struct slot slots[LINGERING_CLOSE_MAX];
    size_t count;
    bool stopping;

    pthread_mutex_t mutex;
    struct {
        int arrived[LINGERING_CLOSE_MAX];
        size_t arrived_count;
        size_t held; /* sockets in `arrived` or `slots` */
        bool stopping;
    } shared;
};

static int64_t min_us(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add_arrived_locked(struct lingering_close *lingering, int64_t now_us)
{
    for (size_t i = 0; i < lingering->shared.arrived_count; i++)
        lingering->slots[lingering->count++] = (struct slot){
            .socket = lingering->shared.arrived[i],
            .deadline_us = now_us + LINGER_MS * INT64_C(1000),
            .idle_deadline_us = now_us + IDLE_MS * INT64_C(1000),
            .remaining_bytes = BYTES_MAX,
        };
    lingering->shared.arrived_count = 0;
}

/* Takes the sockets that other threads have submitted. */
static void take_arrived(struct lingering_close *lingering, int64_t now_us)
{
    pthread_mutex_lock(&lingering->mutex);
    add_arrived_locked(lingering, now_us);
    const bool has_stop_begun = lingering->shared.stopping && !lingering->stopping;
    lingering->stopping = lingering->shared.stopping;
    pthread_mutex_unlock(&lingering->mutex);
    for (size_t i = 0; has_stop_begun && i < lingering->count; i++)
        lingering->slots[i].deadline_us =
            min_us(lingering->slots[i].deadline_us, now_us + STOP_MS * INT64_C(1000));
}

static void close_slot(struct lingering_close *lingering, size_t i)
{
    close(lingering->slots[i].socket);
    lingering->slots[i] = lingering->slots[--lingering->count];
    pthread_mutex_lock(&lingering->mutex);
    lingering->shared.held--;
    pthread_mutex_unlock(&lingering->mutex);
}

/* Returns false when the client has closed its side or has sent BYTES_MAX. */
static bool drop_bytes(struct slot *slot, int64_t now_us)
{
    char chunk[CHUNK_BYTES];
    const ssize_t len = recv(slot->socket, chunk, sizeof(chunk), MSG_DONTWAIT);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR;
    slot->remaining_bytes -= len;
    slot->idle_deadline_us = now_us + IDLE_MS * INT64_C(1000);
    return len > 0 && slot->remaining_bytes > 0;
}

/* Returns the milliseconds until the next deadline; -1 when there is none. */
static int next_timeout_ms(const struct lingering_close *lingering, int64_t now_us)
{
    int64_t next_us = INT64_MAX;

    for (size_t i = 0; i < lingering->count; i++)
        next_us = min_us(
            next_us, min_us(lingering->slots[i].deadline_us, lingering->slots[i].idle_deadline_us));
    if (next_us == INT64_MAX)
        return -1;
    return next_us <= now_us ? 0 : (int)((next_us - now_us) / 1000 + 1);
}

static void wait_for_events(struct lingering_close *lingering, struct pollfd *polled)
{
    uint64_t ignored;

    for (size_t i = 0; i < lingering->count; i++)
        polled[i] = (struct pollfd){.fd = lingering->slots[i].socket, .events = POLLIN};
    polled[lingering->count] = (struct pollfd){.fd = lingering->wake_fd, .events = POLLIN};
    poll(polled, lingering->count + 1, next_timeout_ms(lingering, monotonic_us()));
    if (polled[lingering->count].revents != 0 &&
        read(lingering->wake_fd, &ignored, sizeof(ignored)) != sizeof(ignored))
        abort();
}

static void *run_thread(void *arg)
{
    struct lingering_close *lingering = arg;
    struct pollfd polled[LINGERING_CLOSE_MAX + 1];

    while (!lingering->stopping || lingering->count > 0) {
        wait_for_events(lingering, polled);
        const int64_t now_us = monotonic_us();
        /* Backwards, since close_slot() moves the last slot into the closed one. */
        for (size_t i = lingering->count; i-- > 0;) {
            struct slot *slot = &lingering->slots[i];
            const bool is_alive = polled[i].revents == 0 || drop_bytes(slot, now_us);
            if (!is_alive || now_us >= min_us(slot->deadline_us, slot->idle_deadline_us))
                close_slot(lingering, i);
        }
        take_arrived(lingering, now_us);
    }
    return NULL;
}

bool lingering_close_start(struct lingering_close **out, struct error *err)
{
    struct lingering_close *lingering = calloc(1, sizeof(*lingering));

    if (lingering == NULL)
        abort();
    pthread_mutex_init(&lingering->mutex, NULL);
    lingering->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (lingering->wake_fd < 0)
        goto failed;
    if (pthread_create(&lingering->thread, NULL, run_thread, lingering) != 0)
        goto failed;
    *out = lingering;
    return true;
failed:
    if (lingering->wake_fd >= 0)
        close(lingering->wake_fd);
    pthread_mutex_destroy(&lingering->mutex);
    free(lingering);
    return error_set(err, ERROR_INTERNAL, NULL, "cannot start the thread that closes connections");
}

static void wake_thread(const struct lingering_close *lingering)
{
    const uint64_t one = 1;

    if (write(lingering->wake_fd, &one, sizeof(one)) != sizeof(one))
        abort();
}

/* Returns false when all slots are in use or the thread is stopping. */
static bool submit_socket(struct lingering_close *lingering, int socket)
{
    pthread_mutex_lock(&lingering->mutex);
    const bool has_room =
        lingering->shared.held < LINGERING_CLOSE_MAX && !lingering->shared.stopping;
    if (has_room) {
        lingering->shared.arrived[lingering->shared.arrived_count++] = socket;
        lingering->shared.held++;
    }
    pthread_mutex_unlock(&lingering->mutex);
    if (has_room)
        wake_thread(lingering);
    return has_room;
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
    if (!submit_socket(lingering, copy))
        close(copy);
}

void lingering_close_stop(struct lingering_close *lingering)
{
    pthread_mutex_lock(&lingering->mutex);
    lingering->shared.stopping = true;
    pthread_mutex_unlock(&lingering->mutex);
    wake_thread(lingering);
    pthread_join(lingering->thread, NULL);
    close(lingering->wake_fd);
    pthread_mutex_destroy(&lingering->mutex);
    free(lingering);
}
