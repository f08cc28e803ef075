/*
 * Waiters for events, indexed by what they wait for: a session (hash table), any event, or their
 * next time slice; and by deadline (timer wheel). Only waking all waiters visits all of them. Pure:
 * the caller passes the time and holds the lock.
 */
#ifndef SESSIOND_SERVICE_EVENTS_WAITERS_H
#define SESSIOND_SERVICE_EVENTS_WAITERS_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum wake_reason {
    WAKE_EVENT,   /* there is an event, or a time slice was yielded */
    WAKE_TIME,    /* the deadline has passed */
    WAKE_STOPPING /* the service is stopping */
};

struct waiter;

struct waiter_link {
    struct waiter *before;
    struct waiter *after;
    struct waiter **list; /* NULL: not in a list */
};

/* Owned by the caller. It must not be moved or changed while it waits. */
struct waiter {
    const char *session_id; /* borrowed; NULL: events of all sessions */
    /* last event id that does not end the wait; raised when the wait ends */
    int64_t seen;
    int64_t deadline_us; /* monotonic */
    bool soon;           /* ends the wait in the next round, without an event */
    /* generation of the tokens at the last authorization */
    uint64_t generation;
    void (*wake)(struct waiter *waiter);
    enum wake_reason reason; /* why the wait has ended */
    struct waiter *next;     /* next in the list of woken waiters */

    struct waiter_link place; /* in the list of its session, of any event or of `soon` */
    struct waiter_link timer; /* in the timer wheel */
};

struct waiters;

/* Creates an empty index. The caller frees it with waiters_free(). */
struct waiters *waiters_new(void);

/* Frees the index, but not the waiters. */
void waiters_free(struct waiters *all);

/* Returns the number of waiters. */
size_t waiters_count(const struct waiters *all);

/* Whether a waiter with `soon` exists. */
bool waiters_has_yielded(const struct waiters *all);

/* Adds a waiter. A deadline in the past is allowed. */
void waiters_add(struct waiters *all, struct waiter *waiter);

/* Each of the following functions removes waiters and prepends them to the list *woken. */

/* Removes the waiters of this session that have not seen the event. */
void waiters_remove_session(struct waiters *all, const char *session_id, int64_t event_id,
                            struct waiter **woken);

/* Removes the waiters for any event that have not seen all events up to `newest`. */
void waiters_remove_any(struct waiters *all, int64_t newest, struct waiter **woken);

/* Removes the waiters with `soon`. */
void waiters_remove_soon(struct waiters *all, struct waiter **woken);

/* Removes the waiters whose deadline has passed. */
void waiters_remove_due(struct waiters *all, int64_t now_us, struct waiter **woken);

/* Removes all waiters, for `reason`. */
void waiters_remove_all(struct waiters *all, enum wake_reason reason, struct waiter **woken);

/* Returns the next time at which a deadline may pass; INT64_MAX: never. waiters_remove_due()
 * removes a waiter within WAITERS_SLOT_US after its deadline. */
int64_t waiters_next_due_us(const struct waiters *all, int64_t now_us);

#define WAITERS_SLOT_US 65536

#endif
