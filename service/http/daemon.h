/*
 * What the files of the server share: the server, and the calls that libmicrohttpd makes in the
 * life of a request, from the first byte to the response. All on the HTTP thread of the connection.
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
    struct rate_limiter *rate; /* NULL: any */
    bool keeps_lf;             /* see request_head */
    int placeholder_fd;        /* never ready; takes the listener's place at a stop */
    atomic_bool draining;
    atomic_bool stopped;                /* no job is submitted any more */
    atomic_int_least64_t receiving;     /* requests whose body has not wholly arrived */
    atomic_int_least64_t endless_count; /* responses without an end of their own */
    atomic_int_least64_t jobs_pending;  /* connections that are suspended, or about to be */
};

/* A connection begins, or is about to be closed. */
void http_server_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code);

/* What http_server_on_connection made of it. */
struct tracked_connection *http_server_find_tracked(struct MHD_Connection *connection);

/* The first libmicrohttpd tells of a request: its target, before it is taken apart. */
void *http_server_on_target(void *cls, const char *target, struct MHD_Connection *connection);

/* Once with the headers, once for each part of the body, once at its end, and once more when a
 * suspended connection goes on. */
enum MHD_Result http_server_on_request(void *cls, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *data_size, void **request_cls);

void http_server_on_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                              enum MHD_RequestTerminationCode code);

/* Queues what the exchange answers. */
enum MHD_Result http_server_send(struct http_server *server, struct request *request);

/* Sends the response while the body still arrives, and ends the connection. Returns MHD_NO. */
enum MHD_Result http_server_send_early(struct http_server *server, struct request *request);

/* Suspends the connection until what ex->wait says, at most until the deadline (monotonic). It is
 * then asked again for the response or the next piece. False, and nothing is waited for, when the
 * service is about to end. */
MUST_USE bool http_server_suspend(struct http_server *server, struct request *request,
                                  int64_t deadline_us);

/* After that: why the wait is over, in ex->wait. Without a wait nothing changes. */
void http_server_resumed(struct http_server *server, struct request *request);

/* A response whose body ex->stream makes. */
struct MHD_Response *http_server_stream(struct http_server *server, struct request *request);

/* The request is over. */
void http_server_end_stream(struct http_server *server, struct request *request);

/* Refuses a body before the client sends it when there is no room for it now. The announced length
 * is not charged. */
void http_server_check_room(struct http_server *server, struct request *request);

/* Keeps a part of the body, charged as it arrives. libmicrohttpd takes no response in the middle of
 * a body: where a part is not kept, what was kept is freed, the rest is read and discarded, and the
 * response follows. A chunked body may never end, so its response is sent at once. */
enum MHD_Result http_server_store_part(struct http_server *server, struct request *request,
                                       struct slice part);

/* Counts the requests whose body has not wholly arrived. */
void http_server_leave_phase(struct http_server *server, const struct request *request);

#endif
