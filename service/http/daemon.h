/*
 * Interface between the files of the HTTP server: the server, and the callbacks that libmicrohttpd
 * calls during a request, from the first byte to the response. All functions run on the HTTP thread
 * of the connection.
 */
#ifndef SESSIOND_SERVICE_HTTP_DAEMON_H
#define SESSIOND_SERVICE_HTTP_DAEMON_H

#include "service/http/connection_tracker.h"
#include "service/http/lingering_close.h"
#include "service/http/options.h"
#include "service/http/request.h"
#include "service/limits/connection_slots.h"
#include "service/limits/memory_budget.h"
#include "service/limits/rate_limiter.h"

#include <microhttpd.h>

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    struct lingering_close *lingering;
    struct request_ids ids;
    struct connection_tracker *clients;
    struct connection_slots *slots;
    struct memory_budget bodies;
    uint64_t key_seed;
    struct rate_limiter *rate; /* NULL: no rate limit */
    bool keeps_lf;             /* see request_head */
    /* eventfd that is never ready; replaces the listener at shutdown */
    int placeholder_fd;
    atomic_bool draining;
    atomic_bool stopped;                /* no more jobs are submitted */
    atomic_int_least64_t receiving;     /* requests whose body has not fully arrived */
    atomic_int_least64_t endless_count; /* endless responses */
    /* connections that are suspended or about to be suspended */
    atomic_int_least64_t jobs_pending;
};

/* Called when a connection begins, and before it is closed. */
void http_server_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code);

/* Returns the tracked connection that http_server_on_connection() created. Borrowed. */
struct tracked_connection *http_server_find_tracked(struct MHD_Connection *connection);

/* First callback of a request: gets the target before libmicrohttpd parses it. Returns the
 * request. */
void *http_server_on_target(void *cls, const char *target, struct MHD_Connection *connection);

/* Called once with the headers, once per part of the body, once at the end of the body, and again
 * after a suspended connection is resumed. */
enum MHD_Result http_server_on_request(void *cls, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *data_size, void **request_cls);

/* Called at the end of a request: releases its quotas, logs and counts it, and frees it. */
void http_server_on_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                              enum MHD_RequestTerminationCode code);

/* Queues the response of the exchange. */
enum MHD_Result http_server_send(struct http_server *server, struct request *request);

/* Sends the response while the body is still arriving, and closes the connection. Returns
 * MHD_NO. */
enum MHD_Result http_server_send_early(struct http_server *server, struct request *request);

/* Suspends the connection until the event that ex->wait describes, or until `deadline_us`
 * (monotonic). libmicrohttpd then asks again for the response or its next piece. Returns false, and
 * does not suspend, when the service is stopping. */
MUST_USE bool http_server_suspend(struct http_server *server, struct request *request,
                                  int64_t deadline_us);

/* Call it after a suspended connection was resumed: sets in ex->wait why the wait has ended. Does
 * nothing when there was no wait. */
void http_server_resumed(struct http_server *server, struct request *request);

/* Returns a response whose body ex->stream produces. */
struct MHD_Response *http_server_stream(struct http_server *server, struct request *request);

/* Updates the counters of streaming responses at the end of the request. */
void http_server_end_stream(struct http_server *server, struct request *request);

/* Rejects a request before its body is sent, when there is no memory for the announced length. Does
 * not charge that length. */
void http_server_check_room(struct http_server *server, struct request *request);

/* Stores a part of the body and charges its bytes. libmicrohttpd accepts no response in the middle
 * of a body. So when a part is rejected, the stored parts are freed, the rest is read and
 * discarded, and the response follows. A chunked body may never end, so its response is sent
 * immediately. */
enum MHD_Result http_server_store_part(struct http_server *server, struct request *request,
                                       struct slice part);

/* Updates the number of requests whose body has not fully arrived. */
void http_server_leave_phase(struct http_server *server, const struct request *request);

#endif
