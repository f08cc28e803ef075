#include "service/events/notifier.h"

#include "db/base/monotonic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Events that are read in one round. */
#define ROUND_EVENTS 256

/* So many are woken in one go: an HTTP thread sends to all of them before it looks at anything
 * else. What that takes the processors is about half of the pause behind it, so that others come to
 * their turn in between, however many wait. */
#define SLICE 32
#define SLICE_PAUSE_US 1000

/* Between rounds, so that events which come one by one are told together. */
#define PAUSE_US 250

#define RETRY_US INT64_C(1000000)

struct feed {
    struct feed_source source;
    pthread_t thread;
    atomic_int_least64_t announced; /* the newest event that the writer told of */
    atomic_bool asleep;             /* somebody waits, and the thread has nothing to do */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        struct feed_waiters *waiters;
        int64_t told;        /* those who wait know of all events up to this one */
        int64_t wakes_at_us; /* when the thread goes on by itself; 0: it is not asleep */
        uint64_t generation; /* of the tokens */
        bool draining;
        bool stopping;
    } _shared;

    /* The thread's own. */
    int64_t next_round_us;
    struct feed_event events[ROUND_EVENTS];
};

struct feed *feed_new(void)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    pthread_condattr_t monotonic;

    if (feed == NULL)
        abort();
    feed->_shared.waiters = feed_waiters_new();
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return feed;
}

void feed_free(struct feed *feed)
{
    if (feed == NULL)
        return;
    feed_waiters_free(feed->_shared.waiters);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

void feed_announce(struct feed *feed, int64_t newest)
{
    atomic_store(&feed->announced, newest);
    /* The thread says that it sleeps before it looks at `announced` for the last time. */
    if (!atomic_load(&feed->asleep))
        return;
    pthread_mutex_lock(&feed->lock);
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

static bool has_news_locked(const struct feed *feed)
{
    return feed_waiters_any_soon(feed->_shared.waiters) ||
           (feed_waiters_count(feed->_shared.waiters) > 0 &&
            atomic_load(&feed->announced) > feed->_shared.told);
}

bool feed_park(struct feed *feed, struct feed_waiter *waiter)
{
    pthread_mutex_lock(&feed->lock);
    const bool parked = !feed->_shared.draining;
    if (parked) {
        /* While nobody waits, nobody is told. */
        if (feed_waiters_count(feed->_shared.waiters) == 0 && waiter->seen > feed->_shared.told)
            feed->_shared.told = waiter->seen;
        waiter->soon = waiter->soon || waiter->seen < feed->_shared.told ||
                       waiter->generation < feed->_shared.generation;
        feed_waiters_add(feed->_shared.waiters, waiter);
        const bool asleep = feed->_shared.wakes_at_us != 0;
        atomic_store(&feed->asleep, asleep);
        if (asleep && (has_news_locked(feed) || waiter->deadline_us < feed->_shared.wakes_at_us))
            pthread_cond_signal(&feed->changed);
    }
    pthread_mutex_unlock(&feed->lock);
    return parked;
}

static void pause_for(int64_t us)
{
    const struct timespec duration = {us / 1000000, us % 1000000 * 1000};

    nanosleep(&duration, NULL);
}

static void wake(struct feed_waiter *woken, int64_t slice_pause_us)
{
    for (size_t count = 1; woken != NULL; count++) {
        struct feed_waiter *next = woken->next;
        woken->wake(woken);
        woken = next;
        if (slice_pause_us > 0 && woken != NULL && count % SLICE == 0)
            pause_for(slice_pause_us);
    }
}

void feed_reauthorize(struct feed *feed, uint64_t generation)
{
    struct feed_waiter *woken = NULL;

    pthread_mutex_lock(&feed->lock);
    feed->_shared.generation = generation;
    feed_waiters_take_all(feed->_shared.waiters, FEED_EVENT, &woken);
    pthread_mutex_unlock(&feed->lock);
    wake(woken, SLICE_PAUSE_US);
}

void feed_drain(struct feed *feed)
{
    struct feed_waiter *woken = NULL;

    pthread_mutex_lock(&feed->lock);
    feed->_shared.draining = true;
    feed_waiters_take_all(feed->_shared.waiters, FEED_STOPPING, &woken);
    pthread_mutex_unlock(&feed->lock);
    wake(woken, 0);
}

/* Until `at_us`, or until something has changed. */
static void sleep_locked(struct feed *feed, int64_t at_us)
{
    const struct timespec at = {at_us / 1000000, at_us % 1000000 * 1000};

    if (at_us == INT64_MAX)
        pthread_cond_wait(&feed->changed, &feed->lock);
    else
        pthread_cond_timedwait(&feed->changed, &feed->lock, &at);
}

/* Sleeps where there is nothing to do. */
static bool has_work_locked(struct feed *feed)
{
    const int64_t now_us = monotonic_us();
    const int64_t due_us = feed_waiters_next_due_us(feed->_shared.waiters, now_us);

    feed->_shared.wakes_at_us = due_us;
    atomic_store(&feed->asleep, feed_waiters_count(feed->_shared.waiters) > 0);
    const bool works = due_us <= now_us || has_news_locked(feed);
    if (!works)
        sleep_locked(feed, due_us);
    feed->_shared.wakes_at_us = 0;
    atomic_store(&feed->asleep, false);
    return works;
}

/* What a round has read. */
struct round {
    size_t count;
    int64_t newest; /* all events up to here are among them, or were told before */
    bool failed;
};

/* Where fewer came than there was room for, nothing is left up to what was announced before. */
static struct round read_events(struct feed *feed, int64_t after)
{
    const int64_t announced = atomic_load(&feed->announced);
    struct round round = {.newest = after};
    struct error err;

    if (announced <= after)
        return round;
    round.failed =
        !feed->source.read(feed->source.arg, after, feed->events, ROUND_EVENTS, &round.count, &err);
    if (round.failed)
        feed->source.failed(feed->source.arg, &err);
    else if (round.count > 0)
        round.newest = feed->events[round.count - 1].id;
    if (round.count < ROUND_EVENTS && round.newest < announced)
        round.newest = announced;
    return round;
}

static struct feed_waiter *take_concerned_locked(struct feed *feed, const struct round *round)
{
    struct feed_waiters *waiters = feed->_shared.waiters;
    struct feed_waiter *woken = NULL;
    struct feed_waiter *late = NULL;

    if (round->failed)
        feed_waiters_take_all(waiters, FEED_EVENT, &woken);
    feed_waiters_take_any(waiters, round->newest, &woken);
    feed_waiters_take_soon(waiters, &woken);
    /* The last are the first to be woken: those whom one event alone concerns. */
    for (size_t i = 0; i < round->count; i++)
        feed_waiters_take_session(waiters, feed->events[i].session_id, feed->events[i].id, &woken);
    if (round->newest > feed->_shared.told)
        feed->_shared.told = round->newest;
    feed_waiters_take_due(waiters, monotonic_us(), &late);
    while (late != NULL) {
        struct feed_waiter *waiter = late;
        late = waiter->next;
        if (waiter->seen < feed->_shared.told)
            waiter->seen = feed->_shared.told;
        waiter->next = woken;
        woken = waiter;
    }
    return woken;
}

static void do_round_locked(struct feed *feed)
{
    const int64_t after = feed->_shared.told;

    pthread_mutex_unlock(&feed->lock);
    const struct round round = read_events(feed, after);
    pthread_mutex_lock(&feed->lock);
    struct feed_waiter *woken = take_concerned_locked(feed, &round);
    pthread_mutex_unlock(&feed->lock);
    wake(woken, SLICE_PAUSE_US);
    feed->next_round_us = monotonic_us() + (round.failed ? RETRY_US : PAUSE_US);
    pthread_mutex_lock(&feed->lock);
}

static void *feed_run(void *arg)
{
    struct feed *feed = arg;

    pthread_mutex_lock(&feed->lock);
    while (!feed->_shared.stopping) {
        if (!has_work_locked(feed))
            continue;
        if (monotonic_us() < feed->next_round_us)
            sleep_locked(feed, feed->next_round_us);
        else
            do_round_locked(feed);
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

bool feed_start(struct feed *feed, const struct feed_source *source, struct error *err)
{
    feed->source = *source;
    if (pthread_create(&feed->thread, NULL, feed_run, feed) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start the thread that tells of events");
    return true;
}

void feed_stop(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->_shared.stopping = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    pthread_join(feed->thread, NULL);
}
