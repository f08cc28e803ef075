#include "service/net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFIX "unix:"
#define BACKLOG 4096

bool unix_socket_is_address(const char *address)
{
    return strncmp(address, PREFIX, strlen(PREFIX)) == 0;
}

bool unix_socket_address(const char *address, struct sockaddr_un *out, struct error *err)
{
    const char *path = address + strlen(PREFIX);
    const size_t len = strlen(path);

    if (len == 0 || path[0] == '@')
        return error_set(err, ERROR_INVALID_PAYLOAD, "listen",
                         "--listen takes the path of a socket file after unix:, such as "
                         "unix:/run/sessiond.sock, not \"%.60s\"",
                         address);
    if (len >= sizeof(out->sun_path))
        return error_set(
            err, ERROR_INVALID_PAYLOAD, "listen",
            "the socket path \"%.107s…\" has %zu bytes; the limit is %zu; use a shorter path", path,
            len, sizeof(out->sun_path) - 1);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, path, len);
    return true;
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Returns the error of connect() to the socket; 0 when a process accepts connections there. */
static int probe_socket(const struct sockaddr_un *address)
{
    const int fd = open_socket();

    if (fd < 0)
        return errno;
    const int reason =
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(fd);
    return reason;
}

/* Removes a socket file on which no process listens. */
static bool remove_stale_socket(const struct sockaddr_un *address, struct error *err)
{
    const char *path = address->sun_path;
    struct stat status;

    if (lstat(path, &status) != 0)
        return true; /* bind() reports other errors */
    if (!S_ISSOCK(status.st_mode))
        return error_set(err, ERROR_INTERNAL, "listen",
                         "cannot listen on %.107s: it is not a socket; move it away or use another "
                         "--listen",
                         path);
    const int reason = probe_socket(address);
    if (reason == 0 || reason == EAGAIN) /* EAGAIN: the backlog of a live socket is full */
        return error_set(err, ERROR_INTERNAL, "listen",
                         "cannot listen on %.107s: a process listens on it; stop that process or "
                         "use another --listen",
                         path);
    if (reason != ECONNREFUSED)
        return error_set(err, ERROR_INTERNAL, "listen",
                         "cannot listen on %.107s: another program uses it (%s); use another "
                         "--listen",
                         path, strerror(reason));
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return error_set(
        err, ERROR_INTERNAL, "listen",
        "cannot remove %.107s: %s; check the permissions of its folder, or use another "
        "--listen",
        path, strerror(errno));
}

/* bind() creates the file with its final mode, so that other users can never connect in between. */
static bool bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    const mode_t old_mask = umask(0777 & ~mode);
    const bool bound = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    const int reason = errno;

    umask(old_mask);
    errno = reason;
    return bound;
}

static bool set_listen_error(const struct sockaddr_un *address, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "listen",
                     "cannot listen on %.107s: %s; check the folder and its permissions, or use "
                     "another --listen",
                     address->sun_path, strerror(errno));
}

static bool bind_and_listen(const struct sockaddr_un *address, mode_t mode, int *descriptor,
                            struct error *err)
{
    if (!remove_stale_socket(address, err))
        return false;
    const int fd = open_socket();
    if (fd >= 0 && bind_with_mode(fd, address, mode) && listen(fd, BACKLOG) == 0) {
        *descriptor = fd;
        return true;
    }
    set_listen_error(address, err);
    if (fd >= 0)
        close(fd);
    return false;
}

/* Serializes processes that start at once: the second must not remove the socket of the first. */
static int lock_folder(const struct sockaddr_un *address)
{
    char folder[sizeof(address->sun_path)];

    memcpy(folder, address->sun_path, sizeof(folder));
    const int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) == 0)
        return fd;
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

bool unix_socket_listen(const struct sockaddr_un *address, mode_t mode, int *descriptor,
                        struct error *err)
{
    const int lock = lock_folder(address);

    if (lock < 0)
        return set_listen_error(address, err);
    const bool ok = bind_and_listen(address, mode, descriptor, err);
    close(lock);
    return ok;
}
