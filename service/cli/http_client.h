/*
 * HTTP requests of the commands to the running service: over TCP, a Unix domain socket or TLS.
 * libcurl does the work. It is loaded when the first request is sent, so that the service itself
 * does not carry it and the 20 libraries that it needs.
 *
 * The functions block; one thread. A response of another server than sessiond is expected, too:
 * redirects are not followed, proxies, cookies and .netrc are not used, nothing is decompressed,
 * and the size of the header section is limited.
 */
#ifndef SESSIOND_SERVICE_CLI_HTTP_CLIENT_H
#define SESSIOND_SERVICE_CLI_HTTP_CLIENT_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "service/app/config.h"

#include <stdint.h>
#include <sys/types.h>

/* Bytes of all header sections of one response, interim responses (1xx) included. */
#define HTTP_CLIENT_HEAD_MAX 32768

struct http_transfer;

struct http_response {
    struct http_transfer *transfer;
    int status;
    int64_t length;        /* of the body; -1: it comes in chunks and is not announced */
    int64_t taken;         /* bytes of the body that were read so far */
    int64_t retry_after_s; /* Retry-After; 0: the response has none */
    char type[64];         /* the media type, in lower case and without parameters; empty: none */
};

struct http_request {
    const char *method;
    const char *path; /* and query, as it is sent */
    const char *type; /* Content-Type; NULL: there is no body */
    struct slice body;
};

/* Sends a request to the address of --listen, with SESSIOND_TOKEN where it is set, and waits for
 * the header section of the response. `timeout_s` limits the whole exchange, including
 * http_client_read(); 0 sets no such limit. In both cases the exchange fails when the service sends
 * less than 1 KiB in --command-timeout. With --tls-cert the service has to prove that it has the
 * key of that certificate; the names and dates in it do not count. */
MUST_USE bool http_client_send(const struct config *config, const struct http_request *request,
                               int timeout_s, struct http_response *response, struct error *err);

/* The same without a body. */
MUST_USE bool http_client_request(const struct config *config, const char *method, const char *path,
                                  int timeout_s, struct http_response *response, struct error *err);

/* Reads the next bytes of the body. Returns 0 at its end; -1 and `err` when the connection ends
 * before that or a time limit is exceeded. */
ssize_t http_client_read(struct http_response *response, char *out, size_t size, struct error *err);

void http_client_close(struct http_response *response);

#endif
