/*
 * The connections that are open, and the thread that ends those that take too long: libmicrohttpd
 * ends a connection on which nothing moves, but one byte a second keeps it open for ever.
 *
 * An HTTP thread says how far its connections are. What it shares with the thread of the deadlines
 * is a lock and lists of its own, so HTTP threads do not wait for each other. A client is told
 * closed before its descriptor is closed, so one that was given out again is never hit.
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
    int64_t max_requests; /* of one connection; 0: any number */
    int64_t max_kept;     /* connections that stay open after a response */
    bool encrypted;       /* what is to be said cannot be written to the socket itself */
    struct metrics *metrics;
    struct request_ids *ids;
};

MUST_USE bool connection_tracker_start(const struct connection_tracker_options *options,
                                       struct connection_tracker **out, struct error *err);

/* Ends the thread. No connection is open any more. NULL is nothing to stop. */
void connection_tracker_stop(struct connection_tracker *all);

/* Of the calling HTTP thread, as are all calls about this connection. `descriptor` stays the
 * caller's; the connection is freed by tracked_close, before the descriptor is closed. */
struct tracked_connection *tracked_open(struct connection_tracker *all, int descriptor,
                                        struct connection_slot *slot);
void tracked_close(struct tracked_connection *client);

/* The slot that tracked_open got; borrowed. */
struct connection_slot *tracked_slot(const struct tracked_connection *client);

/* A request was let in: the connection counts among those that stay open after a response. */
void tracked_mark_kept(struct tracked_connection *client);

/* A request's first line is there. `path` is read until the next call. */
void tracked_on_request(struct tracked_connection *client, struct slice path, int64_t now_us);

/* The request is there wholly: what takes time now is the service. False when its time was up
 * before; it was answered then, or its connection is at an end. */
MUST_USE bool tracked_on_request_complete(struct tracked_connection *client);

/* The response goes out; `limited` is false for one that may take any time as long as something
 * moves. False as above. */
MUST_USE bool tracked_on_response(struct tracked_connection *client, bool limited);

/* The response has no end of its own: until the next request the connection is none that is kept
 * open for one. */
void tracked_mark_streaming(struct tracked_connection *client);

/* Shuts the connection down in the middle of a response, so that the client learns of it at once:
 * libmicrohttpd closes it only when its thread wakes for another reason. */
void tracked_shut_down(const struct tracked_connection *client);

/* The response is gone, or the request is over without one. True when the request was answered
 * with 408; `request_id` then gets the id that was told to the client. */
bool tracked_on_idle(struct tracked_connection *client, int64_t now_us, char *request_id);

/* Whether the client has ended its side, and nothing of it is left to be read. libmicrohttpd does
 * not notice that while a connection is suspended, or when the end came with the last request. */
MUST_USE bool tracked_is_at_eof(const struct tracked_connection *client);

/* Whether the client has ended its side, even when there is data to read. Any thread, while the
 * connection is open. */
MUST_USE bool tracked_has_peer_closed(const struct tracked_connection *client);

/* False when the connection has to end after this response. Beyond max_kept that holds for clients
 * with more than a quarter of max_kept connections, and beyond twice max_kept for all. `held` is
 * how many connections the client has. */
MUST_USE bool tracked_may_keep_alive(const struct tracked_connection *client, uint64_t held);

#endif
