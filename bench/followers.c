/*
 * Many readers of the event stream on one thread, and writers at a steady pace on another: how long
 * an event takes from its commit to a reader. An event's id is the time of its commit in µs since
 * 1970, so both have to be on one machine.
 *
 *   followers PORT READERS WRITES_PER_SECOND SECONDS [sessions]
 *
 * All readers follow all that happens, and the writers create sessions. With "sessions" each reader
 * follows a session of its own, and each write changes one of READERS sessions, or of 2,000.
 * Prints one line: readers, writes a second that were answered, events a second that were
 * delivered, µs of delivery (median, p99, longest), and events that came out of order. Without
 * READERS the writers alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define WRITERS 16
#define EVENTS_AT_ONCE 512
#define CARRY_BYTES 64
#define BUFFER_BYTES (256 * 1024)
#define BUCKETS 4000
#define BUCKET_US 250
#define WARM_UP_US 1000000

struct reader {
    int socket;
    int64_t last_id;
    size_t carried;
    char carry[CARRY_BYTES];
};

struct writer {
    int socket;
    bool busy;
};

/* The writers' thread has its part alone while it runs. */
struct run {
    int port;
    int64_t counted_since_us; /* what came before is warm-up */
    int64_t end_us;

    int write_epoll;
    struct writer writers[WRITERS];
    bool sessions;
    int64_t write_period_us;
    int64_t next_write_us;
    int64_t written;

    int epoll;
    int reader_count;
    struct reader *readers;
    int64_t delivered;
    int64_t disordered;
    int64_t longest_us;
    int64_t buckets[BUCKETS];
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int made = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connecting");
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return made;
}

static void watch(int epoll, int socket, int number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0)
        fail("epoll_ctl");
}

static void send_all(int socket, const char *text, size_t len)
{
    if (send(socket, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail("sending");
}

static int session_count(const struct run *run)
{
    return run->reader_count > 0 ? run->reader_count : 2000;
}

static void make_sessions(const struct run *run)
{
    const int made = connect_to(run->port);
    char text[4096];

    for (int i = 0; i < session_count(run); i++) {
        const int len = snprintf(text, sizeof(text),
                                 "PUT /sessions/00000000-0000-4000-8000-%012d HTTP/1.1\r\n"
                                 "Host: localhost\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 36\r\n\r\n"
                                 "{\"project_path\":\"/\",\"thread_id\":\"1\"}",
                                 i);
        send_all(made, text, (size_t)len);
        if (recv(made, text, sizeof(text), 0) <= 0 || strncmp(text, "HTTP/1.1 20", 11) != 0)
            fail("making a session");
    }
    close(made);
}

static void open_readers(struct run *run)
{
    char request[512];

    for (int i = 0; i < run->reader_count; i++) {
        char query[80] = "";
        if (run->sessions)
            snprintf(query, sizeof(query), "?session_id=00000000-0000-4000-8000-%012d", i);
        const int len = snprintf(request, sizeof(request),
                                 "GET /events%s HTTP/1.1\r\nHost: localhost\r\n"
                                 "Accept: text/event-stream\r\n\r\n",
                                 query);
        run->readers[i].socket = connect_to(run->port);
        send_all(run->readers[i].socket, request, (size_t)len);
        watch(run->epoll, run->readers[i].socket, i);
    }
}

static void open_writers(struct run *run)
{
    for (int i = 0; i < WRITERS; i++) {
        run->writers[i].socket = connect_to(run->port);
        watch(run->write_epoll, run->writers[i].socket, i);
    }
}

static void count(struct run *run, struct reader *reader, int64_t id, int64_t now)
{
    const int64_t took_us = now - id;
    int64_t bucket = took_us / BUCKET_US;

    if (id <= reader->last_id)
        run->disordered++;
    reader->last_id = id;
    if (id < run->counted_since_us)
        return;
    run->delivered++;
    if (took_us > run->longest_us)
        run->longest_us = took_us;
    if (bucket < 0)
        bucket = 0;
    run->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* Takes the ids of events, which are followed by their type; keeps what may be cut at the end. */
static void take(struct run *run, struct reader *reader, char *text, size_t len, int64_t now)
{
    static const char mark[] = "\nid: ";
    static const char type[] = "event: ";
    const char *end = text + len;
    const char *at = text;
    size_t keep = sizeof(mark) - 2;

    while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL) {
        const char *begin = at;
        int64_t id = 0;
        for (at += sizeof(mark) - 1; at < end && *at >= '0' && *at <= '9'; at++)
            id = id * 10 + (*at - '0');
        if (end - at < (ptrdiff_t)sizeof(type)) {
            keep = (size_t)(end - begin);
            break;
        }
        if (memcmp(at + 1, type, sizeof(type) - 1) == 0)
            count(run, reader, id, now);
    }
    if (keep > len)
        keep = len;
    memcpy(reader->carry, end - keep, keep);
    reader->carried = keep;
}

static void read_events(struct run *run, struct reader *reader)
{
    static char buffer[CARRY_BYTES + BUFFER_BYTES];

    memcpy(buffer, reader->carry, reader->carried);
    const ssize_t got = recv(reader->socket, buffer + reader->carried, BUFFER_BYTES, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        fail("a stream has ended");
    if (got > 0)
        take(run, reader, buffer, reader->carried + (size_t)got, now_us());
}

static void read_answer(struct run *run, struct writer *writer)
{
    char answer[4096];

    if (recv(writer->socket, answer, sizeof(answer), MSG_DONTWAIT) <= 0)
        fail("a writer's connection has ended");
    if (strncmp(answer, "HTTP/1.1 20", 11) != 0)
        fail("a write was refused");
    writer->busy = false;
    run->written += now_us() >= run->counted_since_us;
}

static void write_one(const struct run *run, int socket)
{
    static const char creation[] =
        "POST /sessions HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 56\r\n\r\n"
        "{\"project_path\":\"/home/me/p\",\"thread_id\":\"+15551234567\"}";
    char change[512];

    if (!run->sessions) {
        send_all(socket, creation, sizeof(creation) - 1);
        return;
    }
    const int len =
        snprintf(change, sizeof(change),
                 "PATCH /sessions/00000000-0000-4000-8000-%012d HTTP/1.1\r\n"
                 "Host: localhost\r\nContent-Type: application/json\r\n"
                 "Content-Length: 37\r\n\r\n{\"context\":{\"n\":%lld}}",
                 (int)(random() % session_count(run)), 1000000000000000000LL + now_us());
    send_all(socket, change, (size_t)len);
}

static void write_if_due(struct run *run)
{
    const int64_t now = now_us();

    for (int i = 0; i < WRITERS && run->write_period_us > 0 && run->next_write_us <= now; i++) {
        if (run->writers[i].busy)
            continue;
        run->writers[i].busy = true;
        write_one(run, run->writers[i].socket);
        run->next_write_us += run->write_period_us;
    }
}

static void *write_steadily(void *arg)
{
    struct run *run = arg;
    struct epoll_event events[WRITERS];

    run->next_write_us = now_us();
    while (now_us() < run->end_us) {
        write_if_due(run);
        const int ready = epoll_wait(run->write_epoll, events, WRITERS, 1);
        for (int i = 0; i < ready; i++)
            read_answer(run, &run->writers[events[i].data.u32]);
    }
    return NULL;
}

static void follow(struct run *run)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    while (now_us() < run->end_us) {
        const int ready = epoll_wait(run->epoll, events, EVENTS_AT_ONCE, 10);
        for (int i = 0; i < ready; i++)
            read_events(run, &run->readers[events[i].data.u32]);
    }
}

static int64_t percentile_us(const struct run *run, double share)
{
    int64_t left = (int64_t)((double)run->delivered * share);

    for (int i = 0; i < BUCKETS; i++) {
        left -= run->buckets[i];
        if (left < 0)
            return (int64_t)(i + 1) * BUCKET_US;
    }
    return run->longest_us;
}

int main(int argc, char **argv)
{
    static struct run run;
    pthread_t writing;

    if (argc < 5) {
        fputs("usage: followers PORT READERS WRITES_PER_SECOND SECONDS [sessions]\n", stderr);
        return 2;
    }
    run.port = atoi(argv[1]);
    run.reader_count = atoi(argv[2]);
    run.readers = calloc((size_t)run.reader_count + 1, sizeof(*run.readers));
    const int rate = atoi(argv[3]);
    const int seconds = atoi(argv[4]);
    run.write_period_us = rate > 0 ? 1000000 / rate : 0;
    run.epoll = epoll_create1(0);
    run.write_epoll = epoll_create1(0);
    run.sessions = argc > 5;
    if (run.sessions)
        make_sessions(&run);
    open_readers(&run);
    open_writers(&run);
    run.counted_since_us = now_us() + WARM_UP_US;
    run.end_us = run.counted_since_us + (int64_t)seconds * 1000000;
    if (pthread_create(&writing, NULL, write_steadily, &run) != 0)
        fail("starting the writers");
    follow(&run);
    pthread_join(writing, NULL);
    printf("readers %d writes/s %.0f events/s %.0f p50_us %lld p99_us %lld longest_us %lld "
           "disordered %lld\n",
           run.reader_count, (double)run.written / seconds, (double)run.delivered / seconds,
           (long long)percentile_us(&run, 0.5), (long long)percentile_us(&run, 0.99),
           (long long)run.longest_us, (long long)run.disordered);
    return EXIT_SUCCESS;
}
