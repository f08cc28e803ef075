/*
 * HTTP on libmicrohttpd: the only file pair that knows it. A small pool of threads, each with an
 * epoll of its own, receives requests into exchanges, leads them through routes/, and sends what
 * they answer. A connection whose exchange waits for the store is suspended, so its thread goes on
 * with others.
 */
#ifndef SESSIOND_SERVICE_HTTP_SERVER_H
#define SESSIOND_SERVICE_HTTP_SERVER_H

#include "service/http/options.h"

struct http_server;

/* The version of libmicrohttpd that runs, which need not be the one that the program was built
 * with. */
const char *http_server_library_version(void);

MUST_USE bool http_server_start(const struct http_server_options *options, struct http_server **out,
                                struct error *err);

/* From now on new connections are refused, those to a passed listener wait for the next process,
 * new requests are answered 503, every response ends its connection, and nobody waits for events
 * any more. */
void http_server_drain(struct http_server *server);

/* Requests whose headers have arrived and that are not answered yet; those of them whose body
 * has not; and those whose response has no end of its own. */
int64_t http_server_count_in_flight(const struct http_server *server);
int64_t http_server_count_receiving(const struct http_server *server);
int64_t http_server_count_endless(const struct http_server *server);

/* Ends the threads and closes all connections. False, and nothing is ended, while a request waits
 * for the store: libmicrohttpd cannot stop with a suspended connection. */
MUST_USE bool http_server_stop(struct http_server *server);

#endif
