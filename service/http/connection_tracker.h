/*
 * Connection tracker: the open connections, and a timeout thread that shuts down slow ones.
 * libmicrohttpd has an idle timeout only, so one byte per second would keep a connection open for
 * ever.
 *
 * The HTTP thread of a connection reports its progress. Each HTTP thread has its own lists and its
 * own lock, which it shares with the timeout thread only, so HTTP threads do not wait for each
 * other. tracked_close() must be called before the descriptor is closed, so that the timeout thread
 * never shuts down a reused descriptor.
 */
#ifndef SESSIOND_SERVICE_HTTP_CONNECTION_TRACKER_H
#define SESSIOND_SERVICE_HTTP_CONNECTION_TRACKER_H

#include "routes/meta/metrics.h"
#include "service/http/request.h"
#include "service/limits/connection_slots.h"

struct connection_tracker;
struct tracked_connection;

struct connection_tracker_options {
    int64_t request_timeout_ms;
    int64_t response_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t max_requests; /* per connection; 0: no limit */
    int64_t max_kept;     /* connections that stay open after a response (keep-alive) */
    bool encrypted;       /* TLS: the tracker cannot write a response to the socket itself */
    struct metrics *metrics;
    struct request_ids *ids;
};

/* Starts the timeout thread. Copies `options`; its pointers are borrowed. Fails when the thread
 * cannot be created. The caller stops *out with connection_tracker_stop(). */
MUST_USE bool connection_tracker_start(const struct connection_tracker_options *options,
                                       struct connection_tracker **out, struct error *err);

/* Stops the thread and frees the tracker. All connections must be closed. `all` may be NULL. */
void connection_tracker_stop(struct connection_tracker *all);

/* Starts tracking a connection. All functions with a `client` run on the HTTP thread of the
 * connection unless stated otherwise. The caller still owns `descriptor`. tracked_close() frees the
 * result; call it before the descriptor is closed. */
struct tracked_connection *tracked_open(struct connection_tracker *all, int descriptor,
                                        struct connection_slot *slot);

/* Ends the timeouts of the connection and frees it. */
void tracked_close(struct tracked_connection *client);

/* Returns the slot that was passed to tracked_open(). Borrowed. */
struct connection_slot *tracked_slot(const struct tracked_connection *client);

/* Counts the connection against max_kept, after a request on it was authorized. */
void tracked_mark_kept(struct tracked_connection *client);

/* Starts the request timeout when the request line has arrived. `path` is borrowed until the next
 * call. `now_us` is monotonic. */
void tracked_on_request(struct tracked_connection *client, struct slice path, int64_t now_us);

/* Ends the request timeout when the request has fully arrived. Returns false when the timeout has
 * passed before; a 408 was sent then or the connection was shut down. */
MUST_USE bool tracked_on_request_complete(struct tracked_connection *client);

/* Starts the response timeout. `limited` is false for a response without a time limit. Returns
 * false as tracked_on_request_complete(). */
MUST_USE bool tracked_on_response(struct tracked_connection *client, bool limited);

/* Marks the response as endless: until the next request the connection does not count against
 * max_kept. */
void tracked_mark_streaming(struct tracked_connection *client);

/* Shuts the connection down during a response, so that the client notices it immediately.
 * libmicrohttpd would close it only when its thread wakes for another reason. */
void tracked_shut_down(const struct tracked_connection *client);

/* Ends the timeouts of a request when its response is sent, or when it ends without one. Returns
 * true when the request was answered with 408; `request_id` then gets the id of that response, at
 * most EXCHANGE_REQUEST_ID_MAX characters. `now_us` is monotonic. */
bool tracked_on_idle(struct tracked_connection *client, int64_t now_us, char *request_id);

/* Whether the client has closed its side and all its data was read. libmicrohttpd does not detect
 * that while a connection is suspended, or when the close came with the last request. */
MUST_USE bool tracked_is_at_eof(const struct tracked_connection *client);

/* Whether the client has closed its side, even when unread data remains. Any thread, while the
 * connection is open. */
MUST_USE bool tracked_has_peer_closed(const struct tracked_connection *client);

/* Returns false when the connection must close after this response: it has served max_requests; or
 * more than max_kept connections are kept and its client has more than a quarter of max_kept; or
 * more than twice max_kept are kept. `held` is the number of connections of the client. */
MUST_USE bool tracked_may_keep_alive(const struct tracked_connection *client, uint64_t held);

#endif
