/*
 * Who waits for events, found by what each waits for: a session (a hash table), any event, a turn,
 * or a time (a wheel of slots). Nothing walks over all of them except to wake all. Pure: the caller
 * brings the clock and the lock.
 */
#ifndef SESSIOND_SERVICE_EVENTS_WAITERS_H
#define SESSIOND_SERVICE_EVENTS_WAITERS_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum feed_reason {
    FEED_EVENT,   /* there is an event, or it is the waiter's turn */
    FEED_TIME,    /* the time is over */
    FEED_STOPPING /* nobody may wait any more */
};

struct feed_waiter;

struct feed_link {
    struct feed_waiter *before;
    struct feed_waiter *after;
    struct feed_waiter **list; /* NULL: in none */
};

/* Belongs to whoever waits, and must not be moved or changed while it does. */
struct feed_waiter {
    const char *session_id; /* NULL: an event of any session ends the wait */
    int64_t seen;           /* no event up to this id does; raised when the wait is over */
    int64_t deadline_us;    /* monotonic */
    bool soon;              /* waits for its turn only */
    uint64_t generation;    /* of the tokens by which it was authorized */
    void (*wake)(struct feed_waiter *waiter);
    enum feed_reason reason;  /* why the wait is over */
    struct feed_waiter *next; /* of those that are woken together */

    struct feed_link place; /* by what it waits for */
    struct feed_link timer; /* by its deadline */
};

struct feed_waiters;

struct feed_waiters *feed_waiters_new(void);
void feed_waiters_free(struct feed_waiters *all);

size_t feed_waiters_count(const struct feed_waiters *all);

/* Whether somebody waits for its turn only. */
bool feed_waiters_any_soon(const struct feed_waiters *all);

void feed_waiters_add(struct feed_waiters *all, struct feed_waiter *waiter);

/* Each of these takes out those that it names and puts them in front of the list *woken. */

/* Those who wait for this session and have not seen the event. */
void feed_waiters_take_session(struct feed_waiters *all, const char *session_id, int64_t event_id,
                               struct feed_waiter **woken);

/* Those who wait for any event and have not seen all up to `newest`. */
void feed_waiters_take_any(struct feed_waiters *all, int64_t newest, struct feed_waiter **woken);

void feed_waiters_take_soon(struct feed_waiters *all, struct feed_waiter **woken);

/* Those whose time is over. */
void feed_waiters_take_due(struct feed_waiters *all, int64_t now_us, struct feed_waiter **woken);

void feed_waiters_take_all(struct feed_waiters *all, enum feed_reason reason,
                           struct feed_waiter **woken);

/* When there may next be somebody whose time is over; INT64_MAX: never. A waiter is taken within
 * FEED_WAITERS_SLOT_US after its time. */
int64_t feed_waiters_next_due_us(const struct feed_waiters *all, int64_t now_us);

#define FEED_WAITERS_SLOT_US 65536

#endif
