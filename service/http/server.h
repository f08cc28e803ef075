/*
 * HTTP server on libmicrohttpd. A small pool of threads, each with its own epoll, receives requests
 * into exchanges, passes them to routes/ and sends the responses. A connection whose exchange waits
 * for the store is suspended, so its thread can serve other connections. Main thread.
 */
#ifndef SESSIOND_SERVICE_HTTP_SERVER_H
#define SESSIOND_SERVICE_HTTP_SERVER_H

#include "service/http/options.h"

struct http_server;

/* Returns the version of libmicrohttpd at run time, which may differ from that at build time. */
const char *http_server_library_version(void);

/* Starts the threads and serves on options->listener. Copies `options`; its pointers are borrowed
 * until http_server_stop() succeeds. Fails when a thread, a descriptor or the daemon cannot be
 * created. */
MUST_USE bool http_server_start(const struct http_server_options *options, struct http_server **out,
                                struct error *err);

/* Begins the shutdown: refuses new connections, except that those to a passed listener wait for the
 * next process; answers new requests with 503; closes each connection after its response; wakes all
 * waiters and rejects new ones. */
void http_server_drain(struct http_server *server);

/* Number of requests whose headers have arrived and that are not answered; of those whose body has
 * not fully arrived; and of those with an endless response. Any thread. */
int64_t http_server_count_in_flight(const struct http_server *server);
int64_t http_server_count_receiving(const struct http_server *server);
int64_t http_server_count_endless(const struct http_server *server);

/* Stops the threads, closes all connections and frees the server. Returns false, and stops nothing,
 * while a request waits for the store: libmicrohttpd cannot stop while a connection is suspended.
 * Call it again then. */
MUST_USE bool http_server_stop(struct http_server *server);

#endif
