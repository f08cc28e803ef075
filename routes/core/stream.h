/*
 * Streaming responses (SSE, NDJSON) and long polling: the contract between a route and the HTTP
 * server.
 *
 * A stream's body is produced while it is sent: the server asks ex->stream for the next chunk when
 * the previous one has been sent, so no response is held in memory as a whole. A route can also
 * wait for events, before it responds (ROUTE_WAIT) or between two chunks (STREAM_WAIT). The
 * connection is then suspended and uses no thread.
 */
#ifndef SESSIOND_ROUTES_CORE_STREAM_H
#define SESSIOND_ROUTES_CORE_STREAM_H

#include "db/store.h"

struct exchange;

enum stream_step {
    STREAM_DATA,   /* *len bytes, at least one, are in `out` */
    STREAM_WAIT,   /* no data now: the server calls `read` again when ex->wait ends */
    STREAM_END,    /* the body is complete */
    STREAM_FAILED, /* the rest cannot be read: the server cuts the connection, so that the client
                      sees an incomplete body */
};

/* Writes the next chunk of the body to `out`: at most `max` bytes, and `max` is at least 64. Runs
 * on the HTTP thread, for at most about a millisecond, and keeps no reader or lock between calls.
 */
typedef enum stream_step (*stream_reader)(struct exchange *ex, char *out, size_t max, size_t *len);

struct exchange_stream {
    stream_reader read;              /* NULL: the response is not a stream */
    void *state;                     /* owned; private to the route */
    void (*free_state)(void *state); /* NULL: nothing to free */
    bool endless; /* the body has no end of its own: the server may end it after any chunk */
};

/*
 * A wait for an event with an id above `seen`, of one session or of any, with a time limit.
 * To miss no event, call store_newest_event() before reading the store, and wait with its result as
 * `seen`: when a newer event exists already, the wait ends at once.
 */
struct exchange_wait {
    char session_id[UUID_SIZE]; /* empty: any session */
    int64_t seen;     /* in: see above; out: no event that was waited for has an id up to this */
    int64_t limit_ms; /* ROUTE_WAIT: from the request's start; STREAM_WAIT: from the last chunk */
    bool soon;        /* STREAM_WAIT: more data is ready; only yield to other connections */

    /* Set when the wait ends. If both are false, an event has arrived. */
    bool timed_out;
    bool stopping; /* the service shuts down: respond with the data at hand; `read` is not called */
};

#endif
