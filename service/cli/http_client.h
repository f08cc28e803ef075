/*
 * HTTP client of the commands, for requests to the running service over TCP, TLS or a Unix domain
 * socket. It uses libcurl, which it loads at the first request, so that the service itself does not
 * load libcurl and the 20 libraries that it needs.
 *
 * The functions block; one thread. The server may be another program than sessiond, so the client
 * is strict: it does not follow redirects, does not use proxies, cookies or .netrc, does not
 * decompress, and limits the size of the header section.
 */
#ifndef SESSIOND_SERVICE_CLI_HTTP_CLIENT_H
#define SESSIOND_SERVICE_CLI_HTTP_CLIENT_H

#include "db/base/error.h"
#include "db/base/slice.h"
#include "service/app/config.h"

#include <stdint.h>
#include <sys/types.h>

/* Limit for all header sections of one response, including interim responses (1xx). */
#define HTTP_CLIENT_HEAD_MAX 32768

struct http_transfer;

struct http_response {
    struct http_transfer *transfer;
    int status;
    int64_t length;        /* of the body; -1: unknown, the body is chunked */
    int64_t taken;         /* bytes of the body that were read so far */
    int64_t retry_after_s; /* value of Retry-After; 0: none */
    char type[64];         /* media type in lower case, without parameters; empty: none */
};

struct http_request {
    const char *method;
    const char *path; /* path and query, encoded */
    const char *type; /* Content-Type; NULL: no body */
    struct slice body;
};

/* Sends a request to the address of --listen, with SESSIOND_TOKEN when it is set, and waits for the
 * header section of the response. The caller closes *response with http_client_close() after
 * success. `timeout_s` limits the whole exchange, including http_client_read(); 0: no limit. In
 * both cases the exchange fails when less than 1 KiB arrives within --command-timeout. With
 * --tls-cert the server must prove possession of the key of that certificate; name and dates of the
 * certificate are not checked. */
MUST_USE bool http_client_send(const struct config *config, const struct http_request *request,
                               int timeout_s, struct http_response *response, struct error *err);

/* As http_client_send(), without a body. */
MUST_USE bool http_client_request(const struct config *config, const char *method, const char *path,
                                  int timeout_s, struct http_response *response, struct error *err);

/* Reads the next bytes of the body. Returns 0 at its end; -1, with `err` set, when the connection
 * ends before that or a time limit is exceeded. */
ssize_t http_client_read(struct http_response *response, char *out, size_t size, struct error *err);

/* Closes the connection and frees the transfer. Does nothing when it is closed already. */
void http_client_close(struct http_response *response);

#endif
