#include "service/events/notifier.h"

#include "db/base/monotonic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Maximum number of events that one round reads. */
#define ROUND_EVENTS 256

/* Maximum number of waiters that are woken at once: an HTTP thread sends to all of them before it
 * handles anything else. The pause after a batch is about twice the processor time that the batch
 * takes, so other requests are served in between, however many waiters there are. */
#define WAKE_BATCH 32
#define WAKE_PAUSE_US 1000

/* Pause between rounds, so that events which arrive one by one share a wakeup. */
#define ROUND_PAUSE_US 250

#define READ_RETRY_US INT64_C(1000000)

struct notifier {
    struct event_source source;
    pthread_t thread;
    atomic_int_least64_t announced; /* newest event that the writer has announced */
    atomic_bool is_asleep;          /* there are waiters, and the thread is idle */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        struct waiters *waiters;
        int64_t notified_id; /* all waiters have been notified of events up to this id */
        int64_t wake_at_us;  /* when the thread wakes by itself; 0: it is awake */
        uint64_t generation; /* of the tokens, at their last reload */
        bool draining;
        bool stopping;
    } _shared;

    /* Only the notifier thread. */
    int64_t next_round_us;
    struct notifier_event events[ROUND_EVENTS];
};

struct notifier *notifier_new(void)
{
    struct notifier *notifier = calloc(1, sizeof(*notifier));
    pthread_condattr_t monotonic;

    if (notifier == NULL)
        abort();
    notifier->_shared.waiters = waiters_new();
    pthread_mutex_init(&notifier->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&notifier->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return notifier;
}

void notifier_free(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    waiters_free(notifier->_shared.waiters);
    pthread_cond_destroy(&notifier->changed);
    pthread_mutex_destroy(&notifier->lock);
    free(notifier);
}

void notifier_announce(struct notifier *notifier, int64_t newest)
{
    atomic_store(&notifier->announced, newest);
    /* The thread sets `is_asleep` before it reads `announced` for the last time. */
    if (!atomic_load(&notifier->is_asleep))
        return;
    pthread_mutex_lock(&notifier->lock);
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
}

static bool has_events_locked(const struct notifier *notifier)
{
    return waiters_has_yielded(notifier->_shared.waiters) ||
           (waiters_count(notifier->_shared.waiters) > 0 &&
            atomic_load(&notifier->announced) > notifier->_shared.notified_id);
}

bool notifier_wait(struct notifier *notifier, struct waiter *waiter)
{
    pthread_mutex_lock(&notifier->lock);
    const bool is_accepted = !notifier->_shared.draining;
    if (is_accepted) {
        /* Without waiters no round advances `notified_id`, so the first waiter does. */
        if (waiters_count(notifier->_shared.waiters) == 0 &&
            waiter->seen > notifier->_shared.notified_id)
            notifier->_shared.notified_id = waiter->seen;
        waiter->soon = waiter->soon || waiter->seen < notifier->_shared.notified_id ||
                       waiter->generation < notifier->_shared.generation;
        waiters_add(notifier->_shared.waiters, waiter);
        const bool is_asleep = notifier->_shared.wake_at_us != 0;
        atomic_store(&notifier->is_asleep, is_asleep);
        if (is_asleep &&
            (has_events_locked(notifier) || waiter->deadline_us < notifier->_shared.wake_at_us))
            pthread_cond_signal(&notifier->changed);
    }
    pthread_mutex_unlock(&notifier->lock);
    return is_accepted;
}

static void sleep_us(int64_t us)
{
    const struct timespec duration = {us / 1000000, us % 1000000 * 1000};

    nanosleep(&duration, NULL);
}

static void wake_all(struct waiter *woken, int64_t batch_pause_us)
{
    for (size_t count = 1; woken != NULL; count++) {
        struct waiter *next = woken->next;
        woken->wake(woken);
        woken = next;
        if (batch_pause_us > 0 && woken != NULL && count % WAKE_BATCH == 0)
            sleep_us(batch_pause_us);
    }
}

void notifier_reauthorize(struct notifier *notifier, uint64_t generation)
{
    struct waiter *woken = NULL;

    pthread_mutex_lock(&notifier->lock);
    notifier->_shared.generation = generation;
    waiters_remove_all(notifier->_shared.waiters, WAKE_EVENT, &woken);
    pthread_mutex_unlock(&notifier->lock);
    wake_all(woken, WAKE_PAUSE_US);
}

void notifier_drain(struct notifier *notifier)
{
    struct waiter *woken = NULL;

    pthread_mutex_lock(&notifier->lock);
    notifier->_shared.draining = true;
    waiters_remove_all(notifier->_shared.waiters, WAKE_STOPPING, &woken);
    pthread_mutex_unlock(&notifier->lock);
    wake_all(woken, 0);
}

/* Sleeps until `at_us`, or until `changed` is signaled. */
static void sleep_locked(struct notifier *notifier, int64_t at_us)
{
    const struct timespec at = {at_us / 1000000, at_us % 1000000 * 1000};

    if (at_us == INT64_MAX)
        pthread_cond_wait(&notifier->changed, &notifier->lock);
    else
        pthread_cond_timedwait(&notifier->changed, &notifier->lock, &at);
}

/* Sleeps when there is nothing to do. */
static bool has_work_locked(struct notifier *notifier)
{
    const int64_t now_us = monotonic_us();
    const int64_t due_us = waiters_next_due_us(notifier->_shared.waiters, now_us);

    notifier->_shared.wake_at_us = due_us;
    atomic_store(&notifier->is_asleep, waiters_count(notifier->_shared.waiters) > 0);
    const bool has_work = due_us <= now_us || has_events_locked(notifier);
    if (!has_work)
        sleep_locked(notifier, due_us);
    notifier->_shared.wake_at_us = 0;
    atomic_store(&notifier->is_asleep, false);
    return has_work;
}

/* Result of reading the events of one round. */
struct round {
    size_t count;
    int64_t newest; /* all events up to this id are in this round or an earlier one */
    bool failed;
};

/* When the store returns fewer events than fit, there are no others up to the id announced
 * before. */
static struct round read_events(struct notifier *notifier, int64_t after)
{
    const int64_t announced = atomic_load(&notifier->announced);
    struct round round = {.newest = after};
    struct error err;

    if (announced <= after)
        return round;
    round.failed = !notifier->source.read(notifier->source.arg, after, notifier->events,
                                          ROUND_EVENTS, &round.count, &err);
    if (round.failed)
        notifier->source.failed(notifier->source.arg, &err);
    else if (round.count > 0)
        round.newest = notifier->events[round.count - 1].id;
    if (round.count < ROUND_EVENTS && round.newest < announced)
        round.newest = announced;
    return round;
}

static struct waiter *collect_wakeups_locked(struct notifier *notifier, const struct round *round)
{
    struct waiters *waiters = notifier->_shared.waiters;
    struct waiter *woken = NULL;
    struct waiter *expired = NULL;

    if (round->failed)
        waiters_remove_all(waiters, WAKE_EVENT, &woken);
    waiters_remove_any(waiters, round->newest, &woken);
    waiters_remove_soon(waiters, &woken);
    /* The list is a stack, so the waiters of single sessions are woken first. */
    for (size_t i = 0; i < round->count; i++)
        waiters_remove_session(waiters, notifier->events[i].session_id, notifier->events[i].id,
                               &woken);
    if (round->newest > notifier->_shared.notified_id)
        notifier->_shared.notified_id = round->newest;
    waiters_remove_due(waiters, monotonic_us(), &expired);
    while (expired != NULL) {
        struct waiter *waiter = expired;
        expired = waiter->next;
        if (waiter->seen < notifier->_shared.notified_id)
            waiter->seen = notifier->_shared.notified_id;
        waiter->next = woken;
        woken = waiter;
    }
    return woken;
}

static void run_round_locked(struct notifier *notifier)
{
    const int64_t after = notifier->_shared.notified_id;

    pthread_mutex_unlock(&notifier->lock);
    const struct round round = read_events(notifier, after);
    pthread_mutex_lock(&notifier->lock);
    struct waiter *woken = collect_wakeups_locked(notifier, &round);
    pthread_mutex_unlock(&notifier->lock);
    wake_all(woken, WAKE_PAUSE_US);
    notifier->next_round_us = monotonic_us() + (round.failed ? READ_RETRY_US : ROUND_PAUSE_US);
    pthread_mutex_lock(&notifier->lock);
}

static void *notifier_run(void *arg)
{
    struct notifier *notifier = arg;

    pthread_mutex_lock(&notifier->lock);
    while (!notifier->_shared.stopping) {
        if (!has_work_locked(notifier))
            continue;
        if (monotonic_us() < notifier->next_round_us)
            sleep_locked(notifier, notifier->next_round_us);
        else
            run_round_locked(notifier);
    }
    pthread_mutex_unlock(&notifier->lock);
    return NULL;
}

bool notifier_start(struct notifier *notifier, const struct event_source *source, struct error *err)
{
    notifier->source = *source;
    if (pthread_create(&notifier->thread, NULL, notifier_run, notifier) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the notifier thread");
    return true;
}

void notifier_stop(struct notifier *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    notifier->_shared.stopping = true;
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
    pthread_join(notifier->thread, NULL);
}
