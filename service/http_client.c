#include "service/http_client.h"

#include "service/listener.h"
#include "service/tls_client.h"
#include "service/unix_socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY_TIMEOUT_S 60

/* How long the next calls on the socket may take; 0 is for ever. */
static void set_patience(int fd, int seconds)
{
    const struct timeval limit = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static int connect_to(const struct sockaddr *address, socklen_t length, int timeout_s)
{
    const int yes = 1;
    const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_patience(fd, timeout_s);
    if (connect(fd, address, length) == 0) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
        return fd;
    }
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static bool connect_to_file(const char *address, int timeout_s, int *fd, struct error *err)
{
    struct sockaddr_un file;

    if (!unix_socket_address(address, &file, err))
        return false;
    *fd = connect_to((const struct sockaddr *)&file, sizeof(file), timeout_s);
    return true;
}

static bool connect_to_port(const char *address, int timeout_s, int *fd, struct error *err)
{
    struct addrinfo *found = NULL;

    if (!listener_resolve(address, 0, &found, err))
        return false;
    for (const struct addrinfo *next = found; next != NULL && *fd < 0; next = next->ai_next)
        *fd = connect_to(next->ai_addr, next->ai_addrlen, timeout_s);
    const int reason = errno;
    freeaddrinfo(found);
    errno = reason;
    return true;
}

static bool open_connection(const struct config *config, struct http_answer *answer,
                            struct error *err)
{
    const char *address = config->listen;
    const int timeout_s = answer->timeout_s;

    if (!(unix_socket_named(address) ? connect_to_file(address, timeout_s, &answer->socket, err)
                                     : connect_to_port(address, timeout_s, &answer->socket, err)))
        return false;
    if (answer->socket < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "no service answers at %.112s: %s", address,
                         strerror(errno));
    return config->tls_cert == NULL ||
           tls_client_open(answer->socket, config->tls_cert, &answer->tls, err);
}

static bool send_all(const struct http_answer *answer, const char *text, size_t len,
                     struct error *err)
{
    while (len > 0) {
        const ssize_t sent = answer->tls == NULL ? send(answer->socket, text, len, MSG_NOSIGNAL)
                                                 : tls_client_send(answer->tls, text, len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return error_set(err, ERROR_INTERNAL, NULL, "cannot ask the service: %s",
                             strerror(errno));
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

static ssize_t receive(const struct http_answer *answer, char *out, size_t size, struct error *err)
{
    ssize_t count;

    do
        count = answer->tls == NULL ? recv(answer->socket, out, size, 0)
                                    : tls_client_receive(answer->tls, out, size);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        return count;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        error_set(err, ERROR_INTERNAL, NULL, "the service did not answer within %d s",
                  answer->timeout_s);
    else
        error_set(err, ERROR_INTERNAL, NULL, "the service ended the connection too early%s%s",
                  count < 0 ? ": " : "", count < 0 ? strerror(errno) : "");
    return -1;
}

/* Reads until the empty line; *len is how much came in all, *end where the body begins. */
static bool read_head(struct http_answer *answer, size_t *len, char **end, struct error *err)
{
    *len = 0;
    do {
        const ssize_t count =
            receive(answer, answer->head + *len, sizeof(answer->head) - 1 - *len, err);
        if (count < 0)
            return false;
        *len += (size_t)count;
        answer->head[*len] = '\0';
        *end = strstr(answer->head, "\r\n\r\n");
    } while (*end == NULL && *len < sizeof(answer->head) - 1);
    return *end != NULL || error_set(err, ERROR_INTERNAL, NULL, "that is no answer of a sessiond");
}

/* "HTTP/1.1 200 …" (RFC 9112 §4). */
static bool parse_status(struct http_answer *answer)
{
    const char *head = answer->head;

    if (strncmp(head, "HTTP/1.", 7) != 0 || (head[7] != '0' && head[7] != '1') || head[8] != ' ')
        return false;
    answer->status = (int)strtol(head + 9, NULL, 10);
    return answer->status >= 100 && answer->status <= 599;
}

static bool parse_head(struct http_answer *answer, struct error *err)
{
    const char *line = strstr(answer->head, "\r\n");

    bool chunked = false;

    answer->length = -1;
    if (!parse_status(answer))
        return error_set(err, ERROR_INTERNAL, NULL, "that is no answer of a sessiond");
    for (; line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
            answer->length = strtoll(line + 17, NULL, 10);
        if (strncasecmp(line + 2, "Transfer-Encoding: chunked", 26) == 0)
            chunked = true;
    }
    return answer->length >= 0 || chunked ||
           error_set(err, ERROR_INTERNAL, NULL, "the answer does not say how long it is");
}

/* A file has no authority, and the field has to be there (RFC 9112 §3.2). */
static const char *host(const struct config *config)
{
    return unix_socket_named(config->listen) ? "localhost" : config->listen;
}

static bool ask(const struct config *config, const struct http_request *asked,
                struct http_answer *answer, struct error *err)
{
    const char *token = config->token;
    char request[2048];
    char *end;
    size_t len;

    const int size = snprintf(
        request, sizeof(request),
        "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s%sContent-Length: %zu\r\n"
        "Connection: close\r\n\r\n",
        asked->method, asked->path, host(config), token == NULL ? "" : "Authorization: Bearer ",
        token == NULL ? "" : token, token == NULL ? "" : "\r\n",
        asked->type == NULL ? "" : "Content-Type: ", asked->type == NULL ? "" : asked->type,
        asked->type == NULL ? "" : "\r\n", asked->body.len);
    if (size >= (int)sizeof(request))
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the address of the service, or the token, is too long");
    const bool sent = send_all(answer, request, (size_t)size, err);
    explicit_bzero(request, sizeof(request));
    if (!sent || !send_all(answer, asked->body.data, asked->body.len, err) ||
        !read_head(answer, &len, &end, err))
        return false;
    end[2] = '\0';
    answer->early = (struct slice){end + 4, len - (size_t)(end + 4 - answer->head)};
    if (answer->timeout_s == 0)
        answer->timeout_s = BODY_TIMEOUT_S;
    set_patience(answer->socket, answer->timeout_s);
    return parse_head(answer, err);
}

bool http_client_send(const struct config *config, const struct http_request *request,
                      int timeout_s, struct http_answer *answer, struct error *err)
{
    *answer = (struct http_answer){.socket = -1, .timeout_s = timeout_s};
    if (open_connection(config, answer, err) && ask(config, request, answer, err))
        return true;
    http_client_close(answer);
    return false;
}

bool http_client_request(const struct config *config, const char *method, const char *path,
                         int timeout_s, struct http_answer *answer, struct error *err)
{
    const struct http_request request = {.method = method, .path = path};

    return http_client_send(config, &request, timeout_s, answer, err);
}

/* What came with the head goes first. */
static ssize_t take(struct http_answer *answer, char *out, size_t size, struct error *err)
{
    if (answer->early.len == 0)
        return receive(answer, out, size, err);
    const size_t count = answer->early.len < size ? answer->early.len : size;
    memcpy(out, answer->early.data, count);
    answer->early.data += count;
    answer->early.len -= count;
    return (ssize_t)count;
}

/* A line of the framing, without its end. */
static bool take_line(struct http_answer *answer, char *line, size_t size, struct error *err)
{
    size_t len = 0;

    do {
        if (len + 1 == size)
            return error_set(err, ERROR_INTERNAL, NULL, "that is no answer of a sessiond");
        if (take(answer, line + len, 1, err) < 0)
            return false;
    } while (line[len++] != '\n');
    line[len - 1] = '\0';
    return true;
}

/* The size of the next chunk; behind the last one come no fields (RFC 9112 §7.1). */
static bool begin_chunk(struct http_answer *answer, struct error *err)
{
    char line[32];
    char *end;

    if (answer->taken > 0 && !take_line(answer, line, sizeof(line), err))
        return false;
    if (!take_line(answer, line, sizeof(line), err))
        return false;
    answer->chunk_left = strtoll(line, &end, 16);
    if (end == line || answer->chunk_left < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "that is no answer of a sessiond");
    if (answer->chunk_left == 0)
        answer->chunk_left = -1;
    return true;
}

static ssize_t read_chunked(struct http_answer *answer, char *out, size_t size, struct error *err)
{
    if (answer->chunk_left == 0 && !begin_chunk(answer, err))
        return -1;
    if (answer->chunk_left < 0)
        return 0;
    if ((int64_t)size > answer->chunk_left)
        size = (size_t)answer->chunk_left;
    const ssize_t count = take(answer, out, size, err);
    if (count > 0) {
        answer->chunk_left -= count;
        answer->taken += count;
    }
    return count;
}

ssize_t http_client_read(struct http_answer *answer, char *out, size_t size, struct error *err)
{
    const int64_t left = answer->length - answer->taken;

    if (answer->length < 0)
        return read_chunked(answer, out, size, err);
    if (left == 0)
        return 0;
    if ((int64_t)size > left)
        size = (size_t)left;
    const ssize_t count = take(answer, out, size, err);
    if (count > 0)
        answer->taken += count;
    return count;
}

void http_client_close(struct http_answer *answer)
{
    tls_client_close(answer->tls);
    answer->tls = NULL;
    if (answer->socket >= 0)
        close(answer->socket);
    answer->socket = -1;
}
