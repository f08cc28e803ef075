/*
 * Tells those who wait for events that there are some. One thread: the writer says that it has
 * committed events (notifier_announce), the thread reads them, once for all, and wakes those who
 * wait for one of them. Who waits for events of one session is found by that session, so an event
 * costs the same however many wait for others.
 *
 * The thread works in rounds. The first event after a silence is told at once; behind a round that
 * woke many there is a pause, in which events gather, so that waking leaves most of the machine to
 * those who write.
 *
 * No event is missed: whoever waits says which events it has seen, and what is newer than that ends
 * the wait.
 */
#ifndef SESSIOND_SERVICE_EVENTS_NOTIFIER_H
#define SESSIOND_SERVICE_EVENTS_NOTIFIER_H

#include "db/base/uuid.h"
#include "service/events/waiters.h"

/* What the thread needs to know of an event. */
struct notifier_event {
    int64_t id;
    char session_id[UUID_SIZE];
};

/* Where the events come from. Called by the thread alone, from notifier_start until notifier_stop.
 */
struct event_source {
    void *arg;

    /* Reads at most `max` events with ids above `after`, the oldest first. Every event whose
     * announcement has begun is there. */
    bool (*read)(void *arg, int64_t after, struct notifier_event *out, size_t max, size_t *count,
                 struct error *err);

    /* The events could not be read: all who wait are woken, to look by themselves. */
    void (*failed)(void *arg, const struct error *err);
};

struct notifier;

struct notifier *notifier_new(void);

MUST_USE bool notifier_start(struct notifier *notifier, const struct event_source *source,
                             struct error *err);

/* Events up to this id are committed, and reads show them. The writer's thread; takes a lock only
 * when somebody waits and the thread sleeps. May come before notifier_start. */
void notifier_announce(struct notifier *notifier, int64_t newest);

/* Hands over a waiter until its `wake` is called, once, by the feed's thread, notifier_reauthorize
 * or notifier_drain, and perhaps before this returns. A waiter that was authorized before the last
 * notifier_reauthorize is woken at once. False, and nothing is handed over, when the feed is
 * drained.
 */
MUST_USE bool notifier_wait(struct notifier *notifier, struct waiter *waiter);

/* The tokens were read again, and this is their generation now. Wakes all waiters as if there were
 * an event: each checks whether its token still allows it to wait. */
void notifier_reauthorize(struct notifier *notifier, uint64_t generation);

/* Wakes all who wait; nobody waits from now on. */
void notifier_drain(struct notifier *notifier);

/* Ends the thread. Nobody waits any more. */
void notifier_stop(struct notifier *notifier);

void notifier_free(struct notifier *notifier);

#endif
