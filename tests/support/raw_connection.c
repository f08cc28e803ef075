#include "tests/support/raw_connection.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int raw_connect(const struct service *service)
{
    const char *port = strrchr(service->address, ':');
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port + 1)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    union {
        const struct sockaddr_in *in;
        const struct sockaddr *any;
    } address = {.in = &to};
    const int yes = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_geq(fd, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    cr_assert_eq(connect(fd, address.any, sizeof(to)), 0, "%s", strerror(errno));
    return fd;
}

bool raw_send(int descriptor, const char *data, size_t len)
{
    while (len > 0) {
        const ssize_t sent = send(descriptor, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool raw_await(int descriptor, int limit_ms)
{
    struct pollfd readable = {.fd = descriptor, .events = POLLIN};

    return poll(&readable, 1, limit_ms) == 1;
}

/* Appends what has come. 0 at the end of the connection, -1 when nothing comes. */
static int read_some(int descriptor, char *out, size_t size, size_t *used)
{
    char data[4096];

    if (!raw_await(descriptor, PATIENCE_MS))
        return -1;
    const ssize_t count = recv(descriptor, data, sizeof(data), 0);
    if (count <= 0)
        return 0;
    const size_t room = size - 1 - *used;
    const size_t kept = (size_t)count < room ? (size_t)count : room;
    memcpy(out + *used, data, kept);
    *used += kept;
    out[*used] = '\0';
    return 1;
}

bool raw_read_to_end(int descriptor, char *out, size_t size)
{
    size_t used = 0;
    int more;

    out[0] = '\0';
    while ((more = read_some(descriptor, out, size, &used)) > 0)
        continue;
    return more == 0;
}

bool raw_read_until(int descriptor, const char *end, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    while (strstr(out, end) == NULL) {
        if (read_some(descriptor, out, size, &used) <= 0)
            return false;
    }
    return true;
}
