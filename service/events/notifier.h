/*
 * Notifier: wakes waiters when there are new events. The writer announces committed events
 * (notifier_announce). The notifier thread reads each event once and wakes the waiters that it
 * concerns. Waiters for one session are found by session id, so the cost of an event does not
 * depend on the number of other waiters.
 *
 * The thread works in rounds. It handles the first event after an idle period immediately. After
 * a round that woke many waiters it pauses, so that events accumulate and wakeups leave most of the
 * processor time to writers.
 *
 * No event is missed: a waiter states the last event that it has seen, and any newer event ends its
 * wait.
 */
#ifndef SESSIOND_SERVICE_EVENTS_NOTIFIER_H
#define SESSIOND_SERVICE_EVENTS_NOTIFIER_H

#include "db/base/uuid.h"
#include "service/events/waiters.h"

/* The part of an event that the notifier needs. */
struct notifier_event {
    int64_t id;
    char session_id[UUID_SIZE];
};

/* Source of events. Only the notifier thread calls it, from notifier_start() until
 * notifier_stop(). */
struct event_source {
    void *arg;

    /* Reads at most `max` events with ids above `after`, oldest first. Every event whose
     * announcement has begun must be visible. */
    bool (*read)(void *arg, int64_t after, struct notifier_event *out, size_t max, size_t *count,
                 struct error *err);

    /* Reports that reading has failed. The notifier then wakes all waiters, which read by
     * themselves. */
    void (*failed)(void *arg, const struct error *err);
};

struct notifier;

/* Creates a notifier without a thread. The caller frees it with notifier_free(). */
struct notifier *notifier_new(void);

/* Starts the thread. Copies `source`; its `arg` is borrowed until notifier_stop(). Fails when the
 * thread cannot be created. */
MUST_USE bool notifier_start(struct notifier *notifier, const struct event_source *source,
                             struct error *err);

/* Announces that events up to this id are committed and visible to reads. Writer thread. Takes the
 * lock only when there are waiters and the notifier thread sleeps. May be called before
 * notifier_start(). */
void notifier_announce(struct notifier *notifier, int64_t newest);

/* Registers a waiter. The notifier calls its `wake` exactly once: from the notifier thread, from
 * notifier_reauthorize() or from notifier_drain(), possibly before this function returns. A waiter
 * that was authorized before the last notifier_reauthorize() is woken immediately. Returns false,
 * and registers nothing, after notifier_drain(). */
MUST_USE bool notifier_wait(struct notifier *notifier, struct waiter *waiter);

/* Wakes all waiters after a reload of the tokens, whose current generation is `generation`. Each
 * waiter then checks whether its token still allows it to wait. */
void notifier_reauthorize(struct notifier *notifier, uint64_t generation);

/* Wakes all waiters with WAKE_STOPPING and rejects new ones. */
void notifier_drain(struct notifier *notifier);

/* Stops the thread. There must be no waiters. */
void notifier_stop(struct notifier *notifier);

/* Frees the notifier. The thread must be stopped or never started. `notifier` may be NULL. */
void notifier_free(struct notifier *notifier);

#endif
