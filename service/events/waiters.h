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

enum wake_reason {
    WAKE_EVENT,   /* there is an event, or it is the waiter's turn */
    WAKE_TIME,    /* the time is over */
    WAKE_STOPPING /* nobody may wait any more */
};

struct waiter;

struct waiter_link {
    struct waiter *before;
    struct waiter *after;
    struct waiter **list; /* NULL: in none */
};

/* Belongs to whoever waits, and must not be moved or changed while it does. */
struct waiter {
    const char *session_id; /* NULL: an event of any session ends the wait */
    int64_t seen;           /* no event up to this id does; raised when the wait is over */
    int64_t deadline_us;    /* monotonic */
    bool soon;              /* waits for its turn only */
    uint64_t generation;    /* of the tokens by which it was authorized */
    void (*wake)(struct waiter *waiter);
    enum wake_reason reason; /* why the wait is over */
    struct waiter *next;     /* of those that are woken together */

    struct waiter_link place; /* by what it waits for */
    struct waiter_link timer; /* by its deadline */
};

struct waiters;

struct waiters *waiters_new(void);
void waiters_free(struct waiters *all);

size_t waiters_count(const struct waiters *all);

/* Whether somebody waits for its turn only. */
bool waiters_any_soon(const struct waiters *all);

void waiters_add(struct waiters *all, struct waiter *waiter);

/* Each of these takes out those that it names and puts them in front of the list *woken. */

/* Those who wait for this session and have not seen the event. */
void waiters_take_session(struct waiters *all, const char *session_id, int64_t event_id,
                          struct waiter **woken);

/* Those who wait for any event and have not seen all up to `newest`. */
void waiters_take_any(struct waiters *all, int64_t newest, struct waiter **woken);

void waiters_take_soon(struct waiters *all, struct waiter **woken);

/* Those whose time is over. */
void waiters_take_due(struct waiters *all, int64_t now_us, struct waiter **woken);

void waiters_take_all(struct waiters *all, enum wake_reason reason, struct waiter **woken);

/* When there may next be somebody whose time is over; INT64_MAX: never. A waiter is taken within
 * WAITERS_SLOT_US after its time. */
int64_t waiters_next_due_us(const struct waiters *all, int64_t now_us);

#define WAITERS_SLOT_US 65536

#endif
