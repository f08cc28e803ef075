#include "service/net/socket_activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PASSED_FD 3 /* SD_LISTEN_FDS_START */

/* Returns the number of passed sockets as text. NULL when there is none, or when the variables are
 * meant for a parent process that did not clear them. */
static const char *passed_count(void)
{
    const char *pid = getenv("LISTEN_PID");

    return pid != NULL && strtol(pid, NULL, 10) == getpid() ? getenv("LISTEN_FDS") : NULL;
}

static bool check_socket(int fd, struct error *err)
{
    int type = 0;
    int is_listening = 0;
    socklen_t type_size = sizeof(type);
    socklen_t listens_size = sizeof(is_listening);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &listens_size) != 0)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "file descriptor %d from the service manager is not a socket: %s", fd,
                         strerror(errno));
    if (type != SOCK_STREAM)
        return error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                         "the socket from the service manager is not a stream socket; use "
                         "ListenStream= in its unit");
    if (is_listening == 0)
        return error_set(
            err, ERROR_INVALID_PAYLOAD, NULL,
            "the socket from the service manager does not listen; use Accept=no in its unit");
    return true;
}

bool socket_activation_receive(int *descriptor, struct error *err)
{
    const char *count = passed_count();

    if (count == NULL) {
        *descriptor = -1;
        return true;
    }
    if (strcmp(count, "1") != 0)
        return error_set(
            err, ERROR_INVALID_PAYLOAD, NULL,
            "the service manager passed \"%.10s\" sockets (LISTEN_FDS); sessiond takes "
            "exactly one",
            count);
    if (!check_socket(FIRST_PASSED_FD, err))
        return false;
    const int flags = fcntl(FIRST_PASSED_FD, F_GETFL);
    if (flags < 0 || fcntl(FIRST_PASSED_FD, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "the socket from the service manager: %s",
                         strerror(errno));
    *descriptor = FIRST_PASSED_FD;
    return true;
}
