/*
 * Responses that take as long as something happens: what a route says, and what the server does.
 *
 * A body can be made while it is sent: the server asks ex->stream for the next piece when the last
 * one has left, so no response is ever held as a whole. And a route can wait for events, before it
 * answers (ROUTE_WAIT) or between two pieces (STREAM_WAIT): the connection rests meanwhile and
 * takes no thread.
 */
#ifndef SESSIOND_ROUTES_CORE_STREAM_H
#define SESSIOND_ROUTES_CORE_STREAM_H

#include "db/store.h"

struct exchange;

enum stream_step {
    STREAM_DATA,   /* *len bytes, at least one, are in `out` */
    STREAM_WAIT,   /* nothing now: `read` is called again when ex->wait is over */
    STREAM_END,    /* that was all */
    STREAM_FAILED, /* there is more that cannot be read: the connection is cut, which shows it */
};

/* Makes the next piece of the body, at most `max` bytes, which are at least 64. HTTP thread: work
 * of a millisecond at most, and no reader or lock is held from one call to the next. */
typedef enum stream_step (*stream_reader)(struct exchange *ex, char *out, size_t max, size_t *len);

struct exchange_stream {
    stream_reader read; /* NULL: the body is made at once */
    void *state;        /* the route's own */
    void (*free_state)(void *state);
    bool endless; /* the body has no end of its own: it may end after any piece */
};

/*
 * What is waited for: an event with an id above `seen`, of one session or of any, for a time.
 * No event is missed: take store_newest_event() before looking at what is stored, and wait with
 * that as `seen`; where there is a newer one already, the wait is over at once.
 */
struct exchange_wait {
    char session_id[UUID_SIZE]; /* empty: of any */
    int64_t seen;     /* when it is over: nothing that was waited for has an id up to here */
    int64_t limit_ms; /* ROUTE_WAIT: since the request began; STREAM_WAIT: since the last piece */
    bool soon;        /* STREAM_WAIT: there is more at once; it is only others' turn */

    /* Set when the wait is over; neither: there is an event. */
    bool timed_out;
    bool stopping; /* the service: answer with what there is. A stream is not asked any more. */
};

#endif
