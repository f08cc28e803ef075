#include "service/net/listener.h"

#include "service/net/socket_activation.h"
#include "service/net/unix_socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

/* Splits HOST:PORT. Brackets enclose an IPv6 host. */
static bool split_host_port(const char *address, char *host, size_t host_size, const char **port)
{
    const char *colon = strrchr(address, ':');
    const char *begin = address;
    const char *end = colon;

    if (colon == NULL || colon[1] == '\0')
        return false;
    if (*begin == '[') {
        begin++;
        end--;
        if (end < begin || *end != ']')
            return false;
    } else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
        return false;
    }
    if (end == begin || (size_t)(end - begin) >= host_size)
        return false;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    *port = colon + 1;
    /* getaddrinfo() would silently truncate a larger port number to 16 bits. */
    return strspn(*port, "0123456789") < strlen(*port) || strtoul(*port, NULL, 10) <= UINT16_MAX;
}

static void format_address(struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";

    if (getsockname(listener->descriptor, (struct sockaddr *)&address, &length) != 0)
        return;
    if (address.ss_family == AF_UNIX) {
        const struct sockaddr_un *file = (const struct sockaddr_un *)&address;
        snprintf(listener->address, sizeof(listener->address), "unix:%.*s",
                 (int)sizeof(file->sun_path), file->sun_path);
        return;
    }
    if (getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(listener->address, sizeof(listener->address),
                 address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int bind_and_listen(const struct addrinfo *info)
{
    const int yes = 1;
    if (info == NULL) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    const int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

bool listener_resolve(const char *address, int flags, struct addrinfo **found, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    char host[256];
    const char *port = NULL;

    if (!split_host_port(address, host, sizeof(host), &port))
        return error_set(err, ERROR_INVALID_PAYLOAD, "listen",
                         "--listen takes HOST:PORT, such as 127.0.0.1:8082 or [::1]:8082, or "
                         "unix:PATH, not \"%.60s\"",
                         address);
    const int result = getaddrinfo(host, port, &hints, found);
    /* These failures do not depend on the address that was given. */
    const bool is_transient = result == EAI_MEMORY || result == EAI_SYSTEM || result == EAI_AGAIN;
    if (result != 0)
        return error_set(err, is_transient ? ERROR_INTERNAL : ERROR_INVALID_PAYLOAD, "listen",
                         "--listen %.60s: %s; use an address of this machine", address,
                         gai_strerror(result));
    return true;
}

static bool open_tcp(const char *address, struct listener *listener, struct error *err)
{
    struct addrinfo *found = NULL;

    if (!listener_resolve(address, AI_PASSIVE, &found, err))
        return false;
    listener->descriptor = bind_and_listen(found);
    freeaddrinfo(found);
    if (listener->descriptor < 0)
        return error_set(err, ERROR_INTERNAL, "listen",
                         "cannot listen on %.60s: %s; %suse another --listen", address,
                         strerror(errno),
                         errno == EADDRINUSE ? "stop the process that uses it, or " : "");
    return true;
}

static bool open_unix(const char *address, mode_t mode, struct listener *listener,
                      struct error *err)
{
    struct sockaddr_un file;
    struct stat status;

    if (!unix_socket_address(address, &file, err) ||
        !unix_socket_listen(&file, mode, &listener->descriptor, err))
        return false;
    if (lstat(file.sun_path, &status) == 0) {
        memcpy(listener->path, file.sun_path, sizeof(listener->path));
        listener->device = status.st_dev;
        listener->inode = status.st_ino;
    }
    return true;
}

bool listener_open(const char *address, mode_t socket_mode, struct listener *out, struct error *err)
{
    struct listener listener = {.descriptor = -1};

    if (!socket_activation_receive(&listener.descriptor, err))
        return false;
    listener.passed = listener.descriptor >= 0;
    if (!listener.passed &&
        !(unix_socket_is_address(address) ? open_unix(address, socket_mode, &listener, err)
                                          : open_tcp(address, &listener, err)))
        return false;
    format_address(&listener);
    *out = listener;
    return true;
}

void listener_unlink_socket(struct listener *listener)
{
    struct stat status;

    if (listener->path[0] != '\0' && lstat(listener->path, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->inode)
        unlink(listener->path);
    listener->path[0] = '\0';
}
