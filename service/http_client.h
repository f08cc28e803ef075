/* A small HTTP/1.1 client, for the commands that ask the running service: by a port or a file, in
 * the clear or by TLS. Blocks; one thread. */
#ifndef SESSIOND_SERVICE_HTTP_CLIENT_H
#define SESSIOND_SERVICE_HTTP_CLIENT_H

#include "db/error.h"
#include "db/slice.h"
#include "service/config.h"

#include <stdint.h>
#include <sys/types.h>

#define HTTP_CLIENT_HEAD_MAX 8192

struct tls_client;

struct http_answer {
    int socket;
    struct tls_client *tls; /* NULL: in the clear */
    int timeout_s;
    int status;
    int64_t length;     /* of the body; -1: it comes in chunks, and nobody knows */
    int64_t chunk_left; /* of the chunk that is being read; -1: the body has ended */
    int64_t taken;      /* of the body so far */
    struct slice early; /* what of the body came with the head */
    char head[HTTP_CLIENT_HEAD_MAX];
};

struct http_request {
    const char *method;
    const char *path; /* and query, as it is sent */
    const char *type; /* Content-Type; NULL: there is no body */
    struct slice body;
};

/* Sends a request to where the configuration says that the service listens, with the
 * token where there is one, and waits for the head of the response. `timeout_s` limits each wait,
 * also those of http_client_read(); 0 waits for the head however long. An address such as 0.0.0.0
 * means this machine. With --tls-cert the service has to show exactly that certificate. */
MUST_USE bool http_client_send(const struct config *config, const struct http_request *request,
                               int timeout_s, struct http_answer *answer, struct error *err);

/* The same without a body. */
MUST_USE bool http_client_request(const struct config *config, const char *method, const char *path,
                                  int timeout_s, struct http_answer *answer, struct error *err);

/* Reads on in the body. 0 at its end; -1, with `err`, when the connection breaks before it or
 * nothing comes for `timeout_s`, which for 0 is a minute. */
ssize_t http_client_read(struct http_answer *answer, char *out, size_t size, struct error *err);

void http_client_close(struct http_answer *answer);

#endif
